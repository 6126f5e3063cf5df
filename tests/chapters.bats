# The chapters are tests: what they show is what happens, what they quote is
# what stands in the code, and each has the same shape.

setup() {
    load helper
    load console
}

# chapter N: what chapter N shows and quotes; see console.bash.
chapter() {
    local file
    file=$(echo "$ROOT/chapters/$(printf %02d "$1")"-*.md)
    [ -f "$file" ] || { echo "there is no chapter $1"; return 1; }
    # Step 6 frees no stream; chapter 7 does.
    [ "$1" != 6 ] || export ASAN_OPTIONS=detect_leaks=0
    console_session
    console_run "$file"
}

@test "chapter 0 shows what happens" { chapter 0; }
@test "chapter 1 shows what happens" { chapter 1; }
@test "chapter 2 shows what happens" { chapter 2; }
@test "chapter 3 shows what happens" { chapter 3; }
@test "chapter 4 shows what happens" { chapter 4; }
@test "chapter 5 shows what happens" { chapter 5; }
@test "chapter 6 shows what happens" { chapter 6; }
@test "chapter 7 shows what happens" { chapter 7; }
@test "chapter 8 shows what happens" { chapter 8; }
@test "chapter 9 shows what happens" { chapter 9; }
@test "chapter 10 shows what happens" { chapter 10; }
@test "chapter 11 shows what happens" { chapter 11; }
@test "chapter 12 shows what happens" { chapter 12; }
@test "chapter 13 shows what happens" { chapter 13; }
@test "chapter 14 shows what happens" { chapter 14; }
@test "chapter 15 shows what happens" { chapter 15; }
@test "chapter 16 shows what happens" { chapter 16; }
@test "chapter 17 shows what happens" { chapter 17; }
@test "chapter 18 shows what happens" { chapter 18; }
@test "chapter 19 shows what happens" { chapter 19; }
@test "chapter 20 shows what happens" { chapter 20; }
@test "chapter 21 shows what happens" { chapter 21; }
@test "chapter 22 shows what happens" { chapter 22; }
@test "chapter 23 shows what happens" { chapter 23; }
@test "chapter 24 shows what happens" { chapter 24; }
@test "chapter 25 shows what happens" { chapter 25; }
@test "chapter 26 shows what happens" { chapter 26; }
@test "chapter 27 shows what happens" { chapter 27; }
@test "chapter 28 shows what happens" { chapter 28; }
@test "chapter 29 shows what happens" { chapter 29; }
@test "chapter 30 shows what happens" { chapter 30; }
@test "chapter 31 shows what happens" { chapter 31; }
@test "chapter 32 shows what happens" { chapter 32; }
@test "chapter 33 shows what happens" { chapter 33; }
@test "chapter 34 shows what happens" { chapter 34; }
@test "chapter 35 shows what happens" { chapter 35; }
@test "chapter 36 shows what happens" { chapter 36; }
@test "chapter 37 shows what happens" { needs_openssl; chapter 37; }
@test "chapter 38 shows what happens" { chapter 38; }

@test "the page for those who change the server shows what happens" {
    console_session
    console_run "$ROOT/chapters/working.md"
}

