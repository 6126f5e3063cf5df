# Exercise 1.3: a process for each client.

setup() {
    load ../helper
    start_step 1
}

teardown() { stop_server; }

@test "a silent client keeps no other client waiting" {
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    [ "$(http "$URL/")" = "hello, one at a time" ]
    [ "$(http "$URL/")" = "hello, one at a time" ]
    exec 8>&-
}

@test "the end of the answer is the end of the connection" {
    run -0 client -t 5 send 'GET / HTTP/1.0\r\n\r\n' read
    [[ $output == *"one at a time" ]]
}

@test "no process of an answered client stays behind" {
    for i in 1 2 3; do http -o /dev/null "$URL/"; done
    for i in $(seq 250); do
        ps -A -o ppid= | grep -qx " *$SERVER_PID" || break
        sleep 0.02
    done
    run -1 grep -x " *$SERVER_PID" <(ps -A -o ppid=)
}
