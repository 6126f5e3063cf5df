# Chapter 36: what a request costs; and when the memory of all connections together is
# short, those end that hold it longest.

setup() {
    load helper
    load tables
    TMP=$BATS_TEST_TMPDIR
}
teardown() { disperse; stop_server clean; }

start() { start_step 36 "$@"; }

has_filled() { [ "$(memory VmRSS)" -ge "$1" ]; }
needs_much_memory() {
    local free
    needs_plain_memory
    free=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo 2> /dev/null)
    [ "${free:-0}" -gt 2097152 ] || skip "needs 2 GiB of free memory"
}

# announce N: a request that says 16 MiB, and N bytes of its body.
announce() {
    printf 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n'
    head -c "$1" /dev/zero
}

# 16 bodies of 16 MiB that lack their last byte do not fit into 256 MiB.
@test "when memory is short, the slowest of the largest bodies gets 503 and an honest upload 200" {
    start --body-timeout=3600
    needs_much_memory
    announce 16777215 > "$TMP/body"
    stay 16 file "$TMP/body"
    until_true has_filled 150000
    wait_for_line "$SERVER_LOG" ' 503 '
    head -c 16777216 /dev/zero > "$TMP/honest"
    for i in 1 2 3; do
        [ "$(http --data-binary "@$TMP/honest" "$URL/echo" | wc -c)" -eq 16777216 ]
        good
    done
    peak=$(memory VmHWM)
    echo "peak $peak kB"
    [ "$peak" -lt 300000 ]
    disperse
    good
    until_true memory_below 40000
}

# With the default times a fast client has a new window in almost every turn, and
# of each window it has sent little yet. 200 bodies of 1 MiB are each smaller
# than the honest one.
@test "when memory is short, clients that wait end before a larger and faster upload" {
    local size

    head -c 4194304 /dev/zero > "$TMP/honest"
    for size in 16777216 1048576; do
        start
        needs_much_memory
        {
            printf 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' "$size"
            head -c $((size - 1)) /dev/zero
        } > "$TMP/body"
        stay $((209715200 / size)) file "$TMP/body"
        wait_for_line "$SERVER_LOG" ' 503 '
        sleep 5          # The rule compares speeds: these clients are silent now.
        for i in 1 2 3; do
            [ "$(http --data-binary "@$TMP/honest" "$URL/echo" | wc -c)" -eq 4194304 ]
        done
        disperse
        stop_server
    done
}

# Ten bodies hold 150 MiB: less than the limit. A body that is in memory twice at
# its end does not fit beside them.
@test "a fast body is answered while silent ones hold most of the memory" {
    start --body-timeout=3600
    needs_much_memory
    announce 15728640 > "$TMP/body"
    stay 10 file "$TMP/body"
    until_true has_filled 150000
    {
        printf 'POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 15728640\r\n'
        printf 'Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na='
        head -c 15728637 /dev/zero | tr '\0' b
    } > "$TMP/fast"
    for i in 1 2 3; do
        client file "$TMP/fast" pause 700 send b read > "$TMP/answer"
        [ "$(wc -c < "$TMP/answer")" -gt 15728640 ]
    done
}

@test "when only answers hold the memory, the slowest reader is cut and others are served" {
    start --body-timeout=3600
    needs_much_memory
    announce 16777216 > "$TMP/body"
    for i in $(seq 16); do
        client_bg "$TMP/deaf.$i" -t 60 rcvbuf 4096 file "$TMP/body" deaf pause 40000
        STAYING+=("$CLIENT_PID")
        for j in $(seq 250); do
            [ "$(grep -c '200 POST' "$SERVER_LOG")" -lt "$i" ] || break
            sleep 0.02
        done
    done
    wait_for_line "$SERVER_LOG" 'memory is short: a client'
    for i in 1 2 3; do good; done
    head -c 4000000 /dev/zero > "$TMP/honest"
    [ "$(http --data-binary "@$TMP/honest" "$URL/echo" | wc -c)" -eq 4000000 ]
    peak=$(memory VmHWM)
    echo "peak $peak kB"
    [ "$peak" -lt 300000 ]
}

# calls OP...: the system calls that the server makes for this client.
calls() {
    strace -f -o "$TMP/strace" -p "$SERVER_PID" 2> "$TMP/strace.err" 3>&- 4>&- &
    local strace=$!
    for _ in $(seq 100); do
        grep -q attached "$TMP/strace.err" && break
        kill -0 "$strace" 2> /dev/null || { echo no; return; }
        sleep 0.02
    done
    local status=0
    client -q "$@" || status=$?
    kill -INT "$strace"
    wait "$strace" || true
    [ "$status" -eq 0 ] || return 1
    grep -cE '^[0-9]+ +[a-z0-9_]+\(' "$TMP/strace"
}

@test "a request costs three system calls, and so do sixteen in one packet" {
    command -v strace > /dev/null || skip "strace is not installed"
    local get ops=() all='' i one many
    get=$(request /)
    start --log=none
    for i in $(seq 16); do
        ops+=(send "$get" readuntil world)
        all=$all$get
    done
    one=$(calls "${ops[@]}" "${ops[@]}")
    [ "$one" != no ] || skip "strace may not look"
    many=$(calls send "$all$(request /hello/end)" readuntil 'Hello, end')
    echo "thirty-two requests: $one calls, seventeen in one packet: $many"

    # A connection, with its end, costs about ten.
    [[ $one -ge 96 && $one -le 120 ]]
    [ "$many" -le 20 ]
}

# --- turns without a poll ---------------------------------------------------------

@test "a chain of callbacks polls seldom, and does not starve the sockets" {
    load loop
    callback_driver | build_driver 36
    run -0 "$BATS_FILE_TMPDIR/driver" breed
    [ "$output" = well ]
    run -0 "$BATS_FILE_TMPDIR/driver" next
    [ "$output" = well ]
    command -v strace > /dev/null || skip "there is no strace"
    strace -o "$TMP/calls" "$BATS_FILE_TMPDIR/driver" next > /dev/null 2>&1 ||
        skip "strace may not look"
    polls=$(grep -cE '^(epoll_p?wait|p?select)' "$TMP/calls" || true)
    echo "$polls polls"
    [ "$polls" -le 3 ]
}
