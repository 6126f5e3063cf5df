# One connection and many requests: which stay open, in what order the answers come,
# how each of them ends, and how the last one does.

setup()    { load helper; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

GET='GET / HTTP/1.1\r\nHost: x\r\n'

get() { printf 'GET %s HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' "$1"; }

# statuses [FILE]: of all answers, on one line.
statuses() { tr -d '\0' < "${1:-$TMP/out}" | grep -ao 'HTTP/1\.1 [0-9]*' | cut -d ' ' -f 2 | xargs; }

# at_once FILE OP...: a client whose words are all there before the server
# looks at the first; it has been waited for.
at_once() {
    kill -STOP "$SERVER_PID"
    client_bg "$@"
    sleep 0.1
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"
}

# back_to N: until the server has no more than N descriptors open.
back_to() {
    local i
    for i in $(seq 250); do
        [ "$(descriptors)" -gt "$1" ] || return 0
        sleep 0.02
    done
    echo "$(descriptors) descriptors are open and not $1 ($i looks)"
    return 1
}

# stays WANT VERSION LINES: after a request with these lines a second one is
# answered ("yes") or not ("no"), and the first answer says so where it must.
stays() {
    local answer count told
    answer=$(client send "GET / HTTP/$2\\r\\nHost: x\\r\\n$3\\r\\n$(get /hello/next)" \
        shutdown read < /dev/null) || { echo "$2 $3: client $?"; return 1; }
    count=$(grep -o 'HTTP/1.1 200' <<< "$answer" | wc -l)
    told=${answer%%$'\r\n\r\n'*}
    case $1$2 in
    yes1.1) [[ $count -eq 2 && $told != *$'\nConnection: close'* ]] ;;
    yes1.0) [[ $count -eq 2 && $told == *$'\nConnection: keep-alive'* ]] ;;
    no*) [[ $count -eq 1 && $told == *$'\nConnection: close'* ]] ;;
    esac || { echo "$1 $2 $3: $answer"; return 1; }
}

@test "HTTP/1.1 stays unless it says close, in whatever list and case" {
    start_server
    local lines
    for lines in '' 'Connection:\r\n' 'Connection: keep-alive\r\n' \
        'Connection: TE\r\n' 'Connection: closed\r\n' 'Connection: x-close\r\n' \
        'Connection: "close"\r\n' 'Connection: close x\r\n' 'Connection: ,,\r\n' \
        'Proxy-Connection: close\r\n' 'Connections: close\r\n' \
        'Keep-Alive: close\r\n' 'X: Connection: close\r\n'; do
        stays yes 1.1 "$lines"
    done
    for lines in close Close CLOSE 'TE, close' 'close,TE' 'TE,\tclose ,x' \
        ',,close,,' 'keep-alive, close' 'close, keep-alive' \
        'a\r\nConnection: close' 'close\r\nConnection: keep-alive'; do
        stays no 1.1 "Connection: $lines\\r\\n"
        stays no 1.1 "cONNECTION:$lines\\r\\n"
    done
}

@test "HTTP/1.0 goes unless it says keep-alive, in whatever list and case" {
    start_server
    local lines
    for lines in '' 'Connection:\r\n' 'Connection: close\r\n' \
        'Connection: keep-alive, close\r\n' 'Connection: keep\r\n' \
        'Connection: keepalive\r\n' 'Connection: xkeep-alive\r\n' \
        'Connection: keep-alive x\r\n' 'Keep-Alive: 300\r\n' \
        'Proxy-Connection: keep-alive\r\n' \
        'Connection: keep-alive\r\nConnection: close\r\n'; do
        stays no 1.0 "$lines"
    done
    for lines in keep-alive Keep-Alive KEEP-ALIVE 'TE, keep-alive' \
        'keep-alive,x' ',\t keep-alive ,,' 'a\r\nConnection: keep-alive'; do
        stays yes 1.0 "Connection: $lines\\r\\n"
    done
}

