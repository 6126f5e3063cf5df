# Exercise 17.3: SIGUSR2 asks how far the thread is.

setup() {
    load ../helper
    start_step 17
}

teardown() { stop_server clean; }

@test "before there is a thread the number is 0" {
    kill -USR2 "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '^at 0$'
}

counts() {
    kill -USR2 "$SERVER_PID"
    grep -q '^at [1-9][0-9]*$' "$SERVER_LOG"
}

@test "while the thread counts, the number grows, and the result comes" {
    kill -USR1 "$SERVER_PID"
    until_true counts
    wait_for_line "$SERVER_LOG" '^78498 primes below 1000000$' 20
    kill -USR2 "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '^at (999999|1000000)$'
}
