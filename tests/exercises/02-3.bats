# Exercise 2.3: all clients that wait are accepted in one turn.

setup() {
    load ../helper
    start_step 2 --trace
}

teardown() { disperse; stop_server; }

@test "three clients that wait are accepted in one turn" {
    freeze
    stay 3 send 'GET / HTTP/1.0\r\n\r\n'
    kill -CONT "$SERVER_PID"
    wait_for_line "$SERVER_LOG" 'conn 3 .*ready: READ'
    [ "$(grep -cE '^turn [0-9]+ +\(2\) {5,}ioloop' "$SERVER_LOG")" -eq 1 ]
    [ "$(http "$URL/")" = "hello, everyone" ]
}

@test "a silent client keeps no other client waiting" {
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    [ "$(http "$URL/")" = "hello, everyone" ]
    exec 8>&-
}