@test "with --no-keep-alive every connection is closed after one answer" {
    start_server --no-keep-alive
    stays no 1.1 ''
    stays no 1.1 'Connection: keep-alive\r\n'
    stays no 1.0 'Connection: keep-alive\r\n'
    client send "$(get '/stream?n=2')$(get /)" read > "$TMP/out"
    [ "$(statuses)" = 200 ]
    grep -q '^Connection: close' "$TMP/out"
    [ "$(tail -n 2 "$TMP/out" | xargs -0 printf '%b')" = $'0\r\n\r' ]
    client send "$(get /error)$(get /)" read > "$TMP/out"
    [ "$(statuses)" = 500 ]
}

@test "HEAD of an answer without an end is answered at once, and the next request, too" {
    start_server
    for path in '/stream?n=1000000000' '/bytes?n=1073741824'; do
        client send "$(get "$path" | sed s/GET/HEAD/)$(get /)" readuntil 'Hello, world' > "$TMP/out"
        [ "$(statuses)" = "200 200" ]
    done
}

@test "an error page leaves the connection open" {
    start_server
    run http -o /dev/null -w '%{http_code} %{num_connects}\n' "$URL/error" \
        -o /dev/null "$URL/nope" -o /dev/null "$URL/error/418" \
        -o /dev/null "$URL/slow?ms=x" -o /dev/null "$URL/hello" \
        -o /dev/null "$URL/redirect" -o /dev/null "$URL/"
    [ "${lines[*]}" = "500 1 404 0 418 0 400 0 405 0 302 0 200 0" ]
    run http -d x=1 -w ' %{http_code} %{num_connects}\n' "$URL/hello" "$URL/form"
    [[ $output == *" 400 1"*" 200 0"* ]] || false
}

@test "a thousand requests in one stream are answered in order" {
    start_server --log=none
    local requests
    requests=$(for i in $(seq 1000); do get "/hello/$i."; done)
    client send "$requests" shutdown read > "$TMP/out"
    [ "$(grep -o 'Hello, [0-9]*' "$TMP/out" | cut -c 8- | xargs)" = "$(seq 1000 | xargs)" ]
    [ "$(grep -c '^Content-Length: ' "$TMP/out")" -eq 1000 ]
    at_once "$TMP/out" send "$requests" shutdown read
    [ "$(grep -o 'Hello, [0-9]*' "$TMP/out" | cut -c 8- | xargs)" = "$(seq 1000 | xargs)" ]
}

@test "answers of every kind come in the order of their requests" {
    start_server --log=none
    local etag sent='' want='' i
    etag=$(http -o /dev/null -D - "$URL/" | sed -n 's/^Etag: \(.*\)\r/\1/p')
    [ -n "$etag" ]
    for i in 1 2 3 4 5; do
        sent="$sent$(get '/slow?ms=20')$(get "/hello/$i")" want="$want 200 200"
        sent="$sent${GET}If-None-Match: $etag\\r\\n\\r\\n" want="$want 304"
        sent="$sent$(get '/stream?n=3')$(get /error)" want="$want 200 500"
        sent="${sent}HEAD / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" want="$want 200"
        sent="$sent$(get '/bytes?n=100000')" want="$want 200"
        sent="${sent}HEAD /nope HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" want="$want 404"
        sent="${sent}POST /echo HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 16\\r\\n\\r\\nGET / HTTP/1.1\\r\\n" want="$want 200"
        sent="${sent}DELETE / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" want="$want 405"
        sent="${sent}OPTIONS * HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" want="$want 204"
        sent="${sent}GET / HTTP/1.0\\r\\nConnection: keep-alive\\r\\n\\r\\n" want="$want 200"
        sent="$sent$(get /redirect)$(get '/bytes?n=0')$(get '/stream?n=0')" want="$want 302 200 200"
        sent="${sent}\\r\\nBREW / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" want="$want 501"
    done
    sent="${sent}GET /hello/end HTTP/1.0\\r\\n\\r\\n$(get /never)"
    client send "$sent" read > "$TMP/out"
    [ "$(statuses)" = "$(echo "$want 200" | xargs)" ]
    [ "$(tr -d '\0' < "$TMP/out" | grep -ao 'Hello, [0-9e]' | cut -c 8- | xargs)" = "1 2 3 4 5 e" ]
    at_once "$TMP/again" send "$sent" read
    [ "$(statuses "$TMP/again")" = "$(statuses)" ]
    [ "$(wc -c < "$TMP/again")" = "$(wc -c < "$TMP/out")" ]
}

