# Exercise 8.3: a body in pieces.

setup() { load ../helper; start_step 8 --trace; }
teardown() { stop_server clean; }

REQUEST='GET / HTTP/1.0\r\n\r\n'
WHOLE=8388652

saw() { wait_for_line "$SERVER_LOG" "$1" 8; }

# The largest number of unsent bytes.
most() { sed -n 's/.* \([0-9]*\) unsent$/\1/p' "$SERVER_LOG" | sort -n | tail -n 1; }

@test "eight megabytes arrive" {
    http "$URL" > "$BATS_TEST_TMPDIR/body"
    [ "$(wc -c < "$BATS_TEST_TMPDIR/body")" -eq 8388608 ]
    [ "$(tr -d x < "$BATS_TEST_TMPDIR/body" | wc -c)" -eq 0 ]
    [ "$(most)" -le 70000 ]
}

@test "a slow client costs one piece" {
    [ "$(client rcvbuf 4096 send "$REQUEST" deaf pause 100 count)" = $WHOLE ]
    echo "$(most) unsent"
    [ "$(most)" -le 70000 ]
}

@test "a client that leaves in the middle ends its own answer only" {
    before=$(descriptors)
    client -q send "$REQUEST" discard 100000 reset
    saw '\(20\) +conn 1 '
    [ "$(http "$URL" | wc -c)" -eq 8388608 ]
    saw '\(20\) +conn 2 '
    [ "$(descriptors)" -eq "$before" ]
}
