# Step 4: callbacks.

setup_file() {
    load helper
    load loop
    callback_driver | build_driver 4
}

setup() {
    load helper
    start_step 4 --trace
    state S
}

teardown() { stop_server clean; }

# turn_of PATTERN: the turns of the lines of the trace that say so.
turn_of() { sed -n "s/^turn \([0-9]*\).*$1.*/\1/p" "$SERVER_LOG"; }

# What three clients sent before the server could hear any of them. They are
# accepted first, then it is stopped, and goes on when all have spoken.
three_at_once() {
    local fifo=$BATS_TEST_TMPDIR/fifo crowd
    mkfifo "$fifo"
    client -c 3 hold send 'GET / HTTP/1.0\r\n\r\n' < "$fifo" 3>&- 4>&- &
    crowd=$!
    exec 8> "$fifo"
    wait_for_line "$SERVER_LOG" '^turn 3 .*ready: READ'
    http -o /dev/null "$URL/"       # Served after them, so they are inside.
    freeze
    exec 8>&-
    wait "$crowd"
    kill -CONT "$SERVER_PID"
}

@test "the answer leaves in the turn after the request" {
    [ "$(http "$URL/")" = "hello, next turn" ]
    wait_for_line "$SERVER_LOG" 'the answer leaves'
    [ "$(turn_of 'the answer leaves')" -eq $(($(turn_of 'put off') + 1)) ]
}

@test "all requests that are there are read before the first answer leaves" {
    three_at_once
    wait_for_line "$SERVER_LOG" 'conn 3.*the answer leaves'
    [ "$(turn_of 'conn [1-3].*put off' | uniq | wc -l)" -eq 1 ]
    [ "$(turn_of 'conn [1-3].*the answer leaves' | uniq | wc -l)" -eq 1 ]
    awk '/conn [1-3].*the answer leaves/ { left = 1 }
        /conn [1-3].*put off/ && left { exit 1 }' "$SERVER_LOG"
}

@test "the request that came first is answered first" {
    three_at_once
    wait_for_line "$SERVER_LOG" 'conn 3.*the answer leaves'
    diff <(grep 'put off' "$SERVER_LOG" | grep -o 'conn [0-9]*') \
        <(grep 'answer leaves' "$SERVER_LOG" | grep -o 'conn [0-9]*')
}

@test "SIGTERM ends the server, with status 0" {
    kill -TERM "$SERVER_PID"
    server_ends
    [ "$SERVER_STATUS" -eq 0 ]
}

@test "SIGINT ends it, too" {
    kill -INT "$SERVER_PID"
    server_ends
    [ "$SERVER_STATUS" -eq 0 ]
}

@test "a client that breaks off before the answer does no harm" {
    client -c 5 send 'GET / HTTP/1.0\r\n\r\n' reset
    client -c 5 send 'GET / HTTP/1.0\r\n\r\n' close
    [ "$(http "$URL/")" = "hello, next turn" ]
}

@test "a callback added by a callback waits for the next turn" {
    run -0 "$BATS_FILE_TMPDIR/driver" next
    [ "$output" = well ]
}

@test "callbacks that breed callbacks do not starve the sockets" {
    run -0 "$BATS_FILE_TMPDIR/driver" breed
    [ "$output" = well ]
}