@test "a streamed answer ends the connection of HTTP/1.0, whatever is pipelined after it" {
    start_server
    local keep='Connection: keep-alive\r\n\r\n'
    client send "GET / HTTP/1.0\\r\\n${keep}GET /bytes?n=5 HTTP/1.0\\r\\n${keep}GET /stream?n=3 HTTP/1.0\\r\\n$keep$(get /)" \
        read > "$TMP/out"
    [ "$(statuses)" = "200 200 200" ]
    [ "$(tail -c 21 "$TMP/out")" = $'line 1\nline 2\nline 3' ]
}

@test "sixteen requests that came in one packet are answered in one send" {
    start_server --log=none
    at_once "$TMP/out" send "$(for i in $(seq 16); do get "/hello/$i"; done)" shutdown read
    [ "$(grep -c '^Etag' "$TMP/out")" -eq 16 ]
    not_over_tls "strace cannot read the answers"
    command -v strace > /dev/null || skip "strace is not installed"
    strace -o "$TMP/strace" -p "$SERVER_PID" 2> "$TMP/strace.err" 3>&- 4>&- &
    strace=$!
    for _ in $(seq 100); do
        grep -q attached "$TMP/strace.err" && break
        kill -0 "$strace" 2> /dev/null || skip "strace may not attach"
        sleep 0.02
    done
    client send "$(for i in $(seq 16); do get "/hello/$i"; done)" readuntil 'Hello, 16' > "$TMP/out"
    kill "$strace"
    wait "$strace" || true
    [ "$(grep -cE '^(send|sendto|sendmsg|write|writev)\(.*HTTP/1.1 200' "$TMP/strace")" -eq 1 ]
    [ "$(grep -cE '^(send|sendto|sendmsg|writev)\(' "$TMP/strace")" -eq 1 ]
    [ "$(grep -cE '^recv(from|msg)?\(.*GET /hello' "$TMP/strace")" -eq 1 ]
}

@test "a client that half-closes after its request gets its answer" {
    start_server
    local path
    for path in / '/slow?ms=50' '/stream?n=50' '/bytes?n=1000000' /error /nope /redirect; do
        client send "$(get "$path")" shutdown read > "$TMP/half"
        http -i "$URL$path" --raw > "$TMP/whole"
        diff -q <(sed '/^Date: /d' "$TMP/half") <(sed '/^Date: /d' "$TMP/whole") ||
            { echo "$path"; false; }
        at_once "$TMP/half" send "$(get "$path")" shutdown read
        diff -q <(sed '/^Date: /d' "$TMP/half") <(sed '/^Date: /d' "$TMP/whole") ||
            { echo "$path, at once"; false; }
    done
    client send 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n' \
        repeat 7000 0123456789 shutdown read > "$TMP/out"
    [ "$(tail -c 70000 "$TMP/out" | tr -d 0-9 | wc -c)" -eq 0 ]
    [ "$(statuses)" = 200 ]

    # Half a request is none.
    client send "$GET" shutdown count > "$TMP/out"
    [ "$(cat "$TMP/out")" = 0 ]
    client shutdown count > "$TMP/out"
    [ "$(cat "$TMP/out")" = 0 ]
}

# The server has read the part of the next request and the end of the stream while
# bytes of the answer were still unsent: with one of these sizes, at least.
@test "a client that half-closes behind a part of a request gets its answer, and the end" {
    start_server
    local size pids=()
    for size in $(seq 110 40 470); do
        { printf 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n' "${size}000"
          head -c "${size}000" /dev/zero
          printf 'GET / HT'
        } > "$TMP/request$size"
        client_bg "$TMP/out$size" -t 30 rcvbuf 4096 deaf file "$TMP/request$size" \
            pause 300 shutdown pause 300 count
        pids+=("$CLIENT_PID")
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    for size in $(seq 110 40 470); do [ "$(cat "$TMP/out$size")" = "${size}143" ]; done
}

