# Chapter 37: TLS. More of it is in tests/tls.bats.

# step 37 as it is built by default, and with TLS.
setup() {
    load helper
    TMP=$BATS_TEST_TMPDIR
}
teardown() { stop_server clean; }

start_tls() {
    needs_openssl
    [ -n "${SERVER:-}" ] ||
        make -s TLS=yes BUILD="$BUILD/tls" "$BUILD/tls/step-37/server" > "$TMP/make" 2>&1 ||
        { cat "$TMP/make"; return 1; }
    make_certificate "$TMP/cert"
    SERVER=${SERVER:-$BUILD/tls/step-37/server} start_step 37 --ssl-certfile="$TMP/cert" "$@"
}
https() { http --cacert "$TMP/cert.pem" "${@:1:$#-1}" "$URL${*: -1}"; }

# without_tls: the program, if it is one without TLS.
without_tls() {
    program=${SERVER:-$BUILD/step-37/server}
    ! ldd "$program" 2> /dev/null | grep -q libssl || skip "this program has TLS"
}

@test "without TLS the program says how to get it" {
    without_tls
    "$program" --help | grep -e --ssl-certfile | grep 'make TLS=yes'
    run "$program" --ssl-certfile=x.pem
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"without TLS"*"make TLS=yes"* ]]
}

@test "without TLS it serves as before" {
    without_tls
    start_step 37
    good
    # The first bytes of a handshake are no request.
    client send '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' read | grep -q '^HTTP/1.1 400 '
}

@test "the request of the tour has the same answer and the same stops" {
    start_tls --trace
    [ "$(https -d name=world /hello)" = "Hello, world" ]
    wait_for_line "$SERVER_LOG" '^turn .*\(20\)'
    stops | awk '!seen[$1]++' > "$TMP/visited"
    seq 20 | diff -u - "$TMP/visited"
}

@test "a client without TLS gets a 400 that it can read" {
    start_tls
    [[ $(http -i "http://127.0.0.1:$PORT/") == "HTTP/1.1 400 "* ]]
}

# The answer to HTTP/1.0 has no length. curl accepts an end without close_notify.
@test "an answer that is whole ends with close_notify" {
    start_tls
    printf 'GET /stream?n=3 HTTP/1.0\r\n\r\n' |
        timeout 20 openssl s_client -connect "127.0.0.1:$PORT" -ign_eof > "$TMP/out" 2>&1 || true
    grep -q '^line 3$' "$TMP/out"
    tail -n 5 "$TMP/out"
    [ "$(tail -n 1 "$TMP/out")" = closed ]
    run ! grep -q 'unexpected eof' "$TMP/out"
}

@test "a body that is larger than a record comes back as it was sent" {
    start_tls
    head -c 100000 /dev/urandom > "$TMP/body"
    https --data-binary "@$TMP/body" /echo | cmp - "$TMP/body"
}
