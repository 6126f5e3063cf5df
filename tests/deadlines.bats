# Deadlines: clients that are silent or slow, that do not read, or that break
# off. None of them keeps another client waiting.

setup() {
    load helper
    TMP=$BATS_TEST_TMPDIR
    ulimit -S -n 1024 2> /dev/null || true
}
teardown() { disperse; stop_server clean; }

# both FUNCTION: with the best poller that there is, and with the oldest.
both() {
    start_server --log=none
    "$1"
    disperse
    stop_server clean
    start_server --log=none --poller=select
    "$1" select
}

# --- slow and silent -------------------------------------------------------

# A hundred of each: silent, in the middle of a head, in the middle of a body,
# deaf to a gigabyte, and asleep.
worst() {
    stay 100
    stay 100 send 'GET /hello/'
    stay 100 send 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx'
    stay 100 rcvbuf 4096 deaf send "$(request '/bytes?n=1000000000')"
    stay 100 send "$(request '/slow?ms=60000')" shutdown
    for i in 1 2 3 4 5 6 7 8 9 10; do
        good
    done
}
@test "five hundred clients of the worst kinds keep no other client waiting" { both worst; }

bytewise() {
    text=$(request /hello/x)
    text+='POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n'
    text+='HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'
    text+=$(request '/stream?n=2')
    text+='GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    client send "$text" read | sed '/^Date:/d' > "$TMP/want"
    [ "$(grep -o 'HTTP/1.1 200' "$TMP/want" | wc -l)" -eq 5 ]
    client bytewise "$text" read | sed '/^Date:/d' > "$TMP/got"
    cmp "$TMP/want" "$TMP/got"
}
@test "one byte at a time is the same conversation, pipelined and all" { both bytewise; }

# Forty clients at a time, each byte in a packet of its own.
chorus() {
    run client -t 20 -c 40 bytewise 'GET / HTTP/1.0\r\n\r\n' read
    [ "$status" -eq 0 ]
    [ "$(grep -o 'Hello, world' <<< "$output" | wc -l)" -eq 40 ]
}
@test "forty clients with one finger are all answered" { both chorus; }

# --- half-closed connections and resets ------------------------------------

two_requests() {
    printf 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody'
    printf 'GET /hello/b HTTP/1.1\r\nHost: a\r\n\r\n'
}
FIRST=55 # bytes of the first of the two

half_close() {
    two_requests > "$TMP/both"
    size=$(wc -c < "$TMP/both")
    for i in $(seq 0 "$size"); do
        head -c "$i" "$TMP/both" > "$TMP/part"
        want=$(((i >= FIRST) + (i == size)))
        client file "$TMP/part" shutdown read > "$TMP/got" ||
            { echo "after $i bytes: status $?"; return 1; }
        [ "$(grep -o 'HTTP/1.1 200' "$TMP/got" | wc -l)" -eq "$want" ] ||
            { echo "after $i bytes: $(cat "$TMP/got")"; return 1; }
    done
    good
}
@test "a client that half-closes at any byte gets the answers to its whole requests" { both half_close; }

half_closed() {
    for path in '/slow?ms=50' '/stream?n=500' '/bytes?n=3000000'; do
        request="GET $path HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n"
        want=$(client send "$request" count)
        [ "$want" -gt "${path##*=}" ] || { echo "$path: $want"; return 1; }
        [ "$(client send "$request" shutdown count)" = "$want" ] ||
            { echo "$path"; return 1; }
    done
}
@test "a client that half-closes gets slow answers whole" { both half_closed; }

reset_request() {
    good
    base=$(descriptors)
    two_requests > "$TMP/both"
    size=$(wc -c < "$TMP/both")
    for i in $(seq 0 2 "$size"); do
        head -c "$i" "$TMP/both" > "$TMP/part"
        client file "$TMP/part" reset
    done
    good
    until_true descriptors_at_most "$base"
}
@test "a reset anywhere in a request leaves nothing behind" { both reset_request; }

