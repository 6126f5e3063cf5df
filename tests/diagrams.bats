# The pictures that are drawn from the records of a run; see draw.sh.

LIVES='life-of-a-request life-of-a-get life-of-a-slow-handler'

setup()    { load helper; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server; }

# life FILE: the picture of these records.
life() {
    # shellcheck disable=SC2012 # Their names are plain.
    ls src/*.c src/*/*.c |
        awk -f tests/life.awk -v title=T -v request=R - chapters/tour.md "$1"
}

# same_picture NAME FILE: is it the one that stands in diagrams?
same_picture() {
    cmp -s "diagrams/$1.svg" "$2" && return
    echo "diagrams/$1.svg does not show what the server does now."
    echo 'Run `make diagrams`, and look at what has changed:'
    diff "diagrams/$1.svg" "$2"
    return 1
}

# records: those of one POST and one GET, in the file of that name.
records() {
    start_server --trace="$TMP/records"
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    good
    stop_server clean
}

@test "the lives of requests are drawn as they happen" {
    # Elsewhere a connection is accepted before its first bytes are there.
    [ "$(uname)" = Linux ] || skip "they are drawn on Linux"
    sh tests/draw.sh "$BUILD" "$TMP"
    for name in $LIVES; do
        same_picture "$name" "$TMP/$name.svg"
    done
}

@test "a picture shows every stop of its run" {
    for name in $LIVES; do
        sed -n '/<desc/,/<\/desc>/p' "diagrams/$name.svg" | grep -o '([0-9]*)' > "$TMP/said"
        [ -s "$TMP/said" ]
        grep -o '<tspan class="n">([0-9]*)' "diagrams/$name.svg" | grep -o '([0-9]*)' |
            diff "$TMP/said" -
    done
    # The tour's request has all of them.
    sed -n 's/^| (\([0-9]*\)) .*/(\1)/p' chapters/tour.md | sort > "$TMP/stops"
    sed -n '/<desc/,/<\/desc>/p' diagrams/life-of-a-request.svg | grep -o '([0-9]*)' |
        sort -u | diff "$TMP/stops" -
}

@test "a slow handler waits while another request passes" {
    sed -n '/<desc/,/<\/desc>/p' diagrams/life-of-a-slow-handler.svg | tr '\n' ' ' | grep -qE \
        '\(12\) for client A, the loop waits .* \(20\) for client B.*the loop waits .* \(14\) for client A'
}

@test "times, descriptors and line numbers are in no picture" {
    records
    life "$TMP/records" > "$TMP/one.svg"
    awk -F '\t' -v OFS='\t' 'NR > 1 {
            $1 += 9; $2 += NR * 7; $8 += 3
            if (match($9, /descriptor [0-9]+/))
                $9 = substr($9, 1, RSTART - 1) "descriptor 77" substr($9, RSTART + RLENGTH)
            sub(/waited [0-9.]+/, "waited 9.9", $9)
        } { print }' "$TMP/records" > "$TMP/others"
    run ! cmp -s "$TMP/records" "$TMP/others"
    life "$TMP/others" | diff "$TMP/one.svg" -
}

@test "a function with another name makes another picture, and the word what to do" {
    cp diagrams/life-of-a-get.svg "$TMP/get.svg"
    same_picture life-of-a-get "$TMP/get.svg"
    sed 's/handle_accept/take_client/' diagrams/life-of-a-get.svg > "$TMP/get.svg"
    run same_picture life-of-a-get "$TMP/get.svg"
    [ "$status" -eq 1 ]
    [[ "$output" = *'Run `make diagrams`'* ]]

    records
    life "$TMP/records" > "$TMP/one.svg"
    sed 's/handle_accept/take_client/' "$TMP/records" > "$TMP/renamed"
    life "$TMP/renamed" > "$TMP/other.svg"
    run ! cmp -s "$TMP/one.svg" "$TMP/other.svg"
}

@test "records of a file that is in no part are refused" {
    records
    sed 's/web\.c/elsewhere.c/' "$TMP/records" > "$TMP/renamed"
    run life "$TMP/renamed"
    [ "$status" -eq 1 ]
    [[ "$output" = *'no column for elsewhere.c'* ]]
}
