# mutants.sh -- programs with one mistake each: which of them no test notices.
#
#     make mutants MUTANTS=100 SEED=1
#
# A mutant is the server with one token of src changed (< for <=, && for ||, a
# number that is one larger), or with one statement less. It is compiled, and the
# tests of a server that are most likely to notice run against it until one fails:
# then the mutant is killed. (ALL=1: all tests of servers.) Prints those that
# survive, and the sum. The seed decides which mutants there are. A mutant that the
# compiler turns into the same code as src, or refuses, does not count, nor does one
# of the list below. AGAIN='file.c:12: ...' tries those that an earlier run printed.

count=${MUTANTS:-100} seed=${SEED:-1}
from=$PWD/${BUILD:-build}
build=$from/mutants
mkdir -p "$build"
flags="-std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -pthread -O1"

# first PART: the tests that are most likely to notice a mistake in it.
first() {
    case $1 in
    ioloop/worker.c) echo step-35 ;;
    ioloop.c | ioloop/*)
        echo step-03 step-04 step-05 step-17 step-27 http-connection operation ;;
    app/tracesend.c | iostream/connect.c) echo trace-page step-38 ;;
    iostream.c | iostream/*) echo http-connection http-body step-27 step-32 step-18 step-19 ;;
    httpserver.c | httpserver/listen.c)
        echo http-connection operation step-33 step-34 step-20 ;;
    httpserver/*) echo step-33 step-34 operation ;;
    httpconnection.c) echo http-connection http-grammar http-body step-27 ;;
    httpconnection/httpchunked.c) echo step-27 http-body http-grammar ;;
    httpconnection/httplimits.c) echo step-32 step-34 step-36 deadlines ;;
    httpconnection/watchdog.c) echo step-35 ;;
    httpconnection/proxy.c) echo step-34 proxy ;;
    httpconnection/httpform.c) echo step-29 step-30 routes http-body ;;
    httpconnection/httputil.c) echo http-grammar http-semantics mistakes http-body step-30 ;;
    httpconnection/*) echo http-grammar http-body http-semantics step-29 step-30 ;;
    web/webcookie.c | web/sha256.c) echo step-31 routes ;;
    web/webstatic.c | web/conditional.c) echo step-28 http-semantics routes ;;
    web/webtrace.c) echo step-35 trace-page ;;
    web.c | web/*) echo routes http-semantics http-connection mistakes step-25 operation ;;
    base/memory.c) echo http-body http-connection step-36 step-32 ;;
    base/trace.c) echo trace-page step-35 ;;
    base/system.c) echo step-31 operation step-32 step-35 ;;
    app/samples.c | app/demo.c) echo routes step-30 step-31 step-35 step-25 ;;
    main.c | app/*) echo operation routes step-26 step-33 step-34 trace-page ;;
    *) echo routes http-semantics operation ;;
    esac
}
every="http-connection http-body http-semantics routes faults"
[ -z "${ALL:-}" ] || every="$every http-grammar operation step-27 step-28
    step-29 step-30 step-31 step-32 step-33 step-34 step-35 step-36 trace-page
    step-03 step-04 step-05 step-10 step-15 step-17 step-18 step-19 step-20 step-38
    deadlines proxy mistakes"

# The mutants whose change makes no difference: what such a line says after it. They
# do not count, and only AGAIN tries them.
without_effect() {
    cat << 'END'
One more or one less of very many, or one byte, or a millisecond:
ioloop.c: enum { MAX_CALLBACKS_WITHOUT_WAIT = 65 };
ioloop/poller_epoll.c: enum { MAX_EVENTS = 33 };
httpserver.c: for (int n = 0; n <= QUEUE; n++)
httpserver/listen.c: while (error == EADDRINUSE && --tries > 1);
base/memory.c: if (total >= pressure_limit && !may_use(total, after))
httpconnection/httplimits.c: (on_its_way > 1 ? (size_t)on_its_way : 0);
httpconnection/httplimits.c: if (now <= deadline(limits, w))
ioloop.c: wait = wait / 1000 + (wait % 1000 >= 0);
On the bound both ways lead to the same:
httpconnection.c: if (length >= HTTP_PIECE)
httpconnection/httplimits.c: if (w->holding > least) {
ioloop.c: return wait < 0 ? 0 : wait <= INT_MAX ? (int)wait : INT_MAX;
A value that is never used, or room that is not needed:
app/settings.c: {1},
httpserver/listen.c: int end = 1;
httpconnection/httpform.c: char delimiter[5 + MAX_BOUNDARY + 1] = "\r\n--";
A callback more, which finds nothing to do:
iostream.c: if (buffer_length(s->read_buffer) >= 0)
iostream.c: s->partial_queued = false;
A guard that later ones repeat:
iostream.c: if (s->fd == -2 || s->read_callback != NULL)
END
}

# The form that mutants have in this list.
short_form() { sed 's/^\([^:]*\):[0-9]*: .* => */\1: /'; }
has_effect() { ! printf '%s\n' "$1" | short_form | grep -qxFf "$build/no-effect"; }

