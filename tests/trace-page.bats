# The page /trace: the tour in a browser, for this machine.

setup()    { load helper; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

# page: the path of the page; its key is printed at the start.
page() { sed -n 's|^trace page: http://[^/]*\(/trace/[0-9a-f]*\)$|\1|p' "$SERVER_LOG"; }

# status [CURL-OPTION...] PATH: what the server says to it.
status() { http -o "$TMP/answer" -w '%{http_code}' "${@:1:$#-1}" "$URL${*: -1}"; }

# events SINCE: the records after that one, without the header line.
events() { http "$URL$(page)/events?since=$1" | sed 1d; }

@test "without --trace there is no such page" {
    start_server
    [ -z "$(page)" ]
    for path in /trace /trace/ /trace/events /trace//events /trace/x /trace/x/events; do
        [ "$(status "$path")" = 404 ]
    done
}

@test "the page is at a key that each start makes anew" {
    start_server --trace
    local first
    first=$(page)
    [ "${#first}" -eq 39 ]
    [ "$(status "$first")" = 200 ]
    [ "$(status "$first/events")" = 200 ]
    for path in /trace /trace/ /trace/events "${first%?}" "${first}0" "${first%?}/events" \
        "${first%?}%00" "/trace/$(printf '0%.0s' {1..32})" "$first/" "$first/x"; do
        [ "$(status "$path")" = 404 ] || { echo "$path"; return 1; }
    done
    stop_server clean
    start_server --trace
    [ "$(page)" != "$first" ]
    [ "$(status "$first")" = 404 ]
}

@test "without random bytes there is no trace page" {
    SERVER=$(without_random_bytes "${STAGE:-$BUILD/step-38}")
    start_server --trace --secret=0123456789abcdef
    good
    [ -z "$(page)" ]
    for path in /trace/ /trace/x "/trace/$(printf '0%.0s' {1..32})"; do
        [ "$(status "$path")" = 404 ]
    done
}

@test "several processes have no trace page, and say so" {
    start_server --trace --processes=2
    grep -qx 'dustdevil: no trace page: it needs --processes=1' "$SERVER_LOG"
    [ -z "$(page)" ]
    [ "$(status /trace/x)" = 404 ]
    [ "$(grep -ci 'trace page' "$SERVER_LOG")" -eq 1 ]
}

@test "with every interface the page has a name of this machine" {
    start_server --trace --address=
    grep -qE '^trace page: http://localhost:[0-9]+/trace/[0-9a-f]{32}$' "$SERVER_LOG"
    [ "$(http -o /dev/null -w '%{http_code}' "http://localhost:$PORT$(page)")" = 200 ]
}

@test "the page is HTML and loads nothing from elsewhere" {
    start_server --trace
    [ "$(status "$(page)")" = 200 ]
    grep -q '<title>Follow one request</title>' "$TMP/answer"
    ! grep -E 'https?:|src=|@import|url\(' "$TMP/answer" || false
    http -D - -o /dev/null "$URL$(page)" | grep -qi '^Cache-Control: no-store'
}

@test "the page has the sources, as they stand in the tree" {
    start_server --trace
    for f in src/ioloop.c src/web/answer.c src/app/demo.c src/httpserver.h; do
        [ "$(status -D "$TMP/head" "$(page)/${f#src/}")" = 200 ]
        cmp "$f" "$TMP/answer"
        grep -qi '^Content-Type: text/plain; charset=UTF-8' "$TMP/head"
    done
    [ "$(status "$(page)/nothing.c")" = 503 ]
    [ "$(status /trace/ioloop.c)" = 404 ]
    [ "$(status "/trace/$(printf '0%.0s' {1..32})/ioloop.c")" = 404 ]
    [ "$(status -H 'Host: example.com' "$(page)/ioloop.c")" = 403 ]
}

@test "a path of a source leads to no place outside src" {
    start_server --trace
    for path in ../tests/client.c %2e%2e/tests/client.c web/../../tests/client.c \
        ..%2ftests/client.c stage.awk ioloop.c%00 ../README.md ioloop.c/ .c; do
        case $(status --path-as-is "$(page)/$path") in
        404 | 503) ;;
        *) echo "$path"; return 1 ;;
        esac
    done
    # What begins with a slash is below src, too.
    [ "$(status --path-as-is "$(page)//$ROOT/tests/client.c")" = 503 ]
}

@test "the page knows every file that the trace names, and the chapter of every stop" {
    sed -n "s/^const FOLDERS = {\(.*\)};/\1/p" diagrams/trace.html | tr -d " '" |
        tr ',' '\n' | sed 's/^\(.*\):\(.*\)/src\/\2\1/' | sort > "$TMP/said"
    grep -lE '(TRACE|TOUR)\(' src/*/*.c | grep -vE '^src/(steps|base)/' | sort | diff "$TMP/said" -
    sed -n 's/^const LEARN = \[0, \(.*\)\];/\1/p' diagrams/trace.html | tr -d ' ' | tr ',' '\n' > "$TMP/said"
    sed -nE 's/^\| \([0-9]+\) .*\[([0-9]+)\] \|$/\1/p' chapters/tour.md | diff "$TMP/said" -
}

# The length of the body that the page sends is written in its text.
@test "what the page can ask for is there" {
    start_server --trace
    grep -oE "get\('/[^']*'\)" diagrams/trace.html | cut -d "'" -f 2 > "$TMP/paths"
    [ "$(wc -l < "$TMP/paths")" -ge 8 ]
    while read -r path; do
        case $path in
        /nowhere) expected=404 ;;
        *) expected=200 ;;
        esac
        [ "$(status "${path/000/}")" = "$expected" ] || { echo "$path"; return 1; }
    done < "$TMP/paths"
    sed -n "s/.*text: '\(POST [^']*\)'.*/\1/p" diagrams/trace.html | sed 's/\\n/\\r\\n/g' > "$TMP/post"
    [ "$(wc -l < "$TMP/post")" -eq 1 ]
    client send "$(cat "$TMP/post")" readuntil 'Hello, world' | grep -q '^HTTP/1.1 200 '
}

# curl takes the same connection for both, as a browser does, if it is left open.
@test "a request behind one of the page, on the same connection or not, is shown" {
    local path
    start_server --trace
    for path in /events '' /web.c /send /nothing.c; do
        http "$URL$(page)$path" "$URL/hello/behind$path" > /dev/null
        events 0 | grep -q "GET /hello/behind$path, " || { echo "$path"; return 1; }
    done
}

@test "a server that was not started in its source tree says what is missing" {
    local program=${SERVER:-$BUILD/dustdevil}
    program=$(realpath "$program")
    printf '#!/bin/sh\ncd / && exec %s "$@"\n' "$program" > "$TMP/elsewhere"
    chmod +x "$TMP/elsewhere"
    SERVER=$TMP/elsewhere
    start_server --trace
    [ "$(status "$(page)")" = 503 ]
    grep -q 'no diagrams/trace.html' "$TMP/answer"
    [ "$(status "$(page)/events")" = 200 ]
}

# Both requests are there when the server wakes. The page is read from a named pipe
# here: its handler waits for bytes, and keeps the other client waiting.
@test "an idle connection has its whole time, also after a handler that took long" {
    local program=${SERVER:-$BUILD/dustdevil}
    program=$(realpath "$program")
    mkdir -p "$TMP/tree/diagrams"
    mkfifo "$TMP/tree/diagrams/trace.html"
    printf '#!/bin/sh\ncd "%s" && exec %s "$@"\n' "$TMP/tree" "$program" > "$TMP/elsewhere"
    chmod +x "$TMP/elsewhere"
    SERVER=$TMP/elsewhere
    start_server --trace --idle-timeout=3
    exec 8<> "/dev/tcp/127.0.0.1/$PORT" 9<> "/dev/tcp/127.0.0.1/$PORT"
    printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' > "$TMP/root"
    printf 'GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n' "$(page)" > "$TMP/page"
    cat "$TMP/root" >&8
    cat "$TMP/root" >&9
    both_answered() { [ "$(grep -c ' 200 GET / ' "$SERVER_LOG")" -eq 2 ]; }
    until_true both_answered
    freeze
    cat "$TMP/page" >&8
    cat "$TMP/root" >&9
    kill -CONT "$SERVER_PID"
    sleep 2.7
    echo '</html>' > "$TMP/tree/diagrams/trace.html"
    wait_for_line "$SERVER_LOG" ' 200 GET /trace'
    sleep 1.5
    printf 'GET / HTTP/1.0\r\n\r\n' >&9
    cat <&8 | grep -a '</html>'
    [ "$(cat <&9 | grep -ao 'HTTP/1.[01] 200' | wc -l)" -eq 3 ]
}

@test "the events are the records of --trace=FILE, without those of the page" {
    start_server --trace="$TMP/records"
    http "$URL/hello/you" > /dev/null
    http "$URL$(page)/events" > "$TMP/events"
    [ "$(head -n 1 "$TMP/records")" = "$(head -n 1 "$TMP/events")" ]
    run -1 grep -vxFf "$TMP/records" "$TMP/events"
    cut -f 5,9 "$TMP/events" | grep -q "^8$(printf '\t')GET /hello/you"
    run ! grep -q "$(printf '\t')GET /trace" "$TMP/events"
    grep -q "$(printf '\t')GET /trace" "$TMP/records"
    sed 1d "$TMP/events" | cut -f 1 | sort -n -c -u

    # No record of the other request is missing.
    n=$(awk -F '\t' '/GET \/hello\/you/ { print $4 }' "$TMP/records")
    awk -F '\t' -v n="$n" '$4 == n' "$TMP/records" > "$TMP/all"
    awk -F '\t' -v n="$n" '$4 == n' "$TMP/events" | diff "$TMP/all" -
    [ "$(wc -l < "$TMP/all")" -ge 16 ]
}

@test "a request that names the last line seen gets the lines after it" {
    start_server --trace
    http "$URL/hello/one" > /dev/null
    seen=$(events 0 | tail -n 1 | cut -f 1)
    http "$URL/hello/two" > /dev/null
    events "$seen" > "$TMP/new"
    [ "$(head -n 1 "$TMP/new" | cut -f 1)" -gt "$seen" ]
    grep -q 'GET /hello/two' "$TMP/new"
    ! grep 'GET /hello/one' "$TMP/new" || false
    [ -z "$(events 999999999)" ]
}

@test "the oldest events make room for the newest" {
    start_server --trace
    client repeat 200 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' \
        send 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' read \
        > /dev/null
    events 0 > "$TMP/kept"

    # The request that asks for them took the room of some.
    [ "$(wc -l < "$TMP/kept")" -le 1024 ]
    [ "$(wc -l < "$TMP/kept")" -ge 980 ]
    [ "$(head -n 1 "$TMP/kept" | cut -f 1)" -gt 1 ]
    grep -q 'GET /last' "$TMP/kept"
}

@test "it is for this machine only, whatever the page's name or the proxy says" {
    start_server --trace --xheaders
    local path
    path=$(page)
    for host in localhost localhost:1 127.0.0.1 "127.0.0.1:$PORT" '[::1]:80' LOCALHOST; do
        [ "$(status -H "Host: $host" "$path")" = 200 ]
    done
    for host in example.com localhost.example.com 127.0.0.1.example.com xlocalhost ''; do
        [ "$(status -H "Host: $host" "$path")" = 403 ] || { echo "$host"; return 1; }
        [ "$(status -H "Host: $host" "$path/events")" = 403 ]
    done
    [ "$(status -H 'X-Real-Ip: 192.0.2.1' "$path")" = 403 ]
    [ "$(status -H 'X-Real-Ip: 127.0.0.1' "$path")" = 200 ]
}

@test "what a stranger has asked for is told in one line" {
    start_server --trace
    client send 'GET /a\tb%0a<script> HTTP/1.1\r\nHost: a\r\n\r\n' read > "$TMP/out"
    grep -q '^HTTP/1.1 400 ' "$TMP/out"
    http "$URL/hello/%09%0a" > /dev/null
    events 0 > "$TMP/events"
    grep -q 'GET /hello/%09%0a' "$TMP/events"
    [ "$(awk -F '\t' 'NF != 9' "$TMP/events" | wc -l)" -eq 0 ]
}

# --- watching ----------------------------------------------------------------

@test "the page's own requests leave no events" {
    start_server --trace --idle-timeout=1
    [ "$(events 0 | cut -f 5)" = 1 ]
    http "$URL/hello/you" > /dev/null
    events 0 > "$TMP/before"
    grep -q 'GET /hello/you' "$TMP/before"
    for _ in 1 2 3 4 5; do
        events 0 > "$TMP/after"
        http "$URL$(page)" > /dev/null
        http "$URL$(page)/ioloop.c" > /dev/null

        # The second request of a connection that is not traced any more.
        http "$URL$(page)" "$URL$(page)/events" > /dev/null
    done
    # The sweep that looks after the connections is no event of a request.
    wait_for_line "$SERVER_LOG" 'limits: every connection has been checked'
    events 0 | diff "$TMP/before" -
}

# curl uses one connection for both.
@test "a connection keeps the events of the requests before one of the page" {
    start_server --trace
    http "$URL/hello/one" "$URL$(page)/events" > "$TMP/both"
    events 0 > "$TMP/events"
    n=$(awk -F '\t' '/GET \/hello\/one/ { print $4 }' "$TMP/events")
    awk -F '\t' -v n="$n" '$4 == n { printf "%s ", $5 }' "$TMP/events" > "$TMP/stops"
    [ "$(cat "$TMP/stops")" = '3 4 5 6 7 8 11 12 14 15 16 17 18 19 ' ]
    run ! grep -q /trace "$TMP/events"
}

@test "a stranger's request for the page is an event like any other" {
    start_server --trace
    [ "$(status /trace/x)" = 404 ]
    [ "$(status -H 'Host: example.com' "$(page)")" = 403 ]
    [ "$(events 0 | grep -c "$(printf '\t')GET /trace")" -eq 2 ]
}

# --- requests of the server to itself ------------------------------------------

GET='GET /hello/me HTTP/1.1\r\nHost: a\r\n\r\n'

# post BYTES [ARGUMENTS]: the server's answer to the page's request to send them.
post() {
    # shellcheck disable=SC2059 # the bytes are a format
    printf "$1" | status --data-binary @- "$(page)/send?${2:-}"
}

# has_event STOP NOTE: has this happened?
has_event() { events 0 | awk -F '\t' -v s="$1" -v n="$2" '$5 == s && index($9, n) { found = 1 } END { exit !found }'; }

# descriptors: how many the server has.
descriptors() { find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l; }
has_descriptors() { [ "$(descriptors)" -eq "$1" ]; }

@test "the server sends to itself what the page says, and only its own side is traced" {
    start_server --trace
    [ "$(post "$GET" 'gap=50')" = 202 ]
    until_true has_event 20 closed
    grep -q ' 200 GET /hello/me ' "$SERVER_LOG"
    events 0 | awk -F '\t' '$5 > 1 { printf "%s ", $5 }' > "$TMP/stops"
    [ "$(cat "$TMP/stops")" = '2 3 4 5 6 7 8 11 12 14 15 16 17 18 19 5 2 20 ' ]
}

@test "what is not a request is sent as it is" {
    start_server --trace
    [ "$(post 'NONSENSE\r\n\r\n')" = 202 ]
    wait_for_line "$SERVER_LOG" ' 400 '
}

@test "a request in three pieces arrives in three pieces" {
    start_server --trace
    [ "$(post "$GET" 'split=13&gap=200')" = 202 ]
    until_true has_event 20 closed
    [ "$(events 0 | cut -f 5 | grep -cx 6)" -eq 3 ]
    has_event 6 '+13 bytes, 26 in the buffer'
    grep -q ' 200 GET /hello/me ' "$SERVER_LOG"
}

# The second one is served while the handler of the first one waits.
@test "two can be under way at once" {
    start_server --trace
    [ "$(post 'GET /slow?ms=9000 HTTP/1.1\r\nHost: a\r\n\r\n')" = 202 ]
    [ "$(post "$GET")" = 202 ]
    wait_for_line "$SERVER_LOG" ' 200 GET /hello/me '
    run ! grep -q ' 200 GET /slow' "$SERVER_LOG"
    has_event 8 'GET /slow'
    [ "$(events 0 | awk -F '\t' '$5 == 3 { print $4 }' | sort -u | wc -l)" -eq 2 ]
}

# Between the answer to the first one and that to the second one is a gap without bytes.
@test "two requests in six pieces have two answers" {
    start_server --trace
    [ "$(post "$GET$GET" 'split=12&gap=100')" = 202 ]
    until_true has_event 20 closed
    [ "$(grep -c ' 200 GET /hello/me ' "$SERVER_LOG")" -eq 2 ]
}

# The reader takes 64 KiB twenty times a second, so the answer lasts; how much the
# kernel has room for is another matter.
@test "an answer can be read slowly" {
    start_server --trace
    [ "$(post 'GET /bytes?n=2000000 HTTP/1.1\r\nHost: a\r\n\r\n' 'read=65536&gap=50')" = 202 ]
    until_true has_event 19 finished
    events 0 | cut -f 9 > "$TMP/notes"
    [ "$(grep -c 'ready: WRITE' "$TMP/notes")" -ge 2 ]
    us=$(events 0 | awk -F '\t' '$5 == 12 { from = $2 } $5 == 19 { print $2 - from }')
    echo "$us microseconds"
    [ "$us" -ge 500000 ]
    wait_for_line "$SERVER_LOG" ' 200 GET /bytes'
}

# Forty gaps of 50 ms: a timeout is never early.
@test "a reader that takes less than it has received goes on until it has all" {
    start_server --trace
    [ "$(post 'GET /bytes?n=40000 HTTP/1.1\r\nHost: a\r\n\r\n' 'read=1000&gap=50')" = 202 ]
    until_true has_event 20 closed
    us=$(events 0 | awk -F '\t' '$5 == 12 { from = $2 } $5 == 20 { print $2 - from }')
    echo "$us microseconds"
    [ "$us" -ge 1500000 ]
}

# The server itself would wait for the next request. Each gap ends with a timeout.
@test "silence for a whole gap is the end of what the server sends to itself" {
    start_server --trace
    [ "$(post "$GET" 'gap=50')" = 202 ]
    until_true has_event 20 closed || until_true has_event 20 closed
    [ "$(grep -c 'a timeout is due' "$SERVER_LOG")" -lt 20 ]
}

@test "only the page can have something sent, and only with POST" {
    start_server --trace
    [ "$(status "$(page)/send")" = 405 ]
    [ "$(status -X PUT -d x "$(page)/send")" = 405 ]
    [ "$(status -d x "/trace/$(printf '0%.0s' {1..32})/send")" = 404 ]
    [ "$(status -d x -H 'Host: example.com' "$(page)/send")" = 403 ]
    [ -z "$(events 0 | awk -F '\t' '$5 == 6 && $9 ~ /^\+1 bytes/')" ]
    stop_server clean
    start_server
    [ "$(status -d x /trace/x/send)" = 404 ]
}

@test "more than 8 KiB are not sent, and arguments have limits" {
    start_server --trace
    head -c 8192 /dev/zero > "$TMP/body"
    [ "$(status --data-binary "@$TMP/body" "$(page)/send")" = 202 ]
    echo >> "$TMP/body"
    [ "$(status --data-binary "@$TMP/body" "$(page)/send")" = 413 ]
    for arguments in split=-1 split=8193 split=99999999999999999999 gap=x gap=-5 gap=2001 read=1000001; do
        [ "$(post "$GET" "$arguments")" = 400 ] || { echo "$arguments"; return 1; }
    done
    [ "$(post "$GET" 'split=0&gap=0&read=0')" = 202 ]
    good
}

# The head is not complete, so no answer comes, and each of these ends after ten
# seconds.
@test "the ninth request at a time is not sent, and each of them has an end" {
    start_server --trace --header-timeout=100
    for _ in 1 2 3 4 5 6 7 8; do [ "$(post 'GET / HTTP/1.1\r\n')" = 202 ]; done
    [ "$(post "$GET")" = 503 ]
    good
    is_sent() { [ "$(post "$GET")" = 202 ]; }
    until_true is_sent || until_true is_sent || until_true is_sent
}

@test "one that cannot connect has an end, too" {
    SERVER=$(with_call "${STAGE:-$BUILD/step-38}" getsockopt <<- 'END'
		int replaced(int fd, int level, int option, void *value, socklen_t *size);
		int replaced(int fd, int level, int option, void *value, socklen_t *size)
		{
		    int result = getsockopt(fd, level, option, value, size);

		    if (level == SOL_SOCKET && option == SO_ERROR)
		        *(int *)value = ECONNREFUSED;
		    return result;
		}
	END
    )
    start_server --trace
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ "$(post "$GET")" = 202 ]; done
    run ! grep /hello/me "$SERVER_LOG"
}

@test "one that is refused at once leaves no descriptor open" {
    needs_proc
    SERVER=$(with_call "${STAGE:-$BUILD/step-38}" connect <<- 'END'
		int replaced(int fd, const struct sockaddr *address, socklen_t size);
		int replaced(int fd, const struct sockaddr *address, socklen_t size)
		{
		    (void)fd, (void)address, (void)size;
		    errno = ECONNREFUSED;
		    return -1;
		}
	END
    )
    start_server --trace
    [ "$(post "$GET")" = 503 ]
    before=$(descriptors)
    for _ in 1 2 3; do [ "$(post "$GET")" = 503 ]; done
    until_true descriptors_at_most "$before"
}

@test "the end of the server is the end of all of them" {
    start_server --trace
    for _ in 1 2 3; do [ "$(post 'GET / HTTP/1.1\r\n')" = 202 ]; done
    stop_server clean
}

@test "a server that is full sends later, or not at all" {
    start_server --trace --max-connections=2
    [ "$(post 'GET /slow?ms=4000 HTTP/1.1\r\nHost: a\r\n\r\n')" = 202 ]
    [ "$(post 'GET /slow?ms=4000 HTTP/1.1\r\nHost: a\r\n\r\n')" = 202 ]
    wait_for_line "$SERVER_LOG" ' 200 GET /slow'
    until_true has_event 20 closed
    good
}

@test "two hundred of them leave no descriptor behind" {
    [ -d /proc/self/fd ] || skip "needs /proc"
    local n path
    start_server --trace
    path=$(page)
    [ "$(status "$path")" = 200 ]
    n=$(descriptors)
    for i in $(seq 200); do
        printf 'GET /hello/%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' "$i" > "$TMP/body"
        [ "$(status --data-binary "@$TMP/body" "$path/send")" = 202 ]
    done
    wait_for_line "$SERVER_LOG" ' 200 GET /hello/200 '
    until_true has_descriptors "$n"
}

# The pictures of the lives have the same requests: their stops, but the first,
# which is older than the request.
@test "the moments that the page for teachers names have the stops that it says" {
    grep -oE '`#(get|post)\.[0-9]+` \([0-9]+\)' chapters/teaching.md | tr -d '`#()' | tr . ' ' > "$TMP/named"
    [ "$(wc -l < "$TMP/named")" -ge 7 ]
    while read -r name moment stop; do
        grep -oE 'class="n">\([0-9]+\)' "diagrams/life-of-a-${name/post/request}.svg" |
            tr -cd '0-9\n' | sed -n "$((moment + 1))p" > "$TMP/is"
        [ "$(cat "$TMP/is")" = "$stop" ] || { echo "$name.$moment is ($(cat "$TMP/is")), not ($stop)"; return 1; }
    done < "$TMP/named"
}
