# The measuring itself: that it runs, says what it left out, and ends what it
# started. How fast anything is, is not tested.

setup() { load helper; TMP=$BATS_TEST_TMPDIR; }

@test "the floor, the load and the pin compile without a warning" {
    for f in floor load pin; do
        ${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror \
            "tests/bench/$f.c" -o "$TMP/$f"
    done
}

@test "make bench has every row or a word about it, and leaves no process behind" {
    [ -x "$BUILD/dustdevil" ]
    mkdir -p "$TMP/build/bench"
    # shellcheck disable=SC2097,SC2098 # It is our BUILD that has the server.
    TINY=1 SERVER=$BUILD/dustdevil BUILD=$TMP/build sh tests/bench/bench.sh \
        > "$TMP/table" 2> "$TMP/log" 3>&- 4>&- || { cat "$TMP/log"; false; }
    cat "$TMP/log" "$TMP/table"
    for row in a b c d e f1 f2 f3 f4 f5 f6 g h1 h2 i j k l1 l2 l3 p p2 m1 m2 m3; do
        letter=${row%[0-9]}
        grep -qE "^($row {2,}[a-zA-Z0-9]|Skipped: (.*[ ,])?${letter}[:,])" "$TMP/table" ||
            { echo "no row $row"; return 1; }
    done
    run ! grep -E 'WRONG|does not listen|does not start' "$TMP/table" "$TMP/log"

    # The processes that it has started, and theirs.
    while read -r pid; do
        run ! kill -0 "$pid"
    done < "$TMP/build/bench/pids"
    ps -e -o args= > "$TMP/ps" || skip "ps is not installed"
    run ! grep -F "$TMP/build" "$TMP/ps"
}

# The program is compiled without optimization, because that is quick.
@test "make bench has its rows for TLS, and each request of theirs is answered" {
    needs_openssl
    make -s TLS=yes BUILD="$TMP/tls" CFLAGS=-O0 "$TMP/tls/dustdevil"
    ROWS="m" TINY=1 SERVER=$TMP/tls/dustdevil BUILD=$TMP/build \
        sh tests/bench/bench.sh > "$TMP/table" 2> "$TMP/log" 3>&- 4>&-
    cat "$TMP/log" "$TMP/table" "$TMP/build/bench/load.err"
    grep -qE '^m1 +TLS: connection, handshake, one hello +[0-9.]+ ' "$TMP/table"
    grep -qE '^m2 +TLS: hello, 8 connections +[0-9.]+ ' "$TMP/table"
    [ ! -r /proc/self/statm ] || grep -qE '^m3 +TLS: .* [0-9.]+' "$TMP/table"
    run ! grep -E 'WRONG|does not start|cannot be made|has no TLS' "$TMP/table" "$TMP/log"
}

@test "make bench does without a clock of other processes" {
    # shellcheck disable=SC2097,SC2098 # It is our BUILD that has the server.
    ROWS="a" NO_CLOCK=1 TINY=1 SERVER=$BUILD/dustdevil BUILD=$TMP/build \
        sh tests/bench/bench.sh > "$TMP/table" 2> "$TMP/log" 3>&- 4>&-
    cat "$TMP/log" "$TMP/table"
    grep -qE '^a +hello, 64 connections +[0-9.]+ +[0-9.]+ +[0-9.]+ ' "$TMP/table"
    grep -q '^Skipped: .*CPU time of a running process' "$TMP/table"
}

@test "the load counts what is not answered well" {
    start_server
    ${CC:-cc} -std=c11 -D_GNU_SOURCE tests/bench/load.c -o "$TMP/load"
    run "$TMP/load" -c 4 -n 40 -u /nowhere "$PORT"
    [ "$status" -eq 1 ]
    [[ $output == *"requests=40 "*"not_200=40"* ]]
    run "$TMP/load" -c 4 -n 40 -d 4 -u '/hello/n%d' "$PORT"
    [ "$status" -eq 0 ]
    [[ $output == *"requests=40 "*"not_200=0"* ]]

    # A long path is sent as a whole: a form may have a thousand fields.
    run "$TMP/load" -n 4 -u "/form?$(printf 'a=1&%.0s' {1..1000})" "$PORT"
    [[ $output == *"requests=4 "*"not_200=0"* ]]
    run "$TMP/load" -n 4 -u "/form?$(printf 'a=1&%.0s' {1..1001})" "$PORT"
    [[ $output == *"requests=4 "*"not_200=4"* ]]
    stop_server clean
    grep -c 'GET /hello/n3 ' "$SERVER_LOG"
}

# calls OPTION...: system calls of the server, while the load asks like this.
calls() {
    strace -D -f -c -o "$TMP/strace" "$BUILD/dustdevil" --port=0 --log=none \
        > "$TMP/out" 2> /dev/null < /dev/null 3>&- 4>&- &
    SERVER_PID=$!
    SERVER_LOG=$TMP/out
    wait_for_line "$TMP/out" '^listening on '
    "$TMP/load" "$@" "$(sed -n '1s/.*://p' "$TMP/out")" > "$TMP/load.out"
    stop_server
    wait_for_line "$TMP/strace" 'total$'
    awk '/^ *[0-9]/ && $NF != "total" { n += $4 } END { print n }' "$TMP/strace"
}

@test "a request on an open connection costs three system calls, sixteen in a packet as many" {
    command -v strace > /dev/null || skip "strace is not installed"
    strace -o /dev/null true || skip "strace may not look"
    ${CC:-cc} -std=c11 -D_GNU_SOURCE tests/bench/load.c -o "$TMP/load"
    one=$(($(calls -n 1100) - $(calls -n 100)))
    many=$(($(calls -d 16 -n 17600) - $(calls -d 16 -n 1600)))
    echo "1000 requests: $one, 1000 packets of sixteen: $many"

    # A deadline may come between two of them.
    [[ $one -ge 2900 && $one -le 3030 ]]
    [[ $many -ge 2900 && $many -le 3030 ]]
}
