# Chapter 8: what the kernel does not take is kept, and sent later.

setup() { load helper; start_step 8 --trace; }
teardown() { stop_server clean; }

REQUEST='GET / HTTP/1.0\r\n\r\n'
WHOLE=8388652       # the body's eight megabytes, and 44 bytes of head

saw() { wait_for_line "$SERVER_LOG" "$1" 8; }

# turn_of STOP: the first turn with that stop.
turn_of() { awk -v s="($1)" '$3 == s { print $2; exit }' "$SERVER_LOG"; }

# A client that sends a request and reads nothing: megabytes stay unsent.
deaf_client() {
    "$BUILD/client" -t 60 "$PORT" rcvbuf 4096 send "$REQUEST" deaf \
        pause 50000 > /dev/null 2>&1 < /dev/null 3>&- 4>&- &
    CLIENT_PID=$!
    saw 'conn 1 .*handle_write .* [0-9]{5,} unsent'
}

@test "eight megabytes arrive, all of them and nothing else" {
    http "$URL" > "$BATS_TEST_TMPDIR/body"
    [ "$(wc -c < "$BATS_TEST_TMPDIR/body")" -eq 8388608 ]
    [ "$(tr -d x < "$BATS_TEST_TMPDIR/body" | wc -c)" -eq 0 ]
}

@test "a slow reader gets everything, too" {
    [ "$(client rcvbuf 4096 send "$REQUEST" deaf pause 100 count)" = $WHOLE ]
    [ "$(stops | grep -cx 17)" -gt 2 ]
}

@test "a client that stops reading keeps no other client waiting" {
    deaf_client
    [ "$(http "$URL" | wc -c)" -eq 8388608 ]
    kill "$CLIENT_PID"
}

@test "while the kernel takes nothing the loop sleeps" {
    deaf_client
    sleep 0.3               # A loop that spins writes thousands of lines.
    lines=$(grep -c 'conn 1 ' "$SERVER_LOG")
    kill "$CLIENT_PID"
    echo "$lines lines"
    [ "$lines" -lt 100 ]
}

@test "nothing is sent in the turn in which it is written" {
    http -o /dev/null "$URL"
    [ "$(turn_of 17)" -eq $(($(turn_of 16) + 1)) ]
}

@test "head and body leave in one send" {
    http -o /dev/null "$URL"
    saw '\+44 bytes, 44 unsent'
    saw '\+8388608 bytes, 8388652 unsent'
    [ "$(stops | grep -E '16|17' | head -n 3 | tr '\n' ' ')" = '16 16 17 ' ]
}

@test "a client that has half-closed still gets the answer" {
    kill -STOP "$SERVER_PID"
    client_bg "$BATS_TEST_TMPDIR/count" send "$REQUEST" shutdown count
    half_closed
    kill -CONT "$SERVER_PID"
    wait_for_line "$BATS_TEST_TMPDIR/count" "^$WHOLE\$"
}

# half_closed: waits until the client's FIN has reached the stopped server, if the
# system shows that (8 is CLOSE_WAIT).
half_closed() {
    local i
    [ -r /proc/net/tcp ] || { sleep 0.3; return; }
    for i in $(seq 200); do
        grep -qiE "$(printf ': 0100007F:%04X 0100007F:.... 08 ' "$PORT")" \
            /proc/net/tcp && return
        sleep 0.02
    done
    echo "no client has shut down ($i looks)"
    return 1
}

@test "a client that half-closes in the middle of the answer gets the rest of it" {
    run client rcvbuf 4096 send "$REQUEST" deaf pause 100 shutdown count
    [ "$output" = $WHOLE ]
}

@test "an event without a use is reported once, not over and over" {
    { saw '\(5\)' >&2; } | client rcvbuf 4096 hold send "$REQUEST" shutdown \
        deaf pause 300 count > "$BATS_TEST_TMPDIR/count"
    [ "$(cat "$BATS_TEST_TMPDIR/count")" = $WHOLE ]
    [ "$(grep -c 'conn 1 .*ready: READ' "$SERVER_LOG")" -lt 5 ]
}

@test "a reader that hangs up in the middle ends its own stream only" {
    before=$(descriptors)
    client rcvbuf 4096 send "$REQUEST" readn 100 reset > /dev/null
    saw '\(20\).*conn 1'
    [ "$(http "$URL" | wc -c)" -eq 8388608 ]
    saw '\(20\).*conn 2'
    [ "$(descriptors)" -eq "$before" ]
}

@test "the server can be ended while megabytes are unsent" {
    deaf_client
    kill -TERM "$SERVER_PID"
    server_ends
    [ "$SERVER_STATUS" -eq 0 ]
    no_complaints
}
