# Exercise 33-3: the parent tells which children it has.

setup()    { load ../helper; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

# reports N: until the log has so many lines about children.
lines() { [ "$(grep -cE ' process [0-9]+ is [0-9]+, forked [0-9]+ times$' "$SERVER_LOG")" -eq "$1" ]; }
child() { sed -n "s/.* process $1 is \([0-9]*\), forked $2 times\$/\1/p" "$SERVER_LOG" | tail -n 1; }

@test "the parent writes a line for each child" {
    start_step 33 --processes=3
    kill -USR1 "$SERVER_PID"
    until_true lines 3
    for id in 0 1 2; do
        kill -0 "$(child $id 1)"
        [ "$(child $id 1)" -ne "$SERVER_PID" ]
    done
    [ "$(http "$URL/")" = "Hello, world" ]
}

@test "a child that was forked again has another number, and is counted" {
    start_step 33 --processes=2
    kill -USR1 "$SERVER_PID"
    until_true lines 2
    before=$(child 1 1)
    kill -KILL "$before"
    wait_for_line "$SERVER_LOG" 'was killed by signal 9'
    kill -USR1 "$SERVER_PID"
    until_true lines 4
    [ -n "$(child 1 2)" ]
    [ "$(child 1 2)" -ne "$before" ]
    [ "$(grep -c 'process 0 is .* forked 1 times' "$SERVER_LOG")" -eq 2 ]
}

@test "a child survives the signal, and so does a server with one process" {
    start_step 33 --processes=2
    kill -USR1 "$SERVER_PID"
    until_true lines 2
    kill -USR1 "$(child 0 1)"
    [ "$(http "$URL/hello/[1-8]" | grep -o Hello | wc -l)" -eq 8 ]
    ! grep killed "$SERVER_LOG" || false
    stop_server clean
    start_step 33
    kill -USR1 "$SERVER_PID"
    [ "$(http "$URL/")" = "Hello, world" ]
    ! grep -E 'killed|forked' "$SERVER_LOG" || false
}
