# book.sh -- make the book: the whole course in one HTML file.
#
#     sh tests/book.sh BUILD
#
# It is BUILD/book/index.html, in a folder of its own: a server can serve that
# folder and nothing else.

LC_ALL=C
export LC_ALL
book=$1/book
mkdir -p "$book"
for f in src/*.[ch] src/*/*.[ch]; do
    echo "== $f"
    awk -v n=0 -v steps=1 -f src/stage.awk "$f" || exit 1
done > "$book/steps"

# The order of the book. What is named here is not taken again below.
pages='chapters/tour.md chapters/glossary.md chapters/tornado.md chapters/working.md chapters/teaching.md diagrams/README.md'
# shellcheck disable=SC2086 # The pages are words.
awk -f tests/book.awk "$book/steps" diagrams/*.svg chapters/[0-9]*.md $pages \
    chapters/answers/*.md chapters/answers/*.patch chapters/proxy/*.* \
    > "$book/index.html.new" || exit 1
rm "$book/steps"
mv "$book/index.html.new" "$book/index.html"
