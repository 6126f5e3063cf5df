# Exercise 17.3: a second SIGUSR1 asks how far the thread is.

setup() {
    load ../helper
    start_step 17
}

teardown() { stop_server clean; }

@test "the first SIGUSR1 starts the thread, and prints no number" {
    kill -USR1 "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '^78498 primes below 1000000$' 20
    run ! grep '^at ' "$SERVER_LOG"
}

# grows: two different numbers have been printed.
grows() {
    kill -USR1 "$SERVER_PID"
    [ "$(grep -E '^at [0-9]+$' "$SERVER_LOG" | sort -u | wc -l)" -ge 2 ]
}

@test "while the thread counts, the number grows, and the result comes" {
    until_true grows
    wait_for_line "$SERVER_LOG" '^78498 primes below 1000000$' 20
}
