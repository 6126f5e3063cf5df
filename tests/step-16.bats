# Chapter 16: when a request is over, and what comes then.

setup()    { load helper; start_step 16 --trace; }
teardown() { stop_server clean; }

HEAD='GET / HTTP/1.1\r\nHost: a\r\n'

# The answers' own numbers, on one line.
numbers() { sed -n 's/^request number \([0-9]*\),.*/\1/p' "$@" | xargs; }

@test "two requests travel over one connection" {
    run http -w '%{num_connects} ' "$URL/" "$URL/"
    [[ $output == *"number 1, and you may ask again"*"1 "* ]] || false
    [[ $output == *"number 2, and you may ask again"*"0 "* ]] || false
    [ "$(stops | grep -cx 3)" -eq 1 ]
}

@test "HTTP/1.0 is closed after its answer" {
    run client send 'GET / HTTP/1.0\r\n\r\n' read
    [ "$status" -eq 0 ]
    [[ $output == *"Connection: close"*"the last one"* ]] || false
}

@test "HTTP/1.0 may stay if it asks to, and is told so" {
    ask='GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
    run client send "$ask" readuntil 'ask again\n' \
        send "$ask" readuntil 'ask again\n' send 'GET / HTTP/1.0\r\n\r\n' read
    [ "$status" -eq 0 ]
    [ "$(grep -c 'Connection: keep-alive' <<< "$output")" -eq 2 ]
    [[ $output == *"number 3, the last one"* ]] || false
}

@test "Connection is a list of words, in any case" {
    run client send "${HEAD}Connection: TE,  cLoSe\r\n\r\n" read
    [ "$status" -eq 0 ]
    [[ $output == *"the last one"* ]] || false
    run client send "${HEAD}Connection: TE\r\nConnection: close\r\n\r\n" read
    [[ $output == *"the last one"* ]] || false
    run client send "${HEAD}Connection: closed, x-close\r\n\r\n" \
        readuntil 'again\n'
    [ "$status" -eq 0 ]
    run client send 'GET / HTTP/1.0\r\nConnection: a , KEEP-Alive\r\n\r\n' \
        readuntil 'again\n'
    [ "$status" -eq 0 ]
    run client send "${HEAD}Connection: keep-alive, close\r\n\r\n" read
    [[ $output == *"the last one"* ]] || false
}

@test "sixteen requests in one packet are answered in order, in one send" {
    kill -STOP "$SERVER_PID"
    client_bg "$BATS_TEST_TMPDIR/out" \
        send "$(printf "%.0s$HEAD\\\\r\\\\n" {1..16})" \
        readuntil 'number 16, and you may ask again\n'
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"
    [ "$(numbers "$BATS_TEST_TMPDIR/out")" = "$(seq -s ' ' 16)" ]
    [ "$(stops | grep -cx 6)" -eq 1 ]
    [ "$(stops | grep -cx 8)" -eq 16 ]
    [ "$(stops | grep -cx 17)" -eq 1 ]
}

@test "a request in pieces behind a whole one is answered too" {
    run client send "${HEAD}\r\n${HEAD}X" readuntil 'number 1, and you may' \
        send ': 1\r\nConnection: close\r\n\r\n' read
    [ "$status" -eq 0 ]
    [[ $output == *"number 2, the last one"* ]] || false
}

@test "a body is never taken for the next request" {
    body='GET /inside HTTP/1.1\r\nHost: a\r\n\r\n'
    post='POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\n'
    run client send "$post$body${HEAD}Connection: close\r\n\r\n" read
    [ "$status" -eq 0 ]
    [ "$(numbers <<< "$output")" = "1 2" ]
    ! grep 'on_headers.*/inside' "$SERVER_LOG" || false
}

@test "a client that has said its last word gets all its answers" {
    kill -STOP "$SERVER_PID"
    client_bg "$BATS_TEST_TMPDIR/out" \
        send "$HEAD\r\n$HEAD\r\n$HEAD\r\n" shutdown read
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"
    [ "$(numbers "$BATS_TEST_TMPDIR/out")" = "1 2 3" ]
    wait_for_line "$SERVER_LOG" '\(20\)'
}

@test "five thousand requests in one stream are answered one by one" {
    run client repeat 5000 "$HEAD\r\n" shutdown read
    [ "$status" -eq 0 ]
    [ "$(numbers <<< "$output")" = "$(seq -s ' ' 5000)" ]
}

@test "after the last answer nothing is taken for a request" {
    run client send "${HEAD}Connection: close\r\n\r\n$HEAD\r\n$HEAD\r\n" read
    [ "$status" -eq 0 ]
    [ "$(numbers <<< "$output")" = 1 ]
}

@test "a client that is still sending gets its last answer" {
    kill -STOP "$SERVER_PID"
    client_bg "$BATS_TEST_TMPDIR/out" send "${HEAD}Connection: close\r\n\r\n" \
        repeat 5000 "$HEAD\r\n" read
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"           # 4 would be a reset
    [ "$(numbers "$BATS_TEST_TMPDIR/out")" = 1 ]
}

@test "the answer to a refused request is not lost to a reset" {
    kill -STOP "$SERVER_PID"
    client_bg "$BATS_TEST_TMPDIR/out" \
        send 'NONSENSE\r\n\r\n' repeat 1000 "$(printf '%0100d' 0)" read
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"           # 4 would be a reset
    grep -q '400 Bad Request' "$BATS_TEST_TMPDIR/out"
}

@test "a lingering close reads a mebibyte and no more" {
    run client deaf send 'NONSENSE\r\n\r\n' \
        repeat 5000 "$(printf '%010000d' 0)" read
    [[ $output == *"400 Bad Request"* ]] || false
    wait_for_line "$SERVER_LOG" 'linger.c:linger_end'

    # Fifty megabytes would be heard a thousand times and more.
    [ "$(stops | grep -cx 2)" -lt 600 ]
}

@test "a lingering close does not wait for ever for a silent client" {
    "$BUILD/client" "$PORT" send 'NONSENSE\r\n\r\n' read pause 9000 \
        < /dev/null > "$BATS_TEST_TMPDIR/out" 2>&1 3>&- 4>&- &
    silent=$!
    wait_for_line "$SERVER_LOG" 'linger.c:linger_end'
    kill "$silent"               # It was still there: the server has closed.
}

@test "the tour is complete: twenty stops, one after the other" {
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    wait_for_line "$SERVER_LOG" '\(20\)'
    [ "$(stops | awk '!seen[$0]++' | xargs)" = "$(seq -s ' ' 20)" ]
}
