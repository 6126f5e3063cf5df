# Exercise 9.3: two listeners.

setup() { load ../helper; }
teardown() { stop_server clean; }

@test "both listeners are named, and both are answered" {
    start_step 9 --trace
    wait_for_line "$SERVER_OUT" '^listening on .*'
    [ "$(grep -c '^listening on ' "$SERVER_OUT")" -eq 2 ]
    [ "$(sort -u "$SERVER_OUT" | wc -l)" -eq 2 ]
    sed 's/^listening on //' "$SERVER_OUT" > "$BATS_TEST_TMPDIR/urls"
    while read -r url; do
        [ "$(http "$url")" = "come in" ]
    done < "$BATS_TEST_TMPDIR/urls"
}

@test "the server starts once, with both sockets, before its first turn" {
    start_step 9 --trace
    [ "$(grep -c '^turn 0 *(1)' "$SERVER_LOG")" -eq 2 ]
    [ "$(http "$URL")" = "come in" ]
}
