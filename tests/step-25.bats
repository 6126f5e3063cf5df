# Chapter 25: answers that take their time, and clients that do not wait.

setup()    { load helper; start_step 25 --trace; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

get() { printf 'GET %s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' "$1"; }

# leaver OP...: a client that does this and then waits to be told, by tell,
# to go on with what stands behind `hold`.
leaver() {
    mkfifo "$TMP/fifo"
    "$BUILD/client" "$PORT" "$@" < "$TMP/fifo" > "$TMP/leaver" 2>&1 \
        3>&- 4>&- &
    LEAVER=$!
    exec 9> "$TMP/fifo"
}
tell() { exec 9>&-; }

@test "the tour is complete: twenty stops, one after the other" {
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    wait_for_line "$SERVER_LOG" '\(20\)'
    [ "$(stops | awk '!seen[$0]++' | xargs)" = "$(seq -s ' ' 20)" ]
}

@test "a handler that sleeps does not keep other requests waiting" {
    client_bg "$TMP/slow" send "$(get '/slow?ms=700')" readuntil 'slept 700 ms\n'
    wait_for_line "$SERVER_LOG" '\(12\)'
    [ "$(http "$URL/")" = "Hello, world" ]
    wait "$CLIENT_PID"
    [ "$(sed -n 's/.*\] 200 GET \([^ ]*\).*/\1/p' "$SERVER_LOG" | xargs)" = \
        "/ /slow?ms=700" ]
}

@test "a hundred sleepers sleep at the same time" {
    # One after the other they would take fifty seconds.
    run client -t 8 -c 100 send "$(get '/slow?ms=500')" readuntil 'slept 500 ms\n'
    [ "$status" -eq 0 ]
    [ "$(grep -c '^slept 500 ms' <<< "$output")" -eq 100 ]
}

@test "an invalid number, or one that is too large, is refused" {
    for ms in x -1 %2B1 60001 99999999999999999999 1x 0x1; do
        [ "$(http -o "$TMP/out" -w '%{http_code}' "$URL/slow?ms=$ms")" = 400 ] ||
            { echo "ms=$ms"; return 1; }
    done
    [ "$(http "$URL/")" = "Hello, world" ]
}

@test "a body in chunks is refused until we can read it" {
    client send "POST /echo HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\nabc\\r\\n0\\r\\n\\r\\n$(get /)" \
        read > "$TMP/out"
    grep -q '^HTTP/1.1 501 ' "$TMP/out"
    [ "$(grep -o 'HTTP/1.1 ' "$TMP/out" | wc -l)" -eq 1 ]
}

@test "each flush is a chunk, and the only empty one is the end" {
    client send "$(get '/stream?n=2')$(get '/stream?n=1')" \
        readuntil '0\r\n\r\n' readuntil '0\r\n\r\n' > "$TMP/out"
    sed '/^HTTP/,/^\r$/d' "$TMP/out" > "$TMP/bodies"
    printf '7\r\nline 1\n\r\n7\r\nline 2\n\r\n0\r\n\r\n' > "$TMP/want"
    printf '7\r\nline 1\n\r\n0\r\n\r\n' >> "$TMP/want"
    cmp "$TMP/want" "$TMP/bodies"
    [ "$(grep -c '^Transfer-Encoding: chunked' "$TMP/out")" -eq 2 ]
    ! grep -i '^Content-Length' "$TMP/out" || false
}

@test "HTTP/1.0 is told the end of a stream by the end of the connection" {
    client send 'GET /stream?n=2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n' \
        read > "$TMP/out"
    [ "$(sed '1,/^\r$/d' "$TMP/out" | xargs)" = "line 1 line 2" ]
    grep -q '^Connection: close' "$TMP/out"
    ! grep -q '^Transfer-Encoding' "$TMP/out" || false
}

@test "an answer is written no faster than its client reads" {
    client_bg "$TMP/out" rcvbuf 4096 send "$(get '/bytes?n=8000000')" deaf \
        pause 300 readuntil '\r\n\r\n' discard 8000000
    wait "$CLIENT_PID"
    grep -q '^Content-Length: 8000000' "$TMP/out"

    # One piece of the answer at a time, and the next when it has left.
    most=$(sed -n 's/.*(16).*, \([0-9]*\) unsent$/\1/p' "$SERVER_LOG" |
        sort -n | tail -n 1)
    [ "$most" -le 70000 ]
}

@test "a client that has only finished talking gets its answer" {
    kill -STOP "$SERVER_PID"
    client_bg "$TMP/out" send "$(get '/slow?ms=300')" shutdown read
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"
    grep -q '^slept 300 ms' "$TMP/out"
}

@test "a handler whose client has left is told, and ends" {
    # All at once: then nothing has ever been asked of the loop for this
    # client, and it is up to us to have it watched.
    kill -STOP "$SERVER_PID"
    leaver send "$(get '/slow?ms=60000')" hold reset
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '\(12\)'
    ! grep 'GET /slow?ms=60000 (' "$SERVER_LOG" || false
    tell
    wait_for_line "$SERVER_LOG" '\(20\)'
    wait_for_line "$SERVER_LOG" '200 GET /slow\?ms=60000 \('
    [ "$(http "$URL/")" = "Hello, world" ]
}

@test "a timer that was set for a client that has left never fires" {
    leaver send "$(get '/slow?ms=500')" hold reset
    wait_for_line "$SERVER_LOG" '\(12\)'
    tell
    wait_for_line "$SERVER_LOG" '200 GET /slow'
    [ "$(http "$URL/slow?ms=600")" = "slept 600 ms" ]
    [ "$(grep -c '200 GET /slow?ms=500 ' "$SERVER_LOG")" -eq 1 ]
    ! grep 'after finish' "$SERVER_LOG" || false
}

@test "a handler that writes to a client that has left is told, and stops" {
    leaver send "$(get '/stream?n=1000000000')" readuntil 'line 3\n' hold reset
    wait_for_line "$SERVER_LOG" '\(18\)'
    tell
    wait_for_line "$SERVER_LOG" '200 GET /stream\?n=1000000000 \('
    [ "$(http "$URL/")" = "Hello, world" ]
}

@test "a server that has to go does not wait for its sleepers" {
    leaver send "$(get '/slow?ms=60000')" hold
    wait_for_line "$SERVER_LOG" '\(12\)'
    kill -TERM "$SERVER_PID"
    server_ends 3
    tell
    [ "$SERVER_STATUS" -eq 0 ]
    no_complaints
}

@test "the trace can be written for programs, a record a line" {
    stop_server clean
    start_step 25 --trace="$TMP/records" --log=none
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    stop_server clean
    awk -F '\t' 'NF != 9 { exit 1 }' "$TMP/records"
    [ "$(head -n 1 "$TMP/records" | cut -f 1-5 | xargs)" = "seq us turn conn stop" ]
    [ "$(awk -F '\t' 'NR > 1 && $5 && !seen[$5]++ { print $5 }' "$TMP/records" |
        xargs)" = "$(seq -s ' ' 20)" ]
    [ ! -s "$SERVER_LOG" ]
}
