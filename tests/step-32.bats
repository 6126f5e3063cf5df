# Chapter 32: limits and deadlines. A hostile client costs little, is disconnected
# at its deadline, and keeps no other client waiting.
#
# Where a time has to pass it passes for several clients at once.

setup() {
    load helper
    load limits
    load tables
    TMP=$BATS_TEST_TMPDIR
}
teardown() { disperse; stop_server clean; }

start() { start_step 32 "$@"; }

# --- a head ------------------------------------------------------------------

@test "a silent client is disconnected without an answer" {
    start --header-timeout=1 --idle-timeout=60
    client -c 20 count > "$TMP/out"
    [ "$(sort -u "$TMP/out")" = 0 ]
    run ! grep '408' "$SERVER_LOG"
    good
}

@test "half a head is answered with 408, and every further byte changes nothing" {
    start --header-timeout=1 --idle-timeout=60
    each 16 pause 200 send x

    # Were each byte a reason to wait anew, this would be a request.
    client_bg "$TMP/drip" send 'GET / HTTP/1.1\r\nHost: a\r\nA: ' "${OPS[@]}" \
        send '\r\n\r\n' read
    client send 'GET / HTTP/1.1\r\nHost: a\r\n' read > "$TMP/half"
    wait "$CLIENT_PID"
    for who in half drip; do
        answers "$TMP/$who" 408
        grep -q '^Connection: close' "$TMP/$who"
        grep -qF '(the request took too long)' "$TMP/$who"
    done
}

@test "the time of a later head begins with its first byte" {
    start --header-timeout=2 --idle-timeout=60
    client_bg "$TMP/late" send "$(request /)" readuntil world pause 2300 \
        send 'GET / HT' pause 400 send 'TP/1.1\r\nHost: a\r\n\r\n' readuntil world
    late=$CLIENT_PID
    client send "$(request /)" readuntil world send 'GET / HT' read > "$TMP/never"
    wait "$late"
    answers "$TMP/late" 200 200
    answers "$TMP/never" 200 408
}

# An empty line behind a body is no beginning: old clients send one.
@test "one byte begins a later head, an empty line does not" {
    start --header-timeout=1 --idle-timeout=60
    client_bg "$TMP/drip" send "$(request /)" readuntil world send G pause 1300 send E \
        pause 1300 send 'T / HTTP/1.1\r\nHost: a\r\n\r\n' read
    drip=$CLIENT_PID
    client_bg "$TMP/joined" send "$(request /)G" read
    joined=$CLIENT_PID
    client send "${HEAD}Content-Length: 3\r\n\r\nabc\r\n" readuntil abc pause 2500 \
        send "$(request /)" readuntil world > "$TMP/line"
    wait "$drip" || true
    wait "$joined" || true
    answers "$TMP/drip" 200 408
    answers "$TMP/joined" 200 408
    answers "$TMP/line" 200 200
}

@test "an idle connection is closed without an answer" {
    start --idle-timeout=1
    client send "$(request /)" readuntil world read > "$TMP/out"
    answers "$TMP/out" 200
    client send "$(request /)GET / HTTP/1.0\\r\\nConnection: keep-alive\\r\\n\\r\\n" \
        read > "$TMP/out"
    answers "$TMP/out" 200 200
    run ! grep '408' "$SERVER_LOG"
}

# --- a body ------------------------------------------------------------------

