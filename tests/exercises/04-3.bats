# Exercise 4.3: an answer of one byte in each turn.

setup() {
    load ../helper
    start_step 4 --trace
}

teardown() { stop_server clean; }

@test "the answer leaves in as many turns as it has bytes" {
    [ "$(http "$URL/")" = "hello, next turn" ]
    wait_for_line "$SERVER_LOG" 'conn 1 .*a byte leaves'
    lines=$(grep -c 'conn 1 .*a byte leaves' "$SERVER_LOG")
    turns=$(awk '/conn 1 .*a byte leaves/ { print $2 }' "$SERVER_LOG" | uniq | wc -l)
    [[ $lines -eq 36 && $turns -eq 36 ]]
}

@test "clients at the same time share the turns" {
    freeze
    stay 2 send 'GET / HTTP/1.0\r\n\r\n'
    kill -CONT "$SERVER_PID"
    wait_for_line "$SERVER_LOG" 'conn 2 .*a byte leaves'
    until_true eval '[ "$(grep -c "a byte leaves" "$SERVER_LOG")" -eq 72 ]'
    disperse
    both=$(awk '/a byte leaves/ { print $2 }' "$SERVER_LOG" | uniq -d | wc -l)
    [ "$both" -ge 30 ]
}

@test "a client that breaks off in the middle does no harm" {
    client -c 5 send 'GET / HTTP/1.0\r\n\r\n' reset
    [ "$(http "$URL/")" = "hello, next turn" ]
}
