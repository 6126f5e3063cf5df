# Exercise 18.3: at most ten connections linger at once.

setup()    { load ../helper; start_step 18 --trace; }
teardown() { disperse; stop_server clean; }

lingering() { grep -c 'lingering:' "$SERVER_LOG"; }

@test "of fifteen silent clients ten are lingered for, and five are closed" {
    before=$(descriptors)
    stay 15 send 'NONSENSE\r\n\r\n'
    wait_for_line "$SERVER_LOG" 'linger_end'
    [ "$(lingering)" -eq 10 ]
    until_true descriptors_at_most "$before"
}

@test "afterwards there is room again" {
    stay 15 send 'NONSENSE\r\n\r\n'
    wait_for_line "$SERVER_LOG" 'linger_end'
    disperse
    sleep 0.2
    stay 3 send 'NONSENSE\r\n\r\n'
    until_true many
}
many() { [ "$(lingering)" -eq 13 ]; }
