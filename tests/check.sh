# check.sh -- what costs more time than `make test` may take.
#
#     make check
#
# Every stage under two strict compilers, a look at the scripts, three programs
# that analyze src, a mixed load for SOAK=60 seconds, all tests of the servers
# with the sanitizers built in, beside them new inputs for each harness of
# tests/fuzz for FUZZ_TIME=60 seconds, the tests of the final program with the
# select poller, and some with other systems: see systems.sh. The last line counts.

passed=0 failed=0 skipped=0
build=${BUILD:-build}
tmp=$(mktemp -d)
fuzz=
trap 'kill $fuzz 2> /dev/null; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

strict="-std=c11 -D_GNU_SOURCE -pthread -O2 -Wall -Wextra -Wpedantic -Wshadow
        -Wstrict-prototypes -Wconversion -Werror"
sanitize="-O1 -g -Wall -Wextra -fno-omit-frame-pointer"
sanitize="$sanitize -fsanitize=address,undefined -fno-sanitize-recover=all"

verdict() {  # verdict STATUS WHAT
    if [ "$1" -eq 0 ]; then
        echo "ok $2"
        passed=$((passed + 1))
    else
        echo "not ok $2"
        failed=$((failed + 1))
    fi
}

skip() {
    echo "ok $1 # skip"
    skipped=$((skipped + 1))
}

compile() {  # compile COMPILER WHAT FILE...
    cc=$1 what=$2
    shift 2
    # shellcheck disable=SC2086 # The flags are words.
    (cd "$tmp" && $cc $strict -c "$@")
    verdict $? "$cc, strictly: $what"
}

for cc in gcc clang; do
    command -v $cc > /dev/null || { skip "$cc is not installed"; continue; }
    for n in $STEPS; do
        compile $cc "step $n" "$PWD/$build/step-$n"/*.c
    done
    set --
    for f in "$PWD"/src "$PWD"/src/*/; do set -- "$@" -I "$f"; done
    compile $cc "tests/models.c, tests/fuzz" "$@" "$PWD"/tests/models.c \
        "$PWD"/tests/fuzz/*.c
    for f in "$PWD"/src/*.c "$PWD"/src/*/*.c; do
        case $f in */src/steps/*) ;; *) set -- "$@" "$f" ;; esac
    done
    compile $cc "src" "$@"
    if echo '#include <openssl/ssl.h>' | $cc -E - > /dev/null 2>&1; then
        compile $cc "src with TLS" -DTLS "$@"
    else
        skip "src with TLS: libssl-dev is not installed"
    fi
    compile $cc "tests/client.c" "$PWD"/tests/client.c
    compile $cc "tests/bench" "$PWD"/tests/bench/*.c
done

if command -v shellcheck > /dev/null; then
    shellcheck -S warning -s sh tests/*.sh tests/bench/*.sh tests/fuzz/*.sh
    verdict $? "shellcheck: tests/*.sh, tests/bench/*.sh, tests/fuzz/*.sh"
    shellcheck -S warning -e SC2034,SC2120 -s bash tests/*.bash .ci/run
    verdict $? "shellcheck: tests/*.bash, .ci/run"

    # Where it is wrong: names that helper.bash or a trap uses (SC2034, SC2120),
    # words that are to be split (SC2046), and a name that is an array in another
    # test (SC2128, SC2178).
    shellcheck -S warning -e SC2034,SC2120,SC2046,SC2128,SC2178 -s bats \
        tests/*.bats tests/exercises/*.bats
    verdict $? "shellcheck: tests/*.bats, tests/exercises/*.bats"
else
    skip "shellcheck is not installed"
fi

# A minute of one processor for gcc and clang, and two seconds for cppcheck.
for tool in gcc clang cppcheck; do
    command -v $tool > /dev/null || { skip "$tool is not installed"; continue; }
    sh tests/analyzers.sh $tool
    verdict $? "$tool has no report about src that is right"
done

# suite WHAT ASSIGNMENT... TARGET: make, with these, and its counts.
suite() {
    echo "# $1:"
    what=$1 before=$failed
    shift
    { ${MAKE:-make} "$@" 2>&1; echo $? > "$tmp/status"; } | tee "$tmp/log"
    counts "$what"
    [ "$(cat "$tmp/status")" -eq 0 ] || [ $failed -gt $before ] ||
        verdict 1 "$what: all of it"
}

# counts WHAT: adds those of the log, `12 passed, 1 failed, 2 skipped`. No such line
# at all is a failure as well.
counts() {
    count=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$tmp/log" | tail -n 1)
    [ -n "$count" ] || { verdict 1 "$1: the tests run"; return; }
    # shellcheck disable=SC2086 # The words are what we want.
    set -- $count 0 0
    passed=$((passed + $1))
    failed=$((failed + $3))
    [ "${6%,}" != skipped ] || skipped=$((skipped + $5))
}

# The tests about the text and the speed say nothing new with sanitizers, nor
# do those of the steps with another poller.
tests='' final=''
for f in tests/*.bats; do
    case $f in
    */bench.bats | */course.bats | */exercises.bats | */stage.bats) ;;
    */chapters.bats | */step-*.bats) tests="$tests $f" ;;
    *) tests="$tests $f" final="$final $f" ;;
    esac
done
if [ -r /proc/self/status ]; then
    SOAK=${SOAK:-60} ${MAKE:-make} -s soak
    verdict $? "a mixed load leaves nothing behind"
else
    skip "a mixed load: there is no /proc"
fi
nice -n 5 sh tests/fuzz/fuzz.sh > "$tmp/fuzz" 2>&1 &
fuzz=$!
suite "with the address and undefined-behaviour sanitizers" \
    BUILD="$build/sanitized" CFLAGS="$sanitize" TESTS="$tests" test
echo "# inputs that libFuzzer invents:"
wait $fuzz
fuzz=
tee "$tmp/log" < "$tmp/fuzz"
counts "inputs that libFuzzer invents"
export POLLER=select
suite "the final program with the select poller" TESTS="$final" test
unset POLLER
suite "other systems" systems

line="$passed passed, $failed failed"
[ $skipped -eq 0 ] || line="$line, $skipped skipped"
echo "$line"
[ $failed -eq 0 ]
