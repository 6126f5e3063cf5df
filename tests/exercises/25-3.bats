# Exercise 25-3: a line at a time, each some time after the one before.

setup()    { load ../helper; start_step 25 --trace; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

@test "each line is a chunk of its own, and they come one after the other" {
    local before after
    before=$(date +%s%N)
    client send "$(request '/ticks?n=3&ms=200')" readuntil '0\r\n\r\n' > "$TMP/out"
    after=$(date +%s%N)
    sed '1,/^\r$/d' "$TMP/out" > "$TMP/body"
    printf '7\r\ntick 1\n\r\n7\r\ntick 2\n\r\n7\r\ntick 3\n\r\n0\r\n\r\n' | cmp - "$TMP/body"
    [ $((after - before)) -ge 400000000 ]
    [ "$(http "$URL/ticks?n=0&ms=10")" = "" ]
    [ "$(http -o "$TMP/page" -w '%{http_code}' "$URL/ticks?n=x&ms=10")" = 400 ]
    [ "$(http -o "$TMP/page" -w '%{http_code}' "$URL/ticks?n=1&ms=x")" = 400 ]
}

@test "other clients are served between two lines" {
    client_bg "$TMP/out" send "$(request '/ticks?n=3&ms=300')" readuntil 'tick 3\n'
    wait_for_line "$SERVER_LOG" '\(15\)'
    [ "$(http "$URL/")" = "Hello, world" ]
    wait "$CLIENT_PID"
    [ "$(sed -n 's/.*\] 200 GET \([^ ]*\).*/\1/p' "$SERVER_LOG" | head -n 1)" = / ]
}

@test "if the client has gone, the lines end" {
    client send "$(request '/ticks?n=1000&ms=100')" readuntil 'tick 1\n' reset > "$TMP/out"
    wait_for_line "$SERVER_LOG" '200 GET /ticks'
    [ "$(http "$URL/")" = "Hello, world" ]
}
