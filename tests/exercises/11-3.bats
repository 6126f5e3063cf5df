# Exercise 11.3: a body must be plain text.

setup()    { load ../helper; load ../requests; start_step 11; }
teardown() { stop_server clean; }

length='Content-Length: 3\r\n'

@test "a body of another type is answered with 415" {
    wants 415 "$(post "$length" abc)" \
        "$(post "${length}Content-Type: text/html\\r\\n" abc)" \
        "$(post "${length}Content-Type: application/json\\r\\n" abc)"
}

@test "plain text is read" {
    ask "$(post "${length}Content-Type: text/plain\\r\\n" abc)" | tail -n 1 | grep -qx abc
    wants 200 "$(post "${length}content-type: TEXT/PLAIN; charset=utf-8\\r\\n" abc)"
}

@test "two types are none" {
    wants 400 "$(post "${length}Content-Type: text/plain\\r\\nContent-Type: text/html\\r\\n" abc)"
}

@test "a request without a body needs no type" {
    wants 200 "$(get '')" "$(post 'Content-Length: 0\r\n' '')" \
        "$(get 'Content-Type: text/html\r\n')"
}
