# Step 1: a server that can do one thing at a time.

setup() {
    load helper
    start_step 1
}

teardown() { stop_server; }

# A silent client: it is connected when this returns, and says nothing until
# `leave`. The kernel hands out connections in the order of their coming.
enter() { exec 8<> "/dev/tcp/127.0.0.1/$PORT"; }
leave() { exec 8>&-; }

@test "a client that asks is answered" {
    http -i "$URL/" > "$BATS_TEST_TMPDIR/answer"
    printf 'HTTP/1.0 200 OK\r\n\r\nhello, one at a time\n' |
        cmp - "$BATS_TEST_TMPDIR/answer"
}

@test "the end of the answer is the end of the connection" {
    run -0 client -t 5 send 'GET / HTTP/1.0\r\n\r\n' read
    [[ $output == *"one at a time" ]]
}

@test "a silent client keeps all others waiting" {
    enter
    run -28 http --max-time 1 "$URL/"
    leave
}

@test "a waiting client is served when the silent client leaves" {
    enter
    http -v "$URL/" > "$BATS_TEST_TMPDIR/answer" 2> "$BATS_TEST_TMPDIR/err" 3>&- 4>&- 8>&- &
    local waiting=$!
    wait_for_line "$BATS_TEST_TMPDIR/err" 'onnected to|stablished connection to'
    [ ! -s "$BATS_TEST_TMPDIR/answer" ]
    leave
    wait "$waiting"
    grep -q 'one at a time' "$BATS_TEST_TMPDIR/answer"
}

@test "a busy server's clients are connected by the kernel" {
    enter
    run -28 http -v --max-time 1 "$URL/"
    leave
    # Later releases of curl say "Established connection to".
    [[ $output == *"onnect"*" to "* ]]
}

@test "clients that leave without a word, or rudely, do no harm" {
    enter
    leave
    client -c 5 close
    client -c 5 reset
    [ "$(http "$URL/")" = "hello, one at a time" ]
}

@test "served clients cost no descriptors" {
    [ -d "/proc/$SERVER_PID/fd" ] || skip "there is no /proc"
    local before
    before=$(descriptors)
    for i in 1 2 3; do http -o /dev/null "$URL/"; done
    # The last one's descriptor is closed a moment after its answer.
    for i in $(seq 250); do
        [ "$(descriptors)" -gt "$before" ] || break
        sleep 0.02
    done
    [ "$(descriptors)" -eq "$before" ]
}

@test "a port that is taken is refused with a message" {
    run -1 "${SERVER:-$BUILD/step-1/server}" --port="$PORT"
    [[ $output == "dustdevil: bind"* ]]
}
