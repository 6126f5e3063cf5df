# Exercise 12.3: a head has two seconds.

setup()    { load ../helper; load ../requests; start_step 12; }
teardown() { stop_server clean; }

@test "a client that sends no whole head is closed after two seconds, with 408 or without" {
    for text in '' 'GET / HTTP/1.1\r\nHost: x\r\n'; do
        start=$(date +%s%N)
        client -q send "$text" read || true
        took=$((($(date +%s%N) - start) / 1000000))
        [ "$took" -ge 1900 ] && [ "$took" -lt 8000 ] || { echo "$took ms"; false; }
    done
}

@test "a slow head of one second and a slow body are served" {
    client send 'GET /slow HTTP/1.1\r\n' pause 1000 send 'Host: x\r\n\r\n' read |
        grep -qx 'You requested /slow.'
    client send "$(post 'Content-Length: 4\r\n' 'ab')" pause 3000 send 'cd' read |
        grep -qx 'abcd'
}

@test "a client that leaves early leaves no timeout behind" {
    client -c 20 send 'GET /' close
    sleep 2.5
    ask "$(get '')" | grep -qx 'You requested /.'
}
