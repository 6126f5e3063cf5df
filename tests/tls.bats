# TLS (chapter 37): the program that `make TLS=yes` builds. Its clients are curl,
# openssl s_client, and tests/tlsproxy.c, which speaks TLS for all others.

# setup_file makes what all tests share, in $DIR: two certificates; and in $BUILD the
# program and the proxy.
setup_file() {
    load helper
    has_openssl || return 0
    { make -s TLS=yes BUILD="$BUILD/tls" "$BUILD/tls/dustdevil" &&
        make -s BUILD="$BUILD" "$BUILD/tlsproxy"; } > "$BATS_FILE_TMPDIR/make" 2>&1 ||
        { cat "$BATS_FILE_TMPDIR/make"; return 1; }
    make_certificate "$BATS_FILE_TMPDIR/one"
    make_certificate "$BATS_FILE_TMPDIR/two"
    load processes
    build_crowd
}

setup() {
    load helper
    needs_openssl
    DIR=$BATS_FILE_TMPDIR TMP=$BATS_TEST_TMPDIR
    export SERVER=$BUILD/tls/dustdevil
}
teardown() { disperse; stop_server clean; }

# start: https; URL and PORT are the server's. start_proxied: and those of a proxy
# for clients without TLS; PROXY has its options.
start() { start_server --ssl-certfile="$DIR/one" "$@"; }
start_proxied() { OVER_TLS=$DIR/one start_server "$@"; TLS_PORT=$(sed -n '1s/.*://p' "$SERVER_OUT"); }

# https [OPTION...] PATH: curl trusts certificate one.
https() { http --cacert "$DIR/one.pem" "${@:1:$#-1}" "https://127.0.0.1:${TLS_PORT:-$PORT}${*: -1}"; }
works() { [ "$(https /hello/friend)" = "Hello, friend" ]; }

# s_client [OPTION...]: its standard input to the server, at most 20 seconds.
s_client() { timeout 20 openssl s_client -connect "127.0.0.1:${TLS_PORT:-$PORT}" "$@" 2>&1; }

# --- what it speaks ---------------------------------------------------------------

@test "curl gets the answer of the tour, and its stops are those of the tour" {
    start --trace
    [[ $(cat "$SERVER_OUT") == "listening on https://127.0.0.1:"* ]]
    grep -q '^trace page: https://127' "$SERVER_LOG"
    [ "$(https -d name=world /hello)" = "Hello, world" ]
    wait_for_line "$SERVER_LOG" '^turn .*\(20\)'
    stop_server clean
    stops | awk '!seen[$1]++' > "$TMP/visited"
    seq 20 | diff -u - "$TMP/visited"
}

# The stream of a client does not speak TLS.
@test "the trace page works, but the server does not send to itself" {
    start --trace
    page=$(sed -n 's|^trace page: https://[^/]*||p' "$SERVER_LOG")
    https "$page" | grep -q '<title>Follow one request</title>'
    [ "$(https -o "$TMP/answer" -w '%{http_code}' -d x "$page/send")" = 501 ]
    https "$page/events" | head -n 1 | grep -q '^seq'
}

@test "a handler knows that the request came by https, or what a trusted proxy says" {
    start
    https /whoami | grep -qx 'protocol: https'
    https -H 'X-Scheme: http' /whoami | grep -qx 'protocol: https'
    stop_server clean
    start --xheaders
    https /whoami | grep -qx 'protocol: https'
    https -H 'X-Scheme: http' /whoami | grep -qx 'protocol: http'
}

@test "TLS 1.2 and 1.3 are spoken, older ones and HTTP/2 are not, and there is no compression" {
    start
    [ "$(https --tlsv1.2 --tls-max 1.2 /hello/a)" = "Hello, a" ]
    [ "$(https --tlsv1.3 /hello/a)" = "Hello, a" ]
    s_client -tls1_2 -comp < /dev/null > "$TMP/out"
    grep -q 'Compression: NONE' "$TMP/out"
    s_client -tls1_1 -cipher ALL:@SECLEVEL=0 < /dev/null > "$TMP/out" || true
    grep -q 'Cipher is (NONE)' "$TMP/out"
    s_client -alpn h2,http/1.1 < /dev/null | grep -qx 'ALPN protocol: http/1.1'
    s_client -alpn h2 < /dev/null > "$TMP/out" || true
    grep -q 'no application protocol' "$TMP/out"
    works
}

