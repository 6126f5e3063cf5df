# Exercise 11.3: an unknown method.

setup() { load ../helper; start_step 11; }
teardown() { stop_server clean; }

status() { client send "$1" read | sed -n '1s/^HTTP\/1\.1 \([0-9]*\) .*/\1/p'; }

@test "an unknown method is answered with 501" {
    for method in BREW get G GETT; do
        [ "$(status "$method / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")" = 501 ]
    done
}

@test "the known ones are answered as before" {
    for method in GET HEAD POST PUT PATCH DELETE OPTIONS TRACE; do
        [ "$(status "$method / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")" = 200 ]
    done
}

@test "what is no method at all is still 400" {
    [ "$(status 'G(T / HTTP/1.1\r\nHost: x\r\n\r\n')" = 400 ]
    [ "$(status ' / HTTP/1.1\r\nHost: x\r\n\r\n')" = 400 ]
}
