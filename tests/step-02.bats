# Step 2: the loop and its handlers, with select().

setup_file() {
    load helper
    load loop
    loop_driver | build_driver 2
}

setup() {
    load helper
    load loop
    start_step 2
}

teardown() { disperse; stop_server; }

# The turns of the trace in the order of their coming, each once.
turns() { awk '/^turn / && !seen[$2]++ { print $2 }' "$SERVER_LOG"; }

@test "a silent client keeps no other client waiting" {
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    [ "$(http "$URL/")" = "hello, everyone" ]
    [ "$(http "$URL/")" = "hello, everyone" ]
    exec 8>&-
}

@test "a hundred silent clients keep no other client waiting" {
    stay 100
    [ "$(http "$URL/")" = "hello, everyone" ]
    disperse
}

@test "a client that connects while the server is stopped is answered later" {
    freeze
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    printf 'GET / HTTP/1.0\r\n\r\n' >&8
    client_bg "$BATS_TEST_TMPDIR/answers" -c 3 \
        send 'GET / HTTP/1.0\r\n\r\n' read
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"
    [ "$(tail -n 1 <&8)" = "hello, everyone" ]
    exec 8>&-
    [ "$(grep -c '^hello, everyone$' "$BATS_TEST_TMPDIR/answers")" -eq 3 ]
}

@test "a server that was stopped for a while goes on" {
    # The stop has to find it asleep in the poller: continued, it then learns
    # from EINTR that it has missed something.
    local i
    for i in 1 2 3; do
        state S
        freeze
        kill -CONT "$SERVER_PID"
    done
    [ "$(http "$URL/")" = "hello, everyone" ]
}

@test "no turn is taken without an event" {
    stop_server
    start_step 2 --trace
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    http -o /dev/null "$URL/"
    exec 8>&-
    http -o /dev/null "$URL/"
    wait_for_line "$SERVER_LOG" 'conn 3'
    diff <(turns) <(seq "$(turns | wc -l)")
}

@test "a trace names the descriptor that was ready, and its connection" {
    stop_server
    start_step 2 --trace
    http -o /dev/null "$URL/"
    wait_for_line "$SERVER_LOG" \
        '^turn 2 +\(2\) +conn 1 +ioloop.c:run_handlers +ready: READ'
    [ "$(stops)" = $'2\n2' ]
}

@test "clients that leave, or break off, cost no descriptors" {
    [ -d "/proc/$SERVER_PID/fd" ] || skip "there is no /proc"
    local before
    before=$(descriptors)
    client -c 20 close
    client -c 20 reset
    client -c 20 send 'GET / HTTP/1.0\r\n\r\n' reset
    [ "$(http "$URL/")" = "hello, everyone" ]
    for i in $(seq 250); do
        [ "$(descriptors)" -gt "$before" ] || break
        sleep 0.02
    done
    [ "$(descriptors)" -eq "$before" ]
}

@test "the poller tells what is true, until it is not" { each_poller read; }

@test "a removed handler is not called for events that came before" {
    each_poller remove
}

@test "an event never reaches the next owner of a descriptor's number" { each_poller reuse; }

@test "the trace shows a wait where it happens" {
    stop_server
    start_step 2 --trace
    state S
    sleep 0.2
    http -o /dev/null "$URL/"
    wait_for_line "$SERVER_LOG" '^turn 2 .*conn 1'

    # It stands before the handlers of the turn.
    grep -B 1 -m 1 '^turn 1 ' "$SERVER_LOG" |
        grep -xE -- '--- waited [0-9]+\.[0-9] s ---'
}
