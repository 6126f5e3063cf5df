# exercises.sh -- are the answers to the exercises right?
#
#     sh tests/exercises.sh [NN]
#
# NN is a chapter, or one digit for ten chapters.
#
# chapters/answers/NN-k.patch solves a *build* exercise: its test,
# tests/exercises/NN-k.bats, must fail on the stage as it is and pass on the
# patched one. chapters/answers/NN-k.break spoils the stage; its first line,
# `# breaks: NAME`, names the test in tests/step-NN.bats that must notice.
#
# A chapter without a step is about the last one, and any test may notice; one
# that is skipped here cannot.

build=${BUILD:-build}
last=$(sed -n 's/^STEPS = .* //p' Makefile)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

wrong() {
    echo "$answer: $1"
    [ ! -s "$tmp/log" ] || sed 's/^/    /' "$tmp/log"
    bad=1
}

# The stage with the answer applied, in $tmp/stage.
make_stage() {
    rm -rf "$tmp/stage"
    mkdir "$tmp/stage"
    cp "$build/step-$n"/*.[ch] "$tmp/stage/" &&
        patch -s -p1 -d "$tmp/stage" < "$answer" > "$tmp/log" 2>&1 ||
        { wrong "does not apply to step $n"; return 1; }
    tls=
    [ ! -e "$tmp/stage/ssl.c" ] || tls='-DTLS -lssl -lcrypto'
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O1 -g -Wall -Wextra} \
        "$tmp/stage"/*.c ${LDFLAGS:-} $tls -o "$tmp/stage/server" \
        > "$tmp/log" 2>&1 || { wrong "does not compile"; return 1; }
}

# try PROGRAM ARGUMENT...: the tests with that program in the server's place.
try() {
    server=$1
    shift
    SERVER=$server bats --tap "$@" > "$tmp/log" 2>&1
}

solves() {
    exercise=tests/exercises/$name.bats
    [ -f "$exercise" ] || { wrong "there is no $exercise"; return; }
    make_stage || return
    try "$tmp/stage/server" "$exercise" || wrong "does not pass $exercise"
    ! try "$build/step-$n/server" "$exercise" ||
        wrong "$exercise passes without it"
}

breaks() {
    test=$(sed -n '1s/^# breaks: //p' "$answer")
    : > "$tmp/log"
    [ -n "$test" ] || { wrong "line 1 is not '# breaks: TEST'"; return; }
    file=tests/step-$(printf %02d "$chapter").bats
    [ -e "$file" ] || file=$(grep -lF "@test \"$test\"" tests/*.bats)
    grep -qsF "@test \"$test\"" "$file" ||
        { wrong "${file:-tests} has no test \"$test\""; return; }
    make_stage || return
    regex=$(printf %s "$test" | sed 's/[][(){}.*+?^$|\\]/\\&/g')
    # It must be this test that fails, and not what prepares it.
    try "$tmp/stage/server" -f "^$regex\$" "$file" ||
        grep -qE "^not ok [0-9]+ $regex( #|\$)" "$tmp/log" ||
        { wrong "\"$test\" cannot be run"; return; }
    ! grep -qE '^# .* (ended before it listened:|does not listen \()' "$tmp/log" ||
        { wrong "\"$test\" cannot be run: the server does not start"; return; }
    grep -qE "^not ok [0-9]+ $regex( #|\$)" "$tmp/log" ||
        grep -q '^ok .* # skip' "$tmp/log" ||
        wrong "\"$test\" does not notice"

    # A spoiled server may not end when its test ends it.
    ps -e -o pid= -o args= 2> /dev/null | while read -r pid args; do
        case $args in "$tmp/stage/server "*) kill -KILL "$pid" ;; esac
    done
}

has_openssl() {
    command -v openssl > /dev/null &&
        echo '#include <openssl/ssl.h>' | ${CC:-cc} -E - > /dev/null 2>&1
}

# When Bats runs this script, the Bats that we run must not take itself for a
# part of that one.
PATH=${PATH#"${BATS_LIBEXEC:-}":}
for v in $(env | sed -n 's/^\(BATS_[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$v"
done

command -v patch > /dev/null || { echo "patch is missing"; exit 1; }

for answer in chapters/answers/"${1:-}"*.patch chapters/answers/"${1:-}"*.break
do
    [ -f "$answer" ] || continue
    found=yes
    name=${answer##*/}
    name=${name%.*}
    chapter=${name%%-*}
    chapter=${chapter#0}
    n=$chapter
    [ "$n" -le "$last" ] || n=$last
    [ "$n" -ne 37 ] || has_openssl || { echo "$name: skipped without libssl-dev"; continue; }
    case $answer in
    *.patch) solves ;;
    *.break) breaks ;;
    esac
done
[ -n "${found:-}" ] || { echo "there are no such answers: $*"; exit 1; }
exit $bad