reset_answer() {
    good
    base=$(descriptors)
    text="$(request '/stream?n=3')$(request '/slow?ms=5')$(request '/bytes?n=400000')"
    text+="$(request /error)$(request '/slow?ms=500')"
    for i in $(seq 0 19 800) 100000 300000 400600; do
        client send "$text" discard "$i" reset
    done
    good
    until_true descriptors_at_most "$base"
}
@test "a reset anywhere in an answer leaves nothing behind" { both reset_answer; }

# Two hundred at once, at five places of a conversation. (The sleepers sleep
# only for a second, because select does not report a reset meanwhile.)
resets() {
    good
    base=$(descriptors)
    client -c 200 reset
    client -c 200 send 'GET /hel' reset
    client -c 200 send "$(request '/slow?ms=1000')" pause 50 reset
    client -c 200 send "$(request '/bytes?n=1000000000')" discard 1000 reset
    client -q -c 200 send "$(request /)BAD\\r\\n\\r\\n" readuntil ' 400 ' reset
    good
    until_true descriptors_at_most "$base"
}
@test "a thousand resets cost no descriptor" { both resets; }

# --- deaf ------------------------------------------------------------------

@test "a gigabyte for a client that does not read, or for one that does, costs no memory" {
    start_server --log=none
    needs_plain_memory
    not_over_tls "a gigabyte takes too long"
    [ "$(http "$URL/bytes?n=1000000" | wc -c)" -eq 1000000 ]
    before=$(memory VmRSS)
    stay 20 rcvbuf 4096 send "$(request '/bytes?n=1073741824')" deaf
    good
    [ "$(http "$URL/bytes?n=1073741824" | wc -c)" -eq 1073741824 ]
    peak=$(memory VmHWM)
    echo "from $before kB to $peak kB"
    [ $((peak - before)) -lt 10000 ]
}

@test "while a client does not read its answers, no more of its requests are read" {
    start_server --log=none
    needs_proc
    before=$(memory VmRSS)
    for i in $(seq 100); do request /hello/x; done > "$TMP/hundred"

    # 40 MB do not fit into the kernel's buffers. So the client comes to an
    # end only if the server reads what it should not: else its time is over.
    client_bg "$TMP/out" -t 1 rcvbuf 4096 deaf \
        repeat 10000 "$(cat "$TMP/hundred")"
    for i in 1 2 3 4; do
        good
        sleep 0.2
    done
    peak=$(memory VmHWM) status=0
    wait "$CLIENT_PID" || status=$?
    [ "$status" -eq 3 ]
    good
    needs_plain_memory
    echo "from $before kB to $peak kB"
    [ $((peak - before)) -lt 4000 ]
}

deaf_pipeline() {
    for i in $(seq 1000); do
        printf 'GET /hello/%d HTTP/1.1\r\nHost: a\r\n\r\n' "$i"
    done > "$TMP/questions"
    client rcvbuf 8192 deaf file "$TMP/questions" shutdown pause 300 read |
        grep -ao 'Hello, [0-9]*' | cut -c 8- > "$TMP/answers"
    seq 1000 | cmp - "$TMP/answers"
}
@test "a client that reads late gets every answer, in the order of its requests" { both deaf_pipeline; }

# --- answers that take their time ------------------------------------------

@test "sixteen clients sleep at the same time, and another one is served meanwhile" {
    start_server --log=none

    # One after the other they would take sixteen seconds.
    client_bg "$TMP/out" -t 8 -c 16 send "$(request '/slow?ms=1000')" \
        readuntil 'slept 1000 ms\n'
    for i in 1 2 3; do good; done
    wait "$CLIENT_PID"
    [ "$(grep -c '^slept 1000 ms' "$TMP/out")" -eq 16 ]
}

# Asked while the server is stopped, so all of them are asked at once.
reverse() {
    stop_server clean
    start_server "${OPTIONS[@]}"
    kill -STOP "$SERVER_PID"
    for ms in 500 400 300 200 100; do
        stay 1 send "$(request "/slow?ms=$ms")"
    done
    kill -CONT "$SERVER_PID"
    wait_for_line "$SERVER_LOG" 'GET /slow\?ms=500 '
    [ "$(sed -n 's/.*\] 200 GET .slow?ms=\([0-9]*\) .*/\1/p' "$SERVER_LOG" |
        xargs)" = "100 200 300 400 500" ]
}
@test "the answers come in the order in which they are ready" {
    for option in --log=info --poller=select; do
        OPTIONS=("$option")
        reverse
        disperse
    done
}

