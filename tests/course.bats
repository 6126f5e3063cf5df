# What the course says about itself, checked against the code.

setup() {
    load helper
    STEPS=$(sed -n 's/^STEPS = //p' Makefile)
    LAST=${STEPS##* }
    TMP=$BATS_TEST_TMPDIR
}

# no_lines WHAT: standard input must be empty; else it is what is wrong.
no_lines() {
    local found
    found=$(cat)
    [ -z "$found" ] || { printf '%s:\n%s\n' "$1" "$found"; return 1; }
}

# all_sources: every C file of the project, with the programs of the steps.
all_sources() { ls src/*.[ch] src/*/*.[ch]; }

# components: the same without the programs of the steps.
components() { all_sources | grep -v '^src/steps/'; }

# table: the stops of the tour, as "number file function"; the table has a column
# more, `called by`, and callers() reads it.
table() {
    tr -d '`' < chapters/tour.md | sed -nE \
        's/^\| *\(([0-9]+)\) *\| *([a-z_]+\.c) *\| *([a-z_0-9]+)(\(\))? *\|.*/\1 \2 \3/p'
}

# --- staging ---------------------------------------------------------------

@test "every line is introduced in the chapter that the ledger says" {
    sh tests/ledger.sh $STEPS | diff -u tests/ledger.txt -
}

@test "every tag is in its place, in every file" {
    for f in $(all_sources); do
        awk -v n=99 -f src/stage.awk "$f" > "$TMP/all"
        awk -v n="$LAST" -f src/stage.awk "$f" | cmp -s - "$TMP/all" ||
            { echo "$f has a tag later than the last step"; return 1; }
    done
}

# A chapter adds. What is in the stage before is in this one, line by line and
# in the same order; only the program may be another, with its headers.
@test "a chapter takes nothing away" {
    for n in $STEPS; do
        for f in "$BUILD/step-$((n - 1))"/*.[ch]; do
            case $f in
            *'*'* | */step.h | */loop.h) continue ;;
            # Its first line says that the program is another one.
            */main.c) [ "$(sed 1q "$f")" = "$(sed 1q "$BUILD/step-$n/main.c")" ] ||
                continue ;;
            esac
            awk -v later="$BUILD/step-$n/${f##*/}" '
                {
                    do {
                        if ((getline line < later) <= 0) {
                            print later " lacks, or has elsewhere: " $0
                            exit
                        }
                    } while (line != $0)
                }' "$f"
        done
    done | no_lines "taken away or changed"
}

@test "make diff-N shows additions only" {
    for n in $STEPS; do
        make -s "diff-$n" > "$TMP/diff" || echo "make diff-$n fails"
        [ -s "$TMP/diff" ] || { echo "chapter $n adds nothing"; return 1; }
        awk '/^diff / { file = $NF; next }
            /^--- / || /^\+\+\+ / { next }
            /^-/ && file !~ /\/(main\.c|step\.h|loop\.h)$/ { print file ": " $0 }' \
            "$TMP/diff"
    done | no_lines "diff shows as removed"
}

# --- the tour --------------------------------------------------------------

@test "the stops of the tour are numbered from 1 on" {
    table | awk '$1 != NR { print "stop " $1 " stands at place " NR }
        END { if (NR == 0) print "there is none" }' | no_lines "the table"
}

