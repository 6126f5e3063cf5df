# Exercise 4.3: SIGUSR1 asks how many were answered.

setup() {
    load ../helper
    start_step 4
}

teardown() { stop_server clean; }

@test "the server says how many it has answered" {
    http -o /dev/null "$URL/"
    http -o /dev/null "$URL/"
    kill -USR1 "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '^answered 2$'
    http -o /dev/null "$URL/"
    kill -USR1 "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '^answered 3$'
}

@test "it says so when there was no request" {
    kill -USR1 "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '^answered 0$'
}
