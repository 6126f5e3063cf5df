# The server behind a proxy: chapters/proxy/nginx.conf and haproxy.cfg, which
# are tried as they are, but for the ports.
#
# What is said of both of them is a function here and two tests below.

setup_file() {
    export CERTIFICATE=$BATS_FILE_TMPDIR/proxy.pem
    command -v openssl > /dev/null || return 0

    # The command that the files show.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -days 30 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$CERTIFICATE" -out "$CERTIFICATE" 2> "$CERTIFICATE.log" ||
        { cat "$CERTIFICATE.log" >&2; return 1; }
}

setup() {
    load helper
    TMP=$BATS_TEST_TMPDIR PROXY_PID='' OLD_PID=''
    PATH=$PATH:/usr/local/sbin:/usr/sbin # not in the PATH of every user
}

teardown() {
    [ -z "$OLD_PID" ] || kill -KILL "$OLD_PID" 2> /dev/null || true
    stop_proxy
    stop_server
}

# --- a proxy for a test --------------------------------------------------------

needs() {
    local tool
    for tool in "$1" openssl; do
        command -v "$tool" > /dev/null || skip "$tool is not installed"
    done
}

# free_port: one that is free, and that the system does not give away by itself.
# Another process may still take it before we do.
free_port() {
    local port
    while :; do
        port=$((10240 + RANDOM % 20000))
        (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null || break
    done
    echo "$port"
}

# configure nginx|haproxy: a folder with the certificate and the configuration,
# where the ports are this test's.
configure() {
    DIR=$TMP/proxy
    PLAIN_PORT=$(free_port) TLS_PORT=$(free_port)
    PLAIN=http://127.0.0.1:$PLAIN_PORT TLS=https://127.0.0.1:$TLS_PORT
    mkdir -p "$DIR"
    cp "$CERTIFICATE" "$DIR"
    case $1 in
    nginx)
        CONFIG=$DIR/nginx.conf

        # As root, nginx runs its workers as another user, who may not read
        # our folder.
        COMMAND=(nginx -p "$DIR" -c nginx.conf -e error.log)
        [ "$(id -u)" -ne 0 ] || COMMAND+=(-g 'user root;')
        ;;
    haproxy)
        CONFIG=$DIR/haproxy.cfg
        COMMAND=(haproxy -f "$CONFIG")
        ;;
    esac
    sed -e "s/127\.0\.0\.1:8888/127.0.0.1:${PORT:-8888}/" \
        -e "s/127\.0\.0\.1:8080/127.0.0.1:$PLAIN_PORT/" \
        -e "s/127\.0\.0\.1:8443/127.0.0.1:$TLS_PORT/" \
        "$ROOT/chapters/proxy/${CONFIG##*/}" > "$CONFIG"
}

