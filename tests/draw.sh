# draw.sh -- draw the lives of three requests, each from the records of a run.
#
#     sh tests/draw.sh BUILD DIRECTORY
#
# The pictures go to DIRECTORY. A picture counts when two runs, one after the
# other, give the same: on a busy machine the server may come to a wait too late
# for it to be one, or a client may come in a later turn.

BUILD=$1
to=$2
tmp=$(mktemp -d)
LC_ALL=C
export LC_ALL
drawing=
trap 'kill $drawing 2> /dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM

tour='POST /hello HTTP/1.1\r\nHost: 127.0.0.1:8888\r\nUser-Agent: curl\r\nAccept: */*\r\nContent-Length: 10\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nname=world'
get='GET / HTTP/1.1\r\nHost: 127.0.0.1:8888\r\n\r\n'
slow='GET /slow?ms=1500 HTTP/1.1\r\nHost: 127.0.0.1:8888\r\n\r\n'

# The clients. Each sends its request in one piece, and stays for a while before
# it closes the connection: the server waits for that.
clients() {
    case $1 in
    request) "$BUILD/client" "$2" send "$tour" readuntil world pause 400 ;;
    get) "$BUILD/client" "$2" send "$get" readuntil world pause 400 ;;
    slow)
        "$BUILD/client" "$2" send "$slow" readuntil slept pause 400 &
        sleep 0.5
        "$BUILD/client" "$2" send "$get" readuntil world pause 400
        wait $!
        ;;
    esac > /dev/null
}

# run NAME DIR TITLE REQUEST: one run, and its picture in DIR/svg.
run() {
    mkdir -p "$2"
    : > "$2/out"
    "$BUILD/dustdevil" --port=0 --log=none --trace="$2/records" > "$2/out" \
        2> "$2/err" < /dev/null &
    server=$!
    i=0
    until grep -q '^listening on ' "$2/out" || [ $((i += 1)) -gt 100 ]; do
        sleep 0.1
    done
    # Here the server waits for its first client.
    sleep 0.4
    clients "$1" "$(sed -n '1s/.*://p' "$2/out")"
    answered=$?
    sleep 0.4
    kill $server
    wait $server
    server=
    [ $answered -eq 0 ] || return 1
    # shellcheck disable=SC2012 # Their names are plain.
    ls src/*.c src/*/*.c | awk -f tests/life.awk -v title="$3" \
        -v request="$4" - chapters/tour.md "$2/records" > "$2/svg"
}

# draw NAME PICTURE TITLE REQUEST
draw() {
    server=
    trap 'kill $server 2> /dev/null; exit 1' TERM
    before=
    for try in 1 2 3 4 5 6; do
        run "$1" "$tmp/$1-$try" "$3" "$4" || return 1
        if [ -n "$before" ] && cmp -s "$before" "$tmp/$1-$try/svg"; then
            cp "$before" "$to/$2"
            return
        fi
        before=$tmp/$1-$try/svg
    done
    echo "$2: of $try runs no two in succession were the same" >&2
    return 1
}

# All at the same time: most of the time they wait.
draw request life-of-a-request.svg 'The life of a request' \
    'POST /hello, with the body name=world.' &
drawing=$!
draw get life-of-a-get.svg 'The life of a GET' 'GET /, without a body.' &
drawing="$drawing $!"
draw slow life-of-a-slow-handler.svg 'The life of a slow request' \
    'Client A: GET /slow. Client B, while A waits: GET /.' &
drawing="$drawing $!"
status=0
for one in $drawing; do
    wait "$one" || status=1
done
drawing=
exit $status
