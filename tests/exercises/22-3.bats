# Exercise 22-3: a form's files have a line, too.

setup()    { load ../helper; start_step 22; }
teardown() { stop_server clean; }

@test "each file has a line, behind the fields" {
    printf 'eleven char' > "$BATS_TEST_TMPDIR/note.txt"
    : > "$BATS_TEST_TMPDIR/empty"
    http -F "file=@$BATS_TEST_TMPDIR/note.txt" -F a=b \
        -F "none=@$BATS_TEST_TMPDIR/empty" "$URL/form" > "$BATS_TEST_TMPDIR/have"
    printf '%s\n' 'a=b' 'file is a file: note.txt, 11 bytes' \
        'none is a file: empty, 0 bytes' | cmp - "$BATS_TEST_TMPDIR/have"
}

@test "a form without files is as before" {
    [ "$(http -d a=b "$URL/form")" = "a=b" ]
}
