# debug.sh -- run a stage's server in a debugger, and show each stop of the tour.
#
#     sh tests/debug.sh build/debug/step-16 [OPTION...]
#
# A breakpoint stands at every TOUR line of the stage. Each prints a line: the
# stop, its function, where it stands, how many calls are on the stack (main is
# the first), and the callers, the nearest one first. The server goes on by
# itself. ^C stops it and leaves the reader in the debugger, `quit` ends both.

stage=$1
shift

# "stop file line" of every stop of the stage.
stops() {
    awk 'match($0, /TOUR\([0-9]+,/) {
        file = FILENAME
        sub(/.*\//, "", file)
        print substr($0, RSTART + 5, RLENGTH - 6), file, FNR
    }' "$stage"/*.c
}

if [ -z "$(stops)" ]; then
    echo "This step has no stop of the tour yet."
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap : INT # for the debugger, and not for this script

if command -v gdb > /dev/null; then
    # A backtrace as one line. Frames look like one of
    #   #0  handle_accept (...) at build/debug/step-16/httpserver.c:148
    #   #1  0x00005555555593c5 in listener_ready (...) at ...
    cat > "$tmp/line.awk" << 'EOF'
    / at [^ ]*:[0-9]+$/ {
        place = $NF
        sub(/.*\//, "", place)
        sub(/^#[0-9]+ +(0x[0-9a-f]+ in )?/, "")
        if (n++ == 0)
            here = $1 " " place
        else
            callers = callers " < " $1
    }
    END { printf "(%d) %s depth %d%s\n", stop, here, n, callers }
EOF
    {
        printf '%s\n' 'set confirm off' 'set pagination off' 'set width 0' \
            'set print frame-arguments none' \
            'handle SIGTERM SIGHUP SIGPIPE SIGALRM nostop noprint pass'
        stops | while read -r stop file number; do
            printf 'break %s:%d\ncommands\nsilent\n' "$file" "$number"
            printf 'pipe backtrace | awk -v stop=%d -f %s\ncontinue\nend\n' \
                "$stop" "$tmp/line.awk"
        done
        echo run
    } > "$tmp/script"
    DEBUGINFOD_URLS='' gdb -q -nx -x "$tmp/script" --args "$stage/server" "$@"
elif command -v lldb > /dev/null; then
    {
        stops | while read -r stop file number; do
            echo "breakpoint set -f $file -l $number -G true" \
                "-C 'platform shell echo \"($stop)\"' -C 'thread backtrace'"
        done
        echo run
    } > "$tmp/script"
    lldb -x -s "$tmp/script" -- "$stage/server" "$@"
else
    echo "make debug-N needs gdb or lldb, and neither is installed."
fi
