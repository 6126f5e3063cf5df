# systems.sh -- the server on other systems, as far as this one can imitate them.
#
#     make systems
#
# Another compiler (clang), another C library (musl), 32 bits (m32), the other
# order of bytes (s390x, under qemu), and kqueue: compiled with declarations of
# our own, and run with libkqueue if KQUEUE is the folder in which it was built:
#
#     git clone https://github.com/mheily/libkqueue
#     cd libkqueue && cmake -DSTATIC_KQUEUE=ON -B build . && make -C build
#     make systems SYSTEMS=kqueue KQUEUE=$PWD/build
#
# Each server has to pass the tests of step 16 and some of the whole server, or
# those of TESTS; ALL=1 takes all. SYSTEMS are some of the names. Under qemu some
# tests of ALL fail that look at the process in /proc.

build=${BUILD:-build}/systems
few="tests/step-16.bats tests/http-body.bats tests/http-connection.bats"
all="$few tests/http-grammar.bats tests/http-semantics.bats tests/routes.bats
     tests/deadlines.bats tests/operation.bats tests/proxy.bats
     tests/trace-page.bats"
tests=${TESTS:-$([ -n "${ALL:-}" ] && echo "$all" || echo "$few")}
passed=0 failed=0 skipped=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

verdict() {  # verdict STATUS WHAT
    if [ "$1" -eq 0 ]; then echo "ok $2"; passed=$((passed + 1))
    else echo "not ok $2"; failed=$((failed + 1)); fi
}

skip() { echo "ok $1 # skip"; skipped=$((skipped + 1)); }

# programs NAME ASSIGNMENT...: made in build/systems/NAME. Some tests of ALL build
# programs of their own from the sources of a step.
programs() {
    name=$1
    shift
    rm -rf "${build:?}/$name"
    ${MAKE:-make} -s --no-print-directory BUILD="$build/$name" "$@" \
        "$build/$name/dustdevil" "$build/$name/step-16/server" \
        "$build/$name/step-35/.staged" "$build/$name/step-36/.staged" \
        "$build/$name/step-38/.staged" \
        > "$tmp/log" 2>&1 &&
        cp "${BUILD:-build}/client" "$build/$name" && [ ! -s "$tmp/log" ]
    status=$?
    cat "$tmp/log"
    verdict $status "$name: the programs are made, without a warning"
    return $status
}

# suite NAME: its programs pass the tests.
suite() {
    echo "# $1:"
    # shellcheck disable=SC2086 # The names are words.
    BUILD=$build/$1 sh tests/run.sh $tests > "$tmp/log" 2>&1
    grep -vE '^(ok|1\.\.|# tests/.*is done)' "$tmp/log"
    # shellcheck disable=SC2046 # The words are what we want.
    set -- $(grep -E '^[0-9]+ passed, [0-9]+ failed' "$tmp/log" | tail -n 1) 0 0
    [ "${2%,}" = passed ] || { verdict 1 "the tests run"; return; }
    passed=$((passed + $1)) failed=$((failed + $3))
    [ "${6%,}" != skipped ] || skipped=$((skipped + $5))
}

# makes COMMAND...: can it make a program?
makes() {
    printf '#include <sys/socket.h>\nint main(void) { return 0; }\n' > "$tmp/empty.c"
    "$@" "$tmp/empty.c" -o "$tmp/empty" > /dev/null 2>&1
}

try_clang() {
    makes clang || { skip "clang is not installed"; return; }
    programs clang CC=clang && suite clang
}

try_musl() {
    makes musl-gcc || { skip "musl: no musl-gcc (package musl-tools)"; return; }
    programs musl CC=musl-gcc && suite musl
}

# Beside a cross compiler Debian does not install gcc-multilib, whose only file
# leads to <asm/>.
try_m32() {
    cc='gcc -m32'
    # shellcheck disable=SC2086 # The flags are words.
    makes $cc || cc="$cc -idirafter /usr/include/$(gcc -print-multiarch)"
    # shellcheck disable=SC2086
    makes $cc || { skip "m32: no gcc -m32 (package gcc-multilib)"; return; }
    programs m32 CC="$cc" && suite m32
}

# A program of another processor is started by a script.
try_s390x() {
    run="qemu-s390x -L /usr/s390x-linux-gnu"
    # shellcheck disable=SC2086 # The words are a command.
    { makes s390x-linux-gnu-gcc && $run "$tmp/empty"; } || {
        skip "s390x: no compiler (gcc-s390x-linux-gnu, libc6-dev-s390x-cross) or no qemu-user"
        return
    }
    programs s390x CC=s390x-linux-gnu-gcc || return
    for f in "$build"/s390x/dustdevil "$build"/s390x/step-16/server; do
        mv "$f" "$f.s390x"
        printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$run" "$(realpath "$f.s390x")" > "$f"
        chmod +x "$f"
    done
    suite s390x
}

# What <sys/event.h> of a BSD declares, as far as poller_kqueue.c needs it.
try_declarations() {
    mkdir -p "$tmp/sys"
    cat > "$tmp/sys/event.h" << 'END'
#include <stdint.h>
#include <time.h>
struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned fflags;
    intptr_t data;
    void *udata;
};
#define EV_SET(kev, a, b, c, d, e, f) \
    (*(kev) = (struct kevent){(a), (b), (c), (d), (e), (f)})
enum { EVFILT_READ = -1, EVFILT_WRITE = -2 };
enum { EV_ADD = 1, EV_DELETE = 2, EV_CLEAR = 0x20, EV_EOF = 0x8000 };
int kqueue(void);
int kevent(int kq, const struct kevent *changes, int n, struct kevent *events,
           int max, const struct timespec *timeout);
END
    # shellcheck disable=SC2046 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -D__DragonFly__ -Wall -Wextra -Wpedantic \
        -Werror -I "$tmp" $(printf -- '-I %s ' src src/*/) \
        -c src/ioloop/poller_kqueue.c -o "$tmp/kqueue.o"
    verdict $? "kqueue: the poller is compiled with declarations of our own"
}

try_kqueue() {
    try_declarations
    [ -n "${KQUEUE:-}" ] || { skip "kqueue: KQUEUE does not say where libkqueue is"; return; }
    [ -e "$KQUEUE/include/sys/event.h" ] && [ -e "$KQUEUE/libkqueue.a" ]
    verdict $? "kqueue: $KQUEUE has include/sys/event.h and libkqueue.a"
    [ -e "$KQUEUE/libkqueue.a" ] || return
    programs kqueue CFLAGS="-O1 -g -Wall -Wextra -D__DragonFly__ -isystem $KQUEUE/include" \
        LDFLAGS="-L$KQUEUE -l:libkqueue.a" || return
    export POLLER=kqueue
    suite kqueue
    unset POLLER
}

mkdir -p "$build"
for system in ${SYSTEMS:-clang musl m32 s390x kqueue}; do
    case $system in
    clang | musl | m32 | s390x | kqueue) "try_$system" ;;
    *) verdict 1 "there is no system '$system'" ;;
    esac
done
line="$passed passed, $failed failed"
[ $skipped -eq 0 ] || line="$line, $skipped skipped"
echo "$line"
[ $failed -eq 0 ]