@test "HEAD has the headers of GET and no body, whatever the answer" {
    start_server
    local path
    for path in / '/?a=b' /hello/x /hello/%00 /nope /hello/a/b; do
        client send "HEAD $path HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" shutdown read |
            sed '/^Date: /d' > "$TMP/head"
        client send "$(get "$path")" shutdown read | sed '/^Date: /d' > "$TMP/get"
        sed '/^.$/q' "$TMP/get" | cmp - "$TMP/head" || { echo "$path"; false; }
        [ "$(tail -c 2 "$TMP/head" | tr '\r\n' rn)" = rn ]
        grep -q '^Content-Length: [1-9]' "$TMP/head"
    done
    for path in /stream /bytes /form /hello; do
        client send "HEAD $path HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" shutdown read > "$TMP/head"
        [ "$(statuses "$TMP/head")" = "$([ $path = /hello ] && echo 405 || echo 200)" ]
        sed '1,/^.$/d' "$TMP/head" > "$TMP/body"
        [ ! -s "$TMP/body" ] || { echo "$path"; false; }
    done
}

@test "a client that has the answer already is not sent it again" {
    start_server
    local path etag known
    for path in / /hello/x '/form?a=1' '/slow?ms=1'; do
        client send "$(get "$path")" shutdown read > "$TMP/get"
        etag=$(sed -n 's/^Etag: \(.*\)\r/\1/p' "$TMP/get")
        [ -n "$etag" ]
        for known in "$etag" "W/$etag" '*' "\"a\",$etag" "W/\"a\", \"b,c\" ,\t$etag"; do
            client send "GET $path HTTP/1.1\\r\\nHost: x\\r\\nIf-None-Match: $known\\r\\n\\r\\n" \
                shutdown read > "$TMP/out"
            [ "$(statuses)" = 304 ] || { echo "$path $known"; false; }
            grep -qF "Etag: $etag" "$TMP/out"
            grep -q '^Date: ' "$TMP/out"
            ! grep -qiE '^(Content-(Type|Length)|Transfer-Encoding):' "$TMP/out" || false
            [ "$(tail -c 4 "$TMP/out" | tr '\r\n' rn)" = rnrn ]
        done
        for known in '' '"a"' "${etag%?}" "${etag//\"/}" "x$etag"; do
            client send "GET $path HTTP/1.1\\r\\nHost: x\\r\\nIf-None-Match: $known\\r\\n\\r\\n" \
                shutdown read > "$TMP/out"
            [ "$(statuses)" = 200 ] || { echo "$path $known"; false; }
        done
    done

    # To HEAD the same; to others, and to errors, it does not apply.
    client send 'HEAD / HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n' \
        send 'GET /nope HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n' \
        send 'POST /echo HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nContent-Length: 1\r\n\r\na' \
        shutdown read > "$TMP/out"
    [ "$(statuses)" = "304 404 200" ]
}

@test "an answer that has no body has no length either" {
    start_server
    client send 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n' shutdown read > "$TMP/out"
    [ "$(statuses)" = 204 ]
    ! grep -qiE '^(Content-(Type|Length)|Transfer-Encoding):' "$TMP/out" || false
    [ "$(tail -c 4 "$TMP/out" | tr '\r\n' rn)" = rnrn ]
    grep -q '^Allow: ' "$TMP/out"

    # One that could have a body says that it is empty.
    client send "$(get '/bytes?n=0')" shutdown read > "$TMP/out"
    grep -q '^Content-Length: 0' "$TMP/out"
}

@test "a stream is in chunks for HTTP/1.1 and as it is for HTTP/1.0" {
    start_server --log=none
    local n
    for n in 1 9 10 1000; do
        for i in $(seq "$n"); do
            printf '%x\r\nline %d\n\r\n' "$((${#i} + 6))" "$i"
        done > "$TMP/want"
        printf '0\r\n\r\n' >> "$TMP/want"
        client send "$(get "/stream?n=$n")" readuntil '\r\n\r\n' shutdown read > "$TMP/out"
        grep -q '^Transfer-Encoding: chunked' "$TMP/out"
        ! grep -q '^Content-Length' "$TMP/out" || false
        sed '1,/^.$/d' "$TMP/out" | cmp - "$TMP/want"

        seq "$n" | sed 's/^/line /' > "$TMP/want"
        http "$URL/stream?n=$n" | cmp - "$TMP/want"
        client send "GET /stream?n=$n HTTP/1.0\\r\\n\\r\\n" read > "$TMP/out"
        ! grep -qE '^(Transfer-Encoding|Content-Length)' "$TMP/out" || false
        grep -q '^Connection: close' "$TMP/out"
        sed '1,/^.$/d' "$TMP/out" | cmp - "$TMP/want"
    done

    # What was not begun before its end has a length after all.
    client send "$(get '/stream?n=0')" shutdown read > "$TMP/out"
    grep -q '^Content-Length: 0' "$TMP/out"
}

