# Exercise 5.3: a client that is silent for a second is disconnected.

setup() { load ../helper; start_step 5 --trace; }
teardown() { stop_server clean; }

@test "a silent client is disconnected" {
    before=$(descriptors)
    [ "$(client -t 5 count)" = 0 ]
    [ "$(descriptors)" -eq "$before" ]
}

@test "a client that has spoken gets its answer as before" {
    [ "$(http "$URL")" = 'hello, a second later' ]
    client -c 20 -q send 'GET / HTTP/1.0\r\n\r\n' read
    client close
    client send x reset
    client pause 500 send 'GET / HTTP/1.0\r\n\r\n' read | grep -q 'a second later'
    [ "$(http "$URL")" = 'hello, a second later' ]
}
