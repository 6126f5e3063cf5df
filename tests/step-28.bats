# Chapter 28: which file a URL names, and how the file is sent.

setup() {
    load helper
    load tables
    load files
    make_site
}
teardown() { stop_server clean; }

serve() { start_step 28 --static-path="$FILES" "$@"; }

# slow PATH [RCVBUF [OP]]: a client asks for a file and takes only what the
# kernels take for it; it goes on when told to by go_on, and counts what comes.
slow() {
    mkfifo "$TMP/fifo"
    "$BUILD/client" "$PORT" rcvbuf "${2:-4096}" deaf \
        send "$(GET "$1" 'Connection: close\r\n')" hold "${3:-count}" < "$TMP/fifo" > "$TMP/slow" 2> "$TMP/complaint" 3>&- 4>&- &
    CLIENT_PID=$!
    exec 9> "$TMP/fifo"
    wait_until started "$1"
}

# started PATH: the first bytes of this file have been sent.
started() {
    awk -v head="GET /static/$1," 'index($0, head) { on = 1 }
        on && /bytes of the file/ { found = 1 } END { exit !found }' "$SERVER_LOG"
}

go_on() {
    local status=0
    exec 9>&-
    wait "$CLIENT_PID" || status=$?
    rm "$TMP/fifo"
    return $status
}

# The most memory that the server ever had, in kB.
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$SERVER_PID/status"; }

