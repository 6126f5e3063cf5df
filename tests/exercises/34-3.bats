# Exercise 34-3: how many connections has each process?

setup()    { load ../helper; TMP=$BATS_TEST_TMPDIR HOLDER=; }
teardown() {
    [ -z "$HOLDER" ] || kill "$HOLDER" 2> /dev/null || true
    stop_server clean
}

# reports N: until the log has so many lines about connections.
reports() {
    local i
    for i in $(seq 250); do
        [ "$(grep -cE ' process [0-9]+ has [0-9]+ connections$' "$SERVER_LOG")" -ne "$1" ] ||
            return 0
        sleep 0.02
    done
    echo "not $1 lines ($i looks):" >&2
    tail -n 10 "$SERVER_LOG" >&2
    return 1
}

together() { sed -n 's/.* has \([0-9]*\) connections$/\1/p' "$SERVER_LOG" | awk '{ n += $1 } END { print n + 0 }'; }

# ten_stay: ten clients that have been answered once.
ten_stay() {
    client_bg "$TMP/out" -t 30 -c 10 send 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' \
        readuntil world pause 20000
    HOLDER=$CLIENT_PID
    for _ in $(seq 250); do
        [ "$(grep -c ' 200 GET / ' "$SERVER_LOG")" -lt 10 ] || return 0
        sleep 0.02
    done
    return 1
}

@test "every process says how many connections it has" {
    start_step 34 --processes=3
    ten_stay
    kill -USR1 "$SERVER_PID"
    reports 3
    [ "$(together)" -eq 10 ]
    [ "$(grep -oE 'process [0-9]+ has' "$SERVER_LOG" | sort -u | wc -l)" -eq 3 ]
    [ "$(http "$URL/")" = "Hello, world" ]
    ! grep 'killed' "$SERVER_LOG" || false
}

@test "so does one that is alone, as often as it is asked" {
    start_step 34
    for n in 1 2 3; do
        kill -USR1 "$SERVER_PID"
        reports $n
    done
    [ "$(together)" -eq 0 ]
}

@test "a child that has just been forked survives SIGUSR1" {
    start_step 34 --processes=4
    for _ in $(seq 20); do
        kill -HUP "$SERVER_PID"
        kill -USR1 "$SERVER_PID"
    done
    [ "$(http "$URL/")" = "Hello, world" ]
    stop_server clean
    ! grep 'killed' "$SERVER_LOG" || false
}
