# ledger.sh -- how many lines of code each step adds to each file.
#
#     sh tests/ledger.sh 1 2 3 4
#
# What it prints is kept in tests/ledger.txt, and a test compares them. When an
# edit moves a line to another chapter -- a blank line was lost, and a
# paragraph grew -- the compiler says nothing, but the numbers move.
#
# A program of src/steps that takes the place of another is new as a whole. One
# that serves several steps, and src/main.c, grow like any other file.

build=${BUILD:-build}

for n in "$@"; do
    for f in "$build/step-$n"/*.[ch]; do
        printf '%s %s %s %s\n' "$n" "${f##*/}" "$(awk -f tests/code.awk "$f")" \
            "$(sed 1q "$f" | tr -s ' ' _)"
    done
done | LC_ALL=C sort -k2,2 -k1,1n | awk -v steps="$*" '
    { count[$2, $1] = $3; first[$2, $1] = $4; if (!($2 in seen)) { seen[$2] = 1; file[++nf] = $2 } }
    # Its first line tells that a program is another one.
    function line(f,    i, old, added, sum) {
        printf "%-20s", f
        for (i = 1; i <= ns; i++) {
            old = first[f, s[i]] == first[f, s[i - 1]] ? count[f, s[i - 1]] : 0
            added = ((f, s[i]) in count) ? count[f, s[i]] - old : 0
            all[i] += added; sum += added
            printf "%5s", added ? added : "."
        }
        printf "%7d\n", sum
    }
    END {
        ns = split(steps, s, " ")
        printf "%-20s", "file"
        for (i = 1; i <= ns; i++) printf "%5d", s[i]
        printf "%7s\n", "sum"
        for (i = 1; i <= nf; i++) line(file[i])
        printf "%-20s", "sum"
        for (i = 1; i <= ns; i++) { printf "%5d", all[i]; total += all[i] }
        printf "%7d\n", total
    }'