@test "a file is answered with its type and its length" {
    serve
    [ "$(get ten | sed -e '/^Date:/d' | grep -vE '^(Last-Modified|Etag|Accept-Ranges|Cache-Control):')" = "HTTP/1.1 200 OK
Server: DustDevil/1.0
Content-Type: application/octet-stream
Content-Length: 10

0123456789" ]
    [ "$(http -0 -H 'Connection: keep-alive' "$URL/static/ten")" = 0123456789 ]
    [ "$(get ten -d x | header Allow)" = "GET, HEAD" ]
    [ "$(get empty | header Content-Length)" = 0 ]
    [ "$(http -I "$URL/static/ten" | tr -d '\r' | header Content-Length)" = 10 ]
}

@test "the type follows from the extension, whatever its case" {
    serve
    local name type
    while read -r name type; do
        : > "$FILES/$name"
        [ "$(get "$name" | header Content-Type)" = "$type" ] ||
            { echo "$name is not $type"; return 1; }
    done <<'END'
a.html text/html; charset=utf-8
a.HTM text/html; charset=utf-8
a.css text/css; charset=utf-8
a.js text/javascript; charset=utf-8
a.mjs text/javascript; charset=utf-8
a.json application/json
a.b.txt text/plain; charset=utf-8
a.md text/markdown; charset=utf-8
a.wasm application/wasm
a.webmanifest application/manifest+json
a.map application/json
a.svg image/svg+xml
a.PNG image/png
a.jpeg image/jpeg
a.ico image/vnd.microsoft.icon
a.woff2 font/woff2
a.ttf font/ttf
a.otf font/otf
a.ogg audio/ogg
a.flac audio/flac
a.m4a audio/mp4
a.avif image/avif
a.pdf application/pdf
a.mp4 video/mp4
a.html.gz application/gzip
.css text/css; charset=utf-8
html application/octet-stream
a.html.bak application/octet-stream
a.htmlx application/octet-stream
a. application/octet-stream
END
    mkdir "$FILES/d.html"
    : > "$FILES/d.html/x"
    [ "$(get d.html/x | header Content-Type)" = application/octet-stream ]
}

@test "a folder is its index.html, and its name ends with a slash" {
    serve
    [ "$(get sub/ | tail -n 1)" = '<p>the index' ]
    [ "$(get sub/ | header Content-Type)" = 'text/html; charset=utf-8' ]
    get sub > "$TMP/out"
    head -n 1 "$TMP/out" | grep -q '^HTTP/1.1 301 '
    [ "$(header Location < "$TMP/out")" = /static/sub/ ]
    [ "$(get 'sub?a=b&c' | header Location)" = '/static/sub/?a=b&c' ]
    [ "$(http -L "$URL/static/sub")" = '<p>the index' ]
    mkdir -p "$FILES/a b/c" "$FILES/bare/index.html"
    [ "$(get 'a%20b' | header Location)" = /static/a%20b/ ]

    [ "$(get /sub | header Location)" = /static//sub/ ]
    [ "$(http -i "$URL/static?a" | tr -d '\r' | header Location)" = '/static/?a' ]
    for path in bare/ '' a%20b/c/ ten/ ten/. sub/index.html/; do
        get "$path" | grep -qx 'HTTP/1.1 404 Not Found' || { echo "$path"; return 1; }
    done
    echo root > "$FILES/index.html"
    [ "$(get '' | tail -n 1)" = root ]
}

@test "a name is decoded once, and then it is a name" {
    serve
    cd "$FILES"
    printf plus > 'a b+c%.txt'
    printf percent > '%2e%2e'
    printf dots > ...
    printf two > ..a
    printf back > 'a\b'
    printf uml > $'\xc3\xbc'
    printf wild > $'\xff'
    printf colon > 'C:'
    cd "$ROOT"
    table named <<'END'
200 plus
    a%20b+c%25.txt
    a%20b%2bc%25.txt
    %61%20b%2Bc%.txt
200 percent
    %252e%252e
    %25%32%65%252e
200 dots
    ...
    %2e%2e.
    .//...
200 two
    ..a
200 back
    a\\b
    a%5cb
200 uml
    %c3%bc
200 wild
    %ff
200 colon
    C:
200 0123456789
    %74en
    ./ten
    //ten
    .%2F.//ten
200 <p>a page
    sub/page.html
    sub%2fpage.html
    sub//./page.html
END
}

@test "there is no way out of the root" {
    local deep out
    mkdir "$TMP/outside" "$TMP/site-private"
    echo SECRET | tee "$TMP/outside/s" "$TMP/site-private/s" "$TMP/s" > /dev/null
    serve
    out=$TMP/outside/s
    deep=$(many 2000 / | sed 's|/|a/|g')
    table named <<END
404
    ..
    ../
    ../s
    ../outside/s
    ../../../../../../../../../../../../etc/passwd
    ../site-private/s
    -private/s
    ../site/ten
    sub/..
    sub/../ten
    sub/../../s
    sub/page.html/../../../s
    ./../s
    .//../s
    //../s
    %2e%2e/s
    %2E%2e%2Fs
    ..%2fs
    .%2e/s
    %2e./s
    sub%2f..%2f..%2fs
    sub/%2e%2e/%2e%2e/s
    %252e%252e/s
    %252e%252e%252fs
    ..%252fs
    %25252e%25252e/s
    ..\\\\s
    ..%5cs
    %2e%2e%5cs
    sub\\\\..\\\\..\\\\s
    ..%00/s
    ..%00
    %00
    %00/../s
    ten%00
    ten%00.html
    sub/%00
    .%00./s
    ..%c0%afs
    %c0%ae%c0%ae/s
    %c0%ae%c0%ae%c0%afs
    %e0%80%ae%e0%80%ae/s
    %uff0e%uff0e/s
    %ff%0e%ff%0e/s
    ....//s
    .../...//s
    ..;/s
    ..%3b/s
    ..%20/s
    ..%09/s
    ..%0d%0a/s
    ~/s
    $out
    /$out
    %2f$out
    file://$out
    /etc/passwd
    //etc/passwd
    proc/self/cwd/README.md
    $deep
    $(many 300)
    ten/s
    nothing
END
    # Nor is one before the path is split from what stands around it.
    for request in 'GET /static/../../s' "GET http://x/static/../s" 'GET /../s' \
        'GET /static/..%2f..?x' 'GET //static/../s' 'GET /static/..#/s' 'GET /static../s'; do
        client send "$request HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" read > "$TMP/out"
        grep -qE '^HTTP/1.1 40[04] ' "$TMP/out" || { cat "$TMP/out"; return 1; }
        ! grep SECRET "$TMP/out" || false
    done
}

@test "no symbolic link is followed, wherever it leads" {
    mkdir -p "$TMP/outside" "$FILES/linked"
    echo SECRET | tee "$TMP/outside/s" "$TMP/outside/index.html" > /dev/null
    cd "$FILES"
    ln -s ../outside/s out
    ln -s "$TMP/outside/s" absolute
    ln -s ../outside folder
    ln -s / all
    ln -s ten inside
    ln -s sub within
    ln -s . here
    ln -s .. up
    ln -s nowhere broken
    ln -s loop loop
    ln -s /proc/self/fd proc
    ln -s ../../outside/index.html linked/index.html
    cd "$ROOT"

    # The root itself may be a link: it is opened once, when the server starts.
    ln -s site "$TMP/link"
    start_step 28 --static-path="$TMP/link"
    table named <<END
404
    out
    out/
    absolute
    folder
    folder/
    folder/s
    folder/index.html
    all/
    all$TMP/outside/s
    inside
    within
    within/
    within/page.html
    here/ten
    here/here/ten
    up/outside/s
    up/site/ten
    broken
    loop
    proc/0
    linked/
    linked/index.html
200 0123456789
    ten
END
    # Another root in the old one's place is not the one that was opened.
    mv "$FILES" "$TMP/elsewhere"
    ln -s outside "$TMP/site"
    named 200 0123456789 ten
    named 404 '' s
}

@test "what is not a file is not waited for" {
    serve --trace
    mkfifo "$FILES/pipe" "$FILES/sub/pipe"
    table named <<'END'
404
    pipe
    sub/pipe
    pipe/
    pipe/x
END
    rm "$FILES/sub/index.html"
    mkfifo "$FILES/sub/index.html"
    named 404 '' sub/
    if [ "$(id -u)" -ne 0 ]; then
        chmod 000 "$FILES/ten"
        named 403 '' ten
        chmod 600 "$FILES/ten"
    fi
    named 200 0123456789 ten
}

@test "a large file is sent whole, over a connection of any width" {
    serve
    large large 200000
    http "$URL/static/large" | cmp "$FILES/large" -
    client rcvbuf 8192 send "$(GET large 'Connection: close\r\n')" readuntil '\r\n\r\n' \
        read | sed '1,/^\r$/d' | cmp "$FILES/large" -
}

# cut_short: a file that shrinks under a slow reader.
cut_short() {
    local status=0
    large big 800000
    slow big
    head -c 1000 < /dev/zero > "$FILES/big"
    go_on || status=$?
    [ "$status" -eq 4 ] || { echo "status $status: $(cat "$TMP/slow" "$TMP/complaint")"; return 1; }
}

@test "a file that shrinks on its way is cut off" {
    serve --trace
    cut_short
    wait_for_line "$SERVER_LOG" '\(20\)'
    [ "$(http "$URL/static/ten")" = 0123456789 ]
}

# The second piece of the file is read when the kernel has taken all of the first,
# 65536 bytes. The end of the file is then among these, in the middle of a page. A
# page that was lent to the kernel would be zeros from there on.
@test "what arrives of a file that shrinks is its beginning, and nothing else" {
    serve --trace
    local size status=0
    large big 800000
    cp "$FILES/big" "$TMP/before"
    slow big 65536 read
    wait_until eval '[ "$(grep -c "bytes of the file" "$SERVER_LOG")" -ge 2 ]'
    truncate -s 40100 "$FILES/big"
    go_on || status=$?
    [ "$status" -eq 4 ]
    sed '1,/^\r$/d' "$TMP/slow" > "$TMP/got"
    size=$(($(wc -c < "$TMP/got")))
    echo "$size bytes"
    [ "$size" -ge 65536 ]
    head -c "$size" "$TMP/before" | cmp - "$TMP/got"
}

@test "a file that grows or is touched on its way arrives with the promised length" {
    serve --trace
    local change name=big sent
    for change in 'printf X >> $FILES/$name' 'touch $FILES/$name' \
        'printf X | dd of=$FILES/$name bs=1 seek=12000000 conv=notrunc'; do
        name+=x
        large $name 800000
        TZ=UTC touch -t 202001020304.05 "$FILES/$name"
        slow $name 65536
        eval "$change" 2> "$TMP/dd"
        go_on || { echo "$change: $(cat "$TMP/slow" "$TMP/complaint")"; return 1; }
        sent=$(cat "$TMP/slow")
        [[ $sent -gt 12800000 && $sent -lt 12801000 ]]
    done
}

@test "a file that is replaced on its way arrives as it was" {
    serve --trace
    large big 800000
    cp "$FILES/big" "$TMP/before"
    large other 900000
    tr ' ' _ < "$FILES/other" > "$FILES/new"
    slow big 65536 read
    mv "$FILES/new" "$FILES/big"
    go_on
    sed '1,/^\r$/d' "$TMP/slow" | cmp "$TMP/before" -
    http "$URL/static/big" | cmp "$FILES/big" -
}

@test "a file that is replaced is served new from then on" {
    serve
    local i
    for i in $(seq 30); do
        printf '%010d' "$i" > "$FILES/new"
        mv "$FILES/new" "$FILES/ten"
        [ "$(http "$URL/static/ten")" -eq "$((10#$i))" ]
    done
    # Also on a connection that stays open, and between two requests on it.
    mkfifo "$TMP/fifo"
    "$BUILD/client" "$PORT" send "$(GET ten)" readuntil 30 hold \
        send "$(GET ten 'Connection: close\r\n')" read < "$TMP/fifo" > "$TMP/out" 3>&- 4>&- &
    exec 9> "$TMP/fifo"
    wait_until eval '[ "$(grep -c "200 GET /static/ten" "$SERVER_LOG")" -eq 31 ]'
    printf 'the newest' > "$FILES/new"
    mv "$FILES/new" "$FILES/ten"
    exec 9>&-
    wait "$!"
    [ "$(tail -n 1 "$TMP/out")" = 'the newest' ]
}

@test "a slow reader keeps no other client waiting" {
    serve --trace
    large big 800000
    slow big 65536
    for i in 1 2 3; do
        [ "$(http "$URL/static/ten")" = 0123456789 ]
    done
    ! grep -F '200 GET /static/big (' "$SERVER_LOG" || false
    go_on
    wait_for_line "$SERVER_LOG" '200 GET /static/big \('
}

@test "memory does not grow with the file" {
    [ -r /proc/self/status ] || skip "there is no /proc"
    if grep -q __asan_init "${SERVER:-$BUILD/step-28/server}"; then
        skip "a sanitizer keeps what is freed"
    fi
    serve --log=none
    local before i
    sparse sparse 209715200
    for i in 1 2 3; do http "$URL/static/ten" > /dev/null; done
    before=$(peak)
    [ "$(http "$URL/static/sparse" | wc -c)" -eq 209715200 ]
    [ "$(peak)" -lt $((before + 2000)) ]
}

@test "every file that was opened is closed" {
    [ -d /proc/self/fd ] || skip "there is no /proc"
    serve --trace
    all_closed
}

@test "without a descriptor for the file the answer is 503, and later it is 200" {
    [ -d /proc/self/fd ] || skip "there is no /proc"
    local limit open room
    not_over_tls "the program is the last one, which raises its own limit"
    serve
    open=$(descriptors)
    room=$(room_for 4) # two clients that stay, one that asks, and one descriptor
    stop_server clean
    limit=$(ulimit -S -n)
    ulimit -S -n "$room"
    serve
    ulimit -S -n "$limit"
    mkfifo "$TMP/fifo"
    "$BUILD/client" -c 2 "$PORT" hold < "$TMP/fifo" > "$TMP/out" 2>&1 3>&- 4>&- &
    exec 9> "$TMP/fifo"
    wait_until eval '[ "$(descriptors)" -eq "$((open + 2))" ]'
    named 503 '' sub/page.html # which needs two at a time
    # The server may see the next client before it sees that this one has gone.
    wait_until eval '[ "$(descriptors)" -eq "$((open + 2))" ]'
    named 200 0123456789 ten
    exec 9>&-
    wait_until eval '[ "$(descriptors)" -eq "$open" ]'
    named 200 0123456789 ten
}

@test "a file whose size cannot be asked for is 503, not 404" {
    command -v strace > /dev/null || skip "strace is not installed"
    serve
    strace -f -qq -o /dev/null -e trace=fstat,newfstatat \
        -e inject=fstat,newfstatat:error=EIO -p "$SERVER_PID" 2> "$TMP/strace" 3>&- 4>&- &
    local strace=$!
    wait_until grep -q '^TracerPid:.*[1-9]' "/proc/$SERVER_PID/status" ||
        skip "strace may not look"
    named 503 '' ten
    named 404 '' nothing
    kill -INT "$strace"
    wait "$strace" || true
    named 200 0123456789 ten
}

# unprivileged PROGRAM: runs it as another user, where root would be allowed all.
unprivileged() {
    [ "$(id -u)" -eq 0 ] || return 0
    command -v setpriv > /dev/null || skip "there is no setpriv"
    SERVER=$TMP/unprivileged
    printf '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups %s "$@"\n' \
        "$(realpath "${1}")" > "$SERVER"
    chmod +x "$SERVER"
}

@test "a folder that may be searched, but not listed, is served" {
    not_over_tls "this server may not read the certificate"
    unprivileged "${SERVER:-$BUILD/step-28/server}"
    chmod 311 "$FILES" "$FILES/sub"
    [ "$(id -u)" -ne 0 ] || chmod o+x "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR/.." "$TMP"
    chmod a+r "$FILES/ten" "$FILES/sub/index.html"
    serve
    [ "$(http "$URL/static/ten")" = 0123456789 ]
    [ "$(http "$URL/static/sub/")" = '<p>the index' ]
    [ "$(get sub | header Location)" = /static/sub/ ]
    chmod 644 "$FILES/sub"
    named 403 '' sub/page.html
    chmod 755 "$FILES" "$FILES/sub" # so that bats can remove them
}

@test "a root that cannot be opened is said at the start, if it was asked for" {
    local program status
    program=${SERVER:-$BUILD/step-28/server}
    program=$(cd "${program%/*}" && pwd)/${program##*/}
    for path in "$TMP/nowhere" "$FILES/ten"; do
        status=0
        "$program" --port=0 --static-path="$path" > "$TMP/out" 2> "$TMP/err" || status=$?
        [ "$status" -eq 1 ] || { echo "'$path': $status"; return 1; }
        [ ! -s "$TMP/out" ]
        [ "$(wc -l < "$TMP/err")" -eq 1 ]
        grep -qF "$path: " "$TMP/err"
    done

    # What is there by default need not be there, nor come later.
    mkdir "$TMP/empty"
    cd "$TMP/empty"
    SERVER='' start_program "$program"
    cd "$ROOT"
    named 404 '' ten
    [ "$(http "$URL/")" = "Hello, world" ]
}
