# console.bash -- run the ```console blocks of a chapter, compare what they say.
#
# An interactive bash on a terminal (build/client -p) types them, so that job
# numbers, `Terminated` and the order of the lines are what a reader sees.
# What a reader may rely on, and so what is checked:
#
#   $ command          typed at the prompt; "> " continues it
#   other lines        exactly what appears until the next command is typed
#   ...                on a line of its own: any number of lines, also none
#   ```console TOOL... a block that is skipped where one of these is not installed
#   ```c FILE          these lines stand in FILE of the chapter's stage, one
#                      after another, word for word
#
# The next command is typed when the prompt is there and what is expected has
# appeared: a background job may print after the prompt. TYPING=3 types each
# command 3 seconds later, and must change nothing. All blocks of one chapter
# share one shell, as for one reader at one prompt; the chapter ends its jobs
# and removes its files, but for lab/. The reader sees the ports 8888 and 8889,
# the test runs on free ones; times and the like differ from run to run, and
# normalise() makes both sides equal.

# Bold type is a matter of the terminal. A line `[1] 4711` is written by bash and may come after what the job writes.
ESCAPE=$'\033'
normalise() {
    sed -E -e "s/$ESCAPE\\[[0-9;]*m//g" \
        -e "s/ (ARGS=)?--port=$DOC_PORT( |\$)/\2/" \
        -e "s/(^|[^0-9])$DOC_PORT([^0-9]|\$)/\18888\2/g" \
        -e "s/(^|[^0-9])$((DOC_PORT + 1))([^0-9]|\$)/\18889\2/g" \
        -e 's/ (ARGS=)?--port=8888( |$)/\2/' \
        -e 's/(127\.0\.0\.1|localhost|\[::1\])([: ]| port )[0-9]{5}/\1\250000/g' \
        -e 's/\[([DIWE]) [0-9]{6} [0-9:]{8} ([a-z_]+):[0-9]+\]/[\1 110621 22:28:35 \2:123]/' \
        -e 's/[0-9]+\.[0-9]+ ?ms/0.00ms/g' \
        -e 's/[0-9]+ ?(us|µs)([^a-z]|$)/0us\2/g' \
        -e 's/^(< )?Date: .*/\1Date: Tue, 21 Jun 2011 22:28:35 GMT/' \
        -e 's/^(\[[0-9]+\]) [0-9]+$/\1 4711/' \
        -e '/^--- waited [0-9.]+ s ---$/d' \
        -e 's/[[:space:]]+$//' | awk '
        /^\[[0-9]+\] 4711$/ { print; next }
        { rest = rest $0 "\n" }
        END { printf "%s", rest }' | cat -s
}

# A port that is free now, and the one after it as well.
free_ports() {
    local p
    while :; do
        p=$((20000 + RANDOM % 6000 * 2))
        (exec 9<> "/dev/tcp/127.0.0.1/$p") 2> /dev/null && continue
        (exec 9<> "/dev/tcp/127.0.0.1/$((p + 1))") 2> /dev/null && continue
        echo "$p"
        return
    done
}

