# Exercise 16-3: at most a hundred requests on one connection.

setup()    { load ../helper; start_step 16; }
teardown() { stop_server clean; }

ASK='GET / HTTP/1.1\r\nHost: a\r\n\r\n'

@test "the hundredth answer on a connection is the last one" {
    run client -t 3 repeat 99 "$ASK" readuntil 'number 99, and you may ask again' \
        send "$ASK$ASK" read
    [ "$status" -eq 0 ]
    [[ $output == *"number 100, the last one" ]] || false
}

@test "every connection may ask a hundred times" {
    run client -t 3 repeat 100 "$ASK" read
    [[ $output == *"number 100, the last one" ]] || false
    run client -t 3 repeat 100 "$ASK" read
    [[ $output == *"number 101, and you may ask again"* ]] || false
    [[ $output == *"number 200, the last one" ]] || false
}
