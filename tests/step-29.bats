# Chapter 29: what a client has of a file, and which part of it it wants.

setup() {
    load helper
    load tables
    load files
    make_site
}
teardown() { stop_server clean; }

serve() { start_step 29 --static-path="$FILES" "$@"; }

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
        grep -q '^HTTP/1.1 [2345]' "$TMP/get"
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

@test "large files and their parts are sent whole" {
    serve
    sent_whole
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

# The most memory that the server ever had, in kB.
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$SERVER_PID/status"; }

@test "memory does not grow with a part of a file" {
    [ -r /proc/self/status ] || skip "there is no /proc"
    if grep -q __asan_init "${SERVER:-$BUILD/step-29/server}"; then
        skip "a sanitizer keeps what is freed"
    fi
    serve --log=none
    local before i
    sparse sparse 209715200
    for i in 1 2 3; do http "$URL/static/ten" > /dev/null; done
    before=$(peak)
    [ "$(http -r 100000000- "$URL/static/sparse" | wc -c)" -eq 109715200 ]
    [ "$(peak)" -lt $((before + 2000)) ]
}

@test "every file that was opened is closed, whatever the condition" {
    [ -d /proc/self/fd ] || skip "there is no /proc"
    serve --trace
    all_closed
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
    not_over_tls "the handshakes come first, and the requests one by one"
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
    local i n=0 clients=''
    for i in $(seq 24); do
        large "file$i" "$((i * 100))"
        cp "$FILES/file$i" "$FILES/sub/ten"
    done
    asleep
    for i in $(seq 24) $(seq 10); do
        n=$((n + 1))
        http "$URL/static/file$i" > "$TMP/got$n.$i" &
        clients="$clients $!"
    done
    http "$URL/static/sub/ten" > "$TMP/got" &
    clients="$clients $!"
    awake 35
    for i in $clients; do wait "$i"; done
    for i in "$TMP"/got*.*; do cmp "$i" "$FILES/file${i##*.}"; done
    cmp "$TMP/got" "$FILES/sub/ten"
}
