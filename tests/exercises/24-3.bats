# Exercise 24-3: a bell. Many clients wait for it, and another one rings it.

setup()    { load ../helper; start_step 24 --trace; TMP=$BATS_TEST_TMPDIR; }
teardown() { disperse; stop_server clean; }

WAIT='GET /bell HTTP/1.1\r\nHost: a\r\n\r\n'

# waiters N, closed N: at least N requests have reached their handler, N
# connections are closed.
waiters() { [ "$(grep -c '(12).*handler_execute.*GET' "$SERVER_LOG")" -ge "$1" ]; }
closed() { [ "$(stops | grep -cx 20)" -ge "$1" ]; }

@test "all clients that wait get the answer, and the client that rings gets their number" {
    client_bg "$TMP/out" -t 5 -c 3 send "$WAIT" readuntil 'ding\n'
    until_true waiters 3
    [ "$(http -d x "$URL/bell")" = "3 heard it" ]
    wait "$CLIENT_PID"
    [ "$(grep -c '^ding' "$TMP/out")" -eq 3 ]
    [ "$(http -d x "$URL/bell")" = "0 heard it" ]
}

@test "a client that has left does not count, and harms no other" {
    client_bg "$TMP/out" -t 5 send "$WAIT" readuntil 'ding\n'
    until_true waiters 1
    held leavers -c 2 send "$WAIT" hold reset
    until_true waiters 3
    release leavers
    until_true closed 2
    [ "$(http -d x "$URL/bell")" = "1 heard it" ]
    wait "$CLIENT_PID"
}

@test "a server that ends disconnects the clients that wait" {
    client_bg "$TMP/out" send "$WAIT" read
    until_true waiters 1
    stop_server clean
    wait "$CLIENT_PID" || [ "$?" -eq 4 ] # 4: a reset, because there was no answer
}
