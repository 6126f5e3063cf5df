# tour.sh -- send the tour's request through a program and show its stops.
#
#     sh tests/tour.sh build/dustdevil

program=$1
tmp=$(mktemp -d)
pid=
trap 'kill $pid 2> /dev/null; rm -rf "$tmp"' EXIT

command -v curl > /dev/null || { echo "The tour needs curl."; exit 1; }

: > "$tmp/out"
"$program" --port=0 --trace > "$tmp/out" 2> "$tmp/trace" < /dev/null &
pid=$!
for i in $(seq 100); do
    grep -q '^listening on ' "$tmp/out" && break
    sleep 0.1
done
url=$(sed -n '1s/^listening on //p' "$tmp/out")
if [ -z "$url" ]; then
    echo "$program does not run with --trace ($i looks):"
    cat "$tmp/trace"
    exit 1
fi

echo "\$ curl -d name=world $url/hello"
curl -sS --max-time 5 --noproxy '*' -d name=world "$url/hello"
echo

# The server learns that curl has gone a moment after we do.
sleep 0.3
kill "$pid"
wait "$pid" 2> /dev/null

# Each stop of the run with its title from the table in chapters/tour.md:
#   | (7) | iostream.c | read_from_buffer | ← `handle_read` | the read is complete |
# and the server's own line beside it. A blank line is a turn of the loop.
[ -f chapters/tour.md ] || : > "$tmp/tour.md"
awk -F '|' '
    FILENAME ~ /tour\.md$/ {
        if (match($2, /\([0-9]+\)/)) {
            stop = substr($2, RSTART, RLENGTH)
            gsub(/^ +| +$/, "", $6)
            title[stop] = $6
        }
        next
    }
    /^$/ { print; next }
    /^--- waited/ { print "       " $0; next }
    match($0, /^turn [0-9]+ +\([0-9]+\)/) {
        split($0, word, " ")
        what = substr($0, RLENGTH + 1)
        sub(/^[) ]+/, "", what)
        printf "%5s  %-45s %s\n", word[3], title[word[3]], what
    }' "$(ls chapters/tour.md 2> /dev/null || echo "$tmp/tour.md")" "$tmp/trace"
