# coverage.sh -- which lines and branches of src the tests reach.
#
#     make coverage
#
# The program is compiled with gcc --coverage, from copies of src, so that the
# lines have the numbers of src, and without its asserts. The tests of a server
# run against it, some of them with the select poller, and in the fault runs each
# call fails once. Then gcov, which comes with gcc, counts. TESTS=... takes other
# files; TESTS=none counts again what is there. BRANCHES=1 lists the branches,
# too: "memory.c:198: 1 of 2". A test that reads the log as the whole of stderr,
# or limits descriptors, may fail here: the counters are files.

build=$PWD/${BUILD:-build}/coverage
last=${STEPS##* }
stage=$build/step-$last
src=$PWD/src # make compiles src/a/b.c, and gcov looks for it
flags="-O0 -g --coverage -fprofile-update=atomic -DNDEBUG -include $build/count.h"
command -v gcov > /dev/null && [ -n "$last" ] || { echo "There is no gcov."; exit 1; }

if [ "${TESTS:-}" != none ]; then
    umask 0
    rm -rf "$build"
    mkdir -p "$stage" "$build/tmp"
    for f in src/*.[ch] src/*/*.[ch]; do
        case $f in src/steps/*) ;; *) cp "$f" "$stage" ;; esac
    done
    # What a signal ends is counted, too. At the end no other file is needed, so
    # that there is a descriptor for the counters.
    cat > "$build/count.h" << 'END'
#pragma once
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
void __gcov_dump(void);
void __gcov_reset(void);
static void count_and_end(int n) { __gcov_dump(); _exit(128 + n); }
__attribute__((constructor)) static void
count_at_sigterm(void) { signal(SIGTERM, count_and_end); }
static void count_with_room(void) { for (int fd = 3; fd < 1200; fd++) close(fd); }
__attribute__((constructor)) static void
count_at_exit(void) { atexit(count_with_room); }
#define raise(n) (__gcov_dump(), __gcov_reset(), raise(n))
END
    # shellcheck disable=SC2086 # The flags are words.
    (cd "$stage" && gcc -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
        -D_TIME_BITS=64 -pthread $flags "$stage"/*.c -o server) || exit 1
    cp "${BUILD:-build}/client" "$build/client"
    ln -s "$stage/server" "$build/dustdevil"
    for n in $STEPS; do [ "$n" = "$last" ] || ln -s "$stage" "$build/step-$n"; done
    chmod -R a+rwX "$build"

    # gcov needs what the programs of the tests leave: so it is kept.
    export BUILD="$build" SERVER="$stage/server" TMPDIR="$build/tmp" CC="gcc $flags"
    export CFLAGS="$flags" COVERAGE="$flags" FULL="${FULL-1}" END=-TERM BATS_OPTIONS=--no-tempdir-cleanup
    quietly() { sh tests/run.sh "$@" | grep -vE '^(ok|1\.\.|# |BATS_RUN)'; }
    if [ -n "${TESTS:-}" ]; then
        # shellcheck disable=SC2086 # The files are words.
        quietly $TESTS
    else
        quietly tests/deadlines.bats tests/faults.bats tests/http-*.bats \
            tests/mistakes.bats tests/operation.bats tests/proxy.bats tests/routes.bats \
            tests/trace-page.bats tests/step-2[6-9].bats tests/step-3?.bats
        # Not those that run the tests above over TLS.
        BATS_OPTIONS="$BATS_OPTIONS -f ^([^t]|t[^h]|the.([^t]|t[^e]))" quietly tests/tls.bats
        BATS_OPTIONS="$BATS_OPTIONS -f hello.world.of.the.card" quietly tests/course.bats
        POLLER=select quietly tests/operation.bats tests/http-connection.bats \
            tests/step-27.bats

        # These know programs of their own, and some of them fail with this one.
        # What counts are the lines that they reach in the loop.
        quietly tests/step-0[234].bats tests/step-1[0579].bats tests/step-2[34].bats \
            > "$build/steps" || true
    fi
fi

# One text for each object, because several programs contain the same file.
out=$build/gcov
rm -rf "$out"
mkdir -p "$out"
cd "$out" || exit 1
find "$build" -name '*.gcda' | while read -r data; do
    n=$((n + 1))
    mkdir "$n" && ln -s "$src" "$n/src" && (cd "$n" && gcov -b -c -o "${data%.gcda}.gcno" "${data%.gcda}.gcno" > /dev/null 2>&1)
done

find . -name '*.c.gcov' -exec cat {} + | awk -v branches="${BRANCHES:-}" -v names="$(cd "$stage" && ls -- *.c)" '
    BEGIN { n = split(names, list, "\n"); for (i = 1; i <= n; i++) ours[list[i]] = 1 }
    # "        5*:   12:text"; "-": no code, "#####": never reached.
    match($0, /^ *[^ :]+: *[0-9]+:/) {
        split($0, part, ":")
        count = part[1]
        line = part[2] + 0
        text = substr($0, RLENGTH + 1)
        gsub(/[ *]/, "", count)
        if (line == 0) {
            if (text ~ /^Source:/) {
                file = text ~ /\/(step-[0-9]+|stage)\/[^\/]*$|:src\// ? text : ""
                sub(/.*\//, "", file)
            }
            next
        }
        nth = 0
        if (!(file in ours) || count == "-") next
        if (!((file, line) in code)) { code[file, line] = text; lines[file]++ }
        if (line > last[file]) last[file] = line
        if (count ~ /^[0-9]/ && count > 0 && !((file, line) in hit)) { hit[file, line] = 1; reached[file]++ }
        next
    }
    /^branch/ && (file in ours) {
        nth++
        if (!((file, line, nth) in way)) { way[file, line, nth] = 1; ways[file]++; at[file, line]++ }
        if ($3 == "taken" && $4 > 0 && !((file, line, nth) in gone)) {
            gone[file, line, nth] = 1; went[file]++; seen[file, line]++
        }
    }
    function row(name, a, b, c, d) {
        printf "%-18s %5d of %5d lines %6.1f %%  %5d of %5d branches %6.1f %%\n", name,
            a, b, b ? 100 * a / b : 100, c, d, d ? 100 * c / d : 100
    }
    END {
        for (i = 1; i <= n; i++) {
            f = list[i]
            if (!lines[f]) continue
            row(f, reached[f], lines[f], went[f], ways[f])
            a += reached[f]; b += lines[f]; c += went[f]; d += ways[f]
        }
        row("all", a, b, c, d)
        for (i = 1; i <= n; i++) {
            f = list[i]
            for (l = 1; l <= last[f]; l++) {
                if ((f, l) in code && !((f, l) in hit)) print f ":" l ": not reached: " code[f, l]
                else if (branches && at[f, l] > seen[f, l])
                    print f ":" l ": " seen[f, l] + 0 " of " at[f, l] ": " code[f, l]
            }
        }
    }'
