# Exercise 10.3: an unknown method.

setup()    { load ../helper; load ../requests; start_step 10; }
teardown() { stop_server clean; }

@test "an unknown method is answered with 501" {
    for method in BREW get G GETT PATCH; do
        wants 501 "$method / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
    done
}

@test "the known ones are answered as before" {
    for method in GET HEAD POST PUT DELETE OPTIONS; do
        wants 200 "$method / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
    done
}

@test "what is no method at all is still 400" {
    wants 400 'G(T / HTTP/1.1\r\nHost: x\r\n\r\n' \
        ' / HTTP/1.1\r\nHost: x\r\n\r\n'
}