@test "every stop has one signpost, and it stands where the tour says" {
    # "number file function" of every signpost in the sources.
    awk 'FNR == 1 { f = FILENAME; sub(/.*\//, "", f); func_ = "" }
        /^[a-z_][a-z0-9_]*\(/ { func_ = $0; sub(/\(.*/, "", func_) }
        {
            rest = $0
            while (match(rest, /TOUR\([0-9]+,/)) {
                print substr(rest, RSTART + 5, RLENGTH - 6), f, func_
                rest = substr(rest, RSTART + RLENGTH)
            }
        }' $(components | grep '\.c$') | sort -n > "$TMP/code"
    table | diff -u --label chapters/tour.md - --label src "$TMP/code"
}

@test "every signpost of a step's program is a stop of the tour" {
    table | cut -d ' ' -f 1 > "$TMP/stops"
    cat src/steps/*.[ch] | grep -oE 'TOUR\([0-9]+,' | tr -cd '0-9\n' |
        sort -un | { grep -vxF -f "$TMP/stops" || true; } |
        no_lines "no such stops"
}

@test "the request of the tour visits every stop, in order" {
    start_server --trace
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    wait_for_line "$SERVER_LOG" "^turn .*\($(table | tail -n 1 | cut -d ' ' -f 1)\)"
    stop_server clean
    stops | awk '!seen[$1]++' > "$TMP/visited"
    table | cut -d ' ' -f 1 | diff -u --label tour.md - "$TMP/visited"
}

@test "make tour shows each stop with its title" {
    make -s tour > "$TMP/tour"
    cut -c 1-100 "$TMP/tour"
    for n in $(table | cut -d ' ' -f 1); do
        title=$(grep -E "^\| *\($n\) " chapters/tour.md | cut -d '|' -f 6 |
            sed -e 's/^ *//' -e 's/ *$//')
        [ -n "$title" ] && grep -F "($n)" "$TMP/tour" | grep -qF -e "$title" ||
            { echo "no stop $n: $title"; return 1; }
    done
}

# callers: the hops of the column `called by`, as "number function how caller":
# how is name (an arrow) or pointer (a dashed one). tour_step: where they stand.
callers() {
    tr -d '`' < chapters/tour.md | sed -e 's/←/name/g' -e 's/⇠/pointer/g' | awk -F '|' '
        $2 ~ /^ *\([0-9]+\) *$/ {
            gsub(/[^0-9]/, "", $2)
            n = split($4 " " $5, word, " ")
            for (i = 1; i < n; i += 2) print $2, word[i], word[i + 1], word[i + 2]
        }'
}
tour_step() { sed -n 's/^The column shows step \([0-9]*\),.*/\1/p' chapters/tour.md; }

# code: that step without comments; step.h has functions, too. body FUNCTION: the
# lines of one function.
code() {
    (cd "$BUILD/step-$(tour_step)" && sed -e 's|/\*.*\*/||' -e '/^ *\/\*/,/\*\//d' ./*.c step.h)
}
body() { code | sed -n "/^$1(/,/^}/p"; }

@test "each caller in the tour's table calls the function, or has been handed it" {
    callers > "$TMP/callers"
    [ "$(cut -d ' ' -f 1 "$TMP/callers" | uniq | wc -l)" -eq "$(table | wc -l)" ]
    while read -r n function how caller; do
        body "$caller" > "$TMP/body"
        [ -s "$TMP/body" ] || echo "($n): no $caller() in step $(tour_step)"
        case $how in
        name) grep -qE "(^|[^a-z0-9_>.])$function\(" "$TMP/body" ;;
        # A function that is handed over is a name without a parenthesis.
        pointer) grep -qE '(^|->|[^a-z_])[a-z_]*(callback|handler|handle_stream|method)\(' "$TMP/body" &&
            code | grep -qE "(^|[^a-z0-9_])$function([,;]|\$)" ;;
        *) false ;;
        esac || echo "($n): $caller() does not call $function() by its $how"
    done < "$TMP/callers" | no_lines "chapters/tour.md"
}

@test "each hop of the tour leads to an earlier one, or to the loop" {
    callers | awk '
        function check() {
            if (stop != "" && last !~ /^(main|ioloop_start|run_callbacks|run_handlers)$/ && !(last in seen))
                print "(" stop "): " last "() does not stand above"
            for (name in these) seen[name]
        }
        $1 != stop { check(); stop = $1 }
        { last = $4; these[$2]; these[$4] }
        END { check(); if (!stop) print "no hops" }' | no_lines "chapters/tour.md"
}

@test "the files that the tour passes through are those that its page names" {
    { callers | tr ' ' '\n' | grep -E '_|^main|^serve$'; table | cut -d ' ' -f 3; } | sort -u |
        while read -r function; do
            (cd "$BUILD/step-$(tour_step)" && grep -lE "^$function\(" ./*.c step.h)
        done | sed 's|^\./||' | sort -u > "$TMP/files"
    tr '\n' ' ' < chapters/tour.md | grep -oE 'stand in [a-z]+ of its files: [^:]*\. ' > "$TMP/said"
    grep -oE '[a-z]+\.[ch]' "$TMP/said" | sort | diff -u "$TMP/files" -
    words=(no one two three four five six seven eight nine ten eleven twelve thirteen fourteen)
    [ "$(cut -d ' ' -f 3 "$TMP/said")" = "${words[$(wc -l < "$TMP/files")]}" ]
}

@test "make debug-N shows all stops of the tour in order, and their callers" {
    command -v gdb > /dev/null || skip "gdb is not installed"
    command -v ps > /dev/null || skip "ps is not installed"
    gdb -q -nx -batch -ex run --args true 2>&1 | grep -q 'exited normally' ||
        skip "gdb may not run a program here"
    step=$(tour_step)
    make -s "debug-$step" ARGS="--port=0 --log=none" > "$TMP/out" 2>&1 < /dev/null 3>&- 4>&- &
    gdb=$!
    wait_for_line "$TMP/out" '^listening on ' 60
    [ "$(curl -sS --max-time 60 --noproxy '*' -d name=world \
        "$(sed -n 's/^listening on //p' "$TMP/out")/hello")" = "Hello, world" ]
    wait_for_line "$TMP/out" "^\($(table | tail -n 1 | cut -d ' ' -f 1)\)" 60
    kill "$(ps -e -o pid= -o args= | awk -v url="$BUILD/debug/step-$step/server --port=0 --log=none" '
        index($0, url) && !/gdb|debug\.sh|make|awk/ { print $1 }')"
    wait "$gdb"
    cat "$TMP/out"

    # What chapters/working.md shows of it; the lines' numbers may be others.
    unnumbered() { sed -nE '/^\([0-9]+\) /s/:[0-9]+ depth / depth /p' "$1"; }
    unnumbered "$TMP/out" > "$TMP/lines"
    [ "$(unnumbered chapters/working.md | wc -l)" -eq 3 ]
    unnumbered chapters/working.md | { grep -vxFf "$TMP/lines" || true; } |
        no_lines "chapters/working.md"

    # "number file function", and then the same with the callers.
    sed -nE 's/^\(([0-9]+)\) ([a-z_0-9]+) ([a-z_0-9]+\.c):[0-9]+ depth [0-9]+ .*/\1 \3 \2/p' "$TMP/out" |
        awk '!seen[$1]++' > "$TMP/visited"
    table | diff -u --label tour.md - "$TMP/visited"
    callers | awk '{ if ($1 != n) { print line; line = "(" $1 ") " $2 }
            n = $1; line = line " < " $4 } END { print line }' | grep . > "$TMP/callers"
    sed -nE 's/^(\([0-9]+\) [a-z_0-9]+) [a-z_0-9]+\.c:[0-9]+ depth [0-9]+/\1/p' "$TMP/out" |
        awk '!seen[$1]++' > "$TMP/stacks"
    paste -d '|' "$TMP/callers" "$TMP/stacks" | awk -F '|' '
        index($2 " ", $1 " ") != 1 { print "the table says " $1 "\n  and gdb " $2 }' |
        no_lines "chapters/tour.md"
}

# --- what the text says about the code ---------------------------------------

# prose FILE: without its blocks, its limits, as in `MAX_HEADERS` (100), and its
# `inline code`.
prose() {
    awk '/^```/ { fence = !fence; next } !fence' "$1" |
        sed -E -e 's/`[A-Z_0-9]+` \([0-9]+\)//g' -e 's/`[^`]*`//g'
}

@test "the chapters and the card name only real stops" {
    table | cut -d ' ' -f 1 > "$TMP/stops"
    for f in README.md chapters/[0-9]*.md chapters/tornado.md chapters/glossary.md; do
        # `MAX_READ` (65536) is a limit, and a year no stop.
        sed 's/`[A-Z0-9_]*` ([0-9,]*)//g' "$f" > "$TMP/page.md"
        prose "$TMP/page.md" | grep -oE '(^|[^]a-zA-Z0-9_`])\([0-9]{1,2}\)' |
            grep -oE '[0-9]+' | sort -un | grep -vxF -f "$TMP/stops" |
            sed "s|^|$f: stop |"
    done | no_lines "no such stops"
}

@test "the chapters and the card name only things that make can make" {
    make -s help | awk '$1 == "make" { print $2 }' > "$TMP/targets"
    for f in README.md chapters/*.md; do
        # In `inline code`, and after a prompt.
        { awk '/^```/ { fence = !fence; next } !fence' "$f" |
            grep -oE '`make [^`]*`' | tr -d '`'
            sed -n 's/^\$ \(make .*\)/\1/p' "$f"; } |
            sed -E -e 's/[|&;>].*//' -e 's/ -(C|f) [^ ]+//; s/ -[a-zA-Z]+//g' \
                -e 's/ [A-Z]+=("[^"]*"|[^ ]*)//g' -e 's/^make//' |
            tr -s ' ' '\n' | sed -E 's/-[0-9]+$/-N/' | grep . | sort -u |
            grep -vxF -f "$TMP/targets" | sed "s|^|$f: make |"
    done | no_lines "not in the Makefile"
}

@test "the functions that the chapters name exist" {
    for f in README.md chapters/[0-9]*.md chapters/tornado.md chapters/glossary.md; do
        # What Tornado's functions are called is another matter.
        awk '/^## /{ tornado = /In Tornado/ } !tornado' "$f" |
            grep -oE '(^|[^A-Za-z0-9_.])[a-z]+_[a-z0-9_]*\(\)' |
            grep -oE '[a-z][a-z0-9_]*' | sort -u | while read -r name; do
                grep -qwF "$name" $(all_sources) ||
                    echo "$f: $name()"
            done
    done | no_lines "not in src"
}

@test "the page for teachers has each chapter and each exercise once" {
    # The last chapter has no exercises.
    for n in ${STEPS% *}; do
        for k in 1 2 3; do echo "$n.$k"; done
    done | sort > "$TMP/all"
    page() { sed -n '/^| [0-9a-z]/p' chapters/teaching.md; }
    page | sed -n '/^| [a-z]/p' | grep -oE '[0-9]+\.[23]\b' | sort > "$TMP/sorted"
    grep -v '\.1$' "$TMP/all" | diff -u --label chapters - --label teaching.md "$TMP/sorted"
    # Sessions 1 to 9 are the first part; the last one takes one of the others.
    page | grep -oE '\b[0-9]+\.[123]\b' | sort -u > "$TMP/named"
    awk -F . '$1 <= 16' "$TMP/all" | { grep -vxFf "$TMP/named" || true; } | no_lines "missing"
    page | grep '^| [0-9]' | cut -d '|' -f 3 | grep -oE '\[[0-9]+\]' | tr -d '[]' > "$TMP/chapters"
    { for n in 0 $STEPS; do [ "$n" -gt 17 ] && [ "$n" -lt "$LAST" ] || echo "$n"; done; } |
        diff -u --label chapters - --label teaching.md "$TMP/chapters"
}

@test "build/tags leads to every function and every type of the sources" {
    rm -f "$BUILD/tags"
    make -s tags
    # "name file line", and what stands there.
    awk -F '\t' '
        { if (!(($2, $3) in text)) {
            n = 0
            while ((getline line < $2) > 0) text[$2, ++n] = line
            close($2) }
        }
        index(text[$2, $3], $1) == 0 { print $1 " is not at " $2 ":" $3 }
        { seen[$1] } END { if (NR < 500) print NR " names" }' "$BUILD/tags" |
        no_lines "build/tags"
    cut -f 1 "$BUILD/tags" > "$TMP/names"
    { sed -nE 's/^([a-z_][a-z0-9_]*)\(.*/\1/p' $(components | grep '\.c$') | grep -vx static_assert
        sed -nE 's/^(struct|enum) ([a-z_0-9]+) \{.*/\2/p' $(components)
        echo IOLOOP_READ; echo HTTP_IDLE; echo TOUR; echo ioloop_callback; } | sort -u |
        { grep -vxFf "$TMP/names" || true; } | no_lines "not in build/tags"
}

@test "an editor is told the flags of the Makefile and every folder of src" {
    grep -qx '  CompilationDatabase: tests' .clangd
    grep -v '^-I' tests/compile_flags.txt | sort > "$TMP/flags"
    sed -n '/^ALWAYS/,/[^\\]$/p' Makefile | tr -s ' \\' '\n' | grep '^-' |
        { cat; printf '%s\n' -Wall -Wextra; } | sort | diff -u - "$TMP/flags"
    sed -n 's/^-I//p' tests/compile_flags.txt > "$TMP/folders"
    { echo ../src; for d in src/*/; do echo "../${d%/}"; done; } | grep -v steps |
        diff -u - "$TMP/folders"
}

# --- diagrams ----------------------------------------------------------------

# svg_text FILE [CLASS [ELEMENT]]: what its text elements say, one on a line.
svg_text() {
    local element=${3:-text}
    tr '\n' ' ' < "$1" | sed "s/<$element/\\
<$element/g" | sed -n "s/^<$element\([^>]*\)>\(.*\)<\/$element>.*/\1>\2/p" |
        { if [ -n "${2:-}" ]; then
            grep -E "^[^>]*class=\"([^\"]* )?$2( [^\"]*)?\"" || true
        else cat; fi; } |
        sed -e 's/^[^>]*>//' -e 's/<[^>]*>//g' -e 's/&lt;/</g' \
            -e 's/&gt;/>/g' -e 's/&amp;/\&/g'
}

@test "the diagrams name only real stops" {
    table | cut -d ' ' -f 1 > "$TMP/stops"
    for f in diagrams/*.svg; do
        svg_text "$f" | grep -oE '(^|[^a-zA-Z0-9_])\([0-9]+\)' |
            grep -oE '[0-9]+' | sort -un | grep -vxF -f "$TMP/stops" |
            sed "s|^|$f: stop |"
    done | no_lines "no such stops"
}

@test "the diagrams name only real functions and files" {
    for f in diagrams/*.svg; do
        svg_text "$f" code | grep -oE '[a-z][a-z0-9_]*(\.[ch])?' | sort -u |
            while read -r name; do
                all_sources | grep -q "/$name\$" || grep -qwF "$name" $(all_sources) ||
                    echo "$f: $name"
            done
    done | no_lines "not in src"
}

@test "a diagram says in words what it shows, scales, and knows the dark" {
    for f in diagrams/*.svg; do
        for part in '<svg[^>]*viewBox=' '<title' '<desc' 'prefers-color-scheme' 'height: auto'; do
            tr '\n' ' ' < "$f" | grep -qE "$part" || echo "$f: no $part"
        done
        open=$(grep -oE '<(text|g|svg|style|defs|marker)[ >]' "$f" | wc -l)
        close=$(grep -oE '</(text|g|svg|style|defs|marker)>' "$f" | wc -l)
        [ "$open" -eq "$close" ] || echo "$f: $open elements open, $close close"
    done | no_lines "diagrams"
}

@test "a diagram loads nothing from elsewhere" {
    # The name of the format is an address too, but nothing is loaded from there.
    sed 's/ xmlns\(:[a-z]*\)*="[^"]*"//g' diagrams/*.svg |
        grep -nE 'https?:|href="[^#]|url\([^#]|@import|<script|<foreignObject|<image' |
        no_lines "references"
}

@test "a diagram is well-formed XML" {
    command -v xmllint > /dev/null || skip "xmllint is not installed"
    xmllint --noout --nonet diagrams/*.svg
}

# --- the tree ----------------------------------------------------------------

PARTS='ioloop iostream httpserver httpconnection web'

@test "the top of src is the design: main.c, five parts, and their folders" {
    { for part in $PARTS; do printf '%s\n' "$part" "$part.c" "$part.h"; done
        printf '%s\n' app base main.c stage.awk steps; } | sort > "$TMP/design"
    ls src | diff -u --label design "$TMP/design" --label src -
}

# What is measured below is what these two find: if they were blind to a folder
# it would find no fault there.
@test "every file is seen, and no two have the same name" {
    find src -name '*.[ch]' | sort > "$TMP/there"
    all_sources | sort | diff -u --label there "$TMP/there" --label seen -
    [ "$(components | wc -l)" -ge 40 ]
    components | sed 's|.*/||' | sort | uniq -d | no_lines "twice"
}

# layers: "layer component file tag" of each component, from where it stands.
layers() {
    components | while read -r f; do
        layer=${f#src/} component=${f##*/}
        case ${layer%%[/.]*} in
        base) layer=0 ;;
        ioloop) layer=1 ;;
        iostream) layer=2 ;;
        httpserver) layer=3 ;;
        httpconnection) layer=4 ;;
        web) layer=5 ;;
        *) layer=6 ;;
        esac
        echo "$layer ${component%.*} $f $(sed -nE '1s/^.. \[([0-9]+)\].*/\1/p' "$f")"
    done
}

