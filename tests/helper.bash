# helper.bash -- start a server, talk to it, stop it again.
#
# A test file begins with
#
#     setup()    { load helper; start_step 6; }
#     teardown() { stop_server; }
#
# and has then URL, PORT, SERVER_PID, SERVER_OUT (its standard output) and
# SERVER_LOG (its standard error, with the trace). Each test has a server of
# its own, so that none can spoil another's.

bats_require_minimum_version 1.5.0

# Bytes are bytes and words are English, whatever the reader's language is.
export LC_ALL=C

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT" || exit 1
BUILD=${BUILD:-build}
SERVER_PID=
TLS_PROXY_PID=
STAYING=() # the processes of stay() and held(), and what else disperse() ends

# start_step N [OPTION...]: the program of chapter N, on a port of its own.
start_step() {
    local n=$1
    shift
    start_program "$BUILD/step-$n/server" "$@"
}

# start_server [OPTION...]: the final program.
start_server() { start_program "$BUILD/dustdevil" "$@"; }

# start_program PATH [OPTION...]: starts it and waits until it says that it
# listens. The variable SERVER names another program to test in its place:
# that is how the reader's own version, and the exercises, are tested. POLLER
# is the poller of those that have the option, which is from step 26 on.
start_program() {
    local program=${SERVER:-$1} i
    shift
    case $program in
    */step-[1-9]/* | */step-1?/* | */step-2[0-5]/*) ;;
    *) [ -z "${POLLER:-}" ] || set -- "--poller=$POLLER" "$@" ;;
    esac
    [ -z "${OVER_TLS:-}" ] || set -- "--ssl-certfile=$OVER_TLS" "$@"
    SERVER_OUT=$BATS_TEST_TMPDIR/server.out
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    : > "$SERVER_OUT"

    # Bats waits for every process that holds its descriptors 3 and 4, so the
    # server must inherit neither of them.
    "$program" --port=0 "$@" > "$SERVER_OUT" 2> "$SERVER_LOG" \
        < /dev/null 3>&- 4>&- &
    SERVER_PID=$!
    for i in $(seq 250); do
        grep -q '^listening on ' "$SERVER_OUT" && break
        if ! kill -0 "$SERVER_PID" 2> /dev/null; then
            echo "$program ended before it listened:" >&2
            cat "$SERVER_LOG" >&2
            SERVER_PID=
            return 1
        fi
        sleep 0.02
    done
    URL=$(sed -n '1s/^listening on //p' "$SERVER_OUT")
    PORT=${URL##*:}
    [ -n "$PORT" ] || { echo "$program does not listen ($i)" >&2; return 1; }
    [ -z "${OVER_TLS:-}" ] || start_tls_proxy
}

# start_tls_proxy: with OVER_TLS, a file with a certificate and its key, the server
# speaks TLS. URL and PORT are then those of a program that speaks it for the
# clients of the test. It takes the place of the last one, if a test starts several
# servers.
start_tls_proxy() {
    local proxy=$BUILD/tlsproxy
    stop_tls_proxy
    [[ $proxy == /* ]] || proxy=$ROOT/$proxy
    : > "$BATS_TEST_TMPDIR/proxy.out" # It may have the port of the one before.
    # shellcheck disable=SC2086 # PROXY has options.
    "$proxy" ${PROXY:-} "$PORT" > "$BATS_TEST_TMPDIR/proxy.out" 2>&1 < /dev/null 3>&- 4>&- &
    TLS_PROXY_PID=$!
    wait_for_line "$BATS_TEST_TMPDIR/proxy.out" '^listening on '
    PORT=$(sed -n '1s/^listening on //p' "$BATS_TEST_TMPDIR/proxy.out")
    URL=http://127.0.0.1:$PORT
}
not_over_tls() { [ -z "${OVER_TLS:-}" ] || skip "over TLS $1"; }
stop_tls_proxy() {
    [ -n "$TLS_PROXY_PID" ] || return 0
    kill "$TLS_PROXY_PID" 2> /dev/null || true
    wait "$TLS_PROXY_PID" 2> /dev/null || true
    TLS_PROXY_PID=
}

# start_with_limits LIMITS PROGRAM [OPTION...]: the program under these limits,
# as ulimit wants them: '-n 20' is room for 20 descriptors. A shell sets them
# and becomes the server, so they are the server's alone.
start_with_limits() {
    local limits=$1 program=${SERVER:-$2} script=$BATS_TEST_TMPDIR/with_limits
    shift 2
    printf '#!/bin/sh\nulimit %s\nexec "%s" "$@"\n' "$limits" "$program" > "$script"
    chmod +x "$script"
    SERVER='' start_program "$script" "$@"
}

# server_ends [SECONDS]: waits for the server's end; its status is in
# SERVER_STATUS. (Never `run wait`: a subshell cannot wait for our child.)
server_ends() {
    local i
    for i in $(seq $((${1:-10} * 50))); do
        kill -0 "$SERVER_PID" 2> /dev/null || break
        sleep 0.02
    done
    if kill -0 "$SERVER_PID" 2> /dev/null; then
        kill -KILL "$SERVER_PID"
        wait "$SERVER_PID" 2> /dev/null || true
        SERVER_PID=
        echo "the server is still there after ${1:-10} seconds ($i)" >&2
        return 1
    fi
    SERVER_STATUS=0
    wait "$SERVER_PID" 2> /dev/null || SERVER_STATUS=$?
    SERVER_PID=
    no_complaints
}

# stop_server [clean]: SIGTERM, and wait. With `clean` the status must be 0.
# A complaint of a sanitizer in the log always fails the test, and so does a
# death that our signal does not explain.
stop_server() {
    [ -n "$SERVER_PID" ] || { stop_tls_proxy; return 0; }
    kill -TERM "$SERVER_PID" 2> /dev/null || true
    server_ends || return 1
    stop_tls_proxy
    case $SERVER_STATUS in
    0) ;;
    143) [ "${1:-}" != clean ] ||
        { echo "SIGTERM killed the server: no clean end" >&2; return 1; } ;;
    *)
        echo "the server ended with status $SERVER_STATUS:" >&2
        tail -n 40 "$SERVER_LOG" >&2
        return 1
        ;;
    esac
    no_complaints
}

# no_complaints: what a sanitizer had to say about the server.
no_complaints() {
    ! grep -E 'AddressSanitizer|runtime error|LeakSanitizer' "$SERVER_LOG" >&2
}

# http [OPTION...] URL: a curl that cannot hang.
http() { curl -sS --max-time 30 --noproxy '*' "$@"; }

# good: a client that does nothing unusual gets its answer.
good() { [ "$(http "$URL/hello/friend")" = "Hello, friend" ]; }

# raw: the bytes of standard input to the server as they are, its answer to
# standard output. A pause between two writes makes two packets:
#
#     { printf 'GET / HT'; sleep 0.1; printf 'TP/1.0\r\n\r\n'; } | raw
raw() { curl -sS --max-time 5 --noproxy '*' "telnet://127.0.0.1:$PORT"; }

# client [-t S] [-c N] [-q] OP...: see tests/client.c; PORT is filled in.
client() {
    local options=()
    while [[ ${1:-} == -* ]]; do
        options+=("$1")
        case $1 in
        -[tc]) options+=("$2"); shift ;;
        esac
        shift
    done
    ${IN_ITS_PLACE:-} "$BUILD/client" "${options[@]+"${options[@]}"}" "$PORT" "$@"
}

# client_bg FILE ...: a client in the background, its output in FILE; its
# process is CLIENT_PID.
client_bg() {
    local file=$1
    shift
    IN_ITS_PLACE='exec' client "$@" > "$file" 2>&1 < /dev/null 3>&- 4>&- &
    CLIENT_PID=$!
}

# request PATH: the text of a GET, as the client wants it.
request() { printf 'GET %s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' "$1"; }

# stay N OP...: N clients that do this and then stay, until disperse. It returns
# when they have done it: a pipe has no room for a million bytes, so the last of
# them can only be written when the clients have come to `hold` and read.
stay() {
    local n=$1 fifo=$BATS_TEST_TMPDIR/fifo.$RANDOM$RANDOM pid writer
    shift
    mkfifo "$fifo"
    "$BUILD/client" -q -t 60 -c "$n" "$PORT" "$@" hold <> "$fifo" \
        > "$fifo.out" 2>&1 3>&- 4>&- &
    pid=$!
    STAYING+=("$pid")
    head -c 1000000 /dev/zero > "$fifo" 3>&- 4>&- &
    writer=$!
    while kill -0 "$writer" 2> /dev/null; do
        sleep 0.02
        kill -0 "$pid" 2> /dev/null && continue
        kill "$writer" 2> /dev/null || true
        cat "$fifo.out" >&2
        return 1
    done
}

# held NAME [OPTION...] OP...: a client in the background that waits at `hold`
# until `release NAME`, which returns when the client has ended. What it gets is
# in the file NAME of the test's folder.
held() {
    local name=$BATS_TEST_TMPDIR/$1
    shift
    mkfifo "$name.fifo"
    ( exec 9> "$name.fifo"; exec sleep 100 ) 3>&- 4>&- &
    echo "$!" > "$name.keeper"
    STAYING+=("$!")
    IN_ITS_PLACE='exec' client -t 90 "$@" < "$name.fifo" > "$name" 2>&1 3>&- 4>&- &
    echo "$!" > "$name.client"
    STAYING+=("$!")
}
release() {
    kill "$(cat "$BATS_TEST_TMPDIR/$1.keeper")"
    wait "$(cat "$BATS_TEST_TMPDIR/$1.client")"
}

# disperse: all clients that stay leave at once.
disperse() {
    local pid
    for pid in "${STAYING[@]}"; do
        kill -KILL "$pid" 2> /dev/null || true
        wait "$pid" 2> /dev/null || true
    done
    STAYING=()
}

# state S: until the server is in state S, as ps calls it: S it sleeps, T it is
# stopped. freeze: stops it, and returns when it really stands still.
state() {
    local i now
    for i in $(seq 250); do
        if [ -r "/proc/$SERVER_PID/stat" ]
        then now=$(sed 's/.*) //' "/proc/$SERVER_PID/stat")
        else now=$(ps -o stat= -p "$SERVER_PID"); fi
        [[ $now == "$1"* ]] && return
        sleep 0.02
    done
    echo "the server is not in state $1 ($i looks)" >&2
    return 1
}
freeze() { kill -STOP "$SERVER_PID" && state T; }

# with_call STAGE NAME: prints the path of a server that is made of these sources,
# but calls replaced() in place of NAME(). Standard input defines it.
with_call() {
    local server=$BATS_TEST_TMPDIR/with_$2
    { printf '#include <%s.h>\n' errno stddef sys/socket; cat; } > "$server.c"
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -D_GNU_SOURCE ${CFLAGS:--O0} -c "$server.c" -o "$server.o" &&
        ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread -D_FILE_OFFSET_BITS=64 \
            ${CFLAGS:--O0} "-D$2=replaced" "$1"/*.c "$server.o" ${LDFLAGS:-} \
            -o "$server" && echo "$server"
}
without_random_bytes() {
    with_call "$1" getentropy <<- 'END'
		int replaced(void *to, size_t size);
		int replaced(void *to, size_t size) { (void)to, (void)size; errno = EIO; return -1; }
	END
}

# build_driver N [FILE...]: a program of the test's own, read from standard
# input, linked with the loop that lies beside the tested server, or in stage N,
# and with these files of it.
build_driver() {
    local program=${SERVER:-$BUILD/step-$1/server} main=$BATS_FILE_TMPDIR/main.c
    local stage=${program%/*}
    shift
    cat > "$main"
    # shellcheck disable=SC2046,SC2086 # These are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread -D_FILE_OFFSET_BITS=64 \
        ${CFLAGS:--O1 -g} -I "$stage" "$main" "$stage"/ioloop.c \
        "$stage"/poller_*.c "$stage"/trace.c "$stage"/system.c "${@/#/$stage/}" \
        $([ ! -e "$stage/memory.c" ] || echo "$stage/memory.c") \
        ${LDFLAGS:-} -o "$BATS_FILE_TMPDIR/driver"
}

# wait_for_line FILE PATTERN [SECONDS]: until FILE has such a line.
wait_for_line() {
    local i
    for i in $(seq $((${3:-5} * 50))); do
        grep -qE -e "$2" "$1" 2> /dev/null && return 0
        sleep 0.02
    done
    echo "no line like '$2' in $1 ($i looks):" >&2
    tail -n 20 "$1" >&2
    return 1
}

# until_true COMMAND...: waits until it succeeds; five seconds at most.
until_true() {
    local i
    for i in $(seq 250); do
        if "$@"; then return; fi
        sleep 0.02
    done
    echo "never ($i looks): $*" >&2
    tail -n 20 "$SERVER_LOG" >&2
    return 1
}

# has_openssl, needs_openssl: is there what TLS=yes needs, and the program?
has_openssl() {
    command -v openssl > /dev/null &&
        echo '#include <openssl/ssl.h>' | ${CC:-cc} -E - > /dev/null 2>&1
}
needs_openssl() { has_openssl || skip "openssl and its headers (libssl-dev) are not installed"; }

# make_certificate FILE: a certificate for localhost, with its key.
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -keyout "$1.key" -out "$1.pem" -subj "/CN=${1##*/}" \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2> "$1.log" || { cat "$1.log"; return 1; }
    cat "$1.pem" "$1.key" > "$1"
}

