# Exercise 24-3: a bell, for which many clients wait and which one of them rings.

setup()    { load ../helper; start_step 24 --trace; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

WAIT='GET /bell HTTP/1.1\r\nHost: a\r\n\r\n'

# wait_for_waiters N: until N requests have reached their handler.
wait_for_waiters() {
    for _ in $(seq 100); do
        [ "$(grep -c '(12).*handler_execute.*GET' "$SERVER_LOG")" -lt "$1" ] ||
            return 0
        sleep 0.02
    done
    return 1
}

@test "all clients that wait hear the bell, and the one that rang learns how many they were" {
    client_bg "$TMP/out" -t 5 -c 3 send "$WAIT" readuntil 'ding\n'
    wait_for_waiters 3
    [ "$(http -d x "$URL/bell")" = "3 heard it" ]
    wait "$CLIENT_PID"
    [ "$(grep -c '^ding' "$TMP/out")" -eq 3 ]
    [ "$(http -d x "$URL/bell")" = "0 heard it" ]
}

@test "a client that has left does not count, and harms no other" {
    client_bg "$TMP/out" -t 5 send "$WAIT" readuntil 'ding\n'
    wait_for_waiters 1
    mkfifo "$TMP/fifo"
    "$BUILD/client" -c 2 "$PORT" send "$WAIT" hold reset < "$TMP/fifo" \
        > /dev/null 2>&1 3>&- 4>&- &
    exec 9> "$TMP/fifo"
    wait_for_waiters 3
    exec 9>&-
    for _ in $(seq 100); do
        [ "$(stops | grep -cx 20)" -lt 2 ] || break
        sleep 0.02
    done
    [ "$(http -d x "$URL/bell")" = "1 heard it" ]
    wait "$CLIENT_PID"
}

@test "a server that drains disconnects the clients that wait" {
    client_bg "$TMP/out" send "$WAIT" read
    wait_for_waiters 1
    stop_server clean
    wait "$CLIENT_PID" || [ "$?" -eq 4 ] # 4: a reset, for there was no answer
}
