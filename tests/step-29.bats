# Chapter 29, Files: how does a file become an answer?

setup() {
    load helper
    load tables
    TMP=$BATS_TEST_TMPDIR FILES=$BATS_TEST_TMPDIR/site
    mkdir -p "$FILES/sub" "$FILES/bare"
    printf 0123456789 > "$FILES/ten"
    TZ=UTC touch -t 202001020304.05 "$FILES/ten"
    : > "$FILES/empty"
    echo '<p>the index' > "$FILES/sub/index.html"
    echo '<p>a page' > "$FILES/sub/page.html"
}
teardown() { stop_server clean; }

serve() { start_step 29 --static-path="$FILES" "$@"; }

# get PATH [CURL OPTION...]: the answer's status line, headers and body.
get() {
    local path=$1
    shift
    http --path-as-is -i "$@" "$URL/static/$path" | tr -d '\r'
}
header() { sed -n "1,/^\$/s/^$1: //p"; }
tag_of() { get "$1" | header Etag; }

GET() { printf 'GET /static/%s HTTP/1.1\\r\\nHost: x\\r\\n%s\\r\\n' "$1" "${2:-}"; }

# A large file, in which no two places look alike.
large() {
    awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%15d\n", i }' > "$FILES/$1"
}

# Another, in which there is nothing, and which takes no room.
sparse() { dd if=/dev/zero of="$FILES/$1" bs=1 count=0 seek="$2" 2> "$TMP/dd"; }

# wait_until COMMAND...: it becomes true.
wait_until() {
    local i
    for i in $(seq 250); do
        if "$@"; then return 0; fi
        sleep 0.02
    done
    echo "never ($i looks): $*" >&2
    return 1
}

