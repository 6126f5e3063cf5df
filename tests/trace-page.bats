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
