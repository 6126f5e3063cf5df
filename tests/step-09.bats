# Chapter 9: how a connection begins.

setup() { load helper; }
teardown() { stop_server clean; }

# per_turn N: how often the stop (N) stands in each turn that has it.
per_turn() {
    awk -v stop="($1)" '
        $3 == stop && $2 != turn { if (n) print n; n = 0; turn = $2 }
        $3 == stop { n++ }
        END { if (n) print n }' "$SERVER_LOG"
}

@test "a client is accepted, and the next one, too" {
    start_step 9
    [ "$(http "$URL")" = "come in" ]
    [ "$(http "$URL")" = "come in" ]
}

@test "the listening socket joins the loop before its first turn" {
    start_step 9 --trace
    wait_for_line "$SERVER_LOG" '^turn 0 +\(1\)'
    [ "$(stops)" = 1 ]
}

@test "the port can be had again at once" {
    start_step 9
    local port=$PORT

    # The server closes first, so the end of this connection (TIME_WAIT) stays
    # with its port for a minute.
    http "$URL"
    stop_server clean
    start_step 9 --port="$port"
    [ "$PORT" = "$port" ]
    [ "$(http "$URL")" = "come in" ]
}

@test "a client that connects while the server is busy waits in the kernel's queue" {
    start_step 9 --trace
    kill -STOP "$SERVER_PID"
    client close                # It connects, or it would fail.
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    printf 'GET / HTTP/1.0\r\n\r\n' >&8
    kill -CONT "$SERVER_PID"
    [ "$(tail -n 1 <&8)" = "come in" ]
    exec 8>&-
}

@test "one event accepts at most 16 connections" {
    start_step 9 --trace
    kill -STOP "$SERVER_PID"
    client -c 100 close
    kill -CONT "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '\(3\) +conn 100 '
    [ "$(per_turn 3 | tr '\n' ' ')" = "16 16 16 16 16 16 4 " ]
}

@test "open connections are served before a crowd is accepted" {
    start_step 9 --trace
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    wait_for_line "$SERVER_LOG" '\(3\) +conn 1 '
    kill -STOP "$SERVER_PID"
    client -c 100 close
    printf 'GET / HTTP/1.0\r\n\r\n' >&8
    kill -CONT "$SERVER_PID"
    [ "$(tail -n 1 <&8)" = "come in" ]
    exec 8>&-
    wait_for_line "$SERVER_LOG" '\(3\) +conn 101 '
    awk '/\(16\) +conn 1 / { answered = 1 }
        /\(3\) +conn 101 / { exit !answered }' "$SERVER_LOG"
}

# turn_of STOP: the first turn with that stop.
turn_of() { awk -v s="($1)" '$3 == s { print $2; exit }' "$SERVER_LOG"; }

@test "a request that is here already is read in the turn of the accept" {
    start_step 9 --trace
    kill -STOP "$SERVER_PID"
    client send 'GET / HTTP/1.0\r\n\r\n'
    kill -CONT "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '\(20\)'
    [ "$(stops | tr '\n' ' ')" = '1 2 3 4 5 6 7 16 17 20 ' ]
    [ "$(turn_of 7)" -eq "$(turn_of 3)" ]
}
