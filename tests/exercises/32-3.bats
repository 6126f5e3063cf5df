# Exercise 32-3: no connection lives for ever.

setup()    { load ../helper; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

get() { printf 'GET %s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' "$1"; }
count() { grep -aoE "$1" "$TMP/out" | wc -l; }

@test "the answer to the last request says so, and the connection ends" {
    start_step 32 --max-requests=3
    client send "$(get /hello/1)" readuntil 1 send "$(get /hello/2)" \
        readuntil 'Hello, 2' > "$TMP/out"
    run ! grep '^Connection: close' "$TMP/out"
    client send "$(get /hello/1)" readuntil 'Hello, 1' send "$(get /hello/2)" \
        readuntil 'Hello, 2' send "$(get /hello/3)" read > "$TMP/out"
    [ "$(count 'Hello, [0-9]')" -eq 3 ]
    [ "$(count 'Connection: close')" -eq 1 ]
    sed '1,/Hello, 2/d' "$TMP/out" | grep -q '^Connection: close'
}

@test "what was sent behind the last one is not answered" {
    start_step 32 --max-requests=3
    client send "$(get /hello/1)$(get /hello/2)$(get /hello/3)$(get /hello/4)" \
        read > "$TMP/out"
    [ "$(count 'Hello, [0-9]' | xargs)" -eq 3 ]
    run ! grep 'hello/4' "$SERVER_LOG"
}

@test "each connection has its own number, and bodies count as well" {
    start_step 32 --max-requests=2
    post='POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok'
    for i in 1 2 3; do
        client send "$post$post$post" read > "$TMP/out"
        [ "$(count 'HTTP/1.1 200')" -eq 2 ]
    done
    [ "$(http "$URL/hello/[1-9]" | grep -o 'Hello' | wc -l)" -eq 9 ]
}

@test "0 is as many as you like, and the default" {
    for option in --max-requests=0 --log=info; do
        start_step 32 "$option"
        client send "$(for _ in $(seq 300); do get /; done)" \
            send 'GET / HTTP/1.0\r\n\r\n' read > "$TMP/out"
        [ "$(count 'HTTP/1.1 200')" -eq 301 ]
        stop_server clean
    done
    start_step 32 --max-requests=1
    client send "$(get /)$(get /)" read > "$TMP/out"
    [ "$(count 'HTTP/1.1 200')" -eq 1 ]
}
