# Parts of the server beside naive models of them: see models.c. A failure says
# which SEED repeats it; OPERATIONS=1000000 does more than 20,000 things.

CHECKED="-fsanitize=address,undefined -fno-sanitize-recover=all"

setup_file() {
    load helper
    cp src/ioloop.c src/ioloop/poller_*.c src/iostream.c src/iostream/*.c src/base/*.c \
        src/web/urlspec.c src/httpconnection/httputil.c tests/models.c "$BATS_FILE_TMPDIR"
    export FLAGS
    for FLAGS in "${CFLAGS:--O1 -g} $CHECKED" "${CFLAGS:--O1 -g}"; do
        build models "$BATS_FILE_TMPDIR"/*.c &&
            OPERATIONS=1 "$BATS_FILE_TMPDIR/models" headers >> "$BATS_FILE_TMPDIR/errors" 2>&1 &&
            return
    done
    touch "$BATS_FILE_TMPDIR/no-build"
}

# build PROGRAM FILE...: compiles these files, and links all.
build() {
    local program=$1 folders=() d
    shift
    for d in src src/*/; do folders+=(-I "$ROOT/$d"); done
    # shellcheck disable=SC2086 # The flags are words.
    (
        cd "$BATS_FILE_TMPDIR" || exit
        ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
            $FLAGS "${folders[@]}" -c "$@" &&
            ${CC:-cc} -pthread $FLAGS ./*.o ${LDFLAGS:-} -o "$program"
    ) > "$BATS_FILE_TMPDIR/errors" 2>&1
}

setup() {
    load helper
    [ ! -e "$BATS_FILE_TMPDIR/no-build" ] || { cat "$BATS_FILE_TMPDIR/errors"; return 1; }
}

models() { "$BATS_FILE_TMPDIR/models" "$1" 3>&- 4>&-; }

@test "timeouts run in the order of an array that is searched each time" {
    models timeouts
}

@test "callbacks run in their order, each in the next turn" {
    models callbacks
}

@test "a loop has a handler for what an array says, and refuses the others with a reason" {
    models handlers
}

@test "a buffer holds what a string holds, and its block is counted" {
    models buffer
}

@test "a stream reads and writes what two strings hold, up to each delimiter and size" {
    models stream
}

@test "a path has the route that trying each pattern finds, with the same groups" {
    models routes
}

@test "a list of headers has the values of an array, for names in any case" {
    models headers
}

@test "a seed repeats a run" {
    SEED=7 OPERATIONS=1000 run -0 models timeouts
    local first=$output
    SEED=7 OPERATIONS=1000 run -0 models timeouts
    [ "$output" = "$first" ]
    [[ $output == SEED=7$'\n'*" operations, and then "* ]] || false
    SEED=8 OPERATIONS=1000 run -0 models timeouts
    [ "${output##* }" != "${first##* }" ]
}

@test "each model notices a defect in the server" {
    while IFS='|' read -r name file change; do
        cp "$BATS_FILE_TMPDIR/$file" "$BATS_TEST_TMPDIR"
        sed -i "$change" "$BATS_FILE_TMPDIR/$file"
        run ! cmp -s "$BATS_FILE_TMPDIR/$file" "$BATS_TEST_TMPDIR/$file"
        build spoiled "$file"
        cp "$BATS_TEST_TMPDIR/$file" "$BATS_FILE_TMPDIR"
        build models "$file"
        SEED=1 run "$BATS_FILE_TMPDIR/spoiled" "$name" 3>&- 4>&-
        [[ $status -ne 0 && ${lines[0]} == SEED=1 ]] ||
            { echo "$name notices nothing: $change"; return 1; }
    done << 'END'
timeouts|ioloop.c|s/earlier(heap\[child + 1\], heap\[child\])/false/
callbacks|ioloop.c|s/loop->callbacks + n,/loop->callbacks + n - 1,/
handlers|ioloop.c|s/errno = ENOENT;/errno = 0;/
buffer|memory.c|s/(\*b)->start = start - room/(*b)->start = start/
stream|memory.c|s/q += q < end && \*q == '\\r'/q += 0/
routes|urlspec.c|s/groups\[0\].rm_so != 0/false/
headers|httputil.c|s/headers->twice |= headers->seen \& bit/headers->twice |= 0/
END
}
