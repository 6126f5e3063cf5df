# Exercise 2.3: the command line names the poller.

setup() { load ../helper; }
teardown() { stop_server; }

@test "an unknown poller is refused with a message" {
    start_step 2 --poller=crystal-ball || true
    [ -z "$SERVER_PID" ] || server_ends 2
    grep -q '^dustdevil: event loop' "$SERVER_LOG"
}

@test "the server answers with select" {
    start_step 2 --poller=select
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    [ "$(http "$URL/")" = "hello, everyone" ]
    exec 8>&-

    # Where the system shows it: no epoll here.
    if [ -d "/proc/$SERVER_PID/fd" ]; then
        run -1 grep eventpoll <(ls -l "/proc/$SERVER_PID/fd")
    fi
}

@test "without the option the best poller is taken" {
    start_step 2
    [ "$(http "$URL/")" = "hello, everyone" ]
}