# uses: reads "user used what" and prints what the layers forbid. (As Tornado's,
# Application.listen() makes a server.) What is text
# in and values out stands in the fourth layer, but knows no streams; and what
# only some clients need is known to main.c and itself, but to no part. (The
# connection reads a body by its length or by its chunks.)
uses() {
    layers > "$TMP/layers"
    cat > "$TMP/uses"
    [ -s "$TMP/uses" ] || { echo "nothing uses anything"; return 1; }
    awk -v parts=" $PARTS " '
        FILENAME ~ /layers$/ { layer[$2] = $1; tag[$2] = $4; next }
        $1 == $2 { next }
        layer[$2] > layer[$1] ||
        $1 ~ /^http(util|form)$/ && layer[$2] > 0 && $2 != "httputil" ||
        $1 == "httprequest" && layer[$2] == 3 ||
        layer[$1] == 5 && layer[$2] ~ /[23]/ && $1 $2 != "webhttpserver" ||
        index(parts, " " $1 " ") && tag[$2] >= 27 && $1 $2 != "httpconnectionhttpchunked" ||
        $2 ~ /^poller/ && layer[$1] != 1 { print $1 " knows " $2 ": " $3 }' \
        "$TMP/layers" "$TMP/uses"
}

# includes FILE...: "user used include" of each.
includes() {
    grep -HoE '^#include "[a-z_0-9]+\.h"' "$@" | sed -E \
        's|^.*/([a-z_0-9]+)\.[ch]:#include "([a-z_0-9]+)\.h"|\1 \2 include|'
}

