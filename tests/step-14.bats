# Chapter 14: how a URL finds a function, and what becomes of what it writes.

setup()    { load helper; start_step 14 --trace; }
teardown() { stop_server clean; }

# ask METHOD PATH [OPTION...]: head and body of the answer, without CR.
ask() {
    local method=$1 path=$2
    shift 2
    [ "$method" != HEAD ] || set -- -I "$@"
    http -i -X "$method" --path-as-is "$@" "$URL$path" | tr -d '\r'
}

@test "a path finds its function, and its groups are decoded after the match" {
    [ "$(http "$URL/")" = "Hello, world" ]
    [ "$(http "$URL/hello/J%c3%b6rg")" = "Hello, Jörg" ]
    [ "$(http "$URL/hello/a%2Fb+c")" = "Hello, a/b+c" ]
    [ "$(http "$URL/hello/%3Cb%3E")" = "Hello, &lt;b&gt;" ]
}

@test "a pattern has to match the whole path" {
    for path in /hello/a/b /hello/ /hell /hello/a/ /form/x /error/40 /error/4040
    do
        run ask GET "$path"
        [[ ${lines[0]} == "HTTP/1.1 404 Not Found" ]] ||
            { echo "$path: $output"; return 1; }
    done
}

@test "a form's field reaches your code, through every stop in order" {
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    [ "$(http -d 'name=a&name=%20J%20' "$URL/hello")" = "Hello, J" ]
    tour=$(stops | grep -vx 2 | awk '!seen[$0]++' | xargs)
    [ "$tour" = "1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19" ] ||
        [ "$tour" = "1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20" ]
}

@test "a missing field is the client's mistake, and the answer says which" {
    run ask POST /hello -d other=x
    [[ ${lines[0]} == "HTTP/1.1 400 Bad Request" ]] || false
    [[ $output == *"(Missing argument name)"* ]] || false
}

@test "a method that the class does not have is 405 and says what would be allowed" {
    run ask DELETE /hello
    [[ ${lines[0]} == "HTTP/1.1 405 Method Not Allowed" ]] || false
    [[ $'\n'$output == *$'\nAllow: POST\n'* ]] || false
    run ask PUT /form
    [[ $'\n'$output == *$'\nAllow: GET, HEAD, POST\n'* ]] || false
}

@test "an unknown method is 501" {
    run ask BREW /
    [[ ${lines[0]} == "HTTP/1.1 501 Not Implemented" ]] || false
    [[ $output != *"Allow:"* ]] || false
}

@test "a route that answers GET answers HEAD" {
    run ask HEAD '/form?a=1'
    [[ ${lines[0]} == "HTTP/1.1 200 "* ]] || false
    [[ $output == *"Content-Length: 4"* && $output != *"a=1"* ]] || false
    run ask HEAD /upload
    [[ ${lines[0]} == "HTTP/1.1 405 "* ]] || false
}

@test "a long URL or method leaves the rest of the access line in place" {
    http -o /dev/null "$URL/$(printf 'x%.0s' {1..5000})"
    wait_for_line "$SERVER_LOG" '404 GET /x{1023} \(127.0.0.1\) [0-9.]+ms$'
    http -o /dev/null -X "$(printf 'M%.0s' {1..5000})" "$URL/"
    wait_for_line "$SERVER_LOG" '501 M{32} / \(127.0.0.1\) [0-9.]+ms$'
}

@test "a URL that the log escapes leaves the rest of the access line in place" {
    client send "GET /$(printf '\\\\%.0s' {1..3000}) HTTP/1.1\r\nHost: a\r\n" \
        send 'Connection: close\r\n\r\n' read > "$BATS_TEST_TMPDIR/answer"
    grep -q '^HTTP/1.1 404 ' "$BATS_TEST_TMPDIR/answer"
    wait_for_line "$SERVER_LOG" '404 GET /(\\x5c)+ \(127.0.0.1\) [0-9.]+ms$'
}

