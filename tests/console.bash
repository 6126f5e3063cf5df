# console.bash -- run the ```console blocks of a chapter, compare what they say.
#
# What a reader may rely on, and so what is checked:
#
#   $ command          typed at the prompt; "> " continues it
#   other lines        exactly what the command prints (both streams together)
#   ...                on a line of its own: any number of lines, also none
#   command &          goes on in the background; what it prints first counts
#   ```c FILE          these lines stand in FILE of the chapter's stage, one
#                      after another, word for word
#
# All blocks of one chapter share one shell, as for one reader at one prompt:
# `kill %1` ends what an earlier block started. The reader sees the ports 8888
# and 8889, the test runs on free ones; times and the like differ from run to
# run, and normalise() makes both sides equal.

normalise() {
    sed -E -e "s/(^|[^0-9])$DOC_PORT([^0-9]|\$)/\18888\2/g" \
        -e "s/(^|[^0-9])$((DOC_PORT + 1))([^0-9]|\$)/\18889\2/g" \
        -e 's/(127\.0\.0\.1|localhost|\[::1\])([: ]| port )[0-9]{5}/\1\250000/g' \
        -e 's/\[([DIWE]) [0-9]{6} [0-9:]{8} ([a-z_]+):[0-9]+\]/[\1 110621 22:28:35 \2:123]/' \
        -e 's/[0-9]+\.[0-9]+ ?ms/0.00ms/g' \
        -e 's/[0-9]+ ?(us|µs)([^a-z]|$)/0us\2/g' \
        -e 's/^(< )?Date: .*/\1Date: Tue, 21 Jun 2011 22:28:35 GMT/' \
        -e '/^\[[0-9]+\][-+]? +([0-9]+$|Terminated|Killed|Interrupt|Done|Exit)/d' \
        -e '/ line [0-9]+: +[0-9]+ (Terminated|Killed|Interrupt)/d' \
        -e '/^--- waited [0-9.]+ s ---$/d' \
        -e 's/[[:space:]]+$//' | cat -s
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
        /^```console *$/      { on = 1; print NR "\tnew\t"; next }
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
    local server='(build/step-[0-9]+/server|build/dustdevil|lab/server)'
    local ours=" --port=$DOC_PORT"
    case $cmd in *--port*) ours= ;; esac
    printf '%s\n' "$cmd" | sed -E \
        -e "s#(^|[ ;|&(/])$server([ ;|&)]|\$)#\1\2$ours\3#" \
        -e "s#(^|[ ;|&(])(make( -[a-zA-Z]+)* run(-[0-9]+)?)( |\$)#\1\2 ARGS=--port=8888\5#" \
        -e "s/(^|[^0-9])8888([^0-9]|\$)/\1$DOC_PORT\2/g" \
        -e "s/(^|[^0-9])8889([^0-9]|\$)/\1$((DOC_PORT + 1))\2/g"
}

# A curl that cannot hang, whatever the chapter asks of it.
curl() { command curl --max-time 20 --noproxy '*' "$@"; }

# A script's shell forgets a job as soon as it has ended, a reader's does so at
# the next prompt. So `%1` is looked up here: JOBS[1] is its process, and the
# leader of its group, which `kill` means as a whole.
alive() { builtin kill -0 "$1" 2> /dev/null; }

job_number() {
    local i n=0
    for i in "${!JOBS[@]}"; do
        if alive "${JOBS[i]}"; then n=$i; fi
    done
    echo $((n + 1))
}

kill() {
    local a signal=() who=()
    for a in "$@"; do
        case $a in
        -*) signal+=("$a") ;;
        *)
            case " ${JOBS[*]} " in *" $a "*) a=-$a ;; esac
            who+=("$a")
            ;;
        esac
    done
    builtin kill "${signal[@]}" -- "${who[@]}"
}

# console_gone: waits until the jobs that `kill` was told to end are gone,
# because the next server wants their port.
console_gone() {
    local i pid
    for pid in "${JOBS[@]}"; do
        case " $real " in *" $pid "*) ;; *) continue ;; esac
        for i in $(seq 100); do
            alive "$pid" || break
            sleep 0.02
        done
    done
}

console_one() {
    local real i begin=
    real=$(console_real)
    case $cmd in
    *%[0-9]*)
        for i in "${!JOBS[@]}"; do real=${real//%$i/${JOBS[i]}}; done ;;
    esac
    normalise < "$tmp/expected" > "$tmp/want"
    sleep 0.05      # A reader is slow: what the last command started is done.
    case $real in
    *' &')
        begin=begin
        real=${real% &}
        case $real in
        *[\|\;\&]*) ;;
        curl\ *) real="exec curl --max-time 20 --noproxy '*' ${real#curl}" ;;
        *) real="exec $real" ;;
        esac
        : > "$tmp/background"
        eval "{ exec >> \"\$tmp/background\" 2>&1 < /dev/null 3>&- 4>&- 7<&-
            $real
        } &"
        JOBS[$(job_number)]=$!
        [ -s "$tmp/want" ] || sleep 0.5
        for i in $(seq 100); do
            normalise < "$tmp/background" > "$tmp/have"
            console_matches "$tmp/want" "$tmp/have" begin && break
            sleep 0.05
        done
        ;;
    *)
        # A look at a file that a server is still writing may be repeated.
        for i in 1 2 3 4 5 6 7 8 9 10; do
            eval "$real" > "$tmp/actual" 2>&1 < /dev/null 3>&- 4>&- 7<&-
            normalise < "$tmp/actual" > "$tmp/have"
            case $cmd in
            grep\ * | sed\ * | cat\ * | tail\ * | cut\ *) ;;
            *) break ;;
            esac
            console_matches "$tmp/want" "$tmp/have" && break
            sleep 0.1
        done
        case $cmd in
        "kill -STOP"* | "kill -CONT"* | "kill -HUP"*) ;;
        kill\ *) console_gone ;;
        esac
        ;;
    esac
    console_matches "$tmp/want" "$tmp/have" $begin && return 0
    echo "$name:$line: \$ $cmd"
    diff -u "$tmp/want" "$tmp/have" | sed -e '1s/.*/--- the chapter says/' \
        -e '2s/.*/+++ the command printed/' -e 3d
    return 1
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
        [ -f "$file" ] && awk -v code="$tmp/code" '
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

# console_run CHAPTER: all of it, in the order of the text.
console_run() {
    local chapter=$1 tmp=$BATS_TEST_TMPDIR name=${1##*/} number
    local n kind text cmd="" code="" line=0 bad=0 watchdog j
    number=${name%%-*}
    number=$((10#$number))
    JOBS=()
    : > "$tmp/expected"
    : > "$tmp/code"
    set -m                           # Job control: `%1`, and groups to end.
    set +e                           # A reader's command may well fail.

    # A command that never ends would hold up all tests for ever.
    local shell=$BASHPID
    (sleep 120; : > "$tmp/hung"; pkill -KILL -P "$shell") \
        > /dev/null 2>&1 3>&- 4>&- 7<&- &
    watchdog=$!
    disown "$watchdog"
    while IFS=$'\t' read -r n kind text <&7; do
        case $kind in
        '|') printf '%s\n' "$text" >> "$tmp/expected"; continue ;;
        '>') cmd=$cmd$'\n'$text; continue ;;
        l) printf '%s\n' "$text" >> "$tmp/code"; continue ;;
        esac
        if [ -n "$cmd" ]; then console_one || bad=1; fi
        if [ -n "$code" ]; then console_code || bad=1; fi
        cmd="" code="" line=$n
        : > "$tmp/expected"
        : > "$tmp/code"
        case $kind in
        '$') cmd=$text ;;
        c) code=$text ;;
        esac
    done 7< <(console_parse "$chapter")
    for j in "${JOBS[@]}" "$watchdog"; do
        builtin kill -TERM -- "-$j"
    done 2> /dev/null
    wait 2> /dev/null
    set +m -e
    [ ! -e "$tmp/hung" ] || { echo "$name: a command never ended"; bad=1; }
    return $bad
}