@test "a client that wants to renegotiate gets no new handshake" {
    start
    { echo R; sleep 0.5; } | s_client -tls1_2 > "$TMP/out" || true
    cat "$TMP/out"
    grep -q 'no renegotiation' "$TMP/out"
    works
}

@test "a session goes on in each of four processes" {
    local version i
    start --processes=4
    for version in tls1_2 tls1_3; do
        printf 'GET / HTTP/1.0\r\n\r\n' |
            s_client -$version -ign_eof -sess_out "$TMP/session" > "$TMP/out"
        grep -q 'Hello, world' "$TMP/out"
        for i in 1 2 3 4 5 6 7 8; do
            s_client -$version -sess_in "$TMP/session" < /dev/null | grep -q '^Reused, '
        done
    done
}

@test "a certificate that cannot be used ends the start with one line that says why" {
    local options
    openssl ec -in "$DIR/one.key" -aes128 -passout pass:secret -out "$TMP/locked.key" 2> /dev/null
    echo garbage > "$TMP/garbage"
    while read -r options; do
        # shellcheck disable=SC2086 # The options are words.
        run timeout 5 "$SERVER" --port=0 ${options%|*} < /dev/null
        echo "$output"
        [ "$status" -eq 1 ]
        [ "${#lines[@]}" -eq 1 ]
        [[ $output == "dustdevil: cannot use "*"${options#*|}"* ]]
    done << END
--ssl-certfile=$TMP/missing|missing for TLS: No such file or directory
--ssl-certfile=$TMP/garbage|garbage for TLS: no start line
--ssl-certfile=$DIR/one.pem|one.pem for TLS: 
--ssl-certfile=$DIR/one.pem --ssl-keyfile=$TMP/missing|missing for TLS: No such file or directory
--ssl-certfile=$DIR/one.pem --ssl-keyfile=$DIR/two.key|two.key for TLS: key values mismatch
--ssl-certfile=$DIR/one.pem --ssl-keyfile=$TMP/locked.key|locked.key for TLS: 
END
    run "$SERVER" --ssl-keyfile="$DIR/one.key"
    [ "$status" -eq 2 ]
    [ "$output" = "dustdevil: --ssl-keyfile: expected: --ssl-certfile, too" ]
}

@test "a library that cannot begin ends the start, and the line has its reason" {
    [[ $(openssl version) == "OpenSSL "[3-9]* ]] || skip "needs OpenSSL 3"
    # It may use nothing but FIPS, and does not have it.
    printf 'openssl_conf = a\n[a]\nalg_section = b\n[b]\ndefault_properties = fips=yes\n' > "$TMP/conf"
    OPENSSL_CONF=$TMP/conf run timeout 5 "$SERVER" --port=0 --ssl-certfile="$DIR/one"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == "dustdevil: cannot use $DIR/one for TLS: "* ]]
    [[ $output != *"unknown reason"* ]]
}

@test "plain HTTP gets a 400 in plain text at once" {
    start
    [[ $(http -i "http://127.0.0.1:$PORT/") == "HTTP/1.1 400 "*"https"* ]]
    client send 'DELETE /' read | grep -q '^HTTP/1.1 400 '
    client bytewise 'PUT / HTTP/1.1\r\nHost: a\r\n\r\n' read | grep -q '^HTTP/1.1 400 '
    works
}

@test "garbage gets an alert, and fills no log" {
    local i
    start
    # An alert: 21, the version, two bytes.
    client send '\x16\x03\x01\x00\x05hello' read | od -An -tx1 | grep -q '15 03'
    client -c 100 -q send '\x00\xff\x80\x01garbage' read
    for i in $(seq 10); do client -q send '\x16\x03\x03' close; done
    works
    grep 'TLS: ' "$SERVER_LOG"
    [ "$(grep -c 'TLS: ' "$SERVER_LOG")" -le 5 ]
    [ "$(awk 'length > 120' "$SERVER_LOG" | wc -l)" -eq 0 ]
}

@test "SIGHUP: new children have the new certificate, or that of the start if it is wrong" {
    cp "$DIR/one" "$TMP/cert"
    start_server --ssl-certfile="$TMP/cert" --processes=2
    subject() { s_client < /dev/null | sed -n 's/^subject=CN *= *//p'; }
    is_two() { [ "$(subject)$(subject)$(subject)$(subject)" = twotwotwotwo ]; }
    [ "$(subject)" = one ]
    cp "$DIR/two" "$TMP/cert"
    kill -HUP "$SERVER_PID"
    until_true is_two
    until_true eval '[ "$(grep -c "is replaced" "$SERVER_LOG")" -eq 2 ]'
    echo garbage > "$TMP/cert"
    kill -HUP "$SERVER_PID"
    until_true eval '[ "$(grep -c "is replaced" "$SERVER_LOG")" -eq 4 ]'
    wait_for_line "$SERVER_LOG" 'no start line; the old certificate stays'
    [ "$(subject)" = one ]
}