@test "every chapter is run by one of these tests" {
    for f in chapters/[0-9]*.md; do
        n=$(basename "$f")
        n=$((10#${n%%-*}))
        grep -q "{ .*chapter $n; }" "$BATS_TEST_FILENAME" ||
            { echo "no test runs $f"; return 1; }
    done
}

@test "every step has a chapter" {
    for n in $(sed -n 's/^STEPS = //p' Makefile); do
        f=$(echo "chapters/$(printf %02d "$n")"-*.md)
        [ -f "$f" ] || { echo "no chapter for step $n"; return 1; }
    done
}

# has_step FILE: has this chapter a program? Only chapter 0 has none.
has_step() {
    local n
    n=$(basename "$1")
    n=$((10#${n%%-*}))
    [ "$n" -gt 0 ] && [ "$n" -le "$(last_step)" ]
}

# is_lesson FILE: has it terms and exercises, too? The last one has none.
is_lesson() {
    [[ $1 != */"$(last_step)"-* ]] && has_step "$1"
}
last_step() { sed -n 's/^STEPS = .* //p' Makefile; }

# In each of the chapters that have exercises, with `all` also in the pages that
# have sessions and no program: text, and an awk program that prints what is wrong
# with it.
every_chapter() {
    local out
    for f in chapters/[0-9]*.md chapters/working.md; do
        [ "${2:-}" = all ] || is_lesson "${f/working.md/0-}" || continue
        [ -f "$f" ] || { echo "there are no chapters"; return 1; }
        out=$(awk "$1" "$f")
        [ -z "$out" ] || { echo "$f: $out"; false; }
    done
}

@test "what looks like a prompt is run" {
    every_chapter '
        /^```/ { fence = fence ? "" : $0; next }
        /^ *\$ / && fence !~ /^```console/ { print NR ": is in no console block" }
        ' all
}

# bash says that a job has ended before some prompt after it: before which one
# depends on how fast the reader types, but for a job that is waited for.
@test "a job that is ended is waited for by the same command" {
    every_chapter '
        function check() {
            if (cmd ~ /^\$ wait/) print at ": may come too late"
            if (cmd ~ /kill (-(TERM|INT|KILL) )?%/ && cmd !~ /wait %/)
                print at ": does not wait"
            cmd = ""
        }
        /^```/ { check(); fence = fence ? "" : $0; next }
        fence !~ /^```console/ { next }
        /^\$ / { check(); cmd = $0; at = NR; next }
        /^> / { cmd = cmd $0 }
        ' all
}

@test "every chapter has its parts, in the order of all chapters" {
    every_chapter '
        /^```/ { fence = !fence }
        fence { next }
        /^\*\*Question/ || /^## Question/ { got = "Question"; question++ }
        /^## / && !/^## Question/ { sub(/^## */, ""); got = got " / " $0 }
        END {
            want = "Question / New terms / Read / Try it first / What to look for" \
                " / The line that matters / What can go wrong / In Tornado" \
                " / Exercises / Recap"
            if (got != want) print "has the parts\n  " got "\nand should have\n  " want
        }'
}

@test "the last chapter has parts of its own" {
    local f
    for f in chapters/[0-9]*.md; do :; done
    run ! is_lesson "$f"
    has_step "$f"
    awk '
        /^```/ { fence = !fence; next }
        fence { next }
        /^\*\*Question/ { got = "Question" }
        /^## / { sub(/^## */, ""); got = got " / " $0 }
        END {
            want = "Question / Read / The story / What Tornado did since" \
                " / What a production server adds / Where to read on / Recap"
            if (got != want) print "has the parts\n  " got "\nand should have\n  " want
        }' "$f" > "$BATS_TEST_TMPDIR/wrong"
    [ ! -s "$BATS_TEST_TMPDIR/wrong" ] || { cat "$BATS_TEST_TMPDIR/wrong"; false; }
}

@test "the last chapter tells every stop, and leads to the chapter that brings it" {
    local f
    for f in chapters/[0-9]*.md; do :; done
    sed -n '/^## The story/,/^## What/p' "$f" | tr '\n' ' ' > "$BATS_TEST_TMPDIR/story"
    # A stop, and the first chapter that is named after it.
    grep -oE '\(([0-9]+)\)|\(([0-9]{2})-[a-z-]*\.md\)' "$BATS_TEST_TMPDIR/story" | tr -d '()' |
        sed 's/-.*\.md$/ chapter/' > "$BATS_TEST_TMPDIR/told"
    sed -nE 's/^\| \(([0-9]+)\) .*\[([0-9]+)\] \|$/\1 \2/p' chapters/tour.md | while read -r stop chapter; do
        awk -v stop="$stop" -v chapter="$chapter" '
            $0 == stop { told = 1 }
            # A sentence may name two chapters, or one for several stops.
            told && $2 == "chapter" { near++; if ($1 + 0 == chapter) found = 1 }
            near == 2 { exit }
            END { exit !found }' "$BATS_TEST_TMPDIR/told" || echo "($stop) and chapter $chapter"
    done > "$BATS_TEST_TMPDIR/wrong"
    [ ! -s "$BATS_TEST_TMPDIR/wrong" ] || { cat "$BATS_TEST_TMPDIR/wrong"; false; }
}

@test "every chapter has between 500 and 1,000 words" {
    every_chapter '
        /^```/ { fence = !fence; next }
        !fence { words += NF }
        END { if (words < 500 || words > 1000) print words " words" }' all
}

@test "the line that matters is quoted in at most twelve lines" {
    every_chapter '
        /^## / { here = /The line that matters/ }
        here && /^```c / { quotes++; inside = 1; n = 0; next }
        inside && /^```/ { inside = 0; if (n > 12) print NR ": " n " lines" }
        inside { n++ }
        END { if (!quotes) print "quotes no line that matters" }'
}

@test "every chapter has three to six new terms, each in one line or two" {
    for f in chapters/[0-9]*.md; do
        is_lesson "$f" || continue
        sed -n '/^## New terms/,/^## Read/s/^- \*\*\([^*]*\)\*\*.*/\1/p' "$f" |
            tr '[:upper:]' '[:lower:]' > "$BATS_TEST_TMPDIR/terms"
        n=$(wc -l < "$BATS_TEST_TMPDIR/terms")
        [ "$n" -ge 3 ] && [ "$n" -le 6 ] || echo "$f: $n terms"
    done > "$BATS_TEST_TMPDIR/wrong"
    [ ! -s "$BATS_TEST_TMPDIR/wrong" ] || { cat "$BATS_TEST_TMPDIR/wrong"; false; }
}

@test "the glossary has the terms that the chapters introduce, and no others" {
    for f in chapters/[0-9]*.md; do
        n=$(basename "$f")
        n=$((10#${n%%-*}))
        sed -n '/^## New terms/,/^## Read/s/^- \*\*\([^*]*\)\*\*.*/\1/p' "$f" | sed "s/\$/ [$n]/"
    done | LC_ALL=C sort -f > "$BATS_TEST_TMPDIR/chapters"
    sed -n 's/^- \*\*\([^*]*\)\*\* \(\[[0-9]*\]\).*/\1 \2/p' chapters/glossary.md |
        LC_ALL=C sort -f | diff -u "$BATS_TEST_TMPDIR/chapters" -
}

# told FILE: the prose of a chapter up to the comparison with Tornado, whose
# functions are another matter, and after it; its exercises are of its own stage.
told() {
    awk '/^```/ { fence = !fence; next } fence { next }
        /^## / { tornado = /In Tornado/ } !tornado' "$1"
}

@test "each function and each file that a chapter names is in its stage" {
    for f in chapters/[0-9]*.md; do
        n=$(basename "$f")
        n=$((10#${n%%-*}))
        [ "$n" -gt 0 ] || continue
        told "$f" | grep -oE '`[a-z][a-z0-9_]*\(\)`' | tr -d '`()' | sort -u |
            while read -r name; do
                cat "$BUILD/step-$n"/*.[ch] src/steps/*.[ch] | grep -qwF "$name" || echo "$f: $name()"
            done
        told "$f" | grep -oE '`[a-z_0-9]+\.[ch]`' | tr -d '`' | sort -u |
            while read -r name; do
                [ -e "$BUILD/step-$n/$name" ] || echo "$f: $name"
            done
    done > "$BATS_TEST_TMPDIR/wrong"
    [ ! -s "$BATS_TEST_TMPDIR/wrong" ] || { cat "$BATS_TEST_TMPDIR/wrong"; false; }
}

# "`ioloop.c`, about 110 new lines": what the ledger says, but for a tenth.
@test "the numbers of new lines that a chapter names are those of the ledger" {
    for f in chapters/[0-9]*.md; do
        n=$(basename "$f")
        n=$((10#${n%%-*}))
        has_step "$f" || continue
        sed -n '/^## Read/,/^## T[rh]/p' "$f" | tr '\n' ' ' | tr -s ' ' |
            grep -oE '`[a-z_]+\.[ch]`[^.`]* [0-9]+ (new )?lines' |
            sed -E 's/^`([a-z_.]+)`.* ([0-9]+) (new )?lines$/\1 \2/' |
            while read -r name said; do
                awk -v f="$name" -v n="$n" -v said="$said" -v chapter="$f" '
                    $1 == f { is = $(n + 1) + 0; d = is > said ? is - said : said - is
                        if (d > 5 && d > is / 10) print chapter ": " f " has " is " new lines, not " said }' \
                    tests/ledger.txt
            done
    done > "$BATS_TEST_TMPDIR/wrong"
    [ ! -s "$BATS_TEST_TMPDIR/wrong" ] || { cat "$BATS_TEST_TMPDIR/wrong"; false; }
}

# "`MAX_HEADERS` (100)" or "`MAX_HEADERS` is 100": the value in the stage.
@test "a constant that a chapter names has the value that it says" {
    for f in chapters/[0-9]*.md; do
        n=$(basename "$f")
        n=$((10#${n%%-*}))
        has_step "$f" || continue
        told "$f" | tr '\n' ' ' | tr -s ' ' |
            grep -oE '`[A-Z][A-Z0-9_]+`(,| is| are)? \(?[0-9][0-9,]*( [KM]iB)?' |
            sed -E -e 's/^`([A-Z0-9_]+)`[^0-9]*([0-9,]*[0-9]),?/\1 \2/' \
                -e 's/ KiB/*1024/; s/ MiB/*1048576/' | tr -d , |
            while read -r name said; do
                value=$(cat "$BUILD/step-$n"/*.[ch] |
                    sed -nE "s/(^|.*[^A-Z0-9_])$name = ([^,;}]*).*/\2/p" | head -n 1)
                [ "$((value))" = "$((said))" ] || echo "$f: $name is $value, not $said"
            done
    done > "$BATS_TEST_TMPDIR/wrong"
    [ ! -s "$BATS_TEST_TMPDIR/wrong" ] || { cat "$BATS_TEST_TMPDIR/wrong"; false; }
}

@test "each of a chapter's three exercises has an answer, and the answer its number" {
    for n in $(sed -n 's/^STEPS = //p' Makefile); do
        n=$(printf %02d "$n")
        f=$(echo chapters/"$n"-*.md)
        is_lesson "$f" || continue
        for k in 1 2 3; do
            answer=chapters/answers/$n-$k.md
            grep -qF "(answers/$n-$k.md)" "$f" || echo "$f: no link to $answer"
            sed -n 1p "$answer" | grep -qE "^# ${n#0}\.$k [A-Z0-9].*[^.]\$" || echo "$answer: its title"
        done
    done > "$BATS_TEST_TMPDIR/wrong" 2>&1
    [ ! -s "$BATS_TEST_TMPDIR/wrong" ] || { cat "$BATS_TEST_TMPDIR/wrong"; false; }
}

@test "every link leads somewhere" {
    for f in README.md chapters/*.md; do
        [ -f "$f" ] || continue
        awk '/^```/ { fence = !fence } !fence' "$f" | sed 's/`[^`]*`//g' |
            grep -oE '\]\([^)]+\)|(src|href)="[^"]+"' |
            sed -E -e 's/^\]\(|\)$//g' -e 's/^(src|href)="|"$//g' -e 's/ .*//' |
            while read -r link; do
                case $link in
                http://* | https://* | mailto:*) continue ;;
                '#'*) target=$f ;;
                *) target=$(dirname "$f")/${link%%#*} ;;
                esac
                [ -e "$target" ] || { echo "$f: no $link"; exit 1; }
                case $link in
                *.md'#'* | '#'*) heading "$target" "${link#*#}" ||
                    { echo "$f: no heading for $link"; exit 1; } ;;
                esac
            done
    done
}

# heading FILE ANCHOR: a heading of FILE has this name in a link.
heading() {
    sed -n 's/^##* *//p' "$1" | tr '[:upper:]' '[:lower:]' |
        sed -e 's/[^a-z0-9 _-]//g' -e 's/ /-/g' | grep -qx -e "$2"
}
