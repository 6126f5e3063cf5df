# What an application does wrong: a 500 or a cut connection, a line in the log,
# and a server that lives on.

setup() {
    load helper
    TMP=$BATS_TEST_TMPDIR
    local stage=${STAGE:-$BUILD/step-${STEPS##* }}
    [ -d "$stage" ] || stage=$(ls -d "$BUILD"/step-* | sort -t - -k 2 -n | tail -n 1)
    mkdir "$TMP/stage"
    cp "$stage"/*.[ch] "$TMP/stage"
    rm "$TMP/stage/main.c"
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O0 -g} -I "$TMP/stage" tests/mistakes.c \
        -Dmalloc=scarce_malloc -Dcalloc=scarce_calloc -Drealloc=scarce_realloc \
        -Depoll_ctl=scarce_epoll_ctl -Dpthread_create=scarce_pthread_create \
        -Dgetentropy=scarce_getentropy \
        "$TMP"/stage/*.c ${LDFLAGS:-} -o "$TMP/mistakes"
    unset SERVER
    start_program "$TMP/mistakes"
}
# coverage.sh needs an end that writes what was counted.
teardown() {
    kill "${END:--KILL}" "$SERVER_PID" || return 1
    wait "$SERVER_PID" 2> /dev/null || true
    no_complaints
}

# ask PATH [OPTION...]: head and body, without CR.
ask() { http -i "${@:2}" "$URL$1" | tr -d '\r'; }

# ask_header ROUTE NAME VALUE
ask_header() { ask "$1" -G --data-urlencode "name=$2" --data-urlencode "value=$3"; }

# lives: the process is there, and serves.
lives() {
    kill -0 "$SERVER_PID" 2> /dev/null || { cat "$SERVER_LOG"; return 1; }
    [ "$(http "$URL/abc")" = "no group" ]
}

# one NAME: the answer in $output has exactly one header of that name.
one() { [ "$(grep -ci "^$1:" <<< "$output")" -eq 1 ] || { echo "$1: $output"; return 1; }; }

@test "no header that the server writes is ever in an answer twice" {
    while IFS='|' read -r name value; do
        for route in /set /add; do
            run ask_header "$route" "$name" "$value"
            [[ ${lines[0]} == "HTTP/1.1 "[25]0[0]* ]] || { echo "$name: $output"; return 1; }
            one Date
            one Server
            one Content-Length
            [ "$(grep -ci '^Transfer-Encoding' <<< "$output")" -eq 0 ]
            [ "$(grep -ci '^Connection' <<< "$output")" -le 1 ]
        done
    done << 'END'
Date|Tue, 21 Jun 2011 22:28:35 GMT
date|x
Server|mine
SERVER|mine
Content-Length|5
content-length|3
Content-Length|x
Content-Length|-5
Content-Length|99999999999999999999999
Transfer-Encoding|chunked
Connection|close
Connection|keep-alive
connection|Upgrade
END
    lives
}

@test "a header that only the server may write is a 500, and said in the log, not to the client" {
    for name in Content-Length Transfer-Encoding Date server; do
        : > "$SERVER_LOG"
        run ask_header /set "$name" 5
        [[ ${lines[0]} == "HTTP/1.1 500 "* ]] || { echo "$name: $output"; return 1; }
        grep -q '^\[E .*a header that cannot be sent' "$SERVER_LOG"
        [[ $output != *"cannot be sent"* ]]
    done
}

@test "a promised length that is not the body's is a 500, and said in the log" {
    [ "$(http "$URL/length?n=5")" = 12345 ]
    for n in 0 3 6 99999999; do
        : > "$SERVER_LOG"
        run ask "/length?n=$n"
        [[ ${lines[0]} == "HTTP/1.1 500 "* ]] || { echo "$n: $output"; return 1; }
        grep -q '^\[E .*not as long as its Content-Length' "$SERVER_LOG"
    done
}

@test "a table with an invalid pattern makes no application, and the log says which" {
    grep -q '^\[E .* invalid pattern: /( (' "$SERVER_LOG"
}

@test "without a secret no cookie is signed" {
    [ "$(http "$URL/unsigned")" = "not signed" ]
    run ask /unsigned
    [[ $output != *Set-Cookie* ]] || { echo "$output"; return 1; }
}

@test "Connection: close closes, and Transfer-Encoding is a 500" {
    client send 'GET /set?name=Connection&value=close HTTP/1.1\r\nHost: a\r\n\r\n' \
        read > "$TMP/out"
    grep -q '^Connection: close' "$TMP/out"
    grep -q 12345 "$TMP/out"
    run ask_header /set Transfer-Encoding chunked
    [[ ${lines[0]} == "HTTP/1.1 500 "* ]] || false
}

@test "a status that cannot be sent is a 500" {
    for s in 0 -1 99 100 101 199 1000 2147483647 -2147483648; do
        run ask "/status?s=$s"
        [[ ${lines[0]} == "HTTP/1.1 500 "* ]] || { echo "$s: $output"; return 1; }
    done
    for s in 0 -1 200 399 600 -2147483648; do
        run ask "/error?s=$s"
        [[ ${lines[0]} == "HTTP/1.1 500 "* ]] || { echo "$s: $output"; return 1; }
    done
    run ask '/error?s=405'
    [[ $output == *$'\nAllow: GET, HEAD\n'* ]] || false
    lives
}

@test "an error page has nothing of the answer that it replaces" {
    run ask '/error?s=404'
    [[ $output == *"<body>404: Not Found</body>"* && $output != *half* ]] ||
        { echo "$output"; return 1; }
}

@test "every status has the reason that its RFC gives" {
    while read -r code reason; do
        run ask "/status?s=$code"
        [ "${lines[0]}" = "HTTP/1.1 $code $reason" ] || { echo "${lines[0]}"; return 1; }
    done << 'END'
200 OK
201 Created
202 Accepted
204 No Content
206 Partial Content
301 Moved Permanently
302 Found
303 See Other
304 Not Modified
307 Temporary Redirect
308 Permanent Redirect
400 Bad Request
401 Unauthorized
402 Payment Required
403 Forbidden
404 Not Found
405 Method Not Allowed
406 Not Acceptable
407 Proxy Authentication Required
408 Request Timeout
409 Conflict
410 Gone
411 Length Required
412 Precondition Failed
413 Content Too Large
414 URI Too Long
415 Unsupported Media Type
416 Range Not Satisfiable
417 Expectation Failed
421 Misdirected Request
422 Unprocessable Content
426 Upgrade Required
428 Precondition Required
429 Too Many Requests
431 Request Header Fields Too Large
500 Internal Server Error
501 Not Implemented
502 Bad Gateway
503 Service Unavailable
504 Gateway Timeout
505 HTTP Version Not Supported
299 Unknown
418 Unknown
599 Unknown
END
}

@test "what a handler does after the end of its answer is logged, and has no effect" {
    [ "$(http "$URL/after")" = 12345 ]
    wait_for_line "$SERVER_LOG" 'finish after finish'
    wait_for_line "$SERVER_LOG" 'send_error after finish'
    lives
}

@test "what comes too late for the head cuts the answer" {
    for path in /late /late-error /long /long-bytes /short; do
        local status=0
        http -o "$TMP/out" "$URL$path" 2> "$TMP/err" || status=$?
        case $status in 18 | 56 | 52) ;; *) echo "$path: $status"; return 1 ;; esac
        wait_for_line "$SERVER_LOG" "GET $path: answer cut short"
    done
    lives
}

@test "what failed first counts: want of memory is not a 404" {
    run ask /fail
    [[ ${lines[0]} == "HTTP/1.1 503 "* ]] || false
}

@test "a group of a pattern that did not match is not left to another" {
    [ "$(http "$URL/ab")" = b ]
    [ "$(http "$URL/abc")" = "no group" ]
    [ "$(http "$URL/abcd")" = bcd ]
    [ "$(http "$URL/a")" = "no group" ]
    [ "$(http "$URL/x")" = "no group" ]
    [ "$(http "$URL/y")" = "no group" ]
    [ "$(http "$URL/yzzz")" = "no group" ]
    [ "$(http "$URL/two/ab")" = b ]
    [ "$(http "$URL/two/abc")" = "no group" ]
    [ "$(http -o /dev/null -w '%{http_code}' "$URL/abx")" = 404 ]
}

@test "a path that stands in the table as it is comes before all patterns" {
    [ "$(http "$URL/literal")" = "no group" ]
    [ "$(http "$URL/literally")" = literally ]
}

@test "without memory for the handler the answer is 503, and the server lives on" {
    run ask /huge
    [[ ${lines[0]} == "HTTP/1.1 503 "* && $output == *"out of memory"* ]] || { echo "$output"; return 1; }
    lives
}

@test "without memory for the text of a path's group the answer is 503, and the server lives on" {
    for route in escape starved; do
        run ask "/$route/$(head -c 6000 /dev/zero | tr '\0' a)"
        [[ ${lines[0]} == "HTTP/1.1 503 "* ]] || { echo "$route: ${lines[0]}"; return 1; }
        lives
    done
}

@test "the redirect of a folder leads to no other host" {
    for path in //chapters ///chapters '/\chapters' '/\/chapters'; do
        run ask "$path" --path-as-is
        [[ ${lines[0]} == "HTTP/1.1 "[34]0[14]* ]] || { echo "$path: $output"; return 1; }
        run ! grep -E '^Location: (/[/\\]|[^/])' <<< "$output"
    done
    run ask //chapters --path-as-is
    [[ $output == *$'\nLocation: /chapters/\n'* ]] || { echo "$output"; return 1; }
}

# scarce QUERY PATH WANTED: memory ends in its handler, as the query says. The
# answer is what is wanted, or 503, or cut; in FAILED is how many were not wanted.
scarce() {
    local got status=0
    got=$(http -b 'a=1; b=2; c=3; d=4; e=5; f=6' -w ' %{http_code}' "$URL$2?$1" 2> /dev/null) ||
        status=$?
    case "$status $got" in
    "0 $3"*' 200') ;;
    "0 "*' 503' | 18* | 52* | 56*) FAILED=$((FAILED + 1)) ;;
    *) echo "$2?$1: curl $status, ${got:0:300}"; return 1 ;;
    esac
}

# In the first loop an allocation of the C library fails, in the second one the
# first for which the arena has no room. A list of headers is full at some n.
@test "when memory ends in a handler its answer is right, or 503, or cut, and the server lives on" {
    while read -r path wanted; do
        FAILED=0
        for k in 1 2 3 4; do
            for n in 0 1 2 3 4 5 6 7; do scarce "k=$k&n=$n" "$path" "$wanted"; done
            lives
        done
        for room in $(seq 32 32 800); do scarce "k=1&n=5&room=$room" "$path" "$wanted"; done
        [ $FAILED -gt 0 ] || { echo "$path: nothing has failed"; return 1; }
        FAILED=0
        scarce k=0 "$path" "$wanted"
        [ $FAILED -eq 0 ]
        lives
    done << 'END'
/etag 12345
/cookies 12345
/scarce/.gitattributes # Text ends
/scarce-events seq
END
}

@test "without memory an application says at its start what is missing" {
    "$TMP/mistakes" start > "$TMP/start"
    cat "$TMP/start"
    grep -q ': no application' "$TMP/start"
    grep -q ': out of memory' "$TMP/start"
    [ "$(uname)" != Linux ] || grep -q ': Cannot allocate memory' "$TMP/start"
    run ! grep 'no matter' "$TMP/start"
}

@test "without memory for its loop or its callbacks a program ends and says so" {
    for what in instance callbacks; do
        run "$TMP/mistakes" "$what"
        echo "$what: $status $output"
        [[ $status -eq 1 && ${#lines[@]} -eq 1 ]]
    done
}

@test "without memory, threads or random bytes there is no connection, no work and no key" {
    run "$TMP/mistakes" others
    [ "$output" = "no connection
no connection
no connection
no key
cancelled
worked
worked
worked
cancelled" ]
}

@test "a connection that cannot be accepted now is accepted later, and the server works little meanwhile" {
    needs_proc
    for what in memory watch; do
        before=$(cpu)
        [ "$(http "$URL/want?what=$what")" = 12345 ]
        wait_for_line "$SERVER_LOG" 'cannot accept connections: .*; trying again'
        lives
        [ $(($(cpu) - before)) -lt 15 ] || { echo "$what: $before $(cpu)"; return 1; }
        : > "$SERVER_LOG"
    done
}

@test "a handler that ends without an answer lets the next request be answered" {
    client send 'GET /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET /abc HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' \
        read > "$TMP/out"
    [ "$(grep -c '^HTTP/1.1 200' "$TMP/out")" -eq 1 ]
    grep -q 'no group' "$TMP/out"
}

@test "what is written before the end of a write is known is sent, too" {
    [ "$(http "$URL/twice" | tr -d 5 | wc -c)" -eq 10000004 ]
    lives
}

@test "a handler that waits for a write goes on when its client has gone" {
    client send 'GET /wait HTTP/1.1\r\nHost: a\r\n\r\n' readuntil 12345 reset
    wait_for_line "$SERVER_LOG" 'the handler has gone on'
    lives
}

@test "a server that has to encrypt and cannot sends nothing" {
    wait_for_line "$SERVER_OUT" '^without a certificate on '
    run curl -sS --max-time 30 --noproxy '*' "$(sed -n 's/^without.* on //p' "$SERVER_OUT")/abc"
    [ "$status" -eq 52 ] || [ "$status" -eq 56 ]
    lives
}

@test "requests to oneself that cannot connect are given up" {
    http -d 'GET / HTTP/1.1' "$URL/stop-and-send" > "$TMP/out"
    run -7 http "$URL/abc"
    kill -0 "$SERVER_PID"
    no_complaints
}