@test "inherited listeners speak TLS, in one process and in two" {
    load processes
    CROWD=$DIR/crowd
    for n in 1 2; do
        start_open 2 self --ssl-certfile="$DIR/one" --processes=$n
        for PORT in $(cat "$TMP/ports"); do
            grep -qx "listening on https://127.0.0.1:$PORT" "$SERVER_OUT"
            works
            s_client < /dev/null | grep -q '^subject=CN *= *one$'
        done
        stop_server clean
    done
}

@test "SIGTERM: requests over TLS are finished, and end with close_notify" {
    start --processes=2 --trace
    { printf 'GET /slow?ms=700 HTTP/1.1\r\nHost: a\r\n\r\n'; sleep 5; } |
        s_client -quiet > "$TMP/out" 3>&- 4>&- &
    client=$!
    until_true eval '[ "$(grep -c "^turn .*(12)" "$SERVER_LOG")" -eq 1 ]'
    kill -TERM "$SERVER_PID"
    server_ends 10
    [ "$SERVER_STATUS" -eq 0 ]
    wait "$client"
    grep -q '^Connection: close' "$TMP/out"
    grep -q '^slept 700 ms' "$TMP/out"
    run ! grep -q 'unexpected eof' "$TMP/out"
}

# --- the four traps --------------------------------------------------------------

# The client changes its key before each request, and the server has to do the same:
# also while bytes of answers are unsent, because the client does not read.
@test "a key update is answered while answers are unsent, and spoils none" {
    PROXY=-u start_proxied
    client -t 60 rcvbuf 4096 deaf repeat 2000 "$(request "/hello/$(printf '%0300d' 0)")" \
        send 'GET /hello/last HTTP/1.0\r\n\r\n' pause 300 read > "$TMP/out"
    [ "$(grep -ao 'HTTP/1.1 200' "$TMP/out" | wc -l)" -eq 2001 ]
    [ "$(tail -c 11 "$TMP/out")" = 'Hello, last' ]
}

@test "requests that come in one record are all answered: no event tells of the second" {
    local four=
    for i in 1 2 3; do four+="GET /hello/$i HTTP/1.1\r\nHost: a\r\n\r\n"; done
    four+='POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n12345'
    start
    # shellcheck disable=SC2059 # It is a format.
    printf "$four" | s_client -quiet > "$TMP/out"
    [ "$(grep -aoE 'Hello, [123]|12345' "$TMP/out" | tr '\n' ' ')" = "Hello, 1 Hello, 2 Hello, 3 12345 " ]
}

@test "bodies are read whole, whatever the size of their records" {
    start_proxied
    head -c 3000000 /dev/urandom > "$TMP/body"
    https --data-binary "@$TMP/body" /echo | cmp - "$TMP/body"
    http --data-binary "@$TMP/body" "$URL/echo" | cmp - "$TMP/body"
    client bytewise 'POST /echo HTTP/1.0\r\nContent-Length: 5\r\n\r\n12345' read | grep -q '^12345$'
}

@test "a client that reads slowly gets each byte: what the kernel did not take is sent again" {
    start_proxied
    head -c 2000000 /dev/urandom > "$TMP/body"
    {
        printf 'POST /echo HTTP/1.0\r\nContent-Length: 2000000\r\n\r\n'
        cat "$TMP/body"
    } > "$TMP/request"
    client -t 30 rcvbuf 4096 deaf file "$TMP/request" pause 500 read > "$TMP/out"
    tail -c 2000000 "$TMP/out" | cmp - "$TMP/body"
}

# --- the end ---------------------------------------------------------------------

# The answer to HTTP/1.0 has no length, so its end is the end of the connection.
@test "an answer that is whole ends with close_notify, and one that is cut off does not" {
    start --stop-timeout=0
    printf 'GET /stream?n=3 HTTP/1.0\r\n\r\n' | s_client -ign_eof > "$TMP/out"
    grep -q '^line 3$' "$TMP/out"
    run ! grep -q 'unexpected eof' "$TMP/out"
    https -0 --max-time 20 --limit-rate 1000000 '/bytes?n=100000000' > "$TMP/cut" 2> "$TMP/why" 3>&- 4>&- &
    curl=$!
    until_true eval '[ -s "$TMP/cut" ]'
    stop_server
    wait "$curl" || true
    [ "$(wc -c < "$TMP/cut")" -lt 100000000 ]
    grep -q 'curl: (56)' "$TMP/why" # 18 would be an orderly end
}

