# Exercise 21.3: a refusal in plain text.

setup()    { load ../helper; load ../requests; start_step 21; }
teardown() { stop_server clean; }

long='Content-Length: 99999999\r\n'

@test "a client that wants plain text gets its refusal so" {
    ask "$(post "${long}Accept: text/plain\\r\\n" '')" | tr -d '\r' > "$BATS_TEST_TMPDIR/answer"
    grep -qx 'HTTP/1.1 413 Content Too Large' "$BATS_TEST_TMPDIR/answer"
    grep -q '^Content-Type: text/plain' "$BATS_TEST_TMPDIR/answer"
    grep -qx 'Content-Length: 17' "$BATS_TEST_TMPDIR/answer"
    [ "$(tail -n 1 "$BATS_TEST_TMPDIR/answer")" = '413 body too long' ]
}

@test "every other client gets the page" {
    for accept in '' 'Accept: */*\r\n' 'Accept: text/html\r\n'; do
        ask "$(post "$long$accept" '')" | grep -q '<html><title>413'
    done
    ask 'NONSENSE\r\n\r\n' | grep -q '<html><title>400'
}
