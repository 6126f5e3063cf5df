# The harnesses of tests/fuzz, with the inputs of tests/fuzz/corpus. Each of them
# says in its first lines what it checks. `make fuzz` invents other inputs.

CHECKED="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"

setup_file() {
    load helper
    # Compiled once, and again only when a source has changed.
    build "$CHECKED" > "$BATS_FILE_TMPDIR/errors" 2>&1 || build "-O1 -g" >> "$BATS_FILE_TMPDIR/errors" 2>&1 ||
        touch "$BATS_FILE_TMPDIR/no-build"
}

setup() {
    load helper
    [ ! -e "$BATS_FILE_TMPDIR/no-build" ] || { cat "$BATS_FILE_TMPDIR/errors"; return 1; }
    FLAGS=$(cat "$BATS_FILE_TMPDIR/flags")
}

harnesses() { basename -s .c -a tests/fuzz/*.c | grep -vxE 'fuzz|replay'; }

# build FLAGS: all harnesses, in a folder for these flags; and can one run?
build() {
    local flags="${CFLAGS:-} $1"
    REPLAY=$BUILD/replay-$(echo "$flags" | cksum | cut -d ' ' -f 1)
    export REPLAY
    echo "$flags" > "$BATS_FILE_TMPDIR/flags"
    # shellcheck disable=SC2046 # The names are words.
    make -s BUILD="$REPLAY" CFLAGS="$flags" $(harnesses | sed "s|^|$REPLAY/fuzz-|") &&
        "$REPLAY/fuzz-head"
}

# replay NAME [PROGRAM]: gives it the corpus.
replay() {
    "${2:-$REPLAY/fuzz-$1}" tests/fuzz/corpus/"$1"/* > "$BATS_TEST_TMPDIR/out" 2>&1 3>&- 4>&- ||
        { tail -n 40 "$BATS_TEST_TMPDIR/out"; return 1; }
}

@test "a head is refused or has valid parts, and its first bytes are refused for the same reason" {
    replay head
}

@test "a body in chunks is the same however it is cut, and as a plain decoder reads it" {
    replay chunked
}

@test "a form has the fields that a plain decoder finds, and the same when it is written again" {
    replay form
}

@test "cookies are read as by a plain parser, and only what the server has signed is a signed value" {
    replay cookie
}

@test "ranges, dates and tags select what a plain reading of them selects" {
    replay range
}

@test "a path leads to the file that a plain reading finds, and never out of the tree" {
    replay static
}

@test "a conversation has the same answers however it is cut, each well-formed, and leaves nothing behind" {
    replay conversation
}

@test "each harness has a dozen inputs, and each folder of inputs has a harness" {
    harnesses | diff - <(ls tests/fuzz/corpus)
    for name in $(harnesses); do
        [ "$(find "tests/fuzz/corpus/$name" -type f | wc -l)" -ge 12 ] ||
            { echo "$name has few inputs"; return 1; }
    done
}

# spoil FILE SED NAME: a harness, with one line of src/FILE that has changed.
spoil() {
    local folders=() d spoiled=$BATS_TEST_TMPDIR/${1##*/}
    for d in src src/*/; do folders+=(-I "$d"); done
    sed "$2" "src/$1" > "$spoiled"
    run ! cmp -s "src/$1" "$spoiled"
    # shellcheck disable=SC2046,SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 $FLAGS \
        "${folders[@]}" "tests/fuzz/$3.c" tests/fuzz/fuzz.c tests/fuzz/replay.c "$spoiled" \
        "$REPLAY/src.a" ${LDFLAGS:-} $([ ! -e "$REPLAY/tls.yes" ] || echo -lssl -lcrypto) -o "$BATS_TEST_TMPDIR/spoiled"
}

@test "each harness notices a defect in the server" {
    while IFS='|' read -r name file change; do
        spoil "$file" "$change" "$name"
        run replay "$name" "$BATS_TEST_TMPDIR/spoiled"
        [ "$status" -ne 0 ] || { echo "$name notices nothing: $change"; return 1; }
        [[ $output == *"wrong: not true that "* ]] || { echo "$name: $output"; return 1; }
    done << 'END'
head|httpconnection/httputil.c|s/httpheaders_get_list(headers, name, 1) == NULL/true/
chunked|httpconnection/httpchunked.c|s/memcmp(data, "\\r\\n", size) != 0/false/
form|httpconnection/httpform.c|s/copy\[i\] == '+'/copy[i] == '-'/
cookie|web/webcookie.c|s/end != text + size/false/
range|httpconnection/httputil.c|s/day.tm_mday == tm.tm_mday/true/
static|web/webstatic.c|s/O_NOFOLLOW | //
conversation|iostream.c|s/s->eof = max == MAX_READ/s->eof = true/
END
}
