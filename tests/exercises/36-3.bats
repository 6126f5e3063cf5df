# Exercise 36-3: the waits are counted.

setup()    { load ../helper; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server; }

# waits OP...: what the server says at its end, after a client has done this.
waits() {
    start_step 36 --log=none
    client -q "$@"
    stop_server clean
    grep -c '^waited [0-9]* times$' "$SERVER_LOG" | grep -qx 1
    sed -n 's/^waited \([0-9]*\) times$/\1/p' "$SERVER_LOG" > "$TMP/waits"
}

@test "a request that follows an answer costs a wait, one in the same packet none" {
    local get='GET / HTTP/1.1\r\nHost: a\r\n\r\n' ops=() all='' i one many
    for i in $(seq 16); do
        ops+=(send "$get" readuntil world)
        all=$all$get
    done
    waits "${ops[@]}"
    one=$(cat "$TMP/waits")
    ops=(send "$all")
    for i in $(seq 16); do ops+=(readuntil world); done
    waits "${ops[@]}"
    many=$(cat "$TMP/waits")
    echo "one by one: $one, at once: $many"
    [ "$one" -ge 16 ]
    [ "$many" -ge 1 ]
    [ $((one - many)) -ge 8 ]
}