@test "a million bytes are a million, and the next answer stands behind them" {
    start_server
    local n
    for n in 1 65535 65536 65537 1000000; do
        client send "$(get "/bytes?n=$n")$(get /hello/next)" shutdown \
            readuntil '\r\n\r\n' readn "$n" read > "$TMP/out"
        [ "$(tr -cd '\0' < "$TMP/out" | wc -c)" -eq "$n" ]
        [ "$(tail -c 11 "$TMP/out")" = "Hello, next" ]
        grep -aq "^Content-Length: $n.\$" "$TMP/out"
    done
}

@test "every answer has Date and Server" {
    start_server
    local path answers now days='Mon|Tue|Wed|Thu|Fri|Sat|Sun'
    local months='Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec'
    client send "$(get /)$(get '/stream?n=1')$(get /nope)$(get '/bytes?n=1')" \
        send 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n' \
        send "${GET}If-None-Match: *\\r\\n\\r\\nBAD\\r\\n\\r\\n" read > "$TMP/out"
    [ "$(statuses)" = "200 200 404 200 204 304 400" ]
    [ "$(grep -acE "^Date: ($days), [0-3][0-9] ($months) [0-9]{4} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT.\$" \
        "$TMP/out")" -eq 7 ]
    [ "$(grep -ac '^Server: DustDevil/1.0.$' "$TMP/out")" -eq 7 ]

    # It is the time, and goes on with it. (A second may end in between.)
    for _ in 1 2; do
        sleep 1.1
        for _ in 1 2 3; do
            now=$(date -u '+%a, %d %b %Y %H:%M:%S GMT')
            [ "$(http -o /dev/null -D - "$URL/" | sed -n 's/^Date: \(.*\)\r/\1/p')" = "$now" ] && break
            now=''
        done
        [ -n "$now" ]
    done
}

@test "bytes after the last request do not cost the client its answer" {
    start_server --log=none
    local request extra
    for request in "${GET}Connection: close\\r\\n\\r\\n" 'GET / HTTP/1.0\r\n\r\n' \
        'GET /error HTTP/1.0\r\n\r\n' 'GET /stream?n=2 HTTP/1.0\r\n\r\n' 'BAD\r\n\r\n' \
        'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n'; do
        for extra in 1 200000; do
            head -c "$extra" /dev/zero > "$TMP/extra"
            at_once "$TMP/out" send "$request" file "$TMP/extra" read ||
                { echo "$request and $extra bytes: client $?"; false; }
            [[ $(statuses) == [2-5]?? ]] || { echo "$request: $(statuses)"; false; }
        done
    done
}

# Some old clients send an empty line behind each request. It comes when the
# answer is with the kernel, and the client's own has room for a part of it.
@test "an empty line that comes while the last answer is on its way does not, either" {
    start_server --log=none
    local n=0 path request size
    path=/hello/$(printf '%07000d' 0)
    for request in "GET $path HTTP/1.0\\r\\n\\r\\n" \
        "GET $path HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"; do
        for size in 1024 4096; do
            client_bg "$TMP/$((++n))" -c 3 rcvbuf $size send "$request" deaf \
                pause 100 send '\r\n' pause 300 count
            wait "$CLIENT_PID" || { echo "${request:7017}: client $?"; false; }
            [ "$(awk '$1 > 7000' "$TMP/$n" | wc -l)" -eq 3 ]
        done
    done
}

