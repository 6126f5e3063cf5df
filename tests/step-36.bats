# Chapter 36: what only makes the server faster.

setup() {
    load helper
    load tables
    load files
    make_site
}
teardown() { stop_server clean; }

serve() { start_step 36 --static-path="$FILES" "$@"; }

# asleep: from now on what clients send waits in the kernel. awake N: when N of
# them have sent something, the server goes on, and finds all of it at once.
asleep() { kill -STOP "$SERVER_PID"; }
awake() {
    wait_until eval '[ "$(waiting)" -eq '"$1"' ]'
    kill -CONT "$SERVER_PID"
}
waiting() {
    awk -v port="$(printf ':%04X' "$PORT")" '$2 ~ port "$" && $4 == "01" &&
        $5 !~ /:00000000$/ { n++ } END { print n + 0 }' /proc/net/tcp
}

@test "clients that ask for one file at the same time have it opened once" {
    [ -r /proc/net/tcp ] || skip "there is no /proc/net/tcp"
    command -v strace > /dev/null || skip "strace is not installed"
    local strace client path
    large mid 4000
    serve
    strace -f -qq -o "$TMP/calls" -e trace=openat -p "$SERVER_PID" 2> "$TMP/strace" 3>&- 4>&- &
    strace=$!
    wait_until grep -q '^TracerPid:.*[1-9]' "/proc/$SERVER_PID/status" ||
        skip "strace may not look"
    for path in ten mid; do
        asleep
        client -c 16 send "$(GET $path 'Connection: close\r\n')" read > "$TMP/out" &
        client=$!
        awake 16
        wait "$client"
        [ "$(grep -o 'HTTP/1.1 200' "$TMP/out" | wc -l)" -eq 16 ]
        [ "$(grep -c "\"$path\"" "$TMP/calls")" -eq 1 ]
    done
    kill -INT "$strace"
    wait "$strace" || true
    [ "$(grep -c 3999 "$TMP/out")" -eq 16 ]
}

@test "clients that ask for many files at the same time get each its own" {
    [ -r /proc/net/tcp ] || skip "there is no /proc/net/tcp"
    serve
    local i clients=''
    for i in $(seq 24); do
        large "file$i" "$((i * 100))"
        cp "$FILES/file$i" "$FILES/sub/ten"
    done
    asleep
    for i in $(seq 24) $(seq 10); do
        http "$URL/static/file$i" > "$TMP/got$i" &
        clients="$clients $!"
    done
    http "$URL/static/sub/ten" > "$TMP/got" &
    clients="$clients $!"
    awake 35
    for i in $clients; do wait "$i"; done
    for i in $(seq 24); do cmp "$TMP/got$i" "$FILES/file$i"; done
    cmp "$TMP/got" "$FILES/sub/ten"
}