@test "a client that has sent its last byte gets its answer, and close_notify" {
    start_proxied
    client send 'GET /slow?ms=300 HTTP/1.1\r\nHost: a\r\n\r\n' shutdown read > "$TMP/out"
    grep -q 'slept 300 ms' "$TMP/out"
    client send 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234' shutdown read > "$TMP/out"
    [ ! -s "$TMP/out" ]
}

@test "an end without close_notify in a request is a reset, and its request is not served" {
    start --trace
    mkfifo "$TMP/fifo"
    openssl s_client -quiet -connect "127.0.0.1:$PORT" < "$TMP/fifo" > "$TMP/out" 2>&1 3>&- 4>&- &
    client=$!
    STAYING+=("$client")
    exec 9> "$TMP/fifo"
    printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /no' >&9
    wait_for_line "$TMP/out" 'Hello, world' 20
    kill -KILL "$client"
    exec 9>&-
    wait_for_line "$SERVER_LOG" 'an end without close_notify' 20
    works
    run ! grep 'GET /no' "$SERVER_LOG"
}

@test "an end without close_notify ends a body, and its request is not served" {
    PROXY='-n 1000 -l' start_proxied --trace
    head -c 5000 /dev/zero > "$TMP/body"
    client send 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n' pause 300 \
        file "$TMP/body" read > "$TMP/out" || true
    wait_for_line "$SERVER_LOG" 'an end without close_notify'
    grep -q '(8)' "$SERVER_LOG" # the head has come
    run ! grep -q '(11)' "$SERVER_LOG"
    works
}

# --- hostile clients -------------------------------------------------------------

