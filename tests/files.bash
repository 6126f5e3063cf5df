# files.bash -- a directory of files for a test, and how to ask for them.
#
# shellcheck disable=SC2034 # These variables are for those who load this.

make_site() {
    TMP=$BATS_TEST_TMPDIR FILES=$BATS_TEST_TMPDIR/site
    mkdir -p "$FILES/sub" "$FILES/bare"
    printf 0123456789 > "$FILES/ten"
    TZ=UTC touch -t 202001020304.05 "$FILES/ten"
    : > "$FILES/empty"
    echo '<p>the index' > "$FILES/sub/index.html"
    echo '<p>a page' > "$FILES/sub/page.html"
}

# get PATH [CURL OPTION...]: the answer's status line, headers and body.
get() {
    local path=$1
    shift
    http --path-as-is -i "$@" "$URL/static/$path" | tr -d '\r'
}
header() { sed -n "1,/^\$/s/^$1: //p"; }
tag_of() { get "$1" | header Etag; }

GET() { printf 'GET /static/%s HTTP/1.1\\r\\nHost: x\\r\\n%s\\r\\n' "$1" "${2:-}"; }

# A large file, in which no two places look alike.
large() {
    awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%15d\n", i }' > "$FILES/$1"
}

# Another, in which there is nothing, and which takes no room.
sparse() { dd if=/dev/zero of="$FILES/$1" bs=1 count=0 seek="$2" 2> "$TMP/dd"; }

# wait_until COMMAND...: it becomes true.
wait_until() {
    local i
    for i in $(seq 250); do
        if "$@"; then return 0; fi
        sleep 0.02
    done
    echo "never ($i looks): $*" >&2
    return 1
}

# named STATUS BODY PATH: what this path leads to.
named() {
    local answer
    answer=$(client send "$(GET "$3" 'Connection: close\r\n')" read) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    [[ $answer == "HTTP/1.1 $1 "*$'\r\n\r\n'*"$2" && $answer != *SECRET* ]] ||
        wrong "not $1 $2" "$3" "$answer"
}

# all_closed: whatever the answer was, also when the client leaves in the middle.
# The server is started with --trace.
all_closed() {
    large big 800000
    local open i path
    http "$URL/static/ten" > /dev/null
    wait_for_line "$SERVER_LOG" '\(20\)' # the connection is closed
    open=$(descriptors)
    for path in ten empty sub sub/ bare/ sub/page.html/ sub/nothing sub/.. ..; do
        get "$path" > "$TMP/out"
        get "$path" -I > "$TMP/out"
    done
    get ten -r 3-5 > "$TMP/out"
    get ten -r 99- > "$TMP/out"
    get ten -H 'If-None-Match: *' > "$TMP/out"
    get ten -H 'If-Match: "x"' > "$TMP/out"
    wait_until eval '[ "$(descriptors)" -eq "$open" ]'

    # Also when the client leaves in the middle.
    mkfifo "$TMP/fifo"
    "$BUILD/client" "$PORT" send "$(GET big)" readuntil '\r\n\r\n' deaf hold reset \
        < "$TMP/fifo" > "$TMP/out" 2>&1 3>&- 4>&- &
    exec 9> "$TMP/fifo"
    wait_until eval '[ "$(descriptors)" -eq "$((open + 2))" ]'
    exec 9>&-
    wait_until eval '[ "$(descriptors)" -eq "$open" ]'
    [ "$(http "$URL/static/ten")" = 0123456789 ]
}