@test "a body that brings 500 bytes a second is read, one that drips gets 408" {
    start --body-timeout=2 --header-timeout=60
    each 10 pause 400 send "$(many 500 y)"
    client_bg "$TMP/steady" -t 30 send "${HEAD}Content-Length: 5000\\r\\n\\r\\n" \
        "${OPS[@]}" readuntil yyy
    pids=("$CLIENT_PID")
    each 10 pause 400 send "1f4\\r\\n$(many 500 y)\\r\\n"
    client_bg "$TMP/chunks" -t 30 send "$CHUNKED" "${OPS[@]}" send '0\r\n\r\n' \
        readuntil yyy
    pids+=("$CLIENT_PID")
    each 12 pause 400 send x
    client_bg "$TMP/drip" -t 30 send "${HEAD}Content-Length: 12\\r\\n\\r\\n" \
        "${OPS[@]}" read
    pids+=("$CLIENT_PID")
    each 12 pause 400 send '1;a=b\r\nx\r\n'
    client_bg "$TMP/drops" -t 30 send "$CHUNKED" "${OPS[@]}" send '0\r\n\r\n' read
    pids+=("$CLIENT_PID")
    while read -r text; do
        client send "$HEAD$text" read > "$TMP/out"
        answers "$TMP/out" 408
    done <<- 'END'
		Content-Length: 9\r\n\r\n
		Content-Length: 9\r\n\r\n12345678
		Transfer-Encoding: chunked\r\n\r\n5\r\nab
	END
    for pid in "${pids[@]}"; do wait "$pid" || true; done
    answers "$TMP/steady" 200
    answers "$TMP/chunks" 200
    answers "$TMP/drip" 408
    answers "$TMP/drops" 408
}

@test "a body that was fast at first gets no credit for later windows" {
    start --body-timeout=2 --header-timeout=60
    client_bg "$TMP/out" -t 30 send "${HEAD}Content-Length: 100001\\r\\n\\r\\n" \
        repeat 100 "$(many 1000 z)" pause 4500 send z read
    pid=$CLIENT_PID

    # What is left may be less than a window asks for.
    client send "${HEAD}Content-Length: 5010\\r\\n\\r\\n$(many 5000 z)" pause 1000 \
        send 0123456789 readuntil 789 > "$TMP/rest"
    answers "$TMP/rest" 200
    wait "$pid" || true
    answers "$TMP/out" 408
}

# --- an answer ---------------------------------------------------------------

@test "a client that takes nothing of its answer is cut, one that takes a little is not" {
    start --body-timeout=2

    # A reset, because half an answer must not look like a whole one.
    client_bg "$TMP/deaf" rcvbuf 4096 send "$(request '/bytes?n=1000000000')" \
        deaf pause 4000 count
    deaf=$CLIENT_PID
    each 10 pause 400 discard 60000 deaf
    client -t 20 rcvbuf 65536 send 'GET /bytes?n=9000000 HTTP/1.0\r\n\r\n' \
        deaf "${OPS[@]}" count > "$TMP/slow"
    [ "$(cat "$TMP/slow")" -gt 8000000 ]
    status=0
    wait "$deaf" || status=$?
    [ "$status" -eq 4 ]
    [ "$(grep -c 'a client reads its answer too slowly' "$SERVER_LOG")" -eq 1 ]
    good
}

# Its kernel has room for a few kilobytes, so ours is full nearly all the time,
# and reports room for more only when a third of its own buffer is free.
@test "a client that takes 16 kB a second gets its whole answer" {
    start --body-timeout=2
    each 15 pause 400 discard 6400 deaf
    client -t 20 rcvbuf 16384 send 'GET /bytes?n=400000 HTTP/1.0\r\n\r\n' \
        deaf "${OPS[@]}" count > "$TMP/out"
    [ "$(cat "$TMP/out")" -gt $((400000 - 15 * 6400)) ]
}

# The end of its next head is missing, so no change of the state tells that it has taken
# the answer.
@test "a client that has taken an answer late may then be as slow with a head as others" {
    start --body-timeout=2 --header-timeout=60
    client -t 20 rcvbuf 4096 deaf send "${HEAD}Content-Length: 100000\\r\\n\\r\\n" \
        repeat 99 "$(many 1000 z)" send "$(many 1000 z)GET / HT" pause 700 \
        readuntil zzz discard 99900 pause 5000 \
        send 'TP/1.1\r\nHost: a\r\n\r\n' readuntil 'Hello, world' > "$TMP/out"
    answers "$TMP/out" 200 200
}

@test "after a peak memory goes back, also while its connections stay" {
    start --header-timeout=60
    needs_plain_memory
    good
    before=$(memory VmRSS)
    stay 400 send "GET / HTTP/1.1\\r\\nHost: a\\r\\nA: $(many 8000 a)\\r\\nB: $(many 8000 b)\\r\\n" \
        pause 500 send '\r\n' readuntil world
    [ $(($(memory VmHWM) - before)) -gt 6000 ]
    until_true memory_below $((before + 3000))
}