# run SERVER TMPDIR TEST [OPTION...]: the tests of this file, in its place.
run() {
    server=$1 dir=$2 test=$3
    shift 3
    SERVER=$server STAGE=${server%/*} BUILD=$from TMPDIR=$dir CFLAGS='-O1 -g' \
        exec bats --tap "$@" "tests/$test.bats" < /dev/null
}

# fails_anyway TREE TEST LINE: does this test fail without a mutant, too? (Some
# tests of a step are about its own program.)
fails_anyway() {
    name=$(echo "$3" | sed 's/^not ok [0-9]* //; s/[][\\.*^$+?(){}|]/\\&/g')
    ! (run "$build/src/server" "$1/tmp" "$2" -f "^$name\$" > "$1/again" 2>&1)
}

# ends_early TAP: has the file fewer tests than its plan?
ends_early() { [ "1..$(grep -cE '^(not )?ok ' "$1")" != "$(head -n 1 "$1")" ]; }

# try TREE TEST: 0 if the server of the tree passes, and 1 as soon as a test fails
# that passes without the mutant, or if the tests end too early. They are a job of
# their own, so that their servers end with it. (Without a terminal not every sh
# has jobs, but bash has.)
try() {
    (
        set -m
        run "$1/server" "$1/tmp" "$2" > "$1/tap" 2>&1 &
        job=$! limit=1500 killed=0
        while [ $limit -gt 0 ]; do
            kill -0 $job 2> /dev/null
            running=$?
            line=$(grep '^not ok' "$1/tap" | grep -vxFf "$build/fails/$2" | head -n 1)
            if [ -n "$line" ]; then
                fails_anyway "$1" "$2" "$line" || { killed=1; break; }
                echo "$line" >> "$build/fails/$2"
            elif [ $running -ne 0 ]; then
                # A mutant may send a signal to the tests themselves.
                if ends_early "$1/tap"; then
                    (run "$build/src/server" "$1/tmp" "$2" > "$1/again" 2>&1)
                    ends_early "$1/again" || killed=1
                fi
                break
            else
                sleep 0.2
                limit=$((limit - 1))
            fi
        done
        kill -KILL -- -$job 2> /dev/null
        wait $job 2> /dev/null
        [ $limit -gt 0 ] && [ $killed -eq 0 ]
    ) 2> /dev/null
}

# compile TREE FILE: its object, without a line number in it.
# shellcheck disable=SC2086 # The flags are words.
compile() { (cd "$1" && ${CC:-cc} $flags -DNDEBUG -w -c "$2" -o "${2%.c}.o"); }

# inside TREE: the models, and the harnesses of tests/fuzz with their corpus, notice
# nothing. They take a second, and notice most mistakes in a parser.
inside() {
    rm -f "$1/src.a" "$1/main.o"
    ar rc "$1/src.a" "$1"/*.o
    for harness in tests/fuzz/corpus/*; do
        name=${harness##*/}
        # shellcheck disable=SC2086 # The flags are words.
        ${CC:-cc} $flags "$build/inside/$name.o" "$build/inside/fuzz.o" \
            "$build/inside/replay.o" "$1/src.a" -o "$1/$name" &&
            timeout 60 "$1/$name" "$harness"/* > /dev/null 2>&1 || return 1
    done
    # shellcheck disable=SC2086
    ${CC:-cc} $flags "$build/inside/models.o" "$1/src.a" -o "$1/models" || return 1
    # shellcheck disable=SC2013 # They are words.
    for model in $(sed -n 's/^    models \([a-z]*\)$/\1/p' tests/models.bats); do
        timeout 60 "$1/models" "$model" > /dev/null 2>&1 || return 1
    done
}

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
    elif [ -z "${AGAIN:-}" ] && ! has_effect "$2"; then
        outcome='without effect'
    else
        # shellcheck disable=SC2086 # The flags are words.
        ${CC:-cc} $flags "$tree"/*.o -o "$tree/server"
        outcome=survives tried=' '
        inside "$tree" 2> /dev/null || outcome='killed by models and fuzz'
        for test in $(first "$file") $every; do
            [ "$outcome" = survives ] || break
            case $tried in *" $test "*) continue ;; esac
            tried="$tried$test "
            try "$tree" "$test" || outcome="killed by $test"
        done
    fi
    printf "%s: %s\n" "$outcome" "$2" >> "$build/results"
    case $outcome in survives) printf "%s\n" "$2" ;; esac
    rm -rf "$tree"
}

[ "${1:-}" != one ] || { one "$2" "$3"; exit; }

rm -rf "$build/src" "$build"/tree-* "$build/results" "$build/fails"
mkdir -p "$build/src" "$build/fails" "$build/inside"
for f in tests/*.bats; do : > "$build/fails/$(basename "$f" .bats)"; done
for f in src/*.[ch] src/*/*.[ch]; do
    case $f in src/steps/*) ;; *) cp "$f" "$build/src" ;; esac
done
for f in "$build"/src/*.c; do compile "$build/src" "${f##*/}" || exit 1; done
# shellcheck disable=SC2086 # The flags are words.
${CC:-cc} $flags "$build"/src/*.o -o "$build/src/server" || exit 1
for f in tests/models.c tests/fuzz/*.c; do
    # shellcheck disable=SC2086
    ${CC:-cc} $flags -w -I "$build/src" -c "$f" -o "$build/inside/$(basename "$f" .c).o" || exit 1
done
mkdir "$build/tree-0"
ln -s "$build"/src/*.o "$build/tree-0"
inside "$build/tree-0" || { echo "the models or the harnesses fail with src itself"; exit 1; }

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
                # An array with more room is no mistake.
                if (!/^ *(static )?char [^=;]*\[[0-9]+\]/ && match($0, /[^A-Za-z0-9_.x"\047\\%][0-9]+[^A-Za-z0-9_."\047]/)) {
                    number = substr($0, RSTART + 1, RLENGTH - 2)
                    mutant(substr($0, 1, RSTART) number + 1 substr($0, RSTART + RLENGTH - 1))
                }
                if (/^ +[a-z_]+(\(|[->.a-z_\[\]]* [-+|&]?= )[^"]*;$/ && !/^ +(return|struct|const|char|int|size_t)/ && ended)
                    mutant(" ;")
                ended = /[;{}]$/ || /^$/
            }' "src/$f"
    done
}

candidates > "$build/all"
short_form < "$build/all" > "$build/short"
without_effect > "$build/no-effect"
if grep '\.c: ' "$build/no-effect" | grep -vxFf "$build/short"; then
    echo "src has no such place (see without_effect)" >&2
    exit 1
fi
if [ -n "${AGAIN:-}" ]; then
    printf '%s\n' "$AGAIN" > "$build/list"
else
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
n=0
while read -r line; do
    n=$((n + 1))
    printf '%s\0%s\0' "$n" "$line"
done < "$build/list" | xargs -0 -P "${JOBS:-2}" -n 2 bash "$0" one

awk -F : '
    { n[$1 ~ /^killed/ ? "killed" : $1]++ }
    END {
        sum = n["killed"] + n["survives"]
        printf "%d mutants, %d survive (%.1f %%); ",
            sum, n["survives"], sum ? 100 * n["survives"] / sum : 0
        printf "%d have no effect, %d are the same code, %d are not C\n",
            n["without effect"], n["same"], n["refused"]
        exit n["survives"] * 20 > sum
    }' "$build/results"
