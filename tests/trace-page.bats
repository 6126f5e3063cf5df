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

@test "several processes have no trace page, and say so" {
    start_server --trace --processes=2
    grep -qx 'dustdevil: no trace page: it needs --processes=1' "$SERVER_LOG"
    [ -z "$(page)" ]
    [ "$(status /trace/x)" = 404 ]
    run ! grep -i 'trace page' "$SERVER_OUT"
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

@test "what the page can ask for is there" {
    start_server --trace
    grep -oE "fetch\('/[^']*'" diagrams/trace.html | cut -d "'" -f 2 > "$TMP/paths"
    grep -oE 'ORIGIN/[^ ]*' diagrams/trace.html | sed 's/^ORIGIN//; s/n=[0-9]*/n=9/' >> "$TMP/paths"
    [ "$(wc -l < "$TMP/paths")" -ge 8 ]
    while read -r path; do
        case $path in
        /nowhere | /static/) expected=404 ;;
        /hello) expected=405 ;;
        *) expected=200 ;;
        esac
        [ "$(status "${path/3000/1}")" = "$expected" ] || { echo "$path"; return 1; }
    done < "$TMP/paths"
}

@test "a request for events leaves no connection to the next request" {
    start_server --trace
    http -D - -o /dev/null "$URL$(page)/events" | grep -qi '^Connection: close'
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

# The page is read from a FIFO here, so its handler blocks the loop.
@test "an idle connection has its whole time, also after a handler that took long" {
    local program=${SERVER:-$BUILD/dustdevil}
    program=$(realpath "$program")
    mkdir -p "$TMP/tree/diagrams"
    mkfifo "$TMP/tree/diagrams/trace.html"
    printf '#!/bin/sh\ncd "%s" && exec %s "$@"\n' "$TMP/tree" "$program" > "$TMP/elsewhere"
    chmod +x "$TMP/elsewhere"
    SERVER=$TMP/elsewhere
    start_server --trace --idle-timeout=2
    client_bg "$TMP/out" \
        send "GET $(page) HTTP/1.1\r\nHost: localhost\r\n\r\n" readuntil '</html>' \
        pause 1000 send "$(request /)" readuntil world
    sleep 1.8
    echo '</html>' > "$TMP/tree/diagrams/trace.html"
    wait "$CLIENT_PID"
}

@test "the events are the records of --trace=FILE, one after the other" {
    start_server --trace="$TMP/records"
    http "$URL/hello/you" > /dev/null
    http "$URL$(page)/events" > "$TMP/events"
    head -n "$(wc -l < "$TMP/events")" "$TMP/records" | diff - "$TMP/events"
    [ "$(sed 1d "$TMP/events" | cut -f 1 | head -n 40)" = \
        "$(seq "$(sed 1d "$TMP/events" | head -n 40 | wc -l)")" ]
    cut -f 5,9 "$TMP/events" | grep -q "^8$(printf '\t')GET /hello/you"
}

@test "a request that names the last line seen gets the lines after it" {
    start_server --trace
    http "$URL/hello/one" > /dev/null
    seen=$(events 0 | tail -n 1 | cut -f 1)
    http "$URL/hello/two" > /dev/null
    events "$seen" > "$TMP/new"
    [ "$(head -n 1 "$TMP/new" | cut -f 1)" -eq $((seen + 1)) ]
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
    [ "$(wc -l < "$TMP/kept")" -eq 1024 ]
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
    raw 'GET /a\tb%0a<script> HTTP/1.1\r\nHost: a\r\n\r\n' > /dev/null || true
    http "$URL/hello/%09%0a" > /dev/null
    events 0 > "$TMP/events"
    [ "$(awk -F '\t' 'NF != 9' "$TMP/events" | wc -l)" -eq 0 ]
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
