# Exercise 7.3: members have names.

setup() { load ../helper; start_step 7 --trace; }
teardown() { disperse; stop_server clean; }

saw() { wait_for_line "$SERVER_LOG" "$1"; }

listener() {
    HEARD=$BATS_TEST_TMPDIR/heard
    client_bg "$HEARD" send 'otto\n' readuntil 'left\n'
    saw '\(7\) +conn 1 '
}

@test "a line arrives with the name of its speaker" {
    listener
    client send 'anna\nhello\n' readuntil 'anna: hello\n' close
    wait "$CLIENT_PID"
    [ "$(cat "$HEARD")" = $'anna: hello\nanna left' ]
}

@test "a name may end in CR LF, and come byte by byte" {
    listener
    client bytewise 'anna\r\nhello\r\n' readuntil 'hello\r\n' close
    wait "$CLIENT_PID"
    [ "$(tr -d '\r' < "$HEARD")" = $'anna: hello\nanna left' ]
}

@test "a client without a name receives nothing" {
    held nameless hold send 'berta\nhi\n' readuntil 'hi\n' close
    saw '\(5\) +conn 1 '
    client send 'anna\nhello\n' readuntil 'anna: hello\n' close
    saw 'a member is freed'
    release nameless
    [ "$(cat "$BATS_TEST_TMPDIR/nameless")" = "berta: hi" ]
}

@test "a client that leaves before it has a name has never been there" {
    listener
    client send 'ann' close
    saw '\(20\) +conn 2 '
    client send 'carl\n' pause 50 close
    wait "$CLIENT_PID"
    [ "$(cat "$HEARD")" = "carl left" ]
}

@test "a long name is cut, and breaks nothing" {
    listener
    client repeat 50 aaaaaaaaaa send '\nhello\n' readuntil ': hello\n' close > /dev/null
    wait "$CLIENT_PID"
    grep -qE '^a{4,499} left$' "$HEARD"
}
