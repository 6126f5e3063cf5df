# The answers to the exercises are right; tests/exercises.sh has the rules.

setup() { load helper; }

@test "every answer solves its exercise, and every break is noticed" {
    command -v patch > /dev/null || skip "patch is not installed"
    command -v ps > /dev/null || skip "ps is not installed"

    # Those of ten chapters beside those of the next ten: they wait a lot.
    local tens pids=() bad=0
    for tens in $(cd chapters/answers && ls | cut -c 1 | sort -u); do
        sh tests/exercises.sh "$tens" > "$BATS_TEST_TMPDIR/$tens" 2>&1 3>&- 4>&- &
        pids+=($!)
    done
    [ ${#pids[@]} -gt 1 ]
    for pid in "${pids[@]}"; do wait "$pid" || bad=1; done
    cat "$BATS_TEST_TMPDIR"/?
    [ $bad -eq 0 ]
}

@test "every exercise with a test has an answer" {
    for f in tests/exercises/*.bats; do
        [ -e "$f" ] || continue
        f=${f##*/}
        [ -f "chapters/answers/${f%.bats}.patch" ] ||
            { echo "no chapters/answers/${f%.bats}.patch"; return 1; }
    done
}