@test "no layer calls the one above it" {
    command -v nm > /dev/null || skip "nm is not installed"
    for o in $(components | sed -n "s|.*/\\(.*\\)\\.c\$|$BUILD/obj/\\1.o|p"); do
        nm "$o" > "$TMP/nm"
        awk -v o="$(basename "$o" .o)" '
            NF == 3 && $2 ~ /^[A-TV-Z]$/ { print "defines", $3, o }
            NF == 2 && $1 == "U" { print "needs", $2, o }' "$TMP/nm"
    done > "$TMP/names"
    [ -s "$TMP/names" ]
    awk '$1 == "defines" { home[$2] = $3; next }
        $2 in home { print $3, home[$2], $2 }' \
        <(sort "$TMP/names") | uses | no_lines "upwards"
}

@test "no layer includes the one above it" {
    includes $(components) | uses | no_lines "upwards"
}

@test "the headers can be read in some order: none includes itself by a detour" {
    includes $(components | grep '\.h$') | awk '{ print $1, $2 }' > "$TMP/uses"
    [ "$(wc -l < "$TMP/uses")" -ge 20 ]
    tsort "$TMP/uses" 2>&1 > "$TMP/order" | no_lines "cycles"
}

@test "the loop is handed down: only main.c and app ask for the one that there is" {
    grep -q ioloop_instance src/ioloop.h
    grep -l ioloop_instance $(components) |
        grep -vE '^src/(main\.c|app/.*|ioloop\.[ch])$' | no_lines "ioloop_instance() in"
}

