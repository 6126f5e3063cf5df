# run.sh -- run test files with Bats, several at a time, and count.
#
#     sh tests/run.sh tests/step-06.bats
#
# A folder stands for the test files in it; without any, only the tools are
# looked for. BATS_OPTIONS goes to Bats. JOBS is how many files run at the same time: most tests wait most
# of the time, so there are more of them than processors. The last line is
# `N passed, N failed`, with `, N skipped` when some were.

for tool in bats curl; do
    command -v $tool > /dev/null || {
        echo "The tests need $tool: install the package $tool" \
             "(Debian, Ubuntu: apt-get install bats curl)."
        exit 1
    }
done

version=$(bats --version | tr -cd '0-9.')
case $version in
0.* | 1.[0-4] | 1.[0-4].*)
    echo "The tests need bats 1.5 or later, and this is bats $version:" \
         "Debian 12 and Ubuntu 24.04 have a later one."
    exit 1 ;;
esac

[ $# -gt 0 ] || exit 0
for file in "$@"; do
    [ -e "$file" ] || { echo "There is no test $file."; exit 1; }
done

cpus=$(getconf _NPROCESSORS_ONLN 2> /dev/null || echo 2)
[ "$cpus" -ge 1 ] 2> /dev/null || cpus=2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# What takes longest begins first: three that run other tests or programs, and
# then size is a fair guess.
long='/(exercises|tls|faults)\.bats$'
find "$@" -maxdepth 1 -name '*.bats' -exec ls -S {} + > "$tmp/sorted"
{ grep -E "$long" "$tmp/sorted"; grep -vE "$long" "$tmp/sorted"; } > "$tmp/files"

# What each file prints is kept until all are done, or they would talk at the
# same time. It is TAP: `1..N` and then N lines `ok` or `not ok`. A run that ends
# before its plan is done is a failure too, and so is one without a plan.
# After an interrupt (^C) the sum is that of the tests which have run.
stopped=0
trap 'stopped=1' INT
# shellcheck disable=SC2016 # The inner shell has its own $1.
xargs -P "${JOBS:-$((2 * cpus))}" -n 1 sh -c '
    bats --tap ${BATS_OPTIONS:-} "$1" > "$0/$(echo "$1" | tr / _).tap" 2>&1
    echo "# $1 is done"' "$tmp" < "$tmp/files"

awk -v stopped=$stopped -v files="$(wc -l < "$tmp/files")" '
    FNR == 1              { missing += plan - n > 0 ? plan - n : 0; plan = n = 0 }
    FNR == 1              { file = FILENAME; sub(/.*\//, "", file); print "# " file }
    /^1\.\.[0-9]+$/       { plan = substr($0, 4); plans++ }
    /^ok .* # skip/       { skipped++ }
    /^ok /                { ok++; n++ }
    /^not ok /            { bad++; n++ }
                          { print }
    END {
        missing += plan - n > 0 ? plan - n : 0
        if (stopped) print "Interrupted: the tests that have run until then:"
        else bad += missing + files - plans
        if (ok + bad == 0 && !stopped) bad = 1
        printf "%d passed, %d failed", ok - skipped, bad
        if (skipped) printf ", %d skipped", skipped
        print ""
        exit stopped ? 130 : bad > 0
    }' "$tmp"/*.tap