@test "four million quotes become four million entities" {
    local form=$BATS_TEST_TMPDIR/form
    { printf name=; head -c 4194304 /dev/zero | tr '\0' '"'; } > "$form"
    http --data-binary "@$form" "$URL/hello" > "$BATS_TEST_TMPDIR/answer"
    [ "$(wc -c < "$BATS_TEST_TMPDIR/answer")" -eq $((7 + 6 * 4194304)) ]
    [ "$(sed 's/&quot;//g' "$BATS_TEST_TMPDIR/answer")" = 'Hello, ' ]
}

@test "HEAD has the head of GET and no body" {
    client send 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' \
        read > "$BATS_TEST_TMPDIR/head"
    client send 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' \
        read > "$BATS_TEST_TMPDIR/get"
    sed -i '/^Date: /d' "$BATS_TEST_TMPDIR/head" "$BATS_TEST_TMPDIR/get"
    grep -q '^Content-Length: 12' "$BATS_TEST_TMPDIR/head"
    printf 'Hello, world' >> "$BATS_TEST_TMPDIR/head"
    cmp "$BATS_TEST_TMPDIR/head" "$BATS_TEST_TMPDIR/get"
}

@test "head and body of an answer are one block, and leave in one send" {
    http "$URL/" > /dev/null
    [ "$(stops | grep -cx 15)" -eq 1 ]
    [ "$(stops | grep -cx 16)" -eq 1 ]
    [ "$(stops | grep -cx 17)" -eq 1 ]
}

@test "a client that knows the Etag is not sent the body again" {
    etag=$(ask GET / | sed -n 's/^Etag: //p')
    [ "$etag" = "$(ask HEAD / | sed -n 's/^Etag: //p')" ]
    [ "$etag" != "$(ask GET /hello/x | sed -n 's/^Etag: //p')" ]
    for known in "$etag" "W/$etag" "\"a,b\", $etag" '*'; do
        run ask GET / -H "If-None-Match: $known"
        [[ ${lines[0]} == "HTTP/1.1 304 Not Modified" ]] ||
            { echo "$known: $output"; return 1; }
        [[ $output == *"Etag: $etag"* ]] || false
        [[ $output != *"Content-Length"* && $output != *"Hello"* ]] || false
    done
    run ask GET / -H "If-None-Match: \"x\", ${etag%?}x\""
    [[ ${lines[0]} == "HTTP/1.1 200 OK" ]] || false
}

@test "an error is a small page, and the connection lives on" {
    run http -w ' %{http_code} %{num_connects}\n' "$URL/error" \
        "$URL/error/418" "$URL/nope" "$URL/"
    [[ ${lines[0]} == "<html>"*"500: Internal Server Error"*" 500 1" ]] || false
    [[ ${lines[1]} == "<html>"*" 418 0" ]] || false
    [[ ${lines[2]} == "<html>"*"404: Not Found"*" 404 0" ]] || false
    [[ ${lines[3]} == "Hello, world 200 0" ]] || false
}

@test "what a stranger sends begins no line of its own" {
    run ask POST /hello --data-urlencode $'name=a\r\nSet-Cookie: b=c'
    [[ $output == *$'\n\n'*"Set-Cookie"* ]] || false
    [ "$(sed '/^$/q' <<< "$output" | grep -c Set-Cookie)" -eq 0 ]
    run client send 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: a\rX: y' \
        send '\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' read
    [[ $output == "HTTP/1.1 400 "* && $output != *"X: y"* ]] || false
}

@test "every answer is logged, loudly if it is our fault" {
    http -o /dev/null "$URL/" "$URL/nope" "$URL/error" -o /dev/null \
        -o /dev/null
    wait_for_line "$SERVER_LOG" '^\[E .* web.*\] 500 GET /error \(127.0.0.1\) '
    grep -qE '^\[I .*\] 200 GET / \(127.0.0.1\) [0-9.]+ms$' "$SERVER_LOG"
    grep -qE '^\[W .*\] 404 GET /nope \(127.0.0.1\)' "$SERVER_LOG"
}
