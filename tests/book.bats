# The book: the whole course in one HTML file; see book.sh.

setup_file() {
    load helper
    sh tests/book.sh "$BATS_FILE_TMPDIR"
}

setup() {
    load helper
    TMP=$BATS_TEST_TMPDIR
    BOOK=$BATS_FILE_TMPDIR/book/index.html
    STEPS=$(sed -n 's/^STEPS = //p' Makefile)
}
teardown() { stop_server; }

# ids, links: the names of places in the book, and those that links lead to.
ids()   { grep -oE ' id="[^"]*"' "$BOOK" | sed -e 's/^ id="//' -e 's/"$//' | sort; }
links() { grep -oE ' href="#[^"]*"' "$BOOK" | sed -e 's/^ href="#//' -e 's/"$//' | sort -u; }

# text: HTML lines without their elements.
text() { sed -e 's/<[^>]*>//g' -e 's/&lt;/</g' -e 's/&gt;/>/g' -e 's/&quot;/"/g' -e 's/&amp;/\&/g'; }

@test "every link of the book leads to a place in it, and no place is there twice" {
    [ "$(links | wc -l)" -gt 500 ]
    [ -z "$(ids | uniq -d)" ]
    ids > "$TMP/ids"
    links | comm -23 - "$TMP/ids" > "$TMP/lost"
    [ ! -s "$TMP/lost" ] || { cat "$TMP/lost"; return 1; }
    grep -oE ' href="[^#"][^"]*"' "$BOOK" | { grep -vE '"https?://' || true; } > "$TMP/out"
    [ ! -s "$TMP/out" ] || { cat "$TMP/out"; return 1; }
}

@test "the book loads nothing from elsewhere" {
    grep -oE ' src="[^"]{0,20}' "$BOOK" | { grep -v ' src="data:image/svg' || true; } > "$TMP/out"
    [ ! -s "$TMP/out" ]
    run ! grep -qE '<(script|link|iframe|object|embed|video|audio)' "$BOOK"
    sed -n '/<style>/,/<\/style>/p' "$BOOK" > "$TMP/style"
    [ -s "$TMP/style" ]
    run ! grep -qE '@import|url\(' "$TMP/style"
}

@test "the book has every chapter, every answer and every picture" {
    ids > "$TMP/ids"
    for f in chapters/[0-9]*.md; do
        n=$(basename "$f")
        grep -qx "chapter-$((10#${n%%-*}))" "$TMP/ids" || { echo "no $f"; return 1; }
    done
    for f in chapters/answers/*.md; do
        grep -qx "answer-$(basename "$f" .md)" "$TMP/ids" || { echo "no $f"; return 1; }
    done
    for f in diagrams/*.svg; do
        grep -qx "picture-$(basename "$f" .svg)" "$TMP/ids" || { echo "no $f"; return 1; }
    done
    for id in tour glossary answers source; do grep -qx "$id" "$TMP/ids"; done
    # A link of a page that is not in the book is none: the words must be there.
    [ "$(grep -c '^<li><strong>.*</strong> <a href="#chapter-[0-9]*">' "$BOOK")" -eq \
        "$(grep -c '^- \*\*.*\*\* \[[0-9]*\]' chapters/glossary.md)" ]
}

@test "a picture of the book is the picture, byte for byte" {
    for f in diagrams/*.svg; do
        grep -A 1 "<div id=\"picture-$(basename "$f" .svg)\">" "$BOOK" |
            grep -o 'data:image/svg+xml,[^"]*' | sed 's/^[^,]*,//' |
            sed -e 's/%0A/\n/g' -e 's/%22/"/g' -e 's/%23/#/g' -e 's/%3C/</g' \
                -e 's/%3E/>/g' -e 's/%26/\&/g' -e 's/%25/%/g' | sed '$d' | cmp - "$f"
    done
}

@test "the source of the book is the source, line by line, with the chapters in its margin" {
    for f in src/*.[ch] src/*/*.[ch]; do
        n=$(basename "$f" | tr . -)
        sed -n "/^<h3 id=\"src-$n\">/,/^<\/pre>/p" "$BOOK" | sed -e '1d' -e '$d' |
            sed 's/^<pre [^>]*>//' > "$TMP/part"
        text < "$TMP/part" | cut -c 6- | diff - "$f"
        # A line of a tag is in the chapter of its tag.
        text < "$TMP/part" | awk -v f="$f" '
            { m = substr($0, 1, 4); gsub(/[^0-9]/, "", m); if (m != "") margin = m
              line = substr($0, 6) }
            match(line, /\/\* \[[0-9]+\]/) {
                tag = substr(line, RSTART + 4, RLENGTH - 5)
                if (tag != margin) { print f ": " line " stands at " margin; bad = 1 } }
            END { exit bad }'
    done
}

@test "beside each chapter stand the lines that it adds" {
    for f in src/*.[ch] src/*/*.[ch]; do
        awk -v n=0 -v steps=1 -f src/stage.awk "$f"
    done > "$TMP/steps"
    for n in $STEPS; do
        sed -n "/^<h3 id=\"chapter-$n-code\">/,/^<\/div>\|^<\/aside>/p" "$BOOK" |
            sed -e 's/<h4>.*<\/h4>//' -e 's/<pre [^>]*>//' | sed 1,2d |
            grep -vE '^<s>|^</pre>|^</aside>|^$' | text | grep -v '^$' | sort > "$TMP/new"
        awk -F '\t' -v n="$n" '$1 == n' "$TMP/steps" | cut -f 2- | grep -v '^$' | sort |
            diff - "$TMP/new" > "$TMP/diff" || { echo "chapter $n"; cat "$TMP/diff"; return 1; }
    done
}

@test "the server serves the book at /static/" {
    start_server --static-path="$BATS_FILE_TMPDIR/book"
    http -D "$TMP/head" "$URL/static/" | cmp - "$BOOK"
    grep -qi '^Content-Type: text/html; charset=utf-8' "$TMP/head"
}

@test "the book is well-formed" {
    command -v xmllint > /dev/null || skip "xmllint is not installed"
    xmllint --noout --nonet "$BOOK"
}

@test "every awk writes the same book" {
    for awk in mawk gawk "gawk --posix" "busybox awk" original-awk; do
        command -v "${awk%% *}" > /dev/null || continue
        mkdir -p "$TMP/bin"
        printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v "${awk%% *}")${awk#"${awk%% *}"}" > "$TMP/bin/awk"
        chmod +x "$TMP/bin/awk"
        PATH=$TMP/bin:$PATH sh tests/book.sh "$TMP"
        cmp "$TMP/book/index.html" "$BOOK"
    done
}