# --- words -----------------------------------------------------------------------

# A subject has a name, and a thing the term of its field. Both patterns are
# matched without case, against words and against the parts of a name.
HEADLESS='whoever|somebody|anybody|nobody|he|him|his'
PICTURES='wish[a-z]*|owe[a-z]?|owing|door[a-z]*|goodby[a-z]*|(im)?patien[a-z]*'
PICTURES="$PICTURES|bur(y|ie)[a-z]*|hurr(y|ie)[a-z]*|knock[a-z]*|guest[a-z]*"

# without PATTERN WHAT: standard input, lines of "place: text", must have none
# of these words in its texts.
without() {
    cat > "$TMP/words"
    [ -s "$TMP/words" ] || { echo "$2: there are none"; return 1; }
    grep -iE ": (.*[^a-z])?($1)([^a-z]|\$)" "$TMP/words" | no_lines "$2"
}

@test "the sources name their subjects, and use the terms of their field" {
    grep -n '' $(all_sources) src/stage.awk | sed -E 's/^([^:]*:[0-9]+):/\1: /' |
        without "$HEADLESS|$PICTURES|floors?|houses?" "words in src"
}

@test "the names of the tests do so, too" {
    grep -nE '^ *@test' tests/*.bats tests/exercises/*.bats |
        sed -E 's/^([^:]*:[0-9]+): *@test/\1:/' |
        without "$HEADLESS|$PICTURES" "words in names of tests"
}

@test "the labels of the diagrams do so, too" {
    for f in diagrams/*.svg; do
        for element in title desc text; do
            svg_text "$f" "" $element | sed "s|^|$f: |"
            echo
        done
    done | without "$HEADLESS|$PICTURES" "words in diagrams"
}

# --- tests that cannot fail ------------------------------------------------------

# `! command` fails a test only as the last command of it: the shell does not
# end at a command that is inverted. `run ! command` and `! command || false` do.
# Nor does it end at `[ a ] && [ b ]` if a is false: `[[ a && b ]]` does.
@test "no test goes on after a command whose failure the shell ignores" {
    awk '
        FNR == 1 { held = rest = "" }
        {
            line = rest $0
            if (rest == "") at = FNR
            rest = ""
            if (sub(/\\$/, "", line) || line ~ /(\||&&|\|\|)[ \t]*$/) {
                rest = line " "
                next
            }
            if (line ~ /^[ \t]*(#.*)?$/) next
            if (held != "" && line !~ /^}/) print held
            held = ""
            if (line ~ /^ *(! |\[.*\] +&& )/ && line !~ /\|\|/ &&
                line !~ /&& *(skip|return|break|continue)/)
                held = FILENAME ":" at ":" line
        }' tests/*.bats tests/*.bash tests/exercises/*.bats |
        no_lines "whatever it says, the test goes on"
}

# --- budgets and manners -------------------------------------------------------

# sizes: "lines file" of each component.
sizes() {
    for f in $(components); do
        echo "$(awk -f tests/code.awk "$f") $f"
    done
}

@test "the five parts have at most 1,900 lines of code, and none of them more than 450" {
    sizes | awk -v parts=" $PARTS " '
        $2 !~ /^src\/[a-z]+\.c$/ || $2 == "src/main.c" { next }
        { n++; all += $1 }
        $1 > 450 { print $2 ": " $1 }
        END { if (all > 1900) print "together: " all; if (n != 5) print n " parts" }' |
        no_lines "too large"
}

# TLS is chapter 37, and in chapter 38 ssl.c. The live page is the rest of chapter 38 and,
# of chapter 36, the files named here. Too few files would be a pattern that sees nothing.
@test "all of src but the steps has at most 7,000 lines of code, with 350 more for TLS and 350 for the live page" {
    lines=$(sizes | awk '{ all += $1 } END { if (NR >= 40) print all }')
    [ -n "$lines" ]
    sh tests/ledger.sh $STEPS | awk -v all="$lines" '
        NR == 1 || $1 == "sum" { next }
        { tls += $38; if ($1 == "ssl.c") tls += $39; else page += $39 }
        $1 ~ /^(webtrace|trace|demo|settings)\.[ch]$/ { page += $37 }
        END {
            print all - tls - page " lines, TLS " tls ", live page " page
            exit !(all - tls - page <= 7000 && tls <= 350 && page <= 350 && tls && page)
        }'
}

@test "main.c has at most 100 lines of code" {
    [ "$(awk -f tests/code.awk src/main.c)" -le 100 ]
}

# What chapters 27 to 35 need stands beside the parts, and hardly in them. Chapter 36
# makes the parts faster.
@test "chapters 27 to 35 add at most 110 lines to the five parts, the fast path 19, and TLS 30" {
    sh tests/ledger.sh $STEPS | awk -v parts=" $PARTS " '
        { file = $1 }
        !sub(/\.c$/, "", file) || !index(parts, " " file " ") { next }
        { n++; added = 0; for (i = 28; i <= 36; i++) added += $i; all += added; fast += $37; tls += $38 }
        added + $37 { print $1 ": " added ", " $37 ", " $38 }
        END { if (n != 5) print n " parts"; print all ", " fast ", " tls
            if (all > 110 || fast > 19 || tls > 30 || n != 5) exit 1 }'
}

# added: "chapter lines" that it adds, with its program. The trace, and the poller
# of other systems, are no part of a chapter's reading.
added() {
    sh tests/ledger.sh $STEPS | awk '
        NR == 1 || $1 ~ /^(trace\.[ch]|poller_kqueue\.c|sum)$/ { next }
        { for (i = 2; i < NF; i++) n[i - 1] += $i; steps = NF - 2 }
        END { for (i = 1; i <= steps; i++) print i, n[i] + 0 }'
}

@test "a chapter adds at most 250 lines in the first part, and 300 later; TLS 350" {
    added | awk '$2 > ($1 <= 16 ? 250 : $1 == 37 ? 350 : 300) { print "chapter " $1 ": " $2 }
        END { if (!NR) print "none" }' | no_lines "too much at once"
}

@test "the whole server of the first part has at most 2,200 lines of code" {
    for f in "$BUILD/step-16"/*.[ch]; do
        case $f in */trace.[ch] | */poller_kqueue.c) continue ;; esac
        awk -f tests/code.awk "$f"
    done | awk '{ n += $1 } END { if (n > 2200 || n < 500) print n }' |
        no_lines "too large"
}

