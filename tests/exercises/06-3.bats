# Exercise 6.3: each line is a message.

setup() {
    load ../helper
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    start_step 6 --trace
}
teardown() { stop_server clean; }

saw() { wait_for_line "$SERVER_LOG" "$1"; }

@test "each line comes back, and an empty one closes" {
    [ "$(client send 'one\r\ntwo\r\n\r\n' read | tr -d '\r')" = $'one\ntwo' ]
    [ "$(client send 'one\ntwo\n\n' read)" = $'one\ntwo' ]
}

@test "a line comes back before the next one is sent" {
    [ "$(client send 'one\n' readuntil 'one\n' send 'two\n' readuntil 'two\n' \
        send '\n' read)" = $'one\ntwo' ]
}

@test "half a line stays where it is" {
    {
        printf 'one\ntw'; saw 'found after 4 bytes' >&2
        printf 'o\n\n'
    } | raw > "$BATS_TEST_TMPDIR/out"
    printf 'one\ntwo\n' | cmp - "$BATS_TEST_TMPDIR/out"
}

@test "ten thousand lines in one piece" {
    for i in $(seq 10000); do echo "$i"; done > "$BATS_TEST_TMPDIR/lines"
    { cat "$BATS_TEST_TMPDIR/lines"; echo; } > "$BATS_TEST_TMPDIR/sent"
    client file "$BATS_TEST_TMPDIR/sent" read > "$BATS_TEST_TMPDIR/got"
    cmp "$BATS_TEST_TMPDIR/lines" "$BATS_TEST_TMPDIR/got"
}