# The first message of the client has some hundred bytes, and so has the second.
@test "a client may stall or leave at each stage of the handshake, and nothing is left of it" {
    local n before
    start --header-timeout=1
    works
    before=$(descriptors)
    TLS_PORT=$PORT
    for n in 0 1 5 6 50 200 400 516 517 518 600 650; do
        PORT=$TLS_PORT PROXY="-n $n -l" start_tls_proxy
        http --max-time 3 "$URL/" > /dev/null 2>&1 || true
        stop_tls_proxy
        PORT=$TLS_PORT PROXY="-n $n" start_tls_proxy
        PORT=${URL##*:} client_bg "$TMP/stalled.$n" send 'GET / HTTP/1.1\r\n' read
        STAYING+=("$TLS_PROXY_PID" "$CLIENT_PID")
        TLS_PROXY_PID=
        works
    done
    until_true descriptors_at_most "$before"
}

@test "a client that stalls in the handshake has the header timeout" {
    start --header-timeout=1
    SECONDS=0
    client -t 30 send '\x16\x03\x01\x02\x00\x01' read > "$TMP/out"
    [ "$SECONDS" -ge 1 ]
    [ "$SECONDS" -le 20 ]
}

@test "a handshake may come byte by byte" {
    PROXY=-b start_proxied
    good
    good
}

@test "after 2,000 handshakes nothing is left" {
    local before i memory
    start_proxied
    # What is kept of a crowd for the next one is there after a few of them.
    for i in $(seq 5); do
        client -t 60 -q -c 100 send "$(request /)" shutdown read
    done
    until_true descriptors_at_most 20
    before=$(descriptors)
    memory=$([ ! -r /proc/self/stat ] || memory VmRSS)
    for i in $(seq 20); do
        client -t 60 -q -c 100 send "$(request /)" shutdown read
    done
    until_true descriptors_at_most "$before"
    needs_plain_memory
    echo "$memory, then $(memory VmRSS)"
    [ "$(memory VmRSS)" -lt $((memory + 2000)) ]
}

# All connections share the memory in which the library finds what was received.
@test "bytes behind close_notify are dropped, and reach no other connection" {
    PROXY=-t start_proxied --trace
    client -q send "$(request /)" readuntil world close
    wait_for_line "$SERVER_LOG" '^turn .*\(20\)'
    works
    run ! grep '^[[].*TLS: ' "$SERVER_LOG"
}

# A key update has 27 bytes.
@test "messages without data come to an end" {
    PROXY='-k 2000' start_proxied
    good
    stop_tls_proxy
    PORT=$TLS_PORT PROXY='-k 3000' start_tls_proxy
    run good
    [ "$status" -ne 0 ]
    wait_for_line "$SERVER_LOG" 'TLS: too many bytes without data'
    works
}

# wrapped NAME,...: a program in which __wrap_NAME(), of the C on standard input, takes
# the place of NAME() for all of our own files. The library does not notice.
wrapped() {
    cat > "$TMP/wrap.c"
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} ${CFLAGS:--O1} -g -pthread "-Wl,--wrap=${1//,/,--wrap=}" \
        "$TMP/wrap.c" "$BUILD"/tls/obj/*.o ${LDFLAGS:-} -lssl -lcrypto -o "$TMP/server"
    SERVER=$TMP/server
}
needs_wrapping() { ${CC:-cc} -Wl,--version 2> /dev/null | grep -q GNU || skip "the linker is not GNU's"; }

@test "a record that cannot be encrypted cuts its answer off, and no other" {
    needs_wrapping
    wrapped SSL_write << 'END'
#include <openssl/ssl.h>
int __real_SSL_write(SSL *, const void *, int);
int __wrap_SSL_write(SSL *ssl, const void *data, int size)
{
    static int n;
    return ++n == 3 ? -1 : __real_SSL_write(ssl, data, size);
}
END
    start
    run https -o "$TMP/answer" "/bytes?n=100000"
    [[ $status -ne 0 && $status -ne 28 ]] # 28: curl has waited for the rest
    [ "$(wc -c < "$TMP/answer")" -lt 40000 ]
    [ "$(grep -c 'TLS: ' "$SERVER_LOG")" -eq 1 ]
    works
}

@test "each allocation of ours may fail" {
    local n
    needs_wrapping
    wrapped malloc,calloc,realloc << 'END'
#include <stdio.h>
#include <stdlib.h>
void *__real_malloc(size_t), *__real_calloc(size_t, size_t), *__real_realloc(void *, size_t);
static int fails(void)
{
    static long n;
    if (n == 0) n = atol(getenv("FAIL_AT"));
    return --n == 0 ? fputs("FAILED\n", stderr), n = -1, 1 : 0;
}
void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t m) { return fails() ? NULL : __real_calloc(n, m); }
void *__wrap_realloc(void *p, size_t n) { return fails() ? NULL : __real_realloc(p, n); }
END
    head -c 40000 /dev/zero > "$TMP/body"
    for n in $(seq 100); do
        FAIL_AT=$n start_server --ssl-certfile="$DIR/one" 2> /dev/null ||
            { grep -q FAILED "$SERVER_LOG"; continue; }
        https -d name=world /hello > "$TMP/out" 2> /dev/null || true
        https "/bytes?n=100000" > "$TMP/out" 2> /dev/null || true
        https --data-binary "@$TMP/body" /echo > "$TMP/out" 2> /dev/null || true

        # At the start the program may end.
        if grep -q '^dustdevil: ' "$SERVER_LOG"; then
            grep -q FAILED "$SERVER_LOG"
            server_ends
            [ "$SERVER_STATUS" -eq 1 ]
            continue
        fi
        works 2> /dev/null || works
        stop_server clean
        grep -q FAILED "$SERVER_LOG" || break
    done
    last=$n
    echo "$last allocations"
    [ "${last:-0}" -gt 5 ]
}

# --- the tests of the server without TLS, over TLS ---------------------------------

# over_tls FILE...: these tests, with the program that has TLS in the place of all
# others.
over_tls() {
    local f
    for f in "$@"; do
        env -i PATH="${PATH#"${BATS_LIBEXEC:-}":}" HOME="$HOME" BUILD="$BUILD" \
            SERVER="$SERVER" OVER_TLS="$DIR/one" \
            bats --tap "tests/$f.bats" > "$TMP/$f.tap" 2>&1 3>&- 4>&- || true
        grep -A 30 '^not ok' "$TMP/$f.tap" && return 1
        [ "$(grep -c '^ok' "$TMP/$f.tap")" -eq "$(sed -n 's/^1\.\.//p' "$TMP/$f.tap")" ]
        grep '^ok' "$TMP/$f.tap" | grep -v '# skip'
    done
}

@test "the tests of heads pass over TLS" { over_tls http-grammar; }
@test "the tests of bodies pass over TLS" { over_tls http-body; }
@test "the tests of connections pass over TLS" { over_tls http-connection; }
@test "the tests of files pass over TLS" { over_tls step-28 step-29; }
@test "the tests of limits pass over TLS" { over_tls deadlines; }
