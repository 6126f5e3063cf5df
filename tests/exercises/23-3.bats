# Exercise 23-3: a redirect to any path of this server, and to no other place.

setup()    { load ../helper; start_step 23; }
teardown() { stop_server clean; }

# The status and the header Location of /redirect with this query.
redirect() {
    http -i "$URL/redirect$1" | tr -d '\r' |
        sed -n -e '1s/^HTTP\/1.1 \([0-9]*\).*/\1/p' -e 's/^Location: //p' | xargs
}

@test "the client says where to" {
    [ "$(redirect '?to=/form')" = "302 /form" ]
    [ "$(redirect '?to=/hello/a?b=c')" = "302 /hello/a?b=c" ]
    [ "$(redirect '')" = "302 /" ]
}

@test "no way leads to another server" {
    [ "$(redirect '?to=http://example.com/')" = 400 ]
    [ "$(redirect '?to=//example.com/')" = 400 ]
    [ "$(redirect '?to=/%5Cexample.com/')" = 400 ]
    [ "$(redirect '?to=/%09/example.com/')" = 400 ]
    [ "$(redirect '?to=example.com')" = 400 ]
}

@test "a line break begins no header" {
    run http -i "$URL/redirect?to=/x%0d%0aSet-Cookie:%20a=b"
    [[ ${lines[0]} == "HTTP/1.1 "[45]00" "* ]] || false
    [[ $output != *"Set-Cookie"* ]] || false
}
