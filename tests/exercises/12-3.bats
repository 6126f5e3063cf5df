# Exercise 12.3: what was uploaded.

setup() {
    load ../helper
    start_step 12
    cd "$BATS_TEST_TMPDIR" || return 1
    printf 'hello world' > notes.txt
    : > empty.txt
}
teardown() {
    cd "$ROOT" || return 1
    stop_server clean
}

@test "a file has a line with its field, its name and its size" {
    http -F name=world -F upload=@notes.txt -F more=@empty.txt "$URL" |
        sed 1d > have
    printf '%s\n' 'name is world' 'upload is a file: notes.txt, 11 bytes' \
        'more is a file: empty.txt, 0 bytes' | cmp - have
}

@test "a long name is a name, too" {
    name=$(printf '%0300d' 7)
    http -F "upload=@notes.txt;filename=$name" "$URL" |
        grep -qx "upload is a file: $name, 11 bytes"
}

@test "without files all is as before" {
    http -d a=1 "$URL" | sed 1d > have
    printf 'a is 1\n' | cmp - have
}
