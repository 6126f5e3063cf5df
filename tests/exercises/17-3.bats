# Exercise 17.3: SIGUSR2 asks how many threads are counting.

setup() {
    load ../helper
    start_step 17
}

teardown() { stop_server clean; }

# said TEXT N: the log has N lines TEXT.
said() { [ "$(grep -c "^$1\$" "$SERVER_LOG")" -eq "$2" ]; }

@test "the server says how many threads are counting" {
    kill -USR2 "$SERVER_PID"
    until_true said '0 threads' 1
    kill -USR1 "$SERVER_PID"
    until_true said '78498 primes below 1000000' 1
    kill -USR2 "$SERVER_PID"
    until_true said '0 threads' 2
}

@test "two threads are two" {
    kill -USR1 "$SERVER_PID"
    sleep 0.1
    kill -USR1 "$SERVER_PID"
    sleep 0.1
    kill -USR2 "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '^2 threads$'
    until_true said '78498 primes below 1000000' 2
}
