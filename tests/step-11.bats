# Chapter 11, Headers and the body.

setup()    { load helper; load requests; }
teardown() { stop_server clean; }

end='\r\nHost: x\r\n\r\n'

# size TEXT: how many bytes of body the program has read. Everything before them
# ends with the line of the last header, which is this one.
size() {
    ask "$1" > "$BATS_TEST_TMPDIR/size"
    grep -qax 'Last is 1\.' "$BATS_TEST_TMPDIR/size" &&
        sed '1,/^Last is 1\.$/d' "$BATS_TEST_TMPDIR/size" | wc -c | tr -d ' '
}
last() { post "$1Last: 1\\r\\n" "$2"; }

@test "text becomes a request, with its headers in order of arrival" {
    start_step 11
    ask 'GET /a%20b?c=d HTTP/1.1\r\nhost: here\r\nX-b:  2 \t\r\nX-A:1\r\nX-b: 3\r\nX-None:\r\n\r\n' |
        body_of > "$BATS_TEST_TMPDIR/have"
    printf '%s\n' 'The method is GET.' 'The path is /a%20b.' 'The query is c=d.' \
        'host is here.' 'X-b is 2.' 'X-A is 1.' 'X-b is 3.' 'X-None is .' |
        diff - "$BATS_TEST_TMPDIR/have"
}

@test "a header is a name, a colon and a value" {
    start_step 11
    wants 400 "$(get 'A: b\r\n c\r\n')" "$(get 'A: b\r\n\tc\r\n')" \
        'GET / HTTP/1.1\r\n Host: x\r\n\r\n' \
        "$(get 'A : b\r\n')" "$(get 'A\r\n')" "$(get ': b\r\n')" \
        "$(get 'A b: c\r\n')" "$(get 'A\xe9: c\r\n')" \
        "$(get 'A: b\rc\r\n')" "$(get 'A: b\0\r\n')" "$(get 'A\0: b\r\n')" \
        "$(get 'A: \x7f\r\n')" 'GET / HTTP/1.1\r\nHost: x\n\r\n'
    wants 200 "$(get 'A: b\tc\r\n')" "$(get 'A: \xe9\r\n')" "$(get 'A:\r\n')"
}

@test "two hundred headers are in the list, and all that were there before" {
    start_step 11
    local lines i
    lines=$(for i in $(seq 200); do printf '%s' "N$i: $i\\r\\n"; done)
    ask "$(get "$lines")" | grep '^N' > "$BATS_TEST_TMPDIR/have"
    for i in $(seq 200); do echo "N$i is $i."; done |
        diff - "$BATS_TEST_TMPDIR/have"
}

@test "a body is as long as the head says, and not a byte longer" {
    start_step 11
    [ "$(size "$(last 'Content-Length: 3\r\n' 'abcdef')")" = 3 ]
    [ "$(size "$(last 'Content-Length: 0\r\n' 'abcdef')")" = 0 ]
    [ "$(size "$(last '' '')")" = 0 ]
    ask "$(post 'Content-Length: 5\r\n' 'a\0b\nc')" | tail -c 5 |
        cmp - <(printf 'a\0b\nc')
    client send "$(post 'Content-Length: 3\r\n' 'ab')" shutdown count |
        grep -qx 0
}

@test "a length is digits and nothing else" {
    start_step 11
    local n
    for n in '' +5 -5 -0 0x5 5_0 5.0 '5 5' '5;' five ',' '5,' '5,6' '5, -5'; do
        wants 400 "$(post "Content-Length: $n\\r\\n" '')"
    done
    wants 400 "$(post 'Content-Length: 5\r\nContent-Length: 6\r\n' '')"
    for n in 5 005 '5, 5' ' 5 \t' '5 ,\t5,5'; do
        [ "$(size "$(last "Content-Length: $n\\r\\n" abcdefgh)")" = 5 ]
    done
    [ "$(size "$(last 'Content-Length: 5\r\ncontent-length: 5\r\n' abcde)")" = 5 ]
    for n in 4294967296 18446744073709551615 18446744073709551616 \
        184467440737095516160 340282366920938463463374607431768211461; do
        wants 413 "$(post "Content-Length: $n\\r\\n" '')"
    done
}

@test "a body may have a megabyte" {
    start_step 11
    local n
    for n in 1048575 1048576; do
        head -c "$n" /dev/zero > "$BATS_TEST_TMPDIR/body"
        ask "$(last "Content-Length: $n\\r\\n" '')" file "$BATS_TEST_TMPDIR/body" |
            sed '1,/^Last is 1\.$/d' | cmp - "$BATS_TEST_TMPDIR/body"
    done
    wants 413 "$(post 'Content-Length: 1048577\r\n' '')"
}

@test "one byte at a time is the same as all at once" {
    start_step 11 --trace
    local text
    for text in "$(post 'Content-Length: 11\r\n' 'hello world')" \
        'GET /\r\n\r\n' 'GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n' \
        'GET / HTTP/1.1\r\nHost: x\n\r\n'; do
        ask "$text" > "$BATS_TEST_TMPDIR/whole"
        [ "$(stops | grep -cx 6)" -le 4 ]
        : > "$SERVER_LOG"
        client bytewise "$text" read | cmp - "$BATS_TEST_TMPDIR/whole"
        [ "$(stops | grep -cx 6)" -gt 1 ]
        : > "$SERVER_LOG"
    done
}

@test "a client that leaves in the middle of a body leaves nothing behind" {
    start_step 11 --trace
    local before
    before=$(descriptors)
    client -c 50 send "$(post 'Content-Length: 100000\r\n' '')" \
        send "$(many 5000)" close
    client -c 50 send "$(post 'Content-Length: 100000\r\n' '')" \
        send "$(many 5000)" reset
    http "$URL" | grep -qx 'The path is /.'
    for _ in $(seq 250); do
        [ "$(stops | grep -cx 20)" -lt 101 ] || break
        sleep 0.02
    done
    [ "$(stops | grep -cx 20)" -eq 101 ]
    [ "$(descriptors)" -eq "$before" ]
}
