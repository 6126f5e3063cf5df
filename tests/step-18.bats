# Chapter 18: half-closed, reset, lingering.

setup()    { load helper; start_step 18 --trace; }
teardown() { disperse; stop_server clean; }

HEAD='GET / HTTP/1.1\r\nHost: a\r\n'

# How many answers there are in a file.
answers() { grep -o 'HTTP/1.1 200' "$1" | wc -l | tr -d ' '; }

@test "a client that has half-closed gets its answer" {
    run client send "$HEAD\r\n" shutdown read
    [ "$status" -eq 0 ]
    [[ $output == *"Hello, world"* ]] || false
    wait_for_line "$SERVER_LOG" '\(20\)'
}

@test "a client that half-closes while it gets a long answer gets the rest of it" {
    client_bg "$BATS_TEST_TMPDIR/count" rcvbuf 4096 \
        send 'POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 8388613\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nname=' \
        repeat 8192 "$(printf '%01024d' 0)" deaf pause 300 shutdown pause 100 count
    wait "$CLIENT_PID"
    [ "$(cat "$BATS_TEST_TMPDIR/count")" -gt 8388608 ]
}

@test "a client that resets while it gets a long answer ends its own connection only" {
    before=$(descriptors)
    client -q rcvbuf 4096 send 'POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 8388613\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nname=' \
        repeat 8192 "$(printf '%01024d' 0)" discard 1000 reset
    wait_for_line "$SERVER_LOG" '\(20\) +conn 1 '
    [ "$(http "$URL/")" = "Hello, world" ]
    until_true descriptors_at_most "$before"
}

@test "after the last answer nothing is taken for a request" {
    run client send "${HEAD}Connection: close\r\n\r\n$HEAD\r\n$HEAD\r\n" read
    [ "$status" -eq 0 ]
    [ "$(grep -o 'Hello, world' <<< "$output" | wc -l)" -eq 1 ]
}

@test "a client that is still sending gets its last answer" {
    kill -STOP "$SERVER_PID"
    client_bg "$BATS_TEST_TMPDIR/out" send "${HEAD}Connection: close\r\n\r\n" \
        repeat 5000 "$HEAD\r\n" read
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"           # 4 would be a reset
    [ "$(answers "$BATS_TEST_TMPDIR/out")" -eq 1 ]
}

@test "the answer to a refused request is not lost to a reset" {
    kill -STOP "$SERVER_PID"
    client_bg "$BATS_TEST_TMPDIR/out" \
        send 'NONSENSE\r\n\r\n' repeat 1000 "$(printf '%0100d' 0)" read
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"           # 4 would be a reset
    grep -q 'HTTP/1.1 400 ' "$BATS_TEST_TMPDIR/out"
}

@test "a lingering close reads a mebibyte and no more" {
    run client deaf send 'NONSENSE\r\n\r\n' \
        repeat 5000 "$(printf '%010000d' 0)" read
    [[ $output == *"HTTP/1.1 400 "* ]] || false
    wait_for_line "$SERVER_LOG" 'linger.c:linger_end'

    # What came with the request counts, too.
    bytes=$(sed -n 's/.*linger_end .*closed, \([0-9]*\) bytes.*/\1/p' "$SERVER_LOG")
    [[ $bytes -gt 1000000 && $bytes -le 1048576 ]]
}

@test "a lingering close does not wait for ever for a silent client" {
    "$BUILD/client" "$PORT" send 'NONSENSE\r\n\r\n' read pause 9000 \
        < /dev/null > "$BATS_TEST_TMPDIR/out" 2>&1 3>&- 4>&- &
    silent=$!
    wait_for_line "$SERVER_LOG" 'linger.c:linger_end'
    kill "$silent"               # It was still there: the server has closed.
}

# Each pause is shorter than the longest silence, and all of them are longer. The
# second client would go on for twice as long as the server does.
@test "a lingering close goes on while the client sends, but not for ever" {
    local first bytes short=() long=()
    for _ in {1..6}; do short+=(pause 600 send aaaaa); done
    for _ in {1..20}; do long+=(pause 1000 send b); done
    client_bg "$BATS_TEST_TMPDIR/out1" send 'NONSENSE\r\n\r\n' "${short[@]}" shutdown read
    first=$CLIENT_PID
    client_bg "$BATS_TEST_TMPDIR/out2" -t 30 send 'NONSENSE\r\n\r\n' "${long[@]}"
    STAYING+=("$CLIENT_PID")
    wait "$first"
    wait_for_line "$SERVER_LOG" 'linger.c:linger_end +closed, 30 bytes were dropped'
    wait_for_line "$SERVER_LOG" 'linger.c:linger_end +closed, [12]?[0-9] bytes were dropped' 30
    bytes=$(sed -n 's/.*linger_end .*closed, \([0-9]*\) bytes.*/\1/p' "$SERVER_LOG" | tail -n 1)
    [ "$bytes" -lt 20 ]
}

@test "a client that has sent everything is closed without lingering" {
    client send "${HEAD}Connection: close\r\n\r\n" read > /dev/null
    wait_for_line "$SERVER_LOG" '\(20\)'
    run ! grep lingering "$SERVER_LOG"
}
