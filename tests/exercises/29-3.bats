# Exercise 29-3: a compressed twin goes to the clients that can read it.

setup() {
    load ../helper
    FILES=$BATS_TEST_TMPDIR/root
    mkdir -p "$FILES"
    echo plain > "$FILES/page.html"
    echo twin > "$FILES/page.html.gz"
    echo alone > "$FILES/alone.txt"
    start_step 29 --static-path="$FILES"
}
teardown() { stop_server clean; }

get() {
    local path=$1
    shift
    http -i "$@" "$URL/static/$path" | tr -d '\r'
}

@test "a client that can read gzip gets the twin, and is told what it is" {
    get page.html -H 'Accept-Encoding: deflate, gzip, br' > "$BATS_TEST_TMPDIR/out"
    [ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = twin ]
    grep -qx 'Content-Encoding: gzip' "$BATS_TEST_TMPDIR/out"
    grep -qx 'Content-Type: text/html; charset=utf-8' "$BATS_TEST_TMPDIR/out"
    grep -qx 'Content-Length: 5' "$BATS_TEST_TMPDIR/out"
    grep -qx 'Vary: Accept-Encoding' "$BATS_TEST_TMPDIR/out"
}

@test "all others get the file, and a cache is told that there are two" {
    for encoding in '' deflate gzipped 'br, x-gzip'; do
        get page.html -H "Accept-Encoding: $encoding" > "$BATS_TEST_TMPDIR/out"
        [ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = plain ]
        run ! grep '^Content-Encoding' "$BATS_TEST_TMPDIR/out"
        grep -qx 'Vary: Accept-Encoding' "$BATS_TEST_TMPDIR/out"
    done
    [ "$(get alone.txt -H 'Accept-Encoding: gzip' | tail -n 1)" = alone ]
    [ "$(get page.html.gz -H 'Accept-Encoding: gzip' | tail -n 1)" = twin ]
}

@test "the two have tags of their own" {
    local plain twin
    plain=$(get page.html | sed -n 's/^Etag: //p')
    twin=$(get page.html -H 'Accept-Encoding: gzip' | sed -n 's/^Etag: //p')
    [ "$plain" != "$twin" ]
    get page.html -H 'Accept-Encoding: gzip' -H "If-None-Match: $twin" | grep -q ' 304 '
    get page.html -H 'Accept-Encoding: gzip' -H "If-None-Match: $plain" | grep -q ' 200 '
}

@test "an error page is not compressed" {
    get page.html -H 'Accept-Encoding: gzip' -H 'If-Match: "x"' > "$BATS_TEST_TMPDIR/out"
    grep -q '^HTTP/1.1 412 ' "$BATS_TEST_TMPDIR/out"
    run ! grep '^Content-Encoding' "$BATS_TEST_TMPDIR/out"
}

@test "a twin is no way out of the root" {
    echo SECRET > "$BATS_TEST_TMPDIR/secret"
    ln -sf ../secret "$FILES/page.html.gz"
    [ "$(get page.html -H 'Accept-Encoding: gzip' | tail -n 1)" = plain ]
    rm "$FILES/page.html.gz"
    mkdir "$FILES/page.html.gz"
    [ "$(get page.html -H 'Accept-Encoding: gzip' | tail -n 1)" = plain ]
    mkfifo "$FILES/alone.txt.gz"
    [ "$(get alone.txt -H 'Accept-Encoding: gzip' | tail -n 1)" = alone ]
    for _ in $(seq 300); do echo "url = $URL/static/page.html"; done |
        http -K - -H 'Accept-Encoding: gzip' -o "$BATS_TEST_TMPDIR/out"
    [ ! -d /proc/self/fd ] || [ "$(descriptors)" -lt 30 ]
}