# needs_proc, needs_plain_memory: skip the test where it can measure nothing. A
# sanitizer keeps for a while what is freed.
needs_proc() { [ -r /proc/self/stat ] || skip "there is no /proc to look it up in"; }
needs_plain_memory() {
    needs_proc
    ! grep -q __asan_init "/proc/$SERVER_PID/exe" || skip "a sanitizer keeps what is freed"
}

# memory VmRSS or VmHWM: kilobytes that the server has, or has ever had.
memory() { awk -v what="$1:" '$1 == what { print $2 }' "/proc/$SERVER_PID/status"; }
memory_below() { [ "$(memory VmRSS)" -lt "$1" ]; }

# cpu: hundredths of a second that the server has worked.
cpu() { awk '{ print $14 + $15 }' "/proc/$SERVER_PID/stat" 2> /dev/null || echo 0; }

# quiet: the server makes no system call for most of a second, but for those that
# it is in when we begin to look: one for each thread.
quiet() {
    local threads strace calls=$BATS_TEST_TMPDIR/calls
    sleep 0.2
    strace -f -qq -o "$calls" -p "$SERVER_PID" 2> "$calls.err" 3>&- 4>&- &
    strace=$!
    sleep 1
    kill -INT "$strace" 2> /dev/null || true
    wait "$strace" 2> /dev/null || true
    ! grep -q 'not permitted' "$calls.err" || skip "strace may not look"
    threads=$(find "/proc/$SERVER_PID/task" -mindepth 1 -maxdepth 1 | wc -l)
    grep -q . "$calls"
    [ "$(wc -l < "$calls")" -le "$threads" ] || { head -n 20 "$calls"; return 1; }
}

# descriptors [PID]: how many the server has open (where the system tells).
descriptors() { find "/proc/${1:-$SERVER_PID}/fd" -type l 2> /dev/null | wc -l; }
descriptors_at_most() { [ "$(descriptors)" -le "$1" ]; }

# room_for N: the limit of descriptors (ulimit -n) that leaves a server like this
# one, started the same way, N to open. What it has inherited may leave gaps.
room_for() {
    local fd=0 free=0
    while [ "$free" -lt "$1" ]; do
        [ -L "/proc/$SERVER_PID/fd/$fd" ] || free=$((free + 1))
        fd=$((fd + 1))
    done
    echo "$fd"
}

# stops [FILE]: the numbers of the stops in a trace, in the order of the run.
stops() {
    sed -n 's/^turn *[0-9]* *(\([0-9]*\)).*/\1/p' "${1:-$SERVER_LOG}"
}
