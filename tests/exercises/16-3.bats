# Exercise 16-3: at most a hundred requests on one connection.

setup()    { load ../helper; start_step 16; }
teardown() { stop_server clean; }

ASK='GET / HTTP/1.1\r\nHost: a\r\n\r\n'

# answers: how many answers standard input has.
answers() { grep -o 'Hello, world' | wc -l; }

@test "the hundredth answer on a connection is the last one" {
    client -t 5 repeat 100 "$ASK" read > "$BATS_TEST_TMPDIR/out"
    [ "$(answers < "$BATS_TEST_TMPDIR/out")" -eq 100 ]
    [ "$(grep -c '^Connection: close' "$BATS_TEST_TMPDIR/out")" -eq 1 ]
}

@test "every connection may send a hundred requests" {
    for _ in 1 2; do
        client -t 5 repeat 99 "$ASK" readuntil world send "$ASK" read \
            > "$BATS_TEST_TMPDIR/out"
        [ "$(answers < "$BATS_TEST_TMPDIR/out")" -eq 100 ]
    done
}