@test "no function has more than 40 lines of code" {
    for f in $(all_sources | grep '\.c$'); do
        awk -v functions=1 -f tests/code.awk "$f" |
            awk -v f="$f" '$2 > 40 { print f ": " $1 ", " $2 }
                END { if (!NR) print f ": no function" }'
    done | no_lines "too long"
}

@test "at least a fifth of the five parts and their headers is comment" {
    # A line with a comment beside the code counts for both.
    for f in $(for p in $PARTS; do echo src/$p.[ch]; done); do
        awk '
            !NF { next }
            { lines++; gsub(/"[^"]*"/, "") }
            open || /\/\*/ { comments++; open = !/\*\/ *$/ }
            END { print lines, comments + 0 }' "$f"
    done > "$TMP/shares"
    awk '{ lines += $1; comments += $2 }
        END { if (NR != 10 || comments < lines / 5) print comments " of " lines " in " NR " files" }' \
        "$TMP/shares" | no_lines "share of comment"
}

@test "nothing is left to be done, and no line is too wide" {
    grep -nE '\b(TO''DO|FIX''ME|X''XX|HA''CK)\b' $(all_sources) src/stage.awk \
        Makefile README.md tests/*.* chapters/*.md | no_lines "unfinished"
    for f in $(all_sources) tests/client.c tests/models.c tests/bench/*.[ch] \
        tests/fuzz/*.[ch]; do
        awk -v f="$f" 'length > 80 { print f ":" NR ": " length " columns" }
            /\t/ { print f ":" NR ": a tab" }
            /[ \t]$/ { print f ":" NR ": blanks at the end" }' "$f"
    done | no_lines "layout"
}

@test "the final program and the last stage are the same code" {
    for f in "$BUILD/step-$LAST"/*.[ch]; do
        diff -q <(sed 's/ *\/\* *\[[0-9]*\] *\*\/ *$//; s/\/\* \[[0-9]*\] /\/* /' \
            $(components | grep "/${f##*/}\$") | grep .) <(grep . "$f") > /dev/null ||
            echo "$f"
    done | no_lines "differs from src"
}