# behind nginx|haproxy [OPTION...]: the server, with these options, and the
# proxy in front of it. PLAIN and TLS are the proxy's addresses, URL is still
# the server's.
behind() {
    local proxy=$1 attempt i
    shift
    needs "$proxy"
    start_server --xheaders "$@"
    for attempt in 1 2 3; do
        configure "$proxy"
        (cd / && exec "${COMMAND[@]}") > "$TMP/proxy.log" 2>&1 \
            < /dev/null 3>&- 4>&- &
        PROXY_PID=$!
        for i in $(seq 100); do
            # A connection that is closed at once is no request.
            (: < "/dev/tcp/127.0.0.1/$TLS_PORT") 2> /dev/null && return
            kill -0 "$PROXY_PID" 2> /dev/null || break
            sleep 0.02
        done
        stop_proxy
    done
    echo "$proxy does not listen ($attempt, $i):" >&2
    cat "$TMP/proxy.log" "$DIR"/*.log >&2
    return 1
}

stop_proxy() {
    [ -n "$PROXY_PID" ] || return 0
    kill -TERM "$PROXY_PID" 2> /dev/null || true
    wait "$PROXY_PID" 2> /dev/null || true
    PROXY_PID=''
}

# tls: an http that trusts our certificate and no other.
tls() { http --cacert "$CERTIFICATE" "$@"; }

# accepted: how many connections the server has accepted; needs --trace.
accepted() { stops | grep -cx 3; }

# requests N PATTERN: so many lines of the server's log match, not more.
requests() {
    wait_for_line "$SERVER_LOG" "$2" &&
        [ "$(grep -cE "$2" "$SERVER_LOG")" -eq "$1" ]
}

# --- what holds for both -------------------------------------------------------

it_loads() {
    needs "$1"
    configure "$1"
    case $1 in
    nginx) (cd / && "${COMMAND[@]}" -t) ;;
    haproxy) (cd / && "${COMMAND[@]}" -c) ;;
    esac > "$TMP/out" 2>&1 || { cat "$TMP/out"; return 1; }
}

the_answer_is_the_servers() {
    behind "$1"
    [ "$(http "$PLAIN/hello/you")" = "Hello, you" ]
    [ "$(tls "$TLS/hello/you")" = "Hello, you" ]
    [ "$(http "$PLAIN/hello/a%2Fb%20%3C")" = "$(http "$URL/hello/a%2Fb%20%3C")" ]
    [ "$(http -d name=you "$PLAIN/hello")" = "Hello, you" ]
    [ "$(http -I -o /dev/null -w '%{http_code}' "$PLAIN/")" = 200 ]
    etag=$(http -D - -o /dev/null "$PLAIN/" | tr -d '\r' | sed -n 's/^[Ee]tag: //p')
    [ "$(http -H "If-None-Match: $etag" -w '%{http_code}' "$PLAIN/")" = 304 ]
}

tls_ends_at_the_proxy() {
    behind "$1"
    [ "$(http -k "$TLS/")" = "Hello, world" ]
    [ "$(tls "https://localhost:$TLS_PORT/")" = "Hello, world" ]

    # Who does not know our certificate does not believe it; and who does not
    # speak TLS there gets no page.
    run http "$TLS/"
    [ "$status" -eq 60 ]
    [ "$(http "http://127.0.0.1:$TLS_PORT/hello/you" 2>&1)" != "Hello, you" ]
}

# The whole 127.0.0.0/8 is this machine on Linux: so a client can have another
# address than the proxy.
client_address() {
    CLIENT=127.0.0.1
    [ "$(uname)" != Linux ] || CLIENT=127.0.0.2
}

the_server_knows_the_client() {
    client_address
    behind "$1"
    tls --interface "$CLIENT" "$TLS/whoami" > "$TMP/who"
    printf 'remote_ip: %s\nprotocol: https\nhost: 127.0.0.1:%s\n' \
        "$CLIENT" "$TLS_PORT" | diff - "$TMP/who"
    http --interface "$CLIENT" -H 'Host: example.org:81' "$PLAIN/whoami" > "$TMP/who"
    printf 'remote_ip: %s\nprotocol: http\nhost: example.org:81\n' \
        "$CLIENT" | diff - "$TMP/who"
    wait_for_line "$SERVER_LOG" " GET /whoami \\($CLIENT\\) "
}

lies_are_not_passed_on() {
    client_address
    behind "$1"
    lies=(-H 'X-Real-Ip: 192.0.2.7' -H 'X-Forwarded-For: 192.0.2.7'
        -H 'X-Forwarded-For: 192.0.2.8' -H 'x-real-ip: 192.0.2.9'
        -H 'X-Scheme: https' -H 'X-Forwarded-Proto: https')
    http --interface "$CLIENT" "${lies[@]}" "$PLAIN/whoami" > "$TMP/who"
    grep -qx "remote_ip: $CLIENT" "$TMP/who"
    grep -qx 'protocol: http' "$TMP/who"
    http --interface "$CLIENT" "${lies[@]}" "$PLAIN/headers" > "$TMP/headers"
    ! grep -F 192.0.2. "$TMP/headers" || false
    [ "$(grep -ciE "^X-(Real-Ip|Forwarded-For): $CLIENT$" "$TMP/headers")" -eq 2 ]

    # The server itself does believe them: only the proxy may reach it.
    [ "$(http "${lies[@]:0:2}" "$URL/whoami" | head -n 1)" = "remote_ip: 192.0.2.7" ]
}

a_body_arrives_whole() {
    behind "$1"
    head -c 1048576 /dev/urandom > "$TMP/body"
    for address in "$PLAIN" "$TLS"; do
        tls --data-binary "@$TMP/body" "$address/echo" | cmp - "$TMP/body"
        tls --data-binary "@$TMP/body" -H 'Transfer-Encoding: chunked' \
            "$address/echo" | cmp - "$TMP/body"
        tls -T - "$address/echo" < "$TMP/body" | cmp - "$TMP/body"
    done
    requests 6 ' 200 (POST|PUT) /echo '
}

a_body_has_a_limit() {
    behind "$1"
    head -c 16777216 /dev/zero > "$TMP/body"
    [ "$(http -T "$TMP/body" "$PLAIN/echo" | wc -c)" -eq 16777216 ]
    echo >> "$TMP/body"
    for framing in 'X: y' 'Transfer-Encoding: chunked'; do
        [ "$(http -T "$TMP/body" -H "$framing" -o /dev/null -w '%{http_code}' \
            "$PLAIN/echo")" = 413 ]
    done
}

a_head_has_a_limit() {
    local line fields=() i
    behind "$1"
    line=$(printf '%04000d' 0)
    for i in 1 2 3 4 5; do fields+=(-H "X-Field-$i: $line"); done
    [ "$(http "${fields[@]}" "$PLAIN/headers" | grep -c '^X-Field-.: 0*$')" -eq 5 ]
    for i in 6 7 8 9; do fields+=(-H "X-Field-$i: $line"); done
    case $(http "${fields[@]}" -o /dev/null -w '%{http_code}' "$PLAIN/") in
    400 | 431) ;;
    *) return 1 ;;
    esac
    [ "$(http "$PLAIN/")" = "Hello, world" ]
}

a_download_arrives_whole() {
    behind "$1"
    [ "$(tls "$TLS/bytes?n=67108864" | wc -c)" -eq 67108864 ]
    tls "$TLS/stream?n=3000" > "$TMP/lines"
    seq -f 'line %.0f' 3000 | cmp - "$TMP/lines"
}

errors_are_passed_on() {
    behind "$1"
    for status in 404 500 502 503; do
        http "$URL/error/$status" > "$TMP/want"
        http -w '%{http_code}' "$PLAIN/error/$status" > "$TMP/got"
        printf %s "$status" | cat "$TMP/want" - | cmp - "$TMP/got"

        # One from us, one from the proxy: the proxy has not asked twice.
        requests 2 " $status GET /error/$status "
    done
}

the_trace_stays_at_home() {
    behind "$1" --trace="$TMP/trace"
    for path in /trace /trace/ /%74race /trace?x=y; do
        [ "$(http --path-as-is -H 'Host: localhost' -o /dev/null \
            -w '%{http_code}' "$PLAIN$path")" = 404 ]
    done
    wait_for_line "$TMP/trace" .
    ! grep -i 'GET /.*race' "$TMP/trace" "$SERVER_LOG" || false
}

it_goes_on_after_a_restart() {
    local slow i status
    behind "$1" --trace
    http "$PLAIN/" > /dev/null

    # A request is being served when SIGTERM comes.
    http "$PLAIN/slow?ms=1500" > "$TMP/slow" 3>&- 4>&- &
    slow=$!
    wait_for_line "$SERVER_LOG" 'GET /slow'
    OLD_PID=$SERVER_PID
    kill -TERM "$OLD_PID"
    while (: < "/dev/tcp/127.0.0.1/$PORT") 2> /dev/null; do sleep 0.02; done

    # The next server listens while the old one still drains.
    mkdir "$TMP/next"
    BATS_TEST_TMPDIR=$TMP/next start_server --xheaders --port="$PORT"
    for i in 1 2 3; do
        [ "$(http -d "name=$i" "$PLAIN/hello")" = "Hello, $i" ]
    done
    requests 3 ' 200 POST /hello '
    kill -0 "$OLD_PID"
    wait "$slow"
    [ "$(cat "$TMP/slow")" = "slept 1500 ms" ]
    wait "$OLD_PID"
    OLD_PID=''
    SERVER_LOG=$TMP/server.log no_complaints
    stop_server clean

    # There is no server; the proxy says so, and lives.
    status=$(http -o /dev/null -w '%{http_code}' "$PLAIN/")
    [ "$status" = 502 ] || [ "$status" = 503 ]
    start_server --xheaders --port="$PORT"
    [ "$(http -d name=you "$PLAIN/hello")" = "Hello, you" ]
    [ "$(tls "$TLS/hello/you")" = "Hello, you" ]
}

# --- smuggling -------------------------------------------------------------------

# attempt TEXT: the bytes of a single request that is meant to be read in two
# ways, one of which finds a request for /hello/$GOODS in it. An honest request
# follows on the same connection, and another one on a connection of its own.
attempt() {
    local text=$1 answers
    PORT=$PLAIN_PORT client -t 4 send "$text" send \
        'GET /hello/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' \
        read > "$TMP/answers" 2> "$TMP/client" || true
    [ "$(http "$PLAIN/hello/other")" = "Hello, other" ]
    answers=$(grep -ac '^HTTP/1\.1 [2-5]' "$TMP/answers" || true)
    [ "$answers" -ge 1 ] && [ "$answers" -le 2 ] &&
        ! grep -aq "Hello, $GOODS" "$TMP/answers" &&
        ! grep -q " GET /hello/$GOODS" "$SERVER_LOG" || {
        echo "$text: $answers answers"
        cat "$TMP/answers" "$TMP/client" "$SERVER_LOG"
        return 1
    }
}

nothing_is_smuggled() {
    local hidden='GET /hello/smuggled HTTP/1.1\r\nHost: a\r\n\r\n' # 41 bytes
    local post='POST /form HTTP/1.1\r\nHost: a\r\n' cl te chunk field
    behind "$1"

    # The trap works: two requests that are meant as two are noticed.
    GOODS=caught
    ! attempt "GET / HTTP/1.1\r\nHost: a\r\n\r\n${hidden/smuggled/caught}" \
        > "$TMP/trap" || false
    grep -q 'Hello, caught' "$TMP/trap"
    GOODS=smuggled

    # A length and a coding, that say different things.
    cl='Content-Length: 46\r\n' te='Transfer-Encoding: chunked\r\n'
    chunk='29\r\n'$hidden'\r\n0\r\n\r\n'
    attempt "$post$cl$te\r\n0\r\n\r\n$hidden"
    attempt "$post$te$cl\r\n0\r\n\r\n$hidden"
    attempt "${post}Content-Length: 4\r\n$te\r\n$chunk"
    attempt "${post/1.1/1.0}Connection: keep-alive\r\n$cl$te\r\n0\r\n\r\n$hidden"

    # A coding that one of two might not recognise.
    for field in 'Transfer-Encoding : chunked' 'Transfer-Encoding: xchunked' \
        'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity' \
        'Transfer-Encoding: identity, chunked' 'Transfer-Encoding: "chunked"' \
        'Transfer-Encoding: chunked;a' 'Transfer-Encoding: \x0bchunked' \
        'Transfer_Encoding: chunked' 'Transfer-Encoding\0: chunked'
    do
        attempt "$post$field\r\n$cl\r\n0\r\n\r\n$hidden"
    done

    # A length that two might read differently.
    for field in 0 '+0' '0, 46' '46, 0' '0x2e' '4 6' '\x0b46' '-1' \
        '18446744073709551616'
    do
        attempt "${post}Content-Length: $field\r\n$cl\r\n     $hidden"
    done

    # A line that is folded, or that has an end which not every server sees.
    for field in 'X: y\r\n Transfer-Encoding: chunked' \
        'Transfer-Encoding:\r\n chunked' 'X: y\nTransfer-Encoding: chunked' \
        'X: y\rTransfer-Encoding: chunked' 'X: y\0\r\nTransfer-Encoding: chunked'
    do
        attempt "$post$field\r\n$cl\r\n0\r\n\r\n$hidden"
    done
    attempt 'GET / HTTP/1.1\nHost: a\nX: y\n\n'
    attempt 'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tGET /hello/smuggled HTTP/1.1\r\n\r\n'

    # A chunk whose size ends early for some, or is none.
    for chunk in '2;\nxx' '2;a=b\nxx' '0x2\r\nxx' '2 2\r\nxx' '2\nxx' '2\rxx' \
        '10000000000000002\r\nxx' '2\r\nxxx' '2\r\nxx\nx' '-2\r\nxx'
    do
        attempt "$post$te\r\n$chunk\r\n2e\r\n0\r\n\r\n$hidden\r\n0\r\n\r\n"
    done
}

# --- nginx -------------------------------------------------------------------------

@test "nginx.conf loads" { it_loads nginx; }
@test "nginx: the answer is the server's" { the_answer_is_the_servers nginx; }
@test "nginx: TLS ends there" { tls_ends_at_the_proxy nginx; }
@test "nginx: the server knows the client" { the_server_knows_the_client nginx; }
@test "nginx: a client that claims another address is not believed" { lies_are_not_passed_on nginx; }
@test "nginx: a MiB arrives whole, with its length or in chunks" { a_body_arrives_whole nginx; }
@test "nginx: the largest body passes, one byte more does not" { a_body_has_a_limit nginx; }
@test "nginx: a large head passes, one that is too large does not" { a_head_has_a_limit nginx; }
@test "nginx: a long answer arrives whole" { a_download_arrives_whole nginx; }
@test "nginx: errors are passed on, and no request is repeated" { errors_are_passed_on nginx; }
@test "nginx: the page of the trace is not for strangers" { the_trace_stays_at_home nginx; }
@test "nginx: one request stays one, however it is written" { nothing_is_smuggled nginx; }
@test "nginx: when the server is replaced, the proxy goes on" { it_goes_on_after_a_restart nginx; }

@test "nginx: many clients share one connection to the server" {
    behind nginx --trace
    for i in 1 2 3 4 5 6 7 8; do
        [ "$(http -d "name=$i" "$PLAIN/hello")" = "Hello, $i" ]
    done
    [ "$(accepted)" -eq 1 ]
}

@test "nginx: a slow body is no business of the server's" {
    behind nginx --trace
    PORT=$PLAIN_PORT client_bg "$TMP/out" \
        send 'POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabc' \
        pause 500 send def read
    sleep 0.1

    # Another client makes the first connection; the body, when it is complete,
    # finds that one free. If it were passed on piece by piece, it would have had
    # a connection of its own.
    [ "$(http "$PLAIN/")" = "Hello, world" ]
    wait "$CLIENT_PID"
    grep -q abcdef "$TMP/out"
    [ "$(accepted)" -eq 1 ]
}

# --- HAProxy -----------------------------------------------------------------------

@test "haproxy.cfg loads" { it_loads haproxy; }
@test "HAProxy: the answer is the server's" { the_answer_is_the_servers haproxy; }
@test "HAProxy: TLS ends there" { tls_ends_at_the_proxy haproxy; }
@test "HAProxy: the server knows the client" { the_server_knows_the_client haproxy; }
@test "HAProxy: a client that claims another address is not believed" { lies_are_not_passed_on haproxy; }
@test "HAProxy: a MiB arrives whole, with its length or in chunks" { a_body_arrives_whole haproxy; }
@test "HAProxy: the largest body passes, one byte more does not" { a_body_has_a_limit haproxy; }
@test "HAProxy: a large head passes, one that is too large does not" { a_head_has_a_limit haproxy; }
@test "HAProxy: a long answer arrives whole" { a_download_arrives_whole haproxy; }
@test "HAProxy: errors are passed on, and no request is repeated" { errors_are_passed_on haproxy; }
@test "HAProxy: the page of the trace is not for strangers" { the_trace_stays_at_home haproxy; }
@test "HAProxy: one request stays one, however it is written" { nothing_is_smuggled haproxy; }
@test "HAProxy: when the server is replaced, the proxy goes on" { it_goes_on_after_a_restart haproxy; }

@test "HAProxy: the requests of a client share one connection to the server" {
    behind haproxy --trace
    http "$PLAIN/hello/[1-8]" > "$TMP/answers"
    printf 'Hello, %d' 1 2 3 4 5 6 7 8 | cmp - "$TMP/answers"
    [ "$(accepted)" -eq 1 ]
}

@test "HAProxy: HTTP/2 outside is HTTP/1.1 inside" {
    needs haproxy
    curl --version | grep -qw HTTP2 || skip "this curl does not know HTTP/2"
    behind haproxy
    [ "$(tls --http2 -d name=you -w ' %{http_version}' "$TLS/hello")" = "Hello, you 2" ]
    requests 1 ' 200 POST /hello '
}
