# Chapter 20: out of descriptors; several addresses; the log.

setup() { load helper; }
teardown() {
    [ -z "${CROWD:-}" ] || kill "$CROWD" 2> /dev/null || true
    stop_server clean
}

# start_poor N [OPTION...]: the server with room for N descriptors. The limit
# is set in a shell that becomes the server, so it is the server's alone.
start_poor() {
    local n=$1 poor=$BATS_TEST_TMPDIR/poor
    shift
    printf '#!/bin/sh\nulimit -n %s\nexec "%s" "$@"\n' "$n" \
        "${SERVER:-$BUILD/step-20/server}" > "$poor"
    chmod +x "$poor"
    SERVER='' start_program "$poor" "$@"
}

# crowd N: so many silent clients, until CROWD is killed.
crowd() {
    "$BUILD/client" -c "$1" "$PORT" read < /dev/null \
        > "$BATS_TEST_TMPDIR/crowd" 2>&1 3>&- 4>&- 8>&- &
    CROWD=$!
}

@test "a port in use is a clear message and status 1" {
    start_step 20
    local status=0 port

    # The program has this port already, so its --address cannot have it. Where
    # another program has it, the next port will do.
    for port in $((PORT + 1)) $((PORT + 2)) $((PORT + 3)); do
        status=0
        "${SERVER:-$BUILD/step-20/server}" --port="$port" --address=127.0.0.1 \
            > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" || status=$?
        grep -q ' bind (is the port in use' "$BATS_TEST_TMPDIR/err" || break
    done
    [ "$status" = 1 ]
    [ "$(wc -l < "$BATS_TEST_TMPDIR/err")" -eq 1 ]
    grep -q "^cannot listen on port $port of 127.0.0.1: ." "$BATS_TEST_TMPDIR/err"
}

@test "a name may have several addresses, and each gets a listener" {
    getent ahosts localhost | grep -q '^::1' || skip "localhost has one address"
    start_step 20 --address=localhost
    wait_for_line "$SERVER_OUT" '\[::1\]'
    local port
    port=$(sed -n 's|.*\[::1\]:||p' "$SERVER_OUT")
    [ "$(http "http://127.0.0.1:$port/")" = "Hello, world" ]
    [ "$(http "http://[::1]:$port/")" = "Hello, world" ]
}

@test "an address that is not one of this machine is a clear message" {
    local status=0
    "${SERVER:-$BUILD/step-20/server}" --port=0 --address='[127.0.0.1]' \
        > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" || status=$?
    [ "$status" = 1 ]
    grep -qF 'cannot listen on port 0 of [127.0.0.1]: ' "$BATS_TEST_TMPDIR/err"
    status=0
    "${SERVER:-$BUILD/step-20/server}" --port=0 --address=192.0.2.1 \
        > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" || status=$?
    [ "$status" = 1 ]
    grep -q 'cannot listen on port 0 of 192.0.2.1: ' "$BATS_TEST_TMPDIR/err"
}

@test "a refused client is told why, and so is the log" {
    start_step 20
    client send 'GET / HTTP/1.1\r\nNONSENSE\r\n\r\n' read > "$BATS_TEST_TMPDIR/answer"
    grep -q '^HTTP/1.1 400 malformed header' "$BATS_TEST_TMPDIR/answer"
    wait_for_line "$SERVER_LOG" '^\[W [0-9]{6} [0-9:]{8} httpconnection:[0-9]+\] 400 .*to 127\.0\.0\.1: malformed header'
}

@test "a log without a reader stops no request" {
    local deaf=$BATS_TEST_TMPDIR/deaf
    mkfifo "$deaf.pipe"
    printf '#!/bin/sh\nexec "%s" "$@" 2<> "%s"\n' \
        "${SERVER:-$BUILD/step-20/server}" "$deaf.pipe" > "$deaf"
    chmod +x "$deaf"
    SERVER='' start_program "$deaf"

    # A pipe holds 64 KiB, and each of these is worth eighty bytes of log.
    for _ in 1 2 3 4 5 6; do
        client -q -c 200 send 'x\r\n\r\n' read
    done
    [ "$(http "$URL/")" = "Hello, world" ]
}

@test "a refused request is a line in the log, and cannot write a second one" {
    start_step 20
    client send 'NONSENSE\n[E 000000 00:00:00 web:1] forged\x1b[31m\r\n\r\n' read > /dev/null
    wait_for_line "$SERVER_LOG" '^\[W [0-9]{6} [0-9:]{8} httpconnection:[0-9]+\] 400 .*127.0.0.1'
    [ "$(grep -c '' "$SERVER_LOG")" -eq 1 ]
    run ! grep -E $'\x1b|forged' "$SERVER_LOG"
}


@test "out of descriptors, the server does not spin" {
    start_poor 20 --trace
    crowd 40
    wait_for_line "$SERVER_LOG" 'cannot accept'
    local looks before
    looks=$(stops | grep -cx 2)
    before=$(cpu)
    sleep 1
    looks=$(($(stops | grep -cx 2) - looks))

    # Ten looks in a second; a loop that spins has some ten thousand.
    echo "$looks looks, $before to $(cpu) hundredths of a second"
    [ "$looks" -ge 1 ]
    [ "$looks" -le 100 ]
    [ $(($(cpu) - before)) -le 50 ]
}

@test "out of descriptors is said once, with time and place" {
    start_poor 20
    crowd 40
    wait_for_line "$SERVER_LOG" 'cannot accept'
    sleep 0.5
    [ "$(grep -c 'cannot accept' "$SERVER_LOG")" -eq 1 ]
    grep -qE '^\[W [0-9]{6} [0-9]{2}:[0-9]{2}:[0-9]{2} httpserver:[0-9]+\] cannot accept connections: .+; trying again$' "$SERVER_LOG"
}

@test "out of descriptors, open connections are served" {
    start_poor 20 --trace
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    wait_for_line "$SERVER_LOG" '\(3\) +conn 1 '
    crowd 40
    wait_for_line "$SERVER_LOG" 'cannot accept'
    printf 'GET / HTTP/1.0\r\n\r\n' >&8
    [ "$(tail -n 1 <&8)" = "Hello, world" ]
    exec 8>&-
}

@test "a client that waited for a descriptor is accepted when one is free" {
    start_poor 20 --trace
    crowd 40
    wait_for_line "$SERVER_LOG" 'cannot accept'
    http "$URL" > "$BATS_TEST_TMPDIR/answer" 3>&- 4>&- &
    local waiting=$!
    sleep 0.5 # It waits in the queue of the listener by now.
    kill "$CROWD"
    CROWD=
    wait "$waiting"
    grep -q 'Hello, world' "$BATS_TEST_TMPDIR/answer"
}

# with_fault NAME < C: the program of this chapter, in which httpserver.c calls
# fault_NAME() in place of NAME(). It is in $FAULTY.
with_fault() {
    local program=${SERVER:-$BUILD/step-20/server} tmp=$BATS_TEST_TMPDIR f
    local stage=${program%/*} files=()
    cat > "$tmp/fault.c"
    for f in "$stage"/*.c; do
        [ "${f##*/}" = httpserver.c ] || files+=("$f")
    done
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O1 -g} \
        "-D$1=fault_$1" -c "$stage/httpserver.c" -o "$tmp/httpserver.o"
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O1 -g} -I "$stage" \
        "${files[@]}" "$tmp/fault.c" "$tmp/httpserver.o" ${LDFLAGS:-} \
        -o "$tmp/faulty"
    FAULTY=$tmp/faulty
}

