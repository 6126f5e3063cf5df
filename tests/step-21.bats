# Chapter 21, Every error has an answer: what is refused, and how.

# The client has sent its last byte, so the server closes after the answer.
setup() {
    load helper
    load requests
    ask() { client send "$1" shutdown read; }
}
teardown() { stop_server clean; }

end='\r\nHost: x\r\n\r\n'

@test "a refused client gets a page with the reason, and the log has a line" {
    start_step 21
    ask 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n' > "$BATS_TEST_TMPDIR/answer"
    tr -d '\r' < "$BATS_TEST_TMPDIR/answer" |
        sed 's/^Date: ..., .. ... .... ..:..:.. GMT$/Date: now/' |
        diff - <(printf '%s\n' 'HTTP/1.1 400 Bad Request' 'Server: DustDevil/1.0' \
            'Date: now' 'Content-Type: text/html; charset=UTF-8' \
            'Content-Length: 101' 'Connection: close' ''
            printf '%s' '<html><title>400: Bad Request</title><body>' \
                '400: Bad Request (more than one Host header)</body></html>')
    wait_for_line "$SERVER_LOG" '^\[W [0-9]{6} [0-9:]{8} httpconnection:[0-9]+\] 400 Bad Request to 127\.0\.0\.1: more than one Host header$'
}

@test "a request line that is malformed, or of another version, gets its own reason" {
    start_step 21
    wants 400 'GET\r\n\r\n' "GET /$end" "GET / HTTP/1.1 $end" \
        " GET / HTTP/1.1$end" "GET  / HTTP/1.1$end" "GET\\t/ HTTP/1.1$end" \
        "G(T / HTTP/1.1$end" "GET / http/1.1$end" "GET / HTTP/1.10$end" \
        "GET / HTTP/1,1$end" "GET / HTTP/1$end" "GET / HTTP/+1.1$end" \
        "GET /a b HTTP/1.1$end" "GET /\\x7f HTTP/1.1$end"
    wants 505 "GET / HTTP/0.9$end" "GET / HTTP/2.0$end" 'PRI * HTTP/2.0\r\n\r\n'
    wants 200 "GET / HTTP/1.1$end" 'GET / HTTP/1.0\r\n\r\n'
}

@test "the target is a path, a whole URL, or the star of OPTIONS" {
    start_step 21
    wants 200 "GET http://a.example:80/?z HTTP/1.1$end" \
        "GET HTTPS://a.example?z HTTP/1.1$end" "GET HTTP://[::1] HTTP/1.1$end"
    wants 404 "GET http://a.example/x/y HTTP/1.1$end" \
        "GET //two/slashes HTTP/1.1$end" "OPTIONS * HTTP/1.1$end"
    wants 400 "GET * HTTP/1.1$end" "GET x HTTP/1.1$end" "GET /#a HTTP/1.1$end" \
        "GET http:///x HTTP/1.1$end" "GET http://:80/ HTTP/1.1$end" \
        "GET http://me@x/ HTTP/1.1$end" "GET ftp://x/ HTTP/1.1$end"
    wants 501 "CONNECT x:80 HTTP/1.1$end"
}

@test "an encoded letter is that letter, and nothing is decoded twice" {
    start_step 21 --trace
    ask "GET /%61%2D%2f%2561%zz%e9?%62 HTTP/1.1$end" > "$BATS_TEST_TMPDIR/answer"
    grep -qF '/a-%2f%2561%zz%e9 has no handler' "$SERVER_LOG"
    [ "$(http -d name=b "$URL/%68ell%6F")" = 'Hello, b' ]
}

@test "control bytes of a value become blanks, and blanks at its ends go" {
    start_step 21
    greet() { http -d "$1" "$URL/hello"; }
    [ "$(greet 'name=a%00b%1bc%0d')" = "Hello, a b c" ]
    [ "$(greet 'name=%09a%0ab%0b')" = $'Hello, a\nb' ]
    [ "$(greet 'name=%20J%20')" = "Hello, J" ]
    [ "$(greet 'name=%20')" = "Hello, " ]
}

@test "lines end with CR LF, and what two could read in two ways is refused" {
    start_step 21
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

    # Each with its reason.
    ask 'GET / HTTP/1.1\nHost: x\r\n\r\n' | grep -q '(a line does not end with CR LF)'
    ask 'GET / HTTP/1.1\r\nHost: x\r\n\n' | grep -q '(a line does not end with CR LF)'
    ask "$(get 'A: b\r\n c\r\n')" | grep -q '(folded header line)'
    ask "$(get 'A: b\rc\r\n')" | grep -q '(control byte in a header)'
    ask "$(get 'A : b\r\n')" | grep -q '(malformed header line)'
}

@test "HTTP/1.1 has one Host, and a host is a name or an address" {
    start_step 21
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
    start_step 21
    local n
    for n in 8191 8192 8193; do
        [ "$n" -le 8192 ] && request=404 header=200 || request=414 header=431
        wants "$request" "GET /$(many $((n - 14))) HTTP/1.1$end"
        wants "$header" "$(get "A: $(many $((n - 3)))\\r\\n")"
    done
}

@test "a head may have 100 headers and 32768 bytes" {
    start_step 21
    local n lines
    for n in 98 99 100; do          # Host is one more.
        lines=$(many "$n" | sed 's/a/A: b\\r\\n/g')
        wants $((n <= 99 ? 200 : 431)) "$(get "$lines")"
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
    start_step 21
    local status=0
    client send "$(many 33000)" read > "$BATS_TEST_TMPDIR/long" || status=$?
    [ "$status" = 0 ] || [ "$status" = 4 ]
    head -n 1 "$BATS_TEST_TMPDIR/long" | grep -q '^HTTP/1.1 414 '
}

@test "a coding that the server does not know is not guessed at" {
    start_step 21
    wants 501 "$(post 'Transfer-Encoding: gzip\r\n' '')" \
        "$(post 'Transfer-Encoding: identity\r\n' '')" \
        "$(post 'Transfer-Encoding:\r\n' '')" \
        "$(post 'Transfer-Encoding: chunked\r\n' '0\r\n\r\n')"
}

@test "a refused request is answered while its client is still sending" {
    start_step 21
    wants 413 "$(post 'Content-Length: 16777217\r\n' "$(many 60000)")"
    run client send 'NONSENSE\r\n\r\n' repeat 1000 "$(many 100)" read
    [ "$status" -eq 0 ]          # 4 would be a reset
    [[ $output == "HTTP/1.1 400 Bad Request"* ]] || false
}