# console_session: a folder to read the chapter in. What the reader leaves
# there (logs, lab/) does not litter the tree.
console_session() {
    local f
    [ "${BASH_VERSINFO[0]}" -ge 4 ] || skip "bash 4 or later is needed"
    SESSION=$BATS_TEST_TMPDIR/session
    mkdir "$SESSION"
    for f in Makefile README.md chapters diagrams src tests; do
        ln -s "$ROOT/$f" "$SESSION/$f"
    done
    case $BUILD in
    /*) ln -s "$BUILD" "$SESSION/build" ;;
    *) ln -s "$ROOT/$BUILD" "$SESSION/build" ;;
    esac

    # The reader's make knows nothing of the make that runs the tests.
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES BUILD CC CFLAGS LDFLAGS TESTS
    DOC_PORT=$(free_ports)
    cd "$SESSION" || return 1
}

# A chapter as lines of "number<TAB>kind<TAB>text". Kinds: $ command, > its
# continuation, | output, c the file of an excerpt, l its lines.
console_parse() {
    awk '
        /^```console/ {
            on = 1
            for (i = 2; i <= NF; i++)
                if (system("command -v " $i " > /dev/null") != 0) on = 3
            print NR "\tnew\t"
            next
        }
        /^```c [^ ]/          { on = 2; print NR "\tc\t" $2; next }
        /^```/                { if (on) print NR "\tnew\t"; on = 0; next }
        on == 1 && /^\$ /     { print NR "\t$\t" substr($0, 3); next }
        on == 1 && /^> /      { print NR "\t>\t" substr($0, 3); next }
        on == 1               { print NR "\t|\t" $0 }
        on == 2               { print NR "\tl\t" $0 }
        END                   { print "0\tend\t" }' "$1"
}

# console_matches EXPECTED ACTUAL [begin]: equal line by line, where "..."
# stands for any lines; with `begin`, ACTUAL may go on.
console_matches() {
    awk -v want_file="$1" -v have_file="$2" -v begin="${3:-}" '
        function m(i, j) {
            for (; i <= nw && want[i] != "..."; i++ + j++)
                if (j > nh || want[i] != have[j]) return 0
            if (i > nw) return j > nh || begin != ""
            for (; j <= nh + 1; j++) if (m(i + 1, j)) return 1
            return 0
        }
        BEGIN {
            while ((getline l < want_file) > 0) want[++nw] = l
            while ((getline l < have_file) > 0) have[++nh] = l
            exit !m(1, 1)
        }'
}

# console_real: the command as it is really run. A server gets the free port.
console_real() {
    local server='(build/([a-z]+/)?step-[0-9]+/server|build/dustdevil|lab/server)'
    local ours=" --port=$DOC_PORT"
    case $cmd in *--port*) ours= ;; esac
    printf '%s\n' "$cmd" | sed -E \
        -e "s#(^|[ ;|&(/])$server([ ;|&)]|\$)#\1\2$ours\4#" \
        -e "s#(^|[ ;|&(])(make( -[a-zA-Z]+)* run(-[0-9]+)?)( |\$)#\1\2 ARGS=--port=8888\5#" \
        -e "s/(^|[^0-9])8888([^0-9]|\$)/\1$DOC_PORT\2/g" \
        -e "s/(^|[^0-9])8889([^0-9]|\$)/\1$((DOC_PORT + 1))\2/g"
}

# The terminal. PROMPT and MORE are PS1 and PS2: bytes that nothing else prints.
PROMPT=$'\005' MORE=$'\006'

console_open() {
    mkfifo "$tmp/keys" "$tmp/screen"

    # Without an editor bash leaves the lines to the terminal, as they are.
    env PS1="$PROMPT" PS2="$MORE" TERM=dumb HISTFILE=/dev/null LC_ALL=C \
        NO_PROXY='*' no_proxy='*' PROMPT_COMMAND= \
        build/client -t 120 -p bash --norc --noprofile --noediting -i \
        < "$tmp/keys" > "$tmp/screen" 2>&1 3>&- 4>&- 7<&- &
    TERMINAL=$!
    exec 8> "$tmp/keys" 9< "$tmp/screen"
    console_shows 20
}

# console_shows SECONDS: appends to `shown` what appears on the terminal until
# the next prompt. False when none came in this time.
console_shows() {
    local piece='' status=0
    IFS= read -r -d "$PROMPT" -t "$1" piece <&9 || status=1
    shown+=${piece//"$MORE"/}
    return $status
}

# console_type COMMAND: types it, and waits for the next prompt.
console_type() {
    shown=
    printf '%s\n' "$1" >&8
    console_shows 60
}

# Ends the shell, and the jobs that are left: each is a group of its own.
console_close() {
    local j
    for j in $(cat "$tmp/jobs"); do kill -TERM -- "-$j"; done 2> /dev/null
    kill "$TERMINAL" 2> /dev/null
    wait "$TERMINAL" 2> /dev/null
    exec 8>&- 9<&-
}

# What the terminal shows is what the chapter says.
console_agrees() {
    printf '%s\n' "$shown" | grep -oE '^\[[0-9]+\] [0-9]+$' |
        sed 's/.* //' >> "$tmp/jobs"
    printf '%s' "$shown" | normalise > "$tmp/have"
    console_matches "$tmp/want" "$tmp/have"
}

console_one() {
    local real i
    real=$(console_real)
    normalise < "$tmp/expected" > "$tmp/want"
    sleep "${TYPING:-0.05}"
    console_type "$real" || { echo "$name:$line: never ended: $cmd"; return 2; }

    # What a job writes comes after the prompt. A job that writes nothing has
    # begun its work when a reader types the next line.
    case $cmd in
    *' &') [ "$(wc -l < "$tmp/want")" -gt 1 ] || console_shows 0.3 ;;
    esac
    console_shows 0.01
    for i in {1..100}; do
        # A job's line may come in two pieces.
        [[ $cmd == *' &' && $shown == *[!$'\n'] ]] ||
            { console_agrees && return 0; }
        console_shows 0.05
        case $cmd in
        # A look at a file that a server is still writing may be repeated.
        grep\ * | sed\ * | cat\ * | tail\ * | cut\ *)
            [ "$i" -gt 10 ] || console_type "$real" ;;
        esac
    done
    echo "$name:$line: \$ $cmd"
    diff -u "$tmp/want" "$tmp/have" | sed -e '1s/.*/--- the chapter says/' \
        -e '2s/.*/+++ the terminal showed/' -e 3d
    return 1
}

