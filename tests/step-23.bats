# Chapter 23, Patterns, redirects, HEAD, Etag.

setup()    { load helper; start_step 23 --trace; }
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

@test "a redirect names another place, and has no body" {
    run ask GET /redirect
    [[ ${lines[0]} == "HTTP/1.1 302 Found" ]] || false
    [[ $output == *$'\nLocation: /\n'* ]] || false
    [[ $output == *$'\nContent-Length: 0'* ]] || false
    [ "$(http -L "$URL/redirect")" = "Hello, world" ]
}

@test "a route that answers GET answers HEAD" {
    run ask HEAD '/form?a=1'
    [[ ${lines[0]} == "HTTP/1.1 200 "* ]] || false
    [[ $output == *"Content-Length: 4"* && $output != *"a=1"* ]] || false
    run ask HEAD /upload
    [[ ${lines[0]} == "HTTP/1.1 405 "* ]] || false
}

@test "a 405 allows HEAD where it allows GET" {
    run ask PUT /form
    [[ $'\n'$output == *$'\nAllow: GET, HEAD, POST\n'* ]] || false
    run ask DELETE /hello
    [[ $'\n'$output == *$'\nAllow: POST\n'* ]] || false
}

@test "HEAD has the head of GET and no body" {
    for path in / /error /nope /hello; do
        client send "HEAD $path HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n" \
            read > "$BATS_TEST_TMPDIR/head"
        client send "GET $path HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n" \
            read > "$BATS_TEST_TMPDIR/get"
        sed -i '/^Date: /d' "$BATS_TEST_TMPDIR/head" "$BATS_TEST_TMPDIR/get"
        sed '1,/^\r$/!d' "$BATS_TEST_TMPDIR/get" | cmp - "$BATS_TEST_TMPDIR/head"
        grep -q '^Content-Length: [1-9]' "$BATS_TEST_TMPDIR/head"
    done
}

@test "the answer to HEAD does not move the next answer" {
    run client send 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n' readuntil '\r\n\r\n' \
        send 'GET /hello/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' read
    [ "$status" -eq 0 ]
    [[ $output == *"Content-Length: 12"*"Hello, x" ]] || false
    [[ $output != *"Hello, world"* ]] || false
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

@test "only a 200 has an Etag" {
    for path in /redirect /error /nope; do
        ask GET "$path" > "$BATS_TEST_TMPDIR/answer"
        grep -q '^HTTP/1.1 [345]' "$BATS_TEST_TMPDIR/answer"
        ! grep -i '^Etag' "$BATS_TEST_TMPDIR/answer" || { echo "$path"; return 1; }
    done
    http -i -d name=x "$URL/hello" > "$BATS_TEST_TMPDIR/answer"
    grep -q '^HTTP/1.1 200 ' "$BATS_TEST_TMPDIR/answer"
    ! grep -i '^Etag' "$BATS_TEST_TMPDIR/answer" || false
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
    run ask GET '/hello/a%0d%0aSet-Cookie:%20b=c'
    [[ $output == *$'\n\n'*"Set-Cookie"* ]] || false
    [ "$(sed '/^$/q' <<< "$output" | grep -c Set-Cookie)" -eq 0 ]
}

@test "a refused HEAD gets the head of its error page, and no page" {
    client send 'HEAD / HTTP/1.1\r\n\r\n' read > "$BATS_TEST_TMPDIR/answer"
    grep -q '^HTTP/1.1 400 ' "$BATS_TEST_TMPDIR/answer"
    grep -q '^Content-Length: 90' "$BATS_TEST_TMPDIR/answer"
    ! grep -q '<html>' "$BATS_TEST_TMPDIR/answer" || false
}
