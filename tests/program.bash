# program.bash -- the program as its operator sees it, for the tests of step 26
# and for operation.bats: `load program` after `load helper`. PROGRAM is the
# program, TMP the test's folder.

# ends STATUS ARG...: the program, which must end by itself with that status. Its
# output is in $TMP/out and $SERVER_LOG.
ends() {
    local want=$1
    shift
    SERVER_LOG=$TMP/err
    "$PROGRAM" "$@" > "$TMP/out" 2> "$SERVER_LOG" < /dev/null 3>&- 4>&- &
    SERVER_PID=$!
    server_ends 5 || { echo "$*: it runs" >&2; return 1; }
    [ "$SERVER_STATUS" -eq "$want" ] && no_complaints ||
        { echo "$*: status $SERVER_STATUS"; cat "$SERVER_LOG"; return 1; } >&2
}

# refused STATUS PATTERN ARG...: one line on stderr, with that in it.
refused() {
    local status=$1 pattern=$2
    shift 2
    ends "$status" "$@"
    [ ! -s "$TMP/out" ] && [ "$(wc -l < "$TMP/err")" -eq 1 ] &&
        grep -qE -e "$pattern" "$TMP/err" ||
        { echo "$*:"; cat "$TMP/out" "$TMP/err"; return 1; } >&2
}

# answers [N]: waits until the server at PORT answers; then N (30) answers are
# right. A server without a stdout cannot announce that it listens.
answers() {
    local i
    URL=http://127.0.0.1:$PORT
    for i in $(seq 100); do
        curl -s -o /dev/null --max-time 1 --noproxy '*' "$URL/" && break
        sleep 0.02
    done
    http --fail-early "$URL/hello/[1-${1:-30}]" > "$TMP/answers"
    printf 'Hello, %d' $(seq "${1:-30}") | cmp - "$TMP/answers"
}

# header NAME [OPTION...] URL: the value of that header of the answer.
header() { http -D - -o /dev/null "${@:2}" | tr -d '\r' | sed -n "s/^$1: //p"; }
