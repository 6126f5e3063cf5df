# helper.bash -- start a server, talk to it, stop it again.
#
# A test file begins with
#
#     setup()    { load helper; start_step 5; }
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
# is the poller of those that have the option, which is from step 11 on.
start_program() {
    local program=${SERVER:-$1} i
    shift
    case $program in
    */step-[1-9]/* | */step-10/*) ;;
    *) [ -z "${POLLER:-}" ] || set -- "--poller=$POLLER" "$@" ;;
    esac
    SERVER_OUT=$BATS_TEST_TMPDIR/server.out
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    : > "$SERVER_OUT"

    # Bats waits for everybody who holds its descriptors 3 and 4, so the
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
}

# stop_server [clean]: SIGTERM, and wait. With `clean` the status must be 0.
# A complaint of a sanitizer in the log always fails the test, and so does a
# death that our signal does not explain.
stop_server() {
    [ -n "$SERVER_PID" ] || return 0
    kill -TERM "$SERVER_PID" 2> /dev/null || true
    server_ends || return 1
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
http() { curl -sS --max-time 5 --noproxy '*' "$@"; }

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

# build_driver N [FILE...]: a program of the test's own, read from standard
# input, linked with the loop that lies beside the tested server, or in stage N,
# and with these files of it.
build_driver() {
    local program=${SERVER:-$BUILD/step-$1/server} main=$BATS_FILE_TMPDIR/main.c
    local stage=${program%/*}
    shift
    cat > "$main"
    # shellcheck disable=SC2046,SC2086 # These are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O1 -g} -I "$stage" \
        "$main" "$stage"/ioloop.c "$stage"/poller_*.c "$stage"/trace.c \
        "$stage"/system.c "${@/#/$stage/}" $([ ! -e "$stage/memory.c" ] || echo "$stage/memory.c") \
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

# descriptors [PID]: how many the server has open (where the system tells).
descriptors() { find "/proc/${1:-$SERVER_PID}/fd" -type l 2> /dev/null | wc -l; }

# stops [FILE]: the numbers of the stops in a trace, in the order of the run.
stops() {
    sed -n 's/^turn *[0-9]* *(\([0-9]*\)).*/\1/p' "${1:-$SERVER_LOG}"
}
