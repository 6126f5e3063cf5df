# Exercise 27-3: the trailers of a chunked body.

setup()    { load ../helper; start_step 27; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

# headers CHUNKS: what GET /headers says to that body.
headers() {
    client send "GET /headers HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n$1" \
        read | sed '1,/^\r$/d'
}
NONE=$'Host: a\nConnection: close\nTransfer-Encoding: chunked'

@test "trailers have lines of their own, behind the headers" {
    [ "$(headers '3\r\nabc\r\n0\r\nchecksum: 9\r\nX-Y:\r\n\r\n')" = \
        "$NONE"$'\ntrailer Checksum: 9\ntrailer X-Y: ' ]
}

@test "a trailer is never taken for a header" {
    [ "$(headers '0\r\nHost: b\r\nConnection: keep-alive\r\nhost: c\r\n\r\n')" = \
        "$NONE"$'\ntrailer Host: b\ntrailer Connection: keep-alive\ntrailer Host: c' ]
}

@test "the next request on the connection has none" {
    client send 'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\nGET /headers HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n' \
        read > "$TMP/out"
    grep -qx 'Host: b' "$TMP/out"
    run ! grep trailer "$TMP/out"
}

@test "without trailers all is as before, and bad ones are refused as before" {
    [ "$(headers '0\r\n\r\n')" = "$NONE" ]
    [ "$(http "$URL/headers" -H 'User-Agent:' -H 'Accept:' -H 'A: b')" = \
        "Host: 127.0.0.1:$PORT"$'\nA: b' ]
    headers '0\r\nA : b\r\n\r\n' | grep -q '400: Bad Request'
    headers "0\\r\\n$(printf '%33s' '' | sed 's/ /A: b\\r\\n/g')\\r\\n" |
        grep -q '(trailers too long)'
}
