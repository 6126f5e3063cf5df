# Chapter 6: pieces become a message.

# This step does not free the streams that it closes (chapter 7 does).
setup() {
    load helper
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    start_step 6 --trace
}
teardown() { stop_server clean; }

saw() { wait_for_line "$SERVER_LOG" "$1"; }

# turn_of STOP: in which turn a stop was heard for the first time.
turn_of() { awk -v s="($1)" '$3 == s { print $2; exit }' "$SERVER_LOG"; }

@test "a message that arrives byte by byte is answered once, and whole" {
    local out=$BATS_TEST_TMPDIR/out
    client bytewise 'GET / HTTP/1.0\r\nHost: x\r\n\r\n' read > "$out"
    printf 'HTTP/1.0 200 OK\r\n\r\nyou said:\n%b' \
        'GET / HTTP/1.0\r\nHost: x\r\n\r\n' | cmp - "$out"
    [ "$(stops | grep -cx 6)" -gt 1 ]
    [ "$(stops | grep -cx 7)" -eq 1 ]
    [ "$(stops | grep -cx 8)" -eq 1 ]
}

@test "a delimiter that is cut in pieces is found all the same" {
    {
        printf 'end\r';  saw '\+4 bytes, 4 in the buffer' >&2
        printf '\n';     saw '\+1 bytes, 5 in the buffer' >&2
        printf '\r';     saw '\+1 bytes, 6 in the buffer' >&2
        printf '\n'
    } | raw | grep -a '^end'
    saw 'found after 7 bytes'
}

@test "the CRs of a delimiter are optional" {
    [ "$(client send 'a\n\n' read | tail -n 2 | head -n 1)" = a ]
    [ "$(client send 'b\r\n\n' read | tail -n 2 | head -n 1)" = $'b\r' ]
    [ "$(client send 'c\n\r\n' read | tail -n 2 | head -n 1)" = c ]
    client -q send 'd\n\r\r\n\n' read    # Two of them are none.
    saw 'found after 6 bytes'
}

@test "what follows the delimiter is no part of the message" {
    client send 'one\r\n\r\ntwo\r\n\r\n' read > "$BATS_TEST_TMPDIR/out"
    grep -q one "$BATS_TEST_TMPDIR/out"
    run ! grep two "$BATS_TEST_TMPDIR/out"
    saw '\+14 bytes, 14 in the buffer'
    saw 'found after 7 bytes'
}

@test "the callback runs in the next turn, never in the call that asked" {
    http -o /dev/null "$URL"
    [ "$(turn_of 8)" -eq $(($(turn_of 7) + 1)) ]
}

@test "a client that thinks first is watched, and heard when it speaks" {
    { saw '\(5\)' >&2; printf 'GET / HTTP/1.0\r\n\r\n'; } | raw | grep -a GET
    [ "$(stops | tr '\n' ' ')" = '2 3 4 5 2 6 7 8 20 ' ]
}

@test "a message without an end is handed over when there is too much of it" {
    client -q repeat 40000 x || true
    saw 'found after 32768 bytes'
    saw 'called with 32768 bytes'
}

@test "fifty half messages are kept apart" {
    client -c 50 send 'hal' send 'f\r\n\r\n' read > "$BATS_TEST_TMPDIR/out"
    [ "$(grep -ac '^half' "$BATS_TEST_TMPDIR/out")" -eq 50 ]
}

@test "the server can be ended while every client is in the middle of a request" {
    client_bg "$BATS_TEST_TMPDIR/out" -c 5 send 'GET / HT' read
    saw 'conn 5 .*8 in the buffer'
    kill -TERM "$SERVER_PID"
    server_ends
    [ "$SERVER_STATUS" -eq 0 ]
    no_complaints
}