@test "a client that asks and asks and never reads costs little, and is cut" {
    start --log=warning --body-timeout=2
    needs_plain_memory
    good
    before=$(memory VmRSS)
    for i in $(seq 100); do request /hello/x; done > "$TMP/hundred"
    for i in $(seq 20); do
        client_bg "$TMP/out.$i" rcvbuf 4096 deaf \
            repeat 10000 "$(cat "$TMP/hundred")" count
    done
    wait_for_line "$SERVER_LOG" 'too slowly'
    good
    peak=$(memory VmHWM)
    for i in $(seq 250); do
        [ "$(grep -c 'too slowly' "$SERVER_LOG")" -lt 20 ] || break
        sleep 0.02
    done
    [ "$(grep -c 'too slowly' "$SERVER_LOG")" -eq 20 ]

    # 64 KiB of answers and 64 KiB of questions, in buffers that double.
    echo "from $before kB to $peak kB"
    [ $((peak - before)) -lt $((20 * 300)) ]
}

@test "a handler may take as long as it likes" {
    start --header-timeout=1 --idle-timeout=1 --body-timeout=1
    client_bg "$TMP/get" send "$(request '/slow?ms=2500')" readuntil 'slept 2500 ms'
    client send "GET /slow?ms=2500 HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 2\\r\\n\\r\\nx" \
        pause 300 send "x$(request /)" readuntil world > "$TMP/both"
    wait "$CLIENT_PID"
    answers "$TMP/get" 200
    answers "$TMP/both" 200 200
}

# The clients speak while the server stands still, and it goes on when their time
# is over. What they have said lies in the kernel since then.
@test "a client that was in time is served, also if the server was late" {
    start --header-timeout=1 --idle-timeout=1 --body-timeout=1
    client_bg "$TMP/head" pause 500 send "$(request /)" readuntil world
    pids=("$CLIENT_PID")
    client_bg "$TMP/idle" send "$(request /)" readuntil world pause 500 \
        send "$(request /)$(request /)$(request /hello/three)" readuntil three
    pids+=("$CLIENT_PID")
    client_bg "$TMP/body" send "${HEAD}Content-Length: 9\\r\\n\\r\\n" pause 500 \
        send 123456789 readuntil 123456789
    pids+=("$CLIENT_PID")
    client_bg "$TMP/chunks" send "$CHUNKED" pause 500 \
        send '3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n' readuntil def
    pids+=("$CLIENT_PID")
    sleep 0.2
    freeze
    sleep 1.4
    kill -CONT "$SERVER_PID"
    for pid in "${pids[@]}"; do wait "$pid" || true; done
    answers "$TMP/head" 200
    answers "$TMP/idle" 200 200 200 200
    answers "$TMP/body" 200
    answers "$TMP/chunks" 200
}

# The loop learns of some of the bodies only after it has looked at the deadlines.
@test "of a hundred clients in time each is served, also if the server was late" {
    needs_proc
    start --body-timeout=3
    held many -c 100 send "${HEAD}Content-Length: 9\\r\\n\\r\\n1" hold send 23456789 \
        readuntil 123456789
    until_true descriptors_above 100
    freeze
    kill "$(cat "$TMP/many.keeper")"
    sleep 4
    kill -CONT "$SERVER_PID"
    wait "$(cat "$TMP/many.client")"
    [ "$(grep -ac 'HTTP/1.1 200' "$TMP/many")" -eq 100 ]
}
descriptors_above() { [ "$(descriptors)" -gt "$1" ]; }

# Of ten clients some have to wait for the server whenever it stops.
@test "a client that reads all the time is not cut because the server was late" {
    start --body-timeout=1
    pids=()
    for i in {0..9}; do
        client_bg "$TMP/$i" -t 30 rcvbuf 4096 \
            send 'GET /bytes?n=60000000 HTTP/1.0\r\n\r\n' count
        pids+=("$CLIENT_PID")
    done
    sleep 0.2
    freeze
    for pid in "${pids[@]}"; do kill -0 "$pid"; done
    sleep 2.7
    kill -CONT "$SERVER_PID"
    for i in {0..9}; do
        wait "${pids[i]}" || { echo "client $i: status $?"; false; }
        [ "$(cat "$TMP/$i")" -gt 60000000 ]
    done
}

