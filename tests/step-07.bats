# Chapter 7: who frees what, and when.

setup() { load helper; start_step 7 --trace; }
teardown() { stop_server clean; }

saw() { wait_for_line "$SERVER_LOG" "$1"; }

# turn_of PATTERN: in which turn such a line stands for the first time.
turn_of() { awk -v s="$1" '$0 ~ s { print $2; exit }' "$SERVER_LOG"; }

# listener: a member that says nothing, until another one has left. What it
# has heard is in $HEARD.
listener() {
    HEARD=$BATS_TEST_TMPDIR/heard
    client_bg "$HEARD" readuntil 'one left\n'
    saw '\(5\) +conn 1 '
}

@test "what a member says is heard by all, also by itself" {
    listener
    client send 'hello\n' readuntil 'hello\n' close
    wait "$CLIENT_PID"
    [ "$(cat "$HEARD")" = $'hello\none left' ]
}

@test "a line whose callback is queued is delivered before the close" {
    listener
    kill -STOP "$SERVER_PID"
    client send 'one\ntwo\nthr' close
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"
    [ "$(cat "$HEARD")" = $'one\ntwo\none left' ]
}

@test "what follows the last line is dropped" {
    listener
    client send 'bye\nhello\n' read
    wait "$CLIENT_PID"
    [ "$(cat "$HEARD")" = "one left" ]
}

@test "the close callback runs in the turn after the close, and once" {
    client send 'bye\n' read
    saw 'a member is freed'
    [ "$(turn_of 'a member is freed')" -eq $(($(turn_of '\\(20\\)') + 1)) ]
    client send 'bye\n' read
    [ "$(grep -c 'a member is freed' "$SERVER_LOG")" -eq 2 ]
}

@test "a client that leaves in the middle of a line leaves nothing behind" {
    before=$(descriptors)
    client send 'hal' close
    saw 'conn 1 .*the peer will send no more'
    # The second one is reset, as soon as its bytes have arrived.
    { saw 'conn 2 .*3 in the buffer' >&2; } | client send hal hold reset
    saw '\(20\).*conn 2'
    [ "$(client send 'hello\n' readuntil 'hello\n' close)" = hello ]
    saw '\(20\).*conn 3'
    [ "$(descriptors)" -eq "$before" ]
    run ! grep 'found after 3 bytes' "$SERVER_LOG"
}

@test "after a client has left the loop sleeps" {
    client send 'hal' close
    saw 'a member is freed'
    lines=$(wc -l < "$SERVER_LOG")
    sleep 0.3
    [ $(($(wc -l < "$SERVER_LOG") - lines)) -lt 5 ]
}

@test "a hundred members leave at once" {
    before=$(descriptors)
    client -c 100 send 'hello\n' close
    until_true descriptors_at_most "$before"
    saw 'conn 100 .*\(20\)|\(20\) +conn 100 '
    until_true all_freed 100
}
all_freed() { [ "$(grep -c 'a member is freed' "$SERVER_LOG")" -eq "$1" ]; }

@test "a member that has left does not end the server with SIGPIPE" {
    kill -STOP "$SERVER_PID"
    client -c 2 send 'one\ntwo\nthree\n' reset
    kill -CONT "$SERVER_PID"
    until_true all_freed 2
    [ "$(client send 'hello\n' readuntil 'hello\n' close)" = hello ]
}
