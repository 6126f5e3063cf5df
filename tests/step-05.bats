# Chapter 5: the loop knows the time.

setup() { load helper; start_step 5 --trace; }
teardown() { stop_server clean; }

# A request whose sender hears nothing of the answer before the test asks.
sleeper() {
    client_bg "$BATS_TEST_TMPDIR/$1" send 'GET / HTTP/1.0\r\n\r\n' read
}

# heard N: connection N has been read from, and so its second has begun.
heard() { wait_for_line "$SERVER_LOG" "conn $1 .*ready: READ"; }

@test "an answer leaves after its second, not after the five of the counter" {
    took=$(http -o "$BATS_TEST_TMPDIR/body" -w '%{time_total}' "$URL")
    grep -qx 'hello, a second later' "$BATS_TEST_TMPDIR/body"
    run ! grep 'answered so far' "$SERVER_LOG"
    case $took in 0.*) echo "after $took seconds"; return 1 ;; esac
}

@test "ten sleepers sleep at the same time, and the counter counts them" {
    client -c 10 -q send 'GET / HTTP/1.0\r\n\r\n' read
    wait_for_line "$SERVER_LOG" 'answered so far' 10

    # The counter beats after five seconds. Ten answers one after another
    # would have taken ten.
    grep -qx '10 answered so far' "$SERVER_LOG"
}

@test "a client that comes while others sleep is served at once" {
    kill -STOP "$SERVER_PID"
    sleeper a
    sleeper b
    kill -CONT "$SERVER_PID"
    heard 2
    sed '/timeout is due/q' "$SERVER_LOG" | grep 'conn 2 .*ready: READ'
}

@test "timeouts that are due together run in one turn, before any event" {
    sleeper a; heard 1
    sleeper b; heard 2
    client close; heard 3   # So the turn in which b was heard is over.
    kill -STOP "$SERVER_PID"
    sleeper c
    sleep 1.1               # Both deadlines pass while the server is frozen.
    kill -CONT "$SERVER_PID"
    heard 4
    awk -v RS= '/timeout is due/ {
            print gsub(/timeout is due/, "") \
                (/run_handlers/ ? ", then events" : ""); exit
        }' "$SERVER_LOG" | grep -x '2, then events'
}

@test "a loop whose next deadline is a second away sleeps until then" {
    client -c 3 -q send 'GET / HTTP/1.0\r\n\r\n' read
    last=$(awk '/timeout is due/ { n = $2 } END { print n }' "$SERVER_LOG")
    echo "turn $last"
    [ "$last" -lt 40 ]
}

@test "a client that does not wait for its answer harms no other" {
    before=$(descriptors)
    client send 'GET / HTTP/1.0\r\n\r\n' reset
    client close
    [ "$(http "$URL")" = 'hello, a second later' ]
    [ "$(descriptors)" -eq "$before" ]
}

@test "the server can be ended while others sleep" {
    sleeper a; heard 1
    sleeper b; heard 2
    kill -TERM "$SERVER_PID"
    server_ends
    [ "$SERVER_STATUS" -eq 0 ]
    no_complaints
    run ! grep 'timeout is due' "$SERVER_LOG"
}