# slow PATH [RCVBUF [OP]]: a client asks for a file and takes only what the
# kernels take for it; it goes on when told to by go_on, and counts what comes.
slow() {
    mkfifo "$TMP/fifo"
    "$BUILD/client" "$PORT" rcvbuf "${2:-4096}" deaf \
        send "$(GET "$1" 'Connection: close\r\n')" hold "${3:-count}" < "$TMP/fifo" > "$TMP/slow" 2>&1 3>&- 4>&- &
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

@test "a file is answered with its type, its date and its tag" {
    TZ=Asia/Tokyo serve
    [ "$(get ten | sed -e '/^Date:/d' -e 's/^Etag: ".*"$/Etag/')" = "HTTP/1.1 200 OK
Server: DustDevil/1.0
Last-Modified: Thu, 02 Jan 2020 03:04:05 GMT
Etag
Accept-Ranges: bytes
Cache-Control: public
Content-Type: application/octet-stream
Content-Length: 10

0123456789" ]
    [ "$(http -0 -H 'Connection: keep-alive' "$URL/static/ten")" = 0123456789 ]
    [ "$(get ten -d x | header Allow)" = "GET, HEAD" ]

    # From the future: a client that asks with that date tomorrow would miss a
    # change.
    TZ=UTC touch -t 203801010000 "$FILES/ten"
    get ten > "$TMP/future"
    [ "$(header Last-Modified < "$TMP/future")" = "$(header Date < "$TMP/future")" ]
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

@test "the tag follows the file" {
    serve
    local last now
    last=$(tag_of ten)
    [[ $last == '"'*'"' ]]
    [ "$(tag_of ten)" = "$last" ]
    [ "$(tag_of 'ten?v=1')" = "$last" ]

    # Another moment; another size; and, at the same moment and with the same
    # size, another file.
    TZ=UTC touch -t 202001020304.06 "$FILES/ten"
    now=$(tag_of ten)
    [ "$now" != "$last" ]
    last=$now
    printf x >> "$FILES/ten"
    TZ=UTC touch -t 202001020304.06 "$FILES/ten"
    now=$(tag_of ten)
    [ "$now" != "$last" ]
    last=$now
    cp -p "$FILES/ten" "$FILES/new"
    mv "$FILES/new" "$FILES/ten"
    [ "$(tag_of ten)" != "$last" ]
}

@test "a range of an empty file is ignored" {
    serve
    for range in 0-0 0- -5 -0 7-; do
        get empty -r "$range" > "$TMP/out"
        grep -qx 'HTTP/1.1 200 OK' "$TMP/out" || { echo "$range"; cat "$TMP/out"; return 1; }
        [ "$(header Content-Length < "$TMP/out")" = 0 ]
        run ! grep '^Content-Range' "$TMP/out"
    done
}

@test "an empty file has the tag of a file, however it is asked for" {
    serve
    local tag
    tag=$(http -I "$URL/static/empty" | tr -d '\r' | header Etag)
    [ -n "$tag" ]
    [ "$(tag_of empty)" = "$tag" ]
    [ "$(get empty | header Content-Length)" = 0 ]
    get empty -H "If-Match: $tag" | grep -qx 'HTTP/1.1 200 OK'
    get empty -H "If-None-Match: $tag" | grep -q '^HTTP/1.1 304 '
}

# conditional STATUS TEXT HEADERS: TAG stands for the file's.
conditional() {
    local answer head want=0123456789
    answer=$(client send "$(GET ten "${3//TAG/$TAG}Connection: close\\r\\n")" read) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    head=${answer%%$'\r\n\r\n'*}
    [[ $head == "HTTP/1.1 $1 "* ]] || wrong "not $1" "$3" "$answer" || return 1
    case $1 in
    304) [[ $head != *Content-* ]] || wrong "a body" "$3" "$answer" || return 1
        answer+=$'\r\n\r\n' want='' ;;
    206) want=345 ;;
    412) return 0 ;;
    esac
    answer=${answer#*$'\r\n\r\n'}
    [[ ${answer%$'\r\n\r\n'} == "$want" ]] ||
        wrong "not the body '$want'" "$3" "$answer" || return 1
    [[ $head == *"Etag: $TAG"* && $head == *"Last-Modified: Thu, 02 Jan 2020 03:04:05 GMT"* ]] ||
        wrong "not the file's tag and date" "$3" "$answer"
}

@test "a client that has the file is not sent it again" {
    TZ=America/New_York serve
    TAG=$(tag_of ten)
    table conditional '' '\r\n' <<'END'
304
    If-None-Match: TAG
    If-None-Match: W/TAG
    If-None-Match: *
    If-None-Match: "x", TAG
    If-None-Match: "x"\r\nIf-None-Match: W/"y",TAG
    If-None-Match: "a, b" , TAG
    If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT
    If-Modified-Since: Thursday, 02-Jan-20 03:04:05 GMT
    If-Modified-Since: Thu Jan  2 03:04:05 2020
    If-Modified-Since: Thu, 02 Jan 2020 03:04:06 GMT
    If-None-Match: TAG\r\nIf-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT
    If-None-Match: TAG\r\nRange: bytes=3-5
    If-None-Match: TAG\r\nRange: bytes=99-
    If-Match: TAG\r\nIf-None-Match: TAG
200
    If-None-Match: "x"
    If-None-Match: 
    If-None-Match: x TAG
    If-None-Match: "x"\r\nIf-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT
    If-Modified-Since: Thu, 02 Jan 2020 03:04:04 GMT
    If-Modified-Since: Thursday, 02-Jan-20 03:04:04 GMT
    If-Modified-Since: Thu Jan  2 03:04:04 2020
    If-Modified-Since: 
    If-Modified-Since: yesterday
    If-Modified-Since: -1
    If-Modified-Since: 1893456000
    If-Modified-Since: 2030-01-01T00:00:00Z
    If-Modified-Since: Tue, 01 Jan 2030 00:00:00
    If-Modified-Since: Tue, 01 Jan 2030 00:00:00 UTC
    If-Modified-Since: Tue, 01 Jan 2030 00:00:00 GMT+1
    If-Modified-Since: Tue, 32 Jan 2030 00:00:00 GMT
    If-Modified-Since: Tue, 01 Jan 2030 25:00:00 GMT
    If-Modified-Since: Tue, 01 Jan 2030 00:00:00 GMT, Tue, 01 Jan 2030 00:00:00 GMT
    If-Modified-Since: Tue, 01 Jan 2030 00:00:00 GMT\r\nIf-Modified-Since: Tue, 01 Jan 2030 00:00:00 GMT
END
    # A tag without its quotes is none.
    [ "$(get ten -H "If-None-Match: ${TAG//\"/}" | tail -n 1)" = 0123456789 ]
}

@test "a client that insists on a version that is gone gets 412" {
    TZ=Asia/Tokyo serve
    TAG=$(tag_of ten)
    table conditional '' '\r\n' <<'END'
412
    If-Match: "x"
    If-Match: W/TAG
    If-Match: "x", W/TAG, "y"
    If-Match: "x"\r\nIf-None-Match: TAG
    If-Match: "x"\r\nRange: bytes=3-5
    If-Unmodified-Since: Thu, 02 Jan 2020 03:04:04 GMT
    If-Unmodified-Since: Thursday, 02-Jan-20 03:04:04 GMT
    If-Unmodified-Since: Thu Jan  2 03:04:04 2020
200
    If-Match: TAG
    If-Match: *
    If-Match: W/"x", TAG
    If-Match: TAG\r\nIf-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT
    If-Unmodified-Since: Thu, 02 Jan 2020 03:04:05 GMT
    If-Unmodified-Since: long ago
206
    If-Match: TAG\r\nRange: bytes=3-5
END
}

@test "a part is only for a client that has the other parts of the same file" {
    serve
    TAG=$(tag_of ten)
    table conditional 'Range: bytes=3-5\r\n' '\r\n' <<'END'
206
    If-Range: TAG
    If-Range: Thu, 02 Jan 2020 03:04:05 GMT
    If-Range: Thursday, 02-Jan-20 03:04:05 GMT
    If-None-Match: "x"\r\nIf-Range: TAG
200
    If-Range: W/TAG
    If-Range: "x"
    If-Range: *
    If-Range: 
    If-Range: TAG, "x"
    If-Range: Thu, 02 Jan 2020 03:04:04 GMT
    If-Range: Thu, 02 Jan 2020 03:04:06 GMT
    If-Range: some day
END
    # Then it does not matter either that the part is none.
    get ten -r 99- -H 'If-Range: "x"' | grep -qx 'HTTP/1.1 200 OK'
    get ten -r 99- -H "If-Range: $TAG" | grep -q '^HTTP/1.1 416 '
}

# part STATUS FIRST-LAST RANGE: the answer has the right part, of the right
# length, and says which it is.
part() {
    local answer head want=0123456789 range=none
    answer=$(client send "$(GET ten "Range: $3\\r\\nConnection: close\\r\\n")" read) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    head=${answer%%$'\r\n\r\n'*}
    case $1 in
    206) want=${want:${2%-*}:${2#*-}-${2%-*}+1} range="bytes $2/10" ;;
    416) want="<html><title>416: Range Not Satisfiable</title><body>416: Range Not Satisfiable</body></html>" range='bytes */10' ;;
    esac
    [[ $head == "HTTP/1.1 $1 "* && $head == *"Content-Length: ${#want}"* &&
        ${answer#*$'\r\n\r\n'} == "$want" ]] ||
        wrong "not $1 and '$want'" "$3" "$answer" || return 1
    [[ $head == *"Content-Range: $range"* ||
        $range == none && $head != *Content-Range* ]] ||
        wrong "not the range '$range'" "$3" "$answer"
}

@test "a range gets exactly its bytes" {
    serve
    table part <<'END'
206 0-0
    bytes=0-0
    bytes=00-00
206 3-5
    bytes=3-5
    BYTES=3-5
    bytes= 3-5
    bytes=3-5 
    bytes=3-5,
206 0-9
    bytes=0-
    bytes=0-9
    bytes=0-10
    bytes=0-99999999999999999999999999
    bytes=-10
    bytes=-11
    bytes=-18446744073709551616
    bytes=-99999999999999999999999999
206 9-9
    bytes=9-
    bytes=9-9
    bytes=9-18446744073709551615
    bytes=-1
416
    bytes=10-
    bytes=10-10
    bytes=10-20
    bytes=-0
    bytes=9223372036854775807-
    bytes=9223372036854775808-
    bytes=18446744073709551615-
    bytes=18446744073709551616-
    bytes=18446744073709551625-
    bytes=99999999999999999999999999-
END
}

@test "what is no range, or more than one, gets the whole file" {
    serve
    local many
    table part <<'END'
200
    bytes
    bytes=
    bytes=-
    bytes=5
    bytes=5-3
    bytes=a-b
    bytes=3-b
    bytes=--5
    bytes=-5-
    bytes=+3-5
    bytes=3-+5
    bytes=0x3-5
    bytes=3 -5
    bytes=3- 5
    bytes=3-5 6
    bytes=3-5;q=1
    bytes 3-5
    bytes:3-5
    bits=3-5
    lines=3-5
    =3-5
    3-5
    bytes=0-0,3-5
    bytes=,3-5
    bytes=0-,0-,0-
    bytes=3-5\r\nRange: bytes=6-7
END
    # CVE-2011-3192: as many overlapping parts as fit on a line.
    many=$(printf '0-,%.0s' $(seq 2500))
    part 200 '' "bytes=${many%,}"
    [ "$(get ten -I -r 3-5 | header Content-Length)" = 10 ]
}

@test "an answer that says no to a range is not kept for ten years" {
    serve
    # A cache in between would give it to all clients that ask for the whole.
    get 'ten?v=1' -r 99- > "$TMP/no"
    grep -q '^HTTP/1.1 416 ' "$TMP/no"
    ! grep -Ei '^(Expires|Cache-Control): .*(public|max-age|GMT)' "$TMP/no" || false
    get 'ten?v=1' -r 3-5 | grep -q '^Cache-Control: public, max-age='
}

@test "HEAD has the head of GET, and nothing else" {
    serve
    TAG=$(tag_of ten)
    local path
    for path in ten 'ten?v=1' empty sub/ sub sub/page.html bare/ nothing; do
        get "$path" | sed -e '/^Date:/d' -e '/^Expires:/d' -e '/^$/,$d' > "$TMP/get"
        http -I "$URL/static/$path" | tr -d '\r' |
            sed -e '/^Date:/d' -e '/^Expires:/d' -e '/^$/d' | diff -u "$TMP/get" - ||
            { echo "$path"; return 1; }
    done
    # Not a byte of it stands in the way of the next answer.
    local head='HEAD /static/ten HTTP/1.1\r\nHost: x\r\n'
    client send "$head\\r\\n${head}If-None-Match: $TAG\\r\\n\\r\\n$(GET ten 'Connection: close\r\n')" \
        read | tr -d '\r' > "$TMP/out"
    [ "$(sed -n -e 's/^HTTP.1.1 \([0-9]*\).*/\1/p' -e '/^0/p' "$TMP/out" | xargs)" = \
        "200 304 200 0123456789" ]
}

@test "a URL with a version may be kept for years" {
    serve
    local date
    get ten > "$TMP/plain"
    ! grep '^Expires' "$TMP/plain" || false
    [ "$(get 'ten?v=' | header Cache-Control)" = public ]
    for path in 'ten?v=abc' 'ten?a=b&v=1'; do
        get "$path" > "$TMP/out"
        [ "$(tail -n 1 "$TMP/out")" = 0123456789 ]
        [ "$(header Cache-Control < "$TMP/out" | sed 's/.*public, max-age=//')" -ge 31536000 ]
        date=$(header Expires < "$TMP/out")
        [[ $date =~ ^[A-Z][a-z]{2},\ [0-9]{2}\ [A-Z][a-z]{2}\ ([0-9]{4})\ .*\ GMT$ ]]
        [ "${BASH_REMATCH[1]}" -gt "$(($(date +%Y) + 1))" ]
    done
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

# named STATUS BODY PATH: what this path leads to.
named() {
    local answer
    answer=$(client send "$(GET "$3" 'Connection: close\r\n')" read) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    [[ $answer == "HTTP/1.1 $1 "*$'\r\n\r\n'*"$2" && $answer != *SECRET* ]] ||
        wrong "not $1 $2" "$3" "$answer"
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
    start_step 29 --static-path="$TMP/link"
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

# sent_whole: a large file and its parts, over a connection of any width.
sent_whole() {
    local part size
    large large 200000
    size=$(($(wc -c < "$FILES/large")))
    http "$URL/static/large" | cmp "$FILES/large" -
    for part in 0 1 65536 1048575 1048576 1048577 $((size - 1)); do
        http -r "$part-" "$URL/static/large" | cmp <(tail -c +$((part + 1)) "$FILES/large") -
    done
    http -r 1000000-2500000 "$URL/static/large" |
        cmp <(tail -c +1000001 "$FILES/large" | head -c 1500001) -
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
    [ "$status" -eq 4 ] || { echo "status $status: $(cat "$TMP/slow")"; return 1; }
}

@test "large files and their parts are sent whole" {
    serve
    sent_whole
}

@test "a file that shrinks on its way is cut off" {
    serve --trace
    cut_short
    [ "$(http "$URL/static/ten")" = 0123456789 ]
    grep -q '(20)' "$SERVER_LOG"
}

@test "what arrives of a file that shrinks is its beginning, and nothing else" {
    serve --trace
    local size
    large big 800000
    cp "$FILES/big" "$TMP/before"
    slow big 65536 read
    truncate -s 6000100 "$FILES/big" # in the middle of a page
    run ! go_on
    sed '1,/^\r$/d' "$TMP/slow" > "$TMP/got"
    size=$(($(wc -c < "$TMP/got")))
    [ "$size" -gt 0 ] && [ "$size" -le 6000100 ]
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
        go_on || { echo "$change: $(cat "$TMP/slow")"; return 1; }
        sent=$(cat "$TMP/slow")
        [ "$sent" -gt 12800000 ] && [ "$sent" -lt 12801000 ]
    done
}

@test "a file that is appended to all the time can be fetched, and so can its parts" {
    serve
    large log 100000
    cp "$FILES/log" "$TMP/before"
    while :; do printf 'one more line\n' >> "$FILES/log"; done 3>&- 4>&- &
    local writer=$!
    for i in 1 2 3; do
        http "$URL/static/log" | head -c 1600000 | cmp - "$TMP/before"
        http -r 1000-2000 "$URL/static/log" | cmp - <(tail -c +1001 "$TMP/before" | head -c 1001)
    done
    kill "$writer"
    wait "$writer" || true
}

@test "a file that is replaced on its way arrives as it was" {
    serve --trace
    large big 800000
    large new 900000
    slow big 65536
    mv "$FILES/new" "$FILES/big"
    go_on
    [ "$(cat "$TMP/slow")" -gt 12800000 ]
    [ "$(cat "$TMP/slow")" -lt 12801000 ]
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

# asleep: from now on what clients send waits in the kernel. awake N: when N of
# them have sent something, the server goes on, and finds all of it at once.
asleep() { kill -STOP "$SERVER_PID"; }
awake() {
    wait_until eval '[ "$(waiting)" -eq '"$1"' ]'
    kill -CONT "$SERVER_PID"
}
waiting() {
    awk -v port="$(printf ':%04X' "$PORT")" '$2 ~ port "$" && $4 == "01" &&
        $5 !~ /:00000000$/ { n++ } END { print n + 0 }' /proc/net/tcp
}

@test "clients that ask for one file at the same time have it opened once" {
    [ -r /proc/net/tcp ] || skip "there is no /proc/net/tcp"
    command -v strace > /dev/null || skip "strace is not installed"
    local strace client path
    large mid 4000
    serve
    strace -f -qq -o "$TMP/calls" -e trace=openat -p "$SERVER_PID" 2> "$TMP/strace" 3>&- 4>&- &
    strace=$!
    wait_until grep -q '^TracerPid:.*[1-9]' "/proc/$SERVER_PID/status" ||
        skip "strace may not look"
    for path in ten mid; do
        asleep
        client -c 16 send "$(GET $path 'Connection: close\r\n')" read > "$TMP/out" &
        client=$!
        awake 16
        wait "$client"
        [ "$(grep -o 'HTTP/1.1 200' "$TMP/out" | wc -l)" -eq 16 ]
        [ "$(grep -c "\"$path\"" "$TMP/calls")" -eq 1 ]
    done
    kill -INT "$strace"
    wait "$strace" || true
    [ "$(grep -c 3999 "$TMP/out")" -eq 16 ]
}

@test "clients that ask for many files at the same time get each its own" {
    [ -r /proc/net/tcp ] || skip "there is no /proc/net/tcp"
    serve
    local i clients=''
    for i in $(seq 24); do
        large "file$i" "$((i * 100))"
        cp "$FILES/file$i" "$FILES/sub/ten"
    done
    asleep
    for i in $(seq 24) $(seq 10); do
        http "$URL/static/file$i" > "$TMP/got$i" &
        clients="$clients $!"
    done
    http "$URL/static/sub/ten" > "$TMP/got" &
    clients="$clients $!"
    awake 35
    for i in $clients; do wait "$i"; done
    for i in $(seq 24); do cmp "$TMP/got$i" "$FILES/file$i"; done
    cmp "$TMP/got" "$FILES/sub/ten"
}

@test "a file of any size arrives whole, and so does a part of it" {
    serve
    local size
    large all 5000
    for size in 1 2047 2048 2049 4096 4097 65535 65536 65537; do
        head -c "$size" "$FILES/all" > "$FILES/f"
        http "$URL/static/f" | cmp "$FILES/f" -
        http -r "$((size / 2))-" "$URL/static/f" | cmp <(tail -c +$((size / 2 + 1)) "$FILES/f") -
        client rcvbuf 4096 send "$(GET f)$(GET f 'Connection: close\r\n')" read > "$TMP/out"
        [ "$(grep -ao 'HTTP/1.1 200' "$TMP/out" | wc -l)" -eq 2 ]
        [ "$(tail -c "$size" "$TMP/out" | cksum)" = "$(cksum < "$FILES/f")" ]
    done
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
    if grep -q __asan_init "${SERVER:-$BUILD/step-29/server}"; then
        skip "a sanitizer keeps what is freed"
    fi
    serve --log=none
    local before i
    sparse sparse 209715200
    for i in 1 2 3; do http "$URL/static/ten" > /dev/null; done
    before=$(peak)
    [ "$(http "$URL/static/sparse" | wc -c)" -eq 209715200 ]
    [ "$(http -r 100000000- "$URL/static/sparse" | wc -c)" -eq 109715200 ]
    [ "$(peak)" -lt $((before + 2000)) ]
}

@test "every file that was opened is closed" {
    [ -d /proc/self/fd ] || skip "there is no /proc"
    serve --trace
    large big 800000
    local open i path
    http "$URL/static/ten" > /dev/null
    wait_for_line "$SERVER_LOG" '\(20\)' # the connection is closed
    open=$(descriptors)
    for path in ten empty sub sub/ bare/ sub/page.html/ sub/nothing sub/.. ..; do
        get "$path" > "$TMP/out"
        get "$path" -I > "$TMP/out"
    done
    get ten -r 3-5 > "$TMP/out"
    get ten -r 99- > "$TMP/out"
    get ten -H 'If-None-Match: *' > "$TMP/out"
    get ten -H 'If-Match: "x"' > "$TMP/out"
    wait_until eval '[ "$(descriptors)" -eq "$open" ]'

    # Also when the client leaves in the middle.
    mkfifo "$TMP/fifo"
    "$BUILD/client" "$PORT" send "$(GET big)" readuntil '\r\n\r\n' deaf hold reset \
        < "$TMP/fifo" > "$TMP/out" 2>&1 3>&- 4>&- &
    exec 9> "$TMP/fifo"
    wait_until eval '[ "$(descriptors)" -eq "$((open + 2))" ]'
    exec 9>&-
    wait_until eval '[ "$(descriptors)" -eq "$open" ]'
    [ "$(http "$URL/static/ten")" = 0123456789 ]
}

@test "without a descriptor for the file the answer is 503, and later it is 200" {
    [ -d /proc/self/fd ] || skip "there is no /proc"
    local limit open
    serve
    open=$(descriptors)
    stop_server clean
    limit=$(ulimit -S -n)
    ulimit -S -n "$((open + 3))"
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

@test "files that are asked for in one packet come in order, and whole" {
    serve
    large a 30000
    large b 5000
    local head='HEAD /static/a HTTP/1.1\r\nHost: x\r\n\r\n' range='Range: bytes=100-299999\r\n'
    client rcvbuf 16384 send "$(GET a)$(GET b)$head$(GET empty)$(GET a "$range")$(GET nothing)$(GET b)$(GET ten 'Connection: close\r\n')" \
        read > "$TMP/out"
    [ "$(grep -aoE 'HTTP/1.1 [0-9]+' "$TMP/out" | cut -d ' ' -f 2 | xargs)" = \
        "200 200 200 200 206 404 200 200" ]
    awk '/HTTP\/1.1 / { sub(/HTTP\/1.1 .*/, ""); head = 1; printf "%s", $0; next }
        head { if ($0 == "\r") head = 0; next }
        { printf "%s%s", sep, $0; sep = "" } { print "" }' "$TMP/out" | tr -d '\n' > "$TMP/bodies"
    { cat "$FILES/a" "$FILES/b"
        tail -c +101 "$FILES/a" | head -c 299900
        printf '<html><title>404: Not Found</title><body>404: Not Found</body></html>'
        cat "$FILES/b" "$FILES/ten"; } | tr -d '\n' | cmp - "$TMP/bodies"
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
    unprivileged "${SERVER:-$BUILD/step-29/server}"
    chmod 711 "$FILES" "$FILES/sub"
    [ "$(id -u)" -ne 0 ] || chmod o+x "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR/.." "$TMP"
    chmod a+r "$FILES/ten" "$FILES/sub/index.html"
    serve
    [ "$(http "$URL/static/ten")" = 0123456789 ]
    [ "$(http "$URL/static/sub/")" = '<p>the index' ]
    [ "$(get sub | header Location)" = /static/sub/ ]
    chmod 644 "$FILES/sub"
    named 403 '' sub/page.html
}

@test "a root that cannot be opened is said at the start, if it was asked for" {
    local program status
    program=$(cd "$BUILD" && pwd)/step-29/server
    program=${SERVER:-$program}
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
    start_program "$program"
    cd "$ROOT"
    named 404 '' ten
    [ "$(http "$URL/")" = "Hello, world" ]
}