@test "on one connection the answers come in the order of asking" {
    start_server
    client send "$(request '/slow?ms=300')$(request '/slow?ms=0')$(request /hello/x)" \
        readuntil 'Hello, x' > "$TMP/out"
    [ "$(grep -aoE 'slept [0-9]+|Hello, x' "$TMP/out" | xargs)" = \
        "slept 300 slept 0 Hello, x" ]
}

# --- out of descriptors ----------------------------------------------------

poor() {
    disperse
    stop_server clean
    start_with_limits "-n 20" "$BUILD/dustdevil" --log=none "$@"
    needs_proc

    # The first client is connected, and asks when no descriptor is left.
    base=$(descriptors)
    client_bg "$TMP/inside" send G pause 700 send 'ET /hello/inside HTTP/1.0\r\n\r\n' \
        readuntil 'Hello, inside'
    while [ "$(descriptors)" -eq "$base" ]; do sleep 0.02; done
    stay 60 send G
    before=$(cpu)
    wait "$CLIENT_PID"
    after=$(cpu)
    grep -q 'Hello, inside' "$TMP/inside"

    # A loop that spins works for nearly all of that time.
    echo "worked for $((after - before)) hundredths of a second"
    [ $((after - before)) -lt 20 ]

    # A later client has to wait, and is served when the others have left.
    client_bg "$TMP/later" send "$(request /hello/later)" readuntil 'Hello, later'
    disperse
    wait "$CLIENT_PID"
    good
}
@test "out of descriptors: open connections are served, nothing spins, later ones wait" {
    poor
    poor --poller=select
}

# --- nothing to do ---------------------------------------------------------

idle() {
    stay 3 send '\r\n'
    stay 3 send 'GET / HT'
    stay 3 send 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx'
    stay 3 rcvbuf 4096 send "$(request '/bytes?n=1000000000')" deaf

    # Only select() has to look whether a client is still there.
    [ "${1:-${POLLER:-}}" = select ] || {
        stay 3 send "$(request '/slow?ms=60000')" shutdown
        stay 3 send "$(request '/slow?ms=60000')$(request /)"
    }
    good
    quiet
}
@test "a server with nothing to do makes no system call" {
    command -v strace > /dev/null || skip "strace is not installed"
    [ -d /proc/self/task ] || skip "there is no /proc to look it up in"
    both idle
}

# --- the end ---------------------------------------------------------------

# last_minute OP...: clients that come, and the order to leave, while the
# server is stopped: it learns of both in one turn.
last_minute() {
    for option in --log=none --poller=select; do
        start_server "$option"
        kill -STOP "$SERVER_PID"
        stay 3 "$@"
        kill -TERM "$SERVER_PID"
        kill -CONT "$SERVER_PID"
        server_ends
        [ "$SERVER_STATUS" -eq 0 ] ||
            { echo "$option: status $SERVER_STATUS"; return 1; }
        no_complaints
        disperse
    done
}
@test "SIGTERM in the moment when clients come is a clean end" {
    last_minute
    last_minute send "$(request /hello/x)"
    last_minute send 'POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nn'
    last_minute send 'BAD\r\n\r\n'
    last_minute send "$(request /)" close
}

# The part fills the read buffer to its last byte, so the server receives a
# second time at once, and finds the reset. The server sleeps until both are
# there.
part_and_reset() {
    needs_proc
    head="GET / HTTP/1.1\\r\\nHost: a\\r\\nA: "
    for size in 4072 4080 4096 8168 8192; do
        kill -STOP "$SERVER_PID"
        client send "$head$(head -c $((size - 28)) /dev/zero | tr '\0' a)" reset
        kill -CONT "$SERVER_PID"
        good
    done
}
@test "a reset behind a part of a head that fills a buffer is an end like others" { both part_and_reset; }