# core.autocrlf is what git for Windows asks for.
@test "git gives out every file as it is, also where it is told to change line ends" {
    command -v git > /dev/null || skip "git is not installed"
    [ -n "$(git ls-files -- Makefile 2> /dev/null)" ] || skip "this is no clone"
    git ls-files -- . ':!tests/fuzz/corpus' |
        git -c core.autocrlf=true check-attr --stdin eol |
        { grep -v ': eol: lf$' || true; } | no_lines "attributes"
    git ls-files -z -- . ':!tests/fuzz/corpus' | xargs -0 grep -lI $'\r' | no_lines "CR"
    # What a client sends has CRs.
    git ls-files -- tests/fuzz/corpus | git -c core.autocrlf=true check-attr --stdin text |
        { grep -v ': text: unset$' || true; } | no_lines "attributes"
}

# --- make test -----------------------------------------------------------------

# alone COMMAND...: without what the Bats around it has put into the environment.
alone() { env -i PATH="$TMP/bin:${PATH#"${BATS_LIBEXEC:-}":}" "$@"; }

@test "a bats that is too old, or none, is one line before anything is built" {
    mkdir "$TMP/bin"
    echo 'echo Bats 1.2.1' > "$TMP/bin/bats"
    chmod +x "$TMP/bin/bats"
    run alone make -s test BUILD="$TMP/built"
    [ "$status" -ne 0 ]
    [[ ${lines[0]} == "The tests need bats 1.5 or later, and this is bats 1.2.1"* ]]
    [ ! -e "$TMP/built" ]

    for tool in make sh sed tr cut awk basename dirname; do
        ln -sf "$(command -v $tool)" "$TMP/bin/$tool"
    done
    rm "$TMP/bin/bats"
    run env -i PATH="$TMP/bin" make -s test BUILD="$TMP/built"
    [ "$status" -ne 0 ]
    [[ ${lines[0]} == "The tests need bats: install"* ]]
    [ ! -e "$TMP/built" ]
}

@test "an interrupt in make test does not lose what has run" {
    # A program that was started with SIGINT ignored hands that on to its children.
    if sh -c 'kill -INT $$'; then skip "SIGINT is ignored here"; fi
    printf '@test "%s" { %s; }\n' one true two false > "$TMP/a.bats"
    printf '@test "%s" { %s; }\n' three true four "echo begun > '$TMP/four'; sleep 60" five true > "$TMP/b.bats"
    set -m                  # A job of its own: else it would ignore SIGINT.
    alone sh tests/run.sh "$TMP/a.bats" "$TMP/b.bats" > "$TMP/out" 2>&1 3>&- 4>&- &
    set +m
    wait_for_line "$TMP/out" 'a.bats is done'
    wait_for_line "$TMP/four" begun
    kill -INT -- "-$!"
    wait "$!" || true
    cat "$TMP/out"
    [ "$(grep -cE '^(not )?ok .* (one|two|three)$' "$TMP/out")" -eq 3 ]
    grep -q '^Interrupted' "$TMP/out"
    [[ $(tail -n 1 "$TMP/out") == "2 passed, "[12]" failed" ]]
}

