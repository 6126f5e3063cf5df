# The answers to the exercises are right; tests/exercises.sh has the rules.

setup() { load helper; }

@test "every answer solves its exercise, and every break is noticed" {
    command -v patch > /dev/null || skip "patch is not installed"
    command -v ps > /dev/null || skip "ps is not installed"
    # Those of ten chapters beside those of the next ten: they wait a lot.
    (cd chapters/answers && ls) | cut -c 1 | sort -u |
        xargs -P 4 -n 1 sh tests/exercises.sh
}

@test "every exercise with a test has an answer" {
    for f in tests/exercises/*.bats; do
        [ -e "$f" ] || continue
        f=${f##*/}
        [ -f "chapters/answers/${f%.bats}.patch" ] ||
            { echo "no chapters/answers/${f%.bats}.patch"; return 1; }
    done
}
