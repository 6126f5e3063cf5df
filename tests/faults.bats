# Every call that can fail does so once, or from then on: see faults.c. The
# answer is the right one, or a 503, or the connection is closed; then the server
# serves as before. FULL=1 lets each call of each conversation fail, FULL=3 every
# third one; else it is every 11th allocation and every 5th system call.

setup_file() {
    load helper
    local dir=$BATS_FILE_TMPDIR stage=${STAGE:-$BUILD/step-${STEPS##* }}
    [ -d "$stage" ] || stage=$(ls -d "$BUILD"/step-* | sort -t - -k 2 -n | tail -n 1)
    mkdir -p "$dir/stage" "$dir/files/sub"
    cp "$stage"/*.[ch] "$dir/stage"

    # With blocks of this size, nearly each piece of an arena and each growth of
    # a buffer is an allocation.
    sed -i 's/BLOCK_SIZE = 4096/BLOCK_SIZE = 64/' "$dir/stage/memory.h"
    sed -i 's/MAX_FREE = 4096/MAX_FREE = 1/' "$dir/stage/memory.c"
    grep -q 'BLOCK_SIZE = 64' "$dir/stage/memory.h"
    grep -q 'MAX_FREE = 1' "$dir/stage/memory.c"
    # COVERAGE is what coverage.sh compiles with.
    build ${COVERAGE:--fsanitize=address,undefined -fno-sanitize-recover=all} ||
        build || touch "$dir/no-build"

    # When memory runs out, glibc's regcomp() leaks what it has.
    echo leak:regcomp > "$dir/suppressions"
    yes small | head -c 3000 > "$dir/files/small.txt"
    yes large | head -c 200000 > "$dir/files/large.txt"
    echo index > "$dir/files/sub/index.html"
    touch -t 202001011200 "$dir/files"/*.txt "$dir/files/sub/index.html"
}

build() {
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread -D_FILE_OFFSET_BITS=64 -O1 -g \
        -U_FORTIFY_SOURCE -Dmain=server_main -I "$BATS_FILE_TMPDIR/stage" "$@" \
        tests/faults.c "$BATS_FILE_TMPDIR"/stage/*.c -ldl \
        -o "$BATS_FILE_TMPDIR/faults" 2> "$BATS_FILE_TMPDIR/errors"
}

setup() {
    load helper
    ! grep -q 'needs glibc' "$BATS_FILE_TMPDIR/errors" ||
        skip "tests/faults.c replaces malloc() by means of glibc"
    [ ! -e "$BATS_FILE_TMPDIR/no-build" ] || { cat "$BATS_FILE_TMPDIR/errors"; return 1; }
}

# faults STEP CALL [OPTION...]
faults() {
    local step=${FULL:-$1} call=$2
    shift 2
    (
        cd "$BATS_FILE_TMPDIR"
        export TZ=ABC-9 ASAN_OPTIONS=fast_unwind_on_malloc=0
        export LSAN_OPTIONS=suppressions=suppressions:print_suppressions=0
        ./faults "$call" "$step" --port=0 \
            ${SECRET---secret=0123456789abcdef} --static-path=files --xheaders --stop-timeout=1 \
            ${POLLER:+--poller=$POLLER} "$@"
    ) > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/log" 3>&- 4>&- ||
        { head -n 60 "$BATS_TEST_TMPDIR/out"; log_is_right; return 1; }
    log_is_right
}

# Each line of the log is one of those without a fault, or names a fault as the
# reason, and has the hour of TZ. (If tzset() has no memory at the start, it does
# not say so.)
log_is_right() {
    awk '
        { sub(/ [0-9.]+ms$/, "") }
        /^--- faults/ { faults = 1; next }
        !faults { known[$0] = 1; next }
        $0 in known { next }
        /^\[I 200102 03:04:05 .* 200 GET \/hello\/next/ { next }
        /^(dustdevil: |\[[EWI] 200102 12:04:05 )/ && reason() { next }
        { print "log: " $0; bad = 1 }
        END { exit bad }
        function reason() {
            return /503 |[Oo]ut of memory|[Mm]emory|answer cut short|cannot accept/ ||
                /Too many open|ended with status|Input.output error|Interrupted|No space left/ ||
                /Resource temporarily|Address already in use|random/
        }' "$BATS_TEST_TMPDIR/log"
}

@test "without memory the answer is right, or 503, or the connection is closed" {
    faults 11 malloc
}

@test "a failed call for a connection costs at most that connection" {
    for call in accept4 fcntl recv send sendmsg shutdown setsockopt; do
        faults 5 "$call"
    done
    faults 1 getentropy
}

@test "a failed call for a file is a 503" {
    for call in openat fstat pread; do faults 3 "$call"; done
}

@test "a failed call of a poller, or for the waker, stops no server" {
    case ${POLLER:-} in
    select) faults 5 select ;;
    *)
        for call in epoll_ctl epoll_wait; do faults 5 "$call"; done
        faults 1 epoll_create1
        for call in select fstat fcntl; do faults 5 "$call" --poller=select; done
        ;;
    esac
    faults 1 read
}

@test "a server that cannot begin says why" {
    for call in socket bind listen pipe; do faults 1 "$call"; done
    for call in fork pipe setsockopt; do faults 1 "$call" --processes=2; done
    SECRET='' faults 1 getentropy
}
