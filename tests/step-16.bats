# Chapter 16, The next request: when a request is over, and what comes then.

setup()    { load helper; start_step 16 --trace; }
teardown() { stop_server clean; }

HEAD='GET / HTTP/1.1\r\nHost: a\r\n'

@test "two requests travel over one connection" {
    run http -w ' %{num_connects}\n' "$URL/" "$URL/"
    [ "${lines[0]}" = "Hello, world 1" ]
    [ "${lines[1]}" = "Hello, world 0" ]
    [ "$(stops | grep -cx 3)" -eq 1 ]
}

@test "HTTP/1.0 is closed after its answer" {
    run client send 'GET / HTTP/1.0\r\n\r\n' read
    [ "$status" -eq 0 ]
    [[ $output == *"Connection: close"*"Hello, world" ]] || false
}

@test "HTTP/1.0 may stay if it asks to, and is told so" {
    ask='GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
    run client send "$ask" readuntil 'world' send "$ask" readuntil 'world' \
        send 'GET / HTTP/1.0\r\n\r\n' read
    [ "$status" -eq 0 ]
    [ "$(grep -c 'Connection: keep-alive' <<< "$output")" -eq 2 ]
    [ "$(grep -c 'Connection: close' <<< "$output")" -eq 1 ]
    [ "$(grep -o 'Hello, world' <<< "$output" | wc -l)" -eq 3 ]
}

# last LINES: sends a GET with these header lines, and reads the answer to its
# end. It fails if the server does not close.
last() { client -t 3 send "$1" read; }

@test "Connection is a list of words, in any case" {
    run last "${HEAD}Connection: TE,  cLoSe\r\n\r\n"
    [ "$status" -eq 0 ]
    [[ $output == *"Connection: close"* ]] || false
    run last "${HEAD}Connection: TE\r\nConnection: close\r\n\r\n"
    [ "$status" -eq 0 ]
    run last "${HEAD}Connection: keep-alive, close\r\n\r\n"
    [ "$status" -eq 0 ]
    for value in 'closed, x-close' 'close x' '' 'a , b'; do
        run client send "${HEAD}Connection: $value\r\n\r\n" readuntil world \
            send "$HEAD\r\n" readuntil world
        [ "$status" -eq 0 ] || { echo "$value: $output"; return 1; }
        [[ $output != *"Connection:"* ]] || false
    done
    run client send 'GET / HTTP/1.0\r\nConnection: a , KEEP-Alive\r\n\r\n' \
        readuntil world send 'GET / HTTP/1.0\r\n\r\n' readuntil world
    [ "$status" -eq 0 ]
}

@test "a body is never taken for the next request" {
    body='GET /inside HTTP/1.1\r\nHost: a\r\n\r\n'
    post='POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\n'
    run client send "$post$body" readuntil '</html>' \
        send "${HEAD}Connection: close\r\n\r\n" read
    [ "$status" -eq 0 ]
    [ "$(grep -oE '^HTTP/1.1|>HTTP/1.1' <<< "$output" | wc -l)" -eq 2 ]
    ! grep 'on_headers.*/inside' "$SERVER_LOG" || false
}

@test "an error of a request does not end the connection" {
    run http -w ' %{http_code} %{num_connects}\n' "$URL/nothing" "$URL/hello" \
        "$URL/"
    [[ ${lines[0]} == "<html>"*"404: Not Found"*" 404 1" ]] || false
    [[ ${lines[1]} == "<html>"*"405: Method Not Allowed"*" 405 0" ]] || false
    [[ ${lines[2]} == "Hello, world 200 0" ]] || false
}

@test "a thousand requests, one after the other, are answered on one connection" {
    http "$URL/?[1-1000]" > "$BATS_TEST_TMPDIR/out"
    [ "$(grep -o 'Hello, world' "$BATS_TEST_TMPDIR/out" | wc -l)" -eq 1000 ]
    [ "$(stops | grep -cx 3)" -eq 1 ]
    [ "$(stops | grep -cx 19)" -eq 1000 ]
}

@test "a form's field reaches your code, through every stop in order" {
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    [ "$(http -d 'name=a&name=J' "$URL/hello")" = "Hello, J" ]
    tour=$(stops | grep -vx 2 | awk '!seen[$0]++' | xargs)
    [ "$tour" = "1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19" ] ||
        [ "$tour" = "1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20" ]
}

@test "the tour is complete: twenty stops, one after the other" {
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    wait_for_line "$SERVER_LOG" '\(20\)'
    [ "$(stops | awk '!seen[$0]++' | xargs)" = "$(seq -s ' ' 20)" ]
}

@test "a missing field is the client's mistake, and the page says which" {
    run http -i -d other=x "$URL/hello"
    [[ ${lines[0]} == "HTTP/1.1 400 Bad Request"* ]] || false
    [[ $output == *"(Missing argument name)"* ]] || false
}

@test "nothing in a name becomes markup" {
    [ "$(http -d 'name=<b>"&'"'" "$URL/hello")" = \
        'Hello, &lt;b&gt;&quot;' ]
    [ "$(http --data-urlencode 'name=<i>&'"'" "$URL/hello")" = \
        'Hello, &lt;i&gt;&amp;&#39;' ]
}

@test "four million quotes become four million entities" {
    local form=$BATS_TEST_TMPDIR/form
    { printf name=; head -c 4194304 /dev/zero | tr '\0' '"'; } > "$form"
    http --max-time 60 --data-binary "@$form" "$URL/hello" > "$BATS_TEST_TMPDIR/answer"
    [ "$(wc -c < "$BATS_TEST_TMPDIR/answer")" -eq $((7 + 6 * 4194304)) ]
    [ "$(sed 's/&quot;//g' "$BATS_TEST_TMPDIR/answer")" = 'Hello, ' ]
}

@test "a client that leaves leaves nothing behind" {
    before=$(descriptors)
    client -c 20 send "$HEAD\r\n" readuntil world close
    client -c 20 send "$HEAD\r\n" readuntil world reset
    for _ in $(seq 250); do
        [ "$(stops | grep -cx 20)" -lt 40 ] || break
        sleep 0.02
    done
    [ "$(stops | grep -cx 20)" -eq 40 ]
    [ "$(descriptors)" -eq "$before" ]
}
