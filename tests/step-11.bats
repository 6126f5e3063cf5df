# Chapter 11, The head: how text becomes a request.

setup() { load helper; }
teardown() { stop_server clean; }

# ask TEXT: the answer to these bytes; client.c says how they are written.
ask() { client send "$1" read; }

# wants STATUS TEXT...: each of the texts is answered with that status, in an
# answer that is whole and ends the connection.
wants() {
    local want=$1 text got answer=$BATS_TEST_TMPDIR/answer
    shift
    for text; do
        ask "$text" > "$answer"
        got=$(sed -n '1s/^HTTP\/1\.1 \([0-9]*\) .*/\1/p' "$answer")
        [ "$got" = "$want" ] ||
            { echo "${text:0:70}: '$got' and not $want"; return 1; }
        grep -q '^Connection: close' "$answer"
        grep -q '^Content-Length: [0-9]' "$answer"
    done
}

# get LINES: a good request with these header lines, too.
get() { printf '%s' "GET / HTTP/1.1\\r\\nHost: x\\r\\n$1\\r\\n"; }

# many N [BYTE]: N of them.
many() { printf "%${1}s" '' | tr ' ' "${2:-a}"; }

@test "text becomes a request, with its headers in order of arrival" {
    start_step 11
    run ask 'GET /a%20b?c=d HTTP/1.1\r\nhost: here\r\nX-b:  2 \t\r\nX-A:1\r\nX-b: 3\r\nX-None:\r\n\r\n'
    [ "$status" = 0 ]
    [ "${lines[0]}" = $'HTTP/1.1 200 OK\r' ]
    printf '%s\n' "You requested /a%20b" "  host is here" "  X-b is 2" \
        "  X-A is 1" "  X-b is 3" "  X-None is " > "$BATS_TEST_TMPDIR/want"
    ask 'GET /a%20b?c=d HTTP/1.1\r\nhost: here\r\nX-b:  2 \t\r\nX-A:1\r\nX-b: 3\r\nX-None:\r\n\r\n' |
        sed '1,/^.$/d' | cmp - "$BATS_TEST_TMPDIR/want"
}

@test "one byte at a time is the same as all at once" {
    start_step 11 --trace
    local text
    for text in '\r\nGET /x?y HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n' \
        'GET /\r\n\r\n' 'GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n' \
        'GET / HTTP/1.1\r\nHost: x\n\r\n' \
        '\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n'; do
        ask "$text" | grep -v '^Date' > "$BATS_TEST_TMPDIR/whole"
        [ "$(stops | grep -cx 6)" -le 4 ]
        : > "$SERVER_LOG"
        client bytewise "$text" read | grep -v '^Date' \
            > "$BATS_TEST_TMPDIR/pieces"
        cmp "$BATS_TEST_TMPDIR/whole" "$BATS_TEST_TMPDIR/pieces"
        [ "$(stops | grep -cx 6)" -gt 5 ]
        : > "$SERVER_LOG"
    done
}

@test "a request line is a method, a target and a version, or gets an answer" {
    start_step 11
    wants 400 'GET\r\n\r\n' 'GET /\r\nHost: x\r\n\r\n' \
        'GET / HTTP/1.1 \r\nHost: x\r\n\r\n' \
        ' GET / HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET  / HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n' \
        'G(T / HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET / http/1.1\r\nHost: x\r\n\r\n' \
        'GET / HTTP/1.10\r\nHost: x\r\n\r\n' \
        'GET / HTTP/1,1\r\nHost: x\r\n\r\n' \
        'GET / HTTP/1\r\nHost: x\r\n\r\n' \
        'GET / HTTP/+1.1\r\nHost: x\r\n\r\n' \
        'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n'
    wants 505 'GET / HTTP/0.9\r\nHost: x\r\n\r\n' \
        'GET / HTTP/2.0\r\nHost: x\r\n\r\n' 'PRI * HTTP/2.0\r\n\r\n'
    wants 200 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n' 'GET / HTTP/1.0\r\n\r\n'
}

@test "the target is a path, a whole URL, or the star of OPTIONS" {
    start_step 11
    ask 'GET http://a.example:80/x/y?z HTTP/1.1\r\nHost: x\r\n\r\n' |
        grep -qx 'You requested /x/y'
    ask 'GET HTTPS://a.example?z HTTP/1.1\r\nHost: x\r\n\r\n' |
        grep -qx 'You requested /'
    ask 'GET //two/slashes HTTP/1.1\r\nHost: x\r\n\r\n' |
        grep -qx 'You requested //two/slashes'
    ask 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n' | grep -qx 'You requested \*'
    wants 400 'GET * HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET x HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET /#a HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET http://:80/ HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET http://me@x/ HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n'
    wants 501 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n'
}