# --- how much ----------------------------------------------------------------

@test "what is too long is refused at once, without waiting for its rest" {
    start --max-header-size=20000 --max-body-size=1000
    expect() {
        client -t 8 send "$3" read > "$TMP/out"
        grep -q "^HTTP/1.1 $1 " "$TMP/out" && grep -qF "$2" "$TMP/out" ||
            wrong "$1" "$3" "$(cat "$TMP/out")"
    }
    table expect <<- END
		413 body too long
		    ${HEAD}Content-Length: 1001\\r\\n\\r\\n
		    ${HEAD}Content-Length: 99999999999999999999\\r\\n\\r\\n
		    ${CHUNKED}3e9\\r\\n
		    ${CHUNKED}3e8\\r\\n$(many 1000)\\r\\n1\\r\\n
		414 request line too long
		    GET /$(many 8193) HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n
		    GET /$(many 20100)
		431 headers too long
		    GET / HTTP/1.1\\r\\nHost: a\\r\\n$(many 3400 A | sed 's/A/B: c\\r\\n/g')
		431 too many headers
		    GET / HTTP/1.1\\r\\nHost: a\\r\\n$(many 100 A | sed 's/A/B: c\\r\\n/g')\\r\\n
	END
    client send "${HEAD}Content-Length: 1000\\r\\n\\r\\n$(many 1000)" \
        readuntil aaa > "$TMP/out"
    answers "$TMP/out" 200
}

# --- what they cost ----------------------------------------------------------

@test "a thousand requests of one client set no more than two sweeps" {
    start --trace
    each 1000 send "$(request /)" readuntil world
    client -q -t 30 "${OPS[@]}"
    [ "$(grep -c ' 200 GET / ' "$SERVER_LOG")" -eq 1000 ]
    set=$(grep -c 'a sweep is set' "$SERVER_LOG")
    [[ $set -ge 1 && $set -le 2 ]]
}

@test "a server with nothing to do makes no system call, also for a hundred idle ones" {
    command -v strace > /dev/null || skip "strace is not installed"
    start --log=none
    [ -d "/proc/$SERVER_PID/task" ] || skip "there is no /proc to look it up in"
    quiet
    stay 100 send "$(request /)" readuntil world
    quiet
}

@test "ten thousand idle connections cost less than a kilobyte each" {
    ulimit -S -n 10100 2> /dev/null || skip "10,100 descriptors are not allowed here"
    start --log=none
    needs_plain_memory
    good
    before=$(memory VmRSS)
    stay 10000 send "$(request /)" readuntil world
    after=$(memory VmRSS)
    each=$(((after - before) * 1024 / 10000))
    echo "$each bytes each"
    [[ $each -gt 0 && $each -lt 1024 ]]
}

# --- afterwards --------------------------------------------------------------

@test "a client that has left before its deadline leaves no timer behind" {
    start --header-timeout=1 --idle-timeout=1 --body-timeout=1
    client -c 50 send 'GET / HT' reset
    client -c 50 send "$(request /)" readuntil world close
    client -c 50 send "${HEAD}Content-Length: 9\\r\\n\\r\\nx" reset
    client -c 50 send 'BAD\r\n\r\n' readuntil ' 400 ' reset
    client_bg "$TMP/out" -c 20 rcvbuf 4096 send "$(request '/bytes?n=100000000')" \
        deaf pause 500 reset
    wait "$CLIENT_PID"
    client pause 1300
    good
    run ! grep -E ' 408|too slowly' "$SERVER_LOG"
}

@test "a time or a number that makes no sense is refused at the start" {
    for option in header-timeout idle-timeout body-timeout; do
        for value in 0 -1 x 99999999; do
            status=0
            "${SERVER:-$BUILD/step-32/server}" "--$option=$value" > "$TMP/out" 2> "$TMP/err" ||
                status=$?
            [ "$status" -eq 2 ] && [ ! -s "$TMP/out" ] || return 1
            [ "$(wc -l < "$TMP/err")" -eq 1 ]
        done
    done
}