@test "nor when the first read was full to the last byte" {
    start_server --log=none
    local n i=0 pids=() head="${GET}Connection: close\\r\\nX: "

    # The buffers are powers of two with a little beside the data; 51 bytes
    # are in the head without the value.
    kill -STOP "$SERVER_PID"
    for n in $(seq 1000 1024) $(seq 2024 2048) $(seq 4064 4096) 8168 8192; do
        client_bg "$TMP/$n" send "$head$(printf "%$((n - 51))s" '' | tr ' ' a)\\r\\n\\r\\n$(printf '%03000d' 0)" read
        pids+=("$CLIENT_PID")
    done
    sleep 0.3
    kill -CONT "$SERVER_PID"
    for n in $(seq 1000 1024) $(seq 2024 2048) $(seq 4064 4096) 8168 8192; do
        wait "${pids[$((i++))]}" || { echo "$n bytes: client $?"; false; }
        [ "$(statuses "$TMP/$n")" = 200 ] || { echo "$n bytes"; false; }
    done
}

@test "a client that is gone at any byte of its requests leaves nothing behind" {
    start_server --log=none
    local before text i
    http -o /dev/null "$URL/"
    before=$(descriptors)
    text=$(printf '%b' 'POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\na=%41&b=+2+GET /slow?ms=300 HTTP/1.1\r\nHost: x\r\n\r\nGET /stream?n=99999999 HTTP/1.1\r\nHost: x\r\n\r\nx')
    for i in $(seq 0 ${#text}); do
        client -c 2 send "${text:0:i}" reset
        client send "${text:0:i}" pause 1 reset
        client send "${text:0:i}" close
    done
    [ "$(http "$URL/")" = 'Hello, world' ]
    back_to "$before"
}

@test "a client that is gone at any byte of its answers leaves nothing behind" {
    start_server --log=none
    local before path i
    http -o /dev/null "$URL/"
    before=$(descriptors)
    for path in / '/stream?n=99999999' '/bytes?n=9999999'; do
        for i in $(seq 0 9 171); do
            client -q send "$(get "$path")" readn "$i" reset
        done
        for i in 0 1; do
            client -q -c 100 send "$(get "$path")$(get "$path")" readn "$i" reset
        done
    done
    [ "$(http "$URL/")" = 'Hello, world' ]
    back_to "$before"
}

# A server that has to wait while its answer leaves does not know what came in
# meanwhile. To close then would be a reset, and the rest of the answer lost.
@test "what comes in while a long last answer leaves does not cost its end" {
    start_server --no-keep-alive
    run -0 client deaf \
        send 'GET /bytes?n=3000000 HTTP/1.1\r\nHost: x\r\n\r\n' pause 300 \
        send 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' pause 100 count
    [ "$output" -gt 3000000 ]
}

# The client reads all unsent bytes and sends the rest of a request, and the
# server is told of both at once.
@test "a client that catches up in one moment is not forgotten" {
    start_server --trace
    mkfifo "$BATS_TEST_TMPDIR/go"
    exec 9<> "$BATS_TEST_TMPDIR/go"
    client -t 8 deaf send 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4400000\r\n\r\n' \
        repeat 44000 "$(printf 'x%.0s' $(seq 100))" send 'GET / HT' hold \
        send 'TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' count \
        < "$BATS_TEST_TMPDIR/go" > "$BATS_TEST_TMPDIR/count" 9>&- 3>&- 4>&- &
    wait_for_line "$SERVER_LOG" '\(17\) .* [1-9][0-9]+ unsent'
    kill -STOP "$SERVER_PID"
    exec 9>&-
    sleep 0.5
    kill -CONT "$SERVER_PID"
    wait $!
    [ "$(cat "$BATS_TEST_TMPDIR/count")" -gt 4400000 ]
}

# The client reads piece by piece, so most of the answer is still unsent when the
# server has sent a piece. It does not read more of the client's bytes then.
@test "half a request behind a long answer is completed when the answer has been read" {
    start_server
    run -0 client -t 30 rcvbuf 16384 deaf \
        send 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n' \
        repeat 80000 "$(printf 'x%.0s' $(seq 100))" send 'GET / HT' \
        discard 7000000 send 'TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' count
    [ "$output" -gt 1000000 ]
    wait_for_line "$SERVER_LOG" ' 200 GET / '
}
