# Chapter 25: answers in pieces, and no faster than the client reads.

setup()    { load helper; start_step 25 --trace; TMP=$BATS_TEST_TMPDIR; }
teardown() { disperse; stop_server clean; }

@test "each flush is a chunk, and the only empty one is the end" {
    client send "$(request '/stream?n=2')$(request '/stream?n=1')" \
        readuntil '0\r\n\r\n' readuntil '0\r\n\r\n' > "$TMP/out"
    sed '/^HTTP/,/^\r$/d' "$TMP/out" > "$TMP/bodies"
    printf '7\r\nline 1\n\r\n7\r\nline 2\n\r\n0\r\n\r\n' > "$TMP/want"
    printf '7\r\nline 1\n\r\n0\r\n\r\n' >> "$TMP/want"
    cmp "$TMP/want" "$TMP/bodies"
    [ "$(grep -c '^Transfer-Encoding: chunked' "$TMP/out")" -eq 2 ]
    ! grep -i '^Content-Length' "$TMP/out" || false
}

@test "for HTTP/1.0 the end of a stream is the end of the connection" {
    client send 'GET /stream?n=2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n' \
        read > "$TMP/out"
    [ "$(sed '1,/^\r$/d' "$TMP/out" | xargs)" = "line 1 line 2" ]
    grep -q '^Connection: close' "$TMP/out"
    ! grep -q '^Transfer-Encoding' "$TMP/out" || false
}

@test "an answer is written no faster than its client reads" {
    client_bg "$TMP/out" rcvbuf 4096 send "$(request '/bytes?n=8000000')" deaf \
        pause 300 readuntil '\r\n\r\n' discard 8000000
    wait "$CLIENT_PID"
    grep -q '^Content-Length: 8000000' "$TMP/out"

    # One piece of the answer is written at a time, the next when it is sent.
    most=$(sed -n 's/.*(16).*, \([0-9]*\) unsent$/\1/p' "$SERVER_LOG" |
        sort -n | tail -n 1)
    [ "$most" -le 70000 ]
}

@test "a handler that writes to a client that has left notices it, and stops" {
    held leaver send "$(request '/stream?n=1000000000')" readuntil 'line 3\n' hold reset
    wait_for_line "$SERVER_LOG" '\(18\)'
    release leaver
    wait_for_line "$SERVER_LOG" '200 GET /stream\?n=1000000000 \('
    [ "$(http "$URL/")" = "Hello, world" ]
}

@test "a body in chunks is refused: this step cannot read it" {
    client send "POST /echo HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\nabc\\r\\n0\\r\\n\\r\\n$(request /)" \
        read > "$TMP/out"
    grep -q '^HTTP/1.1 501 ' "$TMP/out"
    [ "$(grep -o 'HTTP/1.1 ' "$TMP/out" | wc -l)" -eq 1 ]
}
