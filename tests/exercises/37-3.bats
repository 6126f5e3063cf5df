# Exercise 37-3: a line for each handshake.

setup() {
    load ../helper
    TMP=$BATS_TEST_TMPDIR
    needs_openssl
    make_certificate "$TMP/cert"
    start_step 37 --ssl-certfile="$TMP/cert"
}
teardown() { stop_server clean; }

https() { http --cacert "$TMP/cert.pem" "${@/#\//$URL/}"; }
s_client() { timeout 20 openssl s_client -connect "127.0.0.1:$PORT" -ign_eof "$@" > "$TMP/out" 2>&1; }

@test "each handshake that is finished has one line, with its version and its cipher" {
    [ "$(https --tlsv1.2 --tls-max 1.2 /hello/1)" = "Hello, 1" ]
    [ "$(https /hello/2 /hello/3)" = "Hello, 2Hello, 3" ]
    [ "$(grep -cE '\[I .*\] TLSv1\.2 [A-Z0-9-]+$' "$SERVER_LOG")" -eq 1 ]
    [ "$(grep -cE '\[I .*\] TLSv1\.3 [A-Z0-9_]+$' "$SERVER_LOG")" -eq 1 ]
}

@test "a session that goes on is said to be resumed" {
    printf 'GET / HTTP/1.0\r\n\r\n' | s_client -sess_out "$TMP/session"
    printf 'GET / HTTP/1.0\r\n\r\n' | s_client -sess_in "$TMP/session"
    [ "$(grep -cE '\] TLSv1\.3 [A-Z0-9_]+$' "$SERVER_LOG")" -eq 1 ]
    [ "$(grep -cE '\] TLSv1\.3 [A-Z0-9_]+ \(resumed\)$' "$SERVER_LOG")" -eq 1 ]
}

@test "a handshake that fails has no such line" {
    run http --cacert "$TMP/cert.pem" "http://127.0.0.1:$PORT/"
    run http "$URL/"
    [ "$status" -ne 0 ]
    https /hello/a
    [ "$(grep -cE '\] TLSv1' "$SERVER_LOG")" -le 1 ]
}
