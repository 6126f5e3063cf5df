# mutants.sh -- programs with one mistake each: which of them no test notices.
#
#     make mutants MUTANTS=100 SEED=1
#
# A mutant is the server with one token of src changed (< for <=, && for ||, a
# number that is one larger), or with one statement less. It is compiled, and the
# tests of a server that are most likely to notice run against it until one fails:
# then the mutant is killed. (ALL=1: all tests.) Prints those that survive, and
# the sum. The seed decides which mutants there are. A mutant that the compiler
# turns into the same code as src, or refuses, does not count. AGAIN='file.c:12:
# ...' tries those that an earlier run printed.

count=${MUTANTS:-100} seed=${SEED:-1}
from=$PWD/${BUILD:-build}
build=$from/mutants
mkdir -p "$build"
flags="-std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -pthread -O1"

# first PART: the tests that are most likely to notice a mistake in it.
first() {
    case $1 in
    ioloop.c | ioloop/*) echo step-03 step-04 step-05 step-17 http-connection ;;
    app/tracesend.c | iostream/connect.c) echo trace-page step-38 ;;
    iostream.c | iostream/*) echo http-connection http-body step-27 step-32 ;;
    httpserver.c | httpserver/listen.c) echo http-connection operation step-33 step-34 ;;
    httpserver/*) echo step-33 step-34 operation ;;
    httpconnection.c) echo http-connection http-grammar http-body step-27 ;;
    httpconnection/httplimits.c) echo step-32 step-34 deadlines ;;
    httpconnection/watchdog.c) echo step-35 ;;
    httpconnection/proxy.c) echo step-34 proxy ;;
    httpconnection/httpform.c) echo step-29 step-30 routes http-body ;;
    httpconnection/*) echo http-grammar http-body http-semantics step-29 step-30 ;;
    web/webcookie.c | web/sha256.c) echo step-31 routes ;;
    web/webstatic.c | web/conditional.c) echo step-28 http-semantics routes ;;
    web/webtrace.c) echo step-35 trace-page ;;
    web.c | web/*) echo routes http-semantics http-connection ;;
    base/memory.c) echo http-body http-connection step-36 step-32 ;;
    base/trace.c) echo trace-page step-35 ;;
    base/system.c) echo operation step-32 step-35 ;;
    main.c | app/*) echo operation routes step-26 step-33 step-34 ;;
    *) echo routes http-semantics operation ;;
    esac
}
every="http-connection http-body http-semantics routes"
[ -z "${ALL:-}" ] || every="$every http-grammar operation step-27 step-28
    step-29 step-30 step-31 step-32 step-33 step-34 step-35 step-36 trace-page
    step-03 step-04 step-05 step-10 step-15 step-17 step-19 deadlines"

# try TREE TEST [FAILURES]: 0 if the server of the tree passes, and as soon as a
# test fails that is not in the file FAILURES, 1. The tests are a job of their
# own, so that their servers end with it.
try() {
    failures=${3:-/dev/null}
    (
        set -m
        SERVER=$1/server BUILD=$from TMPDIR=$1/tmp CFLAGS='-O1 -g' \
            bats --tap "tests/$2.bats" > "$1/tap" 2>&1 < /dev/null &
        job=$! limit=1500
        while kill -0 $job 2> /dev/null && [ $limit -gt 0 ] && ! new_failure "$1/tap"; do
            sleep 0.2
            limit=$((limit - 1))
        done
        kill -KILL -- -$job 2> /dev/null
        wait $job 2> /dev/null
        [ $limit -gt 0 ] && ! new_failure "$1/tap"
    ) 2> /dev/null
}
new_failure() { grep '^not ok' "$1" | grep -vqxFf "$failures"; }

# compile TREE FILE: its object, without a line number in it.
# shellcheck disable=SC2086 # The flags are words.
compile() { (cd "$1" && ${CC:-cc} $flags -DNDEBUG -w -c "$2" -o "${2%.c}.o"); }

# one N LINE: makes mutant N and tries it.
one() {
    tree=$build/tree-$1
    rm -rf "$tree"
    mkdir -p "$tree/tmp"
    ln -s "$build"/src/*.[cho] "$tree"
    file=${2%%:*}
    name=${file##*/} rest=${2#*:}
    line=${rest%%:*} text=${rest#*: }
    rm "$tree/$name" "$tree/${name%.c}.o"
    TEXT=${text##* => } awk -v line="$line" \
        'NR == line { $0 = ENVIRON["TEXT"] } { print }' "src/$file" > "$tree/$name"
    if ! compile "$tree" "$name" 2> /dev/null; then
        outcome=refused
    elif cmp -s "$tree/${name%.c}.o" "$build/src/${name%.c}.o"; then
        outcome=same
    else
        # shellcheck disable=SC2086 # The flags are words.
        ${CC:-cc} $flags "$tree"/*.o -o "$tree/server"
        outcome=survives tried=' '
        for test in $(first "$file") $every; do
            case $tried in *" $test "*) continue ;; esac
            tried="$tried$test "
            try "$tree" "$test" "$build/fails/$test" || { outcome="killed by $test"; break; }
        done
    fi
    printf "%s: %s\n" "$outcome" "$2" >> "$build/results"
    case $outcome in survives) printf "%s\n" "$2" ;; esac
    rm -rf "$tree"
}

# baseline TEST: notes what fails without a mutant: some tests of a step are
# about its own program.
baseline() {
    tree=$build/tree-$1
    rm -rf "$tree"
    mkdir -p "$tree/tmp"
    ln -s "$build"/src/* "$tree"
    SERVER=$tree/server BUILD=$from TMPDIR=$tree/tmp CFLAGS='-O1 -g' \
        bats --tap "tests/$1.bats" > "$tree/tap" 2>&1 < /dev/null
    grep '^not ok' "$tree/tap" > "$tree/fails"
    mv "$tree/fails" "$build/fails/$1"
    rm -rf "$tree"
}

case ${1:-} in
one) one "$2" "$3"; exit ;;
baseline) baseline "$2"; exit ;;
esac

rm -rf "$build/src" "$build"/tree-* "$build/results"
mkdir -p "$build/src"
for f in src/*.[ch] src/*/*.[ch]; do
    case $f in src/steps/*) ;; *) cp "$f" "$build/src" ;; esac
done
for f in "$build"/src/*.c; do compile "$build/src" "${f##*/}" || exit 1; done
# shellcheck disable=SC2086 # The flags are words.
${CC:-cc} $flags "$build"/src/*.o -o "$build/src/server" || exit 1

# All mutants: "file:line: before => after". Comments, traces, asserts and
# messages are left alone; kqueue is not compiled here.
candidates() {
    (cd src && find . -name '*.c' | sed 's|^\./||' | sort) | while read -r f; do
        case $f in steps/* | ioloop/poller_kqueue.c | ioloop/poller_select.c) continue ;; esac
        awk -v file="$f" '
            function mutant(after) { if (after != $0) print file ":" FNR ": " $0 " => " after }
            function each(pattern, to,   before, rest, at) {
                before = ""
                rest = $0
                while ((at = index(rest, pattern)) > 0) {
                    before = before substr(rest, 1, at - 1)
                    rest = substr(rest, at + length(pattern))
                    if (before !~ /"[^"]*$/ || rest !~ /"/) mutant(before to rest)
                    before = before pattern
                }
            }
            /\/\*/ && !/;|\{|\)/ { comment = 1 }
            /^ *\/\*/ { comment = 1 }
            comment || /^#/ || /assert|TRACE|TOUR|log_|die\(|^static const char|" => "/ {
                if (/\*\//) comment = 0
                next
            }
            /^[^ ]/ && !/^enum/ { next }
            {
                each(" < ", " <= "); each(" <= ", " < "); each(" > ", " >= ")
                each(" >= ", " > "); each(" == ", " != "); each(" != ", " == ")
                each(" && ", " || "); each(" || ", " && "); each(" + ", " - ")
                each(" - ", " + "); each("true", "false"); each("false", "true")
                each("++", "--"); each("(!", "("); each(" += ", " -= ")
                if (match($0, /[^A-Za-z0-9_.x"\047\\%][0-9]+[^A-Za-z0-9_."\047]/)) {
                    number = substr($0, RSTART + 1, RLENGTH - 2)
                    mutant(substr($0, 1, RSTART) number + 1 substr($0, RSTART + RLENGTH - 1))
                }
                if (/^ +[a-z_]+(\(|[->.a-z_\[\]]* [-+|&]?= )[^"]*;$/ && !/^ +(return|struct|const|char|int|size_t)/ && ended)
                    mutant(" ;")
                ended = /[;{}]$/ || /^$/
            }' "src/$f"
    done
}

if [ -n "${AGAIN:-}" ]; then
    printf '%s\n' "$AGAIN" > "$build/list"
else
    candidates > "$build/all"
    awk -v seed="$seed" -v n="$count" '
        { line[NR] = $0 }
        END {
            x = seed * 7919 + 1
            for (i = 1; i <= n && NR > 0; i++) {
                x = x * 16807 % 2147483647
                k = x % NR + 1
                print line[k]
                line[k] = line[NR--]
            }
        }' "$build/all" > "$build/list"
    echo "$count of $(wc -l < "$build/all" | tr -d ' ') mutants, SEED=$seed:"
fi
# A test that fails with src itself says nothing about a mutant.
mkdir -p "$build/fails"
{
    sed 's/:.*//' "$build/list" | sort -u | while read -r f; do first "$f"; done
    echo "$every"
} | xargs -n 1 | sort -u | while read -r test; do
    [ -e "$build/fails/$test" ] || echo "$test"
done | xargs -P "${JOBS:-2}" -n 1 sh "$0" baseline

n=0
while read -r line; do
    n=$((n + 1))
    printf '%s\0%s\0' "$n" "$line"
done < "$build/list" | xargs -0 -P "${JOBS:-2}" -n 2 sh "$0" one

awk -F : '
    { n[$1 ~ /^killed/ ? "killed" : $1]++ }
    END {
        sum = n["killed"] + n["survives"]
        printf "%d mutants, %d survive (%.1f %%); %d are the same code, %d are not C\n",
            sum, n["survives"], sum ? 100 * n["survives"] / sum : 0, n["same"], n["refused"]
        exit n["survives"] * 20 > sum
    }' "$build/results"
