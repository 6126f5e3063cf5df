# fuzz.sh -- libFuzzer invents inputs for the harnesses of this folder.
#
#     make fuzz                              each harness for 60 seconds
#     make fuzz FUZZ=head FUZZ_TIME=600      one of them, for ten minutes
#
# It begins with the files of corpus/. Inputs that reach something new go to
# build/fuzz/found-NAME; an input that fails is in build/fuzz, too. When its
# defect is mended it becomes a file of corpus/. The last line counts.

seconds=${FUZZ_TIME:-60}
cc=${FUZZ_CC:-clang}
build=${BUILD:-build}/fuzz
sanitize="-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined"
sanitize="$sanitize -fno-sanitize-recover=all"

mkdir -p "$build"
echo '#include <stddef.h>
int LLVMFuzzerTestOneInput(const char *data, size_t n) { return data && !n; }' |
    $cc -x c - -fsanitize=fuzzer,address -o "$build/try" 2> /dev/null || {
    echo "ok make fuzz # skip: it needs clang with libFuzzer"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

# invent: lets the harness run. An interrupt ends it, too.
invent() {
    "$build/fuzz-$name" -max_total_time="$seconds" -timeout=30 \
        -dict=tests/fuzz/http.dict -artifact_prefix="$build/$name-" \
        "$build/found-$name" "tests/fuzz/corpus/$name" > "$log" 2>&1 &
    harness=$!
    wait $harness
}
harness=
trap 'kill $harness 2> /dev/null; exit 130' INT TERM

passed=0 failed=0
for file in tests/fuzz/*.c; do
    name=$(basename "$file" .c)
    case $name in fuzz | replay) continue ;; esac
    case " ${FUZZ:-$name} " in *" $name "*) ;; *) continue ;; esac
    mkdir -p "$build/found-$name"
    log=$build/$name.log
    ${MAKE:-make} -s BUILD="$build" CC="$cc" CFLAGS="$sanitize" LDFLAGS=-fsanitize=fuzzer \
        FUZZ_MAIN='' "$build/fuzz-$name" > "$log" 2>&1 &&
        begin=$(date +%s) && invent
    if [ $? -eq 0 ]; then
        passed=$((passed + 1))
        begin=$(($(date +%s) - begin))
        awk -v name="$name" -v seconds="$begin" '
            { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
            $1 == "Done" { runs = $2 }
            END { printf "ok %s: %d runs, %d places in the code reached, %d s\n",
                name, runs, cov, seconds }' "$log"
    else
        echo "not ok $name: see $log"
        grep -E '^wrong: |ERROR: |runtime error: |^SUMMARY: |Test unit written' "$log"
        failed=$((failed + 1))
    fi
done
[ $((passed + failed)) -gt 0 ] || { echo "not ok there is no such harness"; failed=1; }
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
