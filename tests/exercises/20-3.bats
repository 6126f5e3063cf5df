# Exercise 20.3: how long a shortage lasted.

setup() { load ../helper; }
teardown() { disperse; stop_server clean; }

# A server with room for 20 descriptors.
poor() {
    local poor=$BATS_TEST_TMPDIR/poor
    printf '#!/bin/sh\nulimit -n 20\nexec "%s" "$@"\n' \
        "${SERVER:-$BUILD/step-20/server}" > "$poor"
    chmod +x "$poor"
    SERVER='' start_program "$poor" "$@"
}

# crowd: forty silent clients. They stay until disperse.
crowd() {
    "$BUILD/client" -c 40 -t 60 "$PORT" read < /dev/null \
        > /dev/null 2>&1 3>&- 4>&- &
    STAYING+=("$!")
}

@test "the end of a shortage is logged once, with its length" {
    poor
    crowd
    wait_for_line "$SERVER_LOG" 'cannot accept'
    sleep 0.5
    run ! grep 'accepting again' "$SERVER_LOG"
    disperse
    wait_for_line "$SERVER_LOG" 'accepting again after [0-9]+ ms'
    local ms
    ms=$(sed -n 's/.*again after \([0-9]*\) ms.*/\1/p' "$SERVER_LOG")
    [ "$ms" -ge 400 ]
    [ "$ms" -le 60000 ] # Microseconds would be more.
    http -o /dev/null "$URL"
    [ "$(grep -c 'accepting again' "$SERVER_LOG")" -eq 1 ]
}

@test "without a shortage nothing is said" {
    poor
    http -o /dev/null "$URL"
    http -o /dev/null "$URL"
    run ! grep 'again' "$SERVER_LOG"
}