@test "lines end with CR LF, and what two could read in two ways is refused" {
    start_step 11
    wants 400 'GET / HTTP/1.1\nHost: x\r\n\r\n' \
        'GET / HTTP/1.1\r\nHost: x\n\r\n' 'GET / HTTP/1.1\r\nHost: x\r\n\n' \
        'GET / HTTP/1.1\nHost: x\n\n' '\n\n' \
        "$(get 'A: b\r\n c\r\n')" "$(get 'A: b\r\n\tc\r\n')" \
        'GET / HTTP/1.1\r\n Host: x\r\n\r\n' \
        "$(get 'A : b\r\n')" "$(get 'A\r\n')" "$(get ': b\r\n')" \
        "$(get 'A b: c\r\n')" "$(get 'A\xe9: c\r\n')" \
        "$(get 'A: b\rc\r\n')" "$(get 'A: b\0\r\n')" "$(get 'A\0: b\r\n')" \
        "$(get 'A: \x7f\r\n')" 'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n'
    wants 200 "$(get 'A: b\tc\r\n')" "$(get 'A: \xe9\r\n')" "$(get 'A:\r\n')"
}

@test "HTTP/1.1 has one Host, and a host is a name or an address" {
    start_step 11
    local host
    wants 400 'GET / HTTP/1.1\r\n\r\n' "$(get 'Host: x\r\n')" \
        'GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n'
    for host in 'a b' 'a/b' 'a@b' 'a:b' 'a:80:80' '[::1' '[]' '[::1]x' 'a"b'; do
        wants 400 "GET / HTTP/1.1\\r\\nHost: $host\\r\\n\\r\\n"
    done
    for host in '' x x.example:80 x: '[::1]' '[::1]:8888' 127.0.0.1; do
        wants 200 "GET / HTTP/1.1\\r\\nHost: $host\\r\\n\\r\\n"
    done
}

@test "a line may have 8192 bytes, of the request line and of the headers" {
    start_step 11
    local n
    for n in 8191 8192 8193; do
        [ "$n" -le 8192 ] && request=200 header=200 || request=414 header=431
        wants "$request" "GET /$(many $((n - 14))) HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
        wants "$header" "$(get "A: $(many $((n - 3)))\\r\\n")"
    done
}

@test "a head may have 100 headers and 32768 bytes" {
    start_step 11
    local n lines
    for n in 98 99 100; do          # Host is one more.
        lines=$(many "$n" | sed 's/a/A: b\\r\\n/g')
        [ "$n" -le 99 ] && wants 200 "$(get "$lines")" ||
            wants 431 "$(get "$lines")"
    done

    # 27 bytes are in get() alone, and every line has 5 beside its value. What
    # is over the limit may still be under way when the server closes.
    lines=$(for n in 1 2 3; do printf '%s' "A: $(many 8187)\\r\\n"; done)
    for n in 8159 8160; do
        wants 200 "$(get "${lines}A: $(many "$n")\\r\\n")"
    done
    client send "$(get "${lines}A: $(many 8161)\\r\\n")" read \
        > "$BATS_TEST_TMPDIR/long" || [ $? = 4 ]
    head -n 1 "$BATS_TEST_TMPDIR/long" | grep -q '^HTTP/1.1 431 '
}

@test "a line without an end is refused, whatever it wanted to become" {
    start_step 11
    local status=0
    client send "$(many 33000)" read > "$BATS_TEST_TMPDIR/long" || status=$?
    [ "$status" = 0 ] || [ "$status" = 4 ]
    head -n 1 "$BATS_TEST_TMPDIR/long" | grep -q '^HTTP/1.1 414 '
}

@test "eight empty lines before a request mean nothing, nine are refused" {
    start_step 11
    local lines='\r\n\r\n\r\n\r\n\r\n\r\n\r\n'
    wants 200 "$lines$(get '')" "$lines\\r\\n$(get '')"
    wants 400 "$lines\\r\\n\\r\\n$(get '')"
}

@test "a refused client is told why, and so is the log" {
    start_step 11
    ask 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n' > "$BATS_TEST_TMPDIR/answer"
    grep -q '400: Bad Request (more than one Host header)' \
        "$BATS_TEST_TMPDIR/answer"
    wait_for_line "$SERVER_LOG" '^\[W [0-9]{6} [0-9:]{8} httpconnection:[0-9]+\] 400 Bad Request to 127\.0\.0\.1: more than one Host header$'

    # To HEAD the same, but without the page.
    ask 'HEAD / HTTP/1.1\r\n\r\n' > "$BATS_TEST_TMPDIR/answer"
    grep -q '^HTTP/1.1 400 ' "$BATS_TEST_TMPDIR/answer"
    ! grep -q '<html>' "$BATS_TEST_TMPDIR/answer" || false
}

@test "a log without a reader stops no request" {
    local deaf=$BATS_TEST_TMPDIR/deaf
    mkfifo "$deaf.pipe"
    printf '#!/bin/sh\nexec "%s" "$@" 2<> "%s"\n' \
        "${SERVER:-$BUILD/step-11/server}" "$deaf.pipe" > "$deaf"
    chmod +x "$deaf"
    SERVER='' start_program "$deaf"

    # A pipe holds 64 KiB, and each of these is worth eighty bytes of log.
    for _ in 1 2 3 4 5 6; do
        client -q -c 200 send '\n\n' read
    done
    wants 200 "$(get '')"
}