@test "without memory for the pause the server does not spin" {
    with_fault ioloop_add_timeout << 'END'
#include <stddef.h>
#include "ioloop.h"
struct timeout *fault_ioloop_add_timeout(struct ioloop *loop, int64_t deadline,
                                         ioloop_callback *callback, void *arg);
struct timeout *
fault_ioloop_add_timeout(struct ioloop *loop, int64_t deadline,
                         ioloop_callback *callback, void *arg)
{
    (void)loop, (void)deadline, (void)callback, (void)arg;
    return NULL;
}
END
    SERVER=$FAULTY start_poor 20
    crowd 40
    wait_for_line "$SERVER_LOG" 'cannot accept'
    local before
    before=$(cpu)
    sleep 1
    echo "$before to $(cpu) hundredths of a second"
    [ $(($(cpu) - before)) -le 50 ]
    [ "$(grep -c 'cannot accept' "$SERVER_LOG")" -eq 1 ]
    kill "$CROWD"
    CROWD=
    [ "$(http "$URL")" = "Hello, world" ]
}

@test "if the loop cannot watch the listeners after a pause, it is tried again" {
    with_fault ioloop_add_handler << 'END'
#include "ioloop.h"
int fault_ioloop_add_handler(struct ioloop *loop, int fd,
                             ioloop_handler *handler, void *arg,
                             uint32_t events);
int
fault_ioloop_add_handler(struct ioloop *loop, int fd, ioloop_handler *handler,
                         void *arg, uint32_t events)
{
    static int calls; /* the first one is that of the start */

    if (++calls > 1 && calls < 7)
        return -1;
    return ioloop_add_handler(loop, fd, handler, arg, events);
}
END
    SERVER=$FAULTY start_poor 20
    crowd 40
    wait_for_line "$SERVER_LOG" 'cannot accept'
    kill "$CROWD"
    CROWD=
    [ "$(http "$URL")" = "Hello, world" ]
}
