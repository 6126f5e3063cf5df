# run.sh -- run test files with Bats and count.
#
#     sh tests/run.sh tests/step-05.bats
#
# The last line is `N passed, N failed`, with `, N skipped` when some were.

for tool in bats curl; do
    command -v $tool > /dev/null || {
        echo "The tests need $tool: install the package $tool" \
             "(Debian, Ubuntu: apt-get install bats curl)."
        exit 1
    }
done

for file in "$@"; do
    [ -e "$file" ] || { echo "There is no test $file."; exit 1; }
done

# Bats would say how many went wrong as well, but not in every version and not
# in one line. What it prints is TAP: `1..N` and then N lines `ok` or `not ok`.
# A run that ends before its plan is done is a failure too.
bats --tap "$@" | awk '
    /^1\.\.[0-9]+$/       { plan = substr($0, 4) }
    /^ok .* # skip/       { skipped++ }
    /^ok /                { ok++ }
    /^not ok /            { bad++ }
                          { print; fflush() }
    END {
        bad += plan - ok - bad > 0 ? plan - ok - bad : 0
        if (ok + bad == 0) bad = 1
        printf "%d passed, %d failed", ok - skipped, bad
        if (skipped) printf ", %d skipped", skipped
        print ""
        exit bad > 0
    }'
