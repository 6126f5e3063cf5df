# Step 3: the pollers, and an echo server that asks for WRITE.

setup_file() {
    load helper
    load loop
    loop_driver | build_driver 3
}

setup() {
    load helper
    load loop
    start_step 3 --trace
}

teardown() { stop_server; }

# echo_of SIZE: sends so many bytes, and prints how many came back, and whether
# they are the same.
echo_of() {
    head -c "$1" /dev/urandom > "$BATS_TEST_TMPDIR/sent"
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    cat "$BATS_TEST_TMPDIR/sent" >&8 3>&- 4>&- &
    head -c "$1" <&8 | cmp - "$BATS_TEST_TMPDIR/sent"
    exec 8>&-
}

@test "what a client sends comes back" {
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    echo hello >&8
    read -r line <&8
    [ "$line" = hello ]
    echo again >&8
    read -r line <&8
    [ "$line" = again ]
    exec 8>&-
}

@test "ten megabytes come back as they were" { echo_of 10000000; }

@test "ten megabytes come back as they were, with select()" {
    stop_server
    POLLER=select start_step 3 --trace
    echo_of 10000000
    [ -z "$(find "/proc/$SERVER_PID/fd" -lname '*eventpoll*' 2> /dev/null)" ]
}

@test "a client that does not read is not read, and keeps no other waiting" {
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    head -c 20000000 /dev/zero >&8 3>&- 4>&- &
    local writer=$!
    wait_for_line "$SERVER_LOG" 'conn 1 .* [1-9][0-9]* bytes are unsent'
    sleep 0.3
    exec 9<> "/dev/tcp/127.0.0.1/$PORT"
    echo hello >&9
    read -r line <&9
    [ "$line" = hello ]
    most=$(sed -n 's/.*conn 1 .* \([0-9]*\) bytes are unsent: .*/\1/p' "$SERVER_LOG" |
        sort -n | tail -n 1)
    [ "$most" -lt 70000 ]

    # And it waits for that client without work.
    local before
    before=$(cpu)
    sleep 0.5
    [ $(($(cpu) - before)) -lt 20 ]
    kill "$writer"
    exec 8>&- 9>&-
}

@test "a connection that has nothing to send causes no turns" {
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    echo hello >&8
    read -r line <&8
    sleep 0.3
    exec 8>&-
    wait_for_line "$SERVER_LOG" 'conn 1 .*ready'
    [ "$(grep -c '^turn' "$SERVER_LOG")" -le 10 ]
}

@test "clients that leave, or break off, cost no descriptors" {
    needs_proc
    local before
    before=$(descriptors)
    client -c 20 close
    client -c 20 reset
    client -c 20 send 'some bytes' reset
    until_true descriptors_at_most "$before"
}

@test "each poller tells what is true, until it is not" {
    each_poller read
    [ "$(uname)" != Linux ] || [ "$("$BATS_FILE_TMPDIR/driver" epoll read)" = well ]
}

@test "a removed handler is not called for events that came before" {
    each_poller remove
}

@test "an event never reaches the next owner of a descriptor's number" { each_poller reuse; }
