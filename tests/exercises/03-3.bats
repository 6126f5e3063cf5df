# Exercise 3.3: the interest is changed only when it is another one.

setup() {
    load ../helper
    start_step 3 --trace
}

teardown() { stop_server; }

@test "small echoes do not change the interest" {
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    for i in 1 2 3 4 5; do
        echo "$i" >&8
        read -r line <&8
        [ "$line" = "$i" ]
    done
    exec 8>&-
    [ "$(grep -c 'watch for' "$SERVER_LOG")" -eq 0 ]
}

@test "small echoes need no epoll_ctl()" {
    command -v strace > /dev/null || skip "there is no strace"
    local calls=$BATS_TEST_TMPDIR/calls
    strace -e trace=epoll_ctl -o "$calls" -p "$SERVER_PID" 2> "$calls.err" 3>&- 4>&- &
    local strace=$!
    wait_for_line "$calls.err" attached || skip "strace may not look"
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    for i in 1 2 3 4 5; do
        echo "$i" >&8
        read -r line <&8
    done
    exec 8>&-
    wait_for_line "$calls" 'EPOLL_CTL_DEL'
    kill -INT "$strace"
    wait "$strace" || true
    run ! grep EPOLL_CTL_MOD "$calls"
}

@test "ten megabytes come back, although their client reads late" {
    head -c 10000000 /dev/urandom > "$BATS_TEST_TMPDIR/sent"
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    cat "$BATS_TEST_TMPDIR/sent" >&8 3>&- 4>&- &
    wait_for_line "$SERVER_LOG" 'watch for WRITE$'
    head -c 10000000 <&8 | cmp - "$BATS_TEST_TMPDIR/sent"
    exec 8>&-
    wait_for_line "$SERVER_LOG" 'watch for READ$'
}