# --- the card ------------------------------------------------------------------

@test "the hello world of the card is a program, and says hello" {
    sed -n '/^```c tests\/hello\.c$/,/^```$/p' README.md | sed '1d;$d' > "$TMP/card.c"
    [ -s "$TMP/card.c" ]
    tail -n "$(wc -l < "$TMP/card.c")" tests/hello.c | diff - "$TMP/card.c"
    # The program names its port; the test needs a free one.
    sed 's/8888, /atoi(getenv("PORT")), /; 1i #include <stdlib.h>' tests/hello.c > "$TMP/hello.c"
    mkdir "$TMP/stage"
    cp "$BUILD/step-$LAST"/*.[ch] "$TMP/stage"
    rm "$TMP/stage/main.c"
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread -I "$TMP/stage" "$TMP/hello.c" \
        "$TMP"/stage/*.c -o "$TMP/hello"
    PORT=$((20000 + RANDOM % 10000))
    PORT=$PORT "$TMP/hello" 2> /dev/null 3>&- 4>&- &
    SERVER_PID=$!
    curl -sS --max-time 5 --retry 20 --retry-connrefused --retry-delay 0 \
        "http://127.0.0.1:$PORT/" > "$TMP/said" || true
    kill "$SERVER_PID"
    [ "$(cat "$TMP/said")" = "Hello, world" ]
}

# The minutes are an estimate, which the card explains.
@test "the card's table of chapters has the numbers of the ledger, and the minutes that they mean" {
    added | while read -r n lines; do
        f=$(echo chapters/"$(printf %02d "$n")"-*.md)
        awk -v n="$n" -v lines="$lines" -v f="$f" '
            NR == 1 { title = $0; sub(/^# [0-9]+\. /, "", title) }
            /^```/ { fence = !fence; next }
            !fence { words += NF }
            END { printf "| [%d](%s) | %s | %d | %d |\n", n, f, title,
                5 * int((20 + words / 100 + lines / 5) / 5 + 0.5), lines }' "$f"
    done > "$TMP/is"
    # A chapter without a step has no lines.
    grep -oE '^\| \[[1-9][0-9]*\]\([^)]*\) \|([^|]*\|){3}' README.md |
        grep -v ' – |$' | diff -u "$TMP/is" -
}

# --- what HTTP asks for ----------------------------------------------------------

# requirements: the rows of that table, as "number|requirement|shown by".
requirements() {
    sed -nE 's/^\| *(91[0-9.-]*) *\| *(.*[^ ]) *\| *(.*[^ ]) *\|$/\1|\2|\3/p' \
        tests/http-requirements.md
}

@test "every requirement of HTTP has a number of its own, and they are in order" {
    # Behind the heading there is nothing but rows, each with its three parts.
    awk '/^\|---/ { rows = 1; next } rows' tests/http-requirements.md > "$TMP/rows"
    requirements > "$TMP/parts"
    [ "$(wc -l < "$TMP/parts")" -ge 90 ]
    [ "$(wc -l < "$TMP/rows")" -eq "$(wc -l < "$TMP/parts")" ] || {
        grep -vE '^\| *91[0-9.-]+ *\| *[^ |][^|]*\| *[^ |][^|]*\|$' "$TMP/rows"; false; }
    awk -F "|" '
        NF != 3 { print "not three parts: " $0 }
        $1 !~ /^911[02]-[0-9]+(\.[0-9]+)*-[0-9]+$/ { print "no number: " $1; next }
        {
            n = split($1, part, "-")
            key = part[1]
            m = split(part[2], section, ".")
            for (i = 1; i <= 5; i++)
                key = key sprintf(" %03d", i <= m ? section[i] : 0)
            if (key < last) print $1 " stands behind a later one"
            if (part[3] != (key == last ? running + 1 : 1)) print $1 " is not the next number"
            last = key
            running = part[3]
        }' "$TMP/parts" | no_lines "numbers"
    cut -d "|" -f 1 "$TMP/parts" | sort | uniq -d | no_lines "twice"
    cut -d "|" -f 2 "$TMP/parts" | grep -vE '^[A-Z].{15,}\.$' | no_lines "no sentence"
}

@test "every requirement of HTTP names tests that there are, or says why it has none" {
    requirements | cut -d "|" -f 1,3 | while IFS="|" read -r number shown; do
        case $shown in
        'does not arise: '?????*) continue ;;
        esac
        while [[ $shown =~ ^\`(tests/[a-z0-9-]+\.bats):\ ([^\`]+)\`(\;\ (.*))?$ ]]; do
            file=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]} shown=${BASH_REMATCH[4]}
            grep -qF "@test \"$name\" {" "$file" || echo "$number: $file has no \"$name\""
            [ -n "$shown" ] || continue 2
        done
        echo "$number: what is '$shown'?"
    done | no_lines "requirements"
}
