# Build 6: the connection stays, and serves the next request as well.

setup() { load ../helper; start_step 8 --trace; }
teardown() { stop_server clean; }

REQUEST='GET / HTTP/1.0\r\n\r\n'
WHOLE=8388652

saw() { wait_for_line "$SERVER_LOG" "$1" 8; }

@test "two requests on one connection get two answers" {
    client -q send "$REQUEST" discard $WHOLE send "$REQUEST" discard $WHOLE
    saw '\(20\).*conn 1'
}

@test "a client that asks three times and half-closes gets three answers" {
    [ "$(client repeat 3 "$REQUEST" shutdown count)" -eq $((3 * WHOLE)) ]
}

@test "while the first answer is not read, the next request is not read" {
    client rcvbuf 4096 repeat 100 "$REQUEST" deaf pause 300 reset
    saw '\(20\).*conn 1'
    [ "$(grep -c '(8) .*conn 1' "$SERVER_LOG")" -eq 1 ]
}

@test "a client that has its answer and is silent does not wake the server" {
    client -q send "$REQUEST" discard $WHOLE pause 300 close
    saw '\(20\).*conn 1'
    sed '1,/ 0 unsent/d' "$SERVER_LOG" > "$BATS_TEST_TMPDIR/after"
    [ "$(grep -c ready: "$BATS_TEST_TMPDIR/after")" -lt 4 ]
}