# What a reader has at the end that was not there before.
console_rest() {
    local real
    console_type 'jobs; ls -A1' || { echo "$name: the shell does not answer"; return 1; }
    real=$(printf '%s' "$shown" | grep -vxE \
        'Makefile|README\.md|build|chapters|diagrams|src|tests|lab')
    [ -z "$real" ] || { echo "$name leaves behind:"; echo "$real"; return 1; }
}

# console_code: is the excerpt really there? N is the chapter's number; in
# chapter 0 any stage will do.
console_code() {
    local file
    case $code in
    */*) set -- "$code" ;;
    *) if [ "$number" -eq 0 ]; then set -- build/step-*/"$code"
        else set -- "build/step-$number/$code"; fi ;;
    esac
    for file in "$@"; do
        [ -f "$file" ] || continue
        awk -v code="$tmp/code" '
            BEGIN { while ((getline l < code) > 0) want[++n] = l }
            { have[++m] = $0 }
            END {
                for (i = 1; n && i <= m - n + 1; i++) {
                    for (k = 1; k <= n && have[i + k - 1] == want[k]; k++) ;
                    if (k > n) exit 0
                }
                exit 1
            }' "$file" && return 0
    done
    echo "$name:$line: these lines are not in $code of step $number:"
    sed 's/^/    /' "$tmp/code"
    return 1
}

# console_run FILE: all of it, in the order of the text. A page that is no chapter
# has the number 0.
console_run() {
    local chapter=$1 tmp=$BATS_TEST_TMPDIR name=${1##*/} number
    local n kind text cmd="" code="" line=0 bad=0 shown=
    number=${name%%[!0-9]*}
    number=$((10#0$number))
    : > "$tmp/expected"
    : > "$tmp/code"
    : > "$tmp/jobs"
    set +e                           # A reader's command may well fail.
    console_open || { echo "there is no terminal: $shown"; bad=2; }
    while [ $bad -lt 2 ] && IFS=$'\t' read -r n kind text <&7; do
        case $kind in
        '|') printf '%s\n' "$text" >> "$tmp/expected"; continue ;;
        '>') cmd=$cmd$'\n'$text; continue ;;
        l) printf '%s\n' "$text" >> "$tmp/code"; continue ;;
        esac
        if [ -n "$cmd" ]; then console_one || bad=$?; fi
        if [ -n "$code" ]; then console_code || bad=1; fi
        cmd="" code="" line=$n
        : > "$tmp/expected"
        : > "$tmp/code"
        case $kind in
        '$') cmd=$text ;;
        c) code=$text ;;
        esac
    done 7< <(console_parse "$chapter")
    [ $bad -eq 2 ] || console_rest || bad=1
    console_close
    set -e
    return $bad
}
