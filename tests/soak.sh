# soak.sh -- everything at once for a long time, and what is left of it.
#
#     make soak             ten minutes
#     SOAK=60 make soak     so many seconds
#
# Two servers get the same mixed load in rounds: one is a single process, the
# other has two children, which SIGHUP replaces in every round. Some clients ask
# politely; others leave in the middle, never finish, or send no HTTP. After
# each round, when all clients have gone, a server must have as many processes
# and descriptors as after the first one. Its memory may be larger in the last
# third of the rounds than in the first by a tenth and a mebibyte (of thirty
# rounds or more: at first freed blocks are kept for later). A polite
# client must get each answer. Status: 0; 1 something grew or was lost.

LC_ALL=C
export LC_ALL
build=${BUILD:-build}
dir=$build/soak
seconds=${SOAK:-600}
load=$build/bench/load
client=$build/client

[ -r /proc/self/status ] || { echo "skipped: there is no /proc"; exit 0; }
rm -rf "$dir"
mkdir -p "$dir"

servers='' worst=0
end_all() {
    for p in $servers; do kill "$p" 2> /dev/null; done
    wait
}
trap end_all EXIT
trap 'exit 1' HUP INT TERM

wrong() { echo "not as it was: $*"; worst=1; }

# launch NAME OPTION...: sets $pid and $port.
launch() {
    name=$1
    shift
    rm -f "$dir/$name.out"
    "$build/dustdevil" --port=0 --log=error --static-path=diagrams "$@" \
        > "$dir/$name.out" 2> "$dir/$name.log" < /dev/null &
    pid=$!
    servers="$servers $pid"
    for i in 1 2 3 4 5 6 7 8 9; do
        port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$dir/$name.out" 2> /dev/null)
        [ -z "$port" ] || return 0
        sleep "0.$i"
    done
    echo "the server does not listen:" && cat "$dir/$name.log"
    exit 1
}

# --- what a server has -------------------------------------------------------

# family PID: the process and its children.
family() { echo "$1"; cat "/proc/$1/task/$1/children" 2> /dev/null; }

descriptors() {
    for p in $(family "$1"); do ls "/proc/$p/fd" 2> /dev/null; done | wc -l
}

# The memory of the largest process, in KiB.
memory() {
    for p in $(family "$1"); do
        sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$p/status" 2> /dev/null
    done | sort -n | tail -n 1
}

# has PID: processes and descriptors.
has() { echo "$(family "$1" | wc -w) processes, $(descriptors "$1") descriptors"; }

# --- clients -----------------------------------------------------------------

get() { printf '%s %s HTTP/1.1\\r\\nHost: x\\r\\n%s\\r\\n' "${2:-GET}" "$1" "${3:-}"; }

# polite PORT OPTION...: the server must answer all that it asks for.
polite() {
    "$load" -t 1 "$@" >> "$dir/polite" 2>&1 || echo "load $* ended with $?" >> "$dir/lost"
}

# streamed PORT: the same for a chunked answer.
streamed() {
    "$client" -q -t 20 -c 20 "$1" send "$(get '/stream?n=100')" \
        readuntil 'line 100' readuntil '\r\n0\r\n\r\n' ||
        echo "a stream ended with $?" >> "$dir/lost"
}

# rude ARGUMENT...: whatever comes of it.
rude() { "$client" -q -t 20 "$@" > /dev/null 2>&1; }

# round PORT PID: all kinds of clients; returns when they have gone. In this subshell
# they are all the children there are.
round() (
    polite -c 40 -u /hello/world "$1" &
    polite -c 4 -d 16 "$1" &
    polite -c 4 -k -u /static/house.svg "$1" &
    polite -c 4 -b 100000 -u /echo "$1" &
    polite -c 10 -u '/slow?ms=20' "$1" &
    streamed "$1" &
    rude -c 20 "$1" send "$(get '/bytes?n=10000000')" readn 100000 reset &
    rude -c 20 "$1" send "$(get /echo POST 'Content-Length: 100000\r\n')abc" reset &
    rude -c 20 "$1" send "$(get /upload POST 'Transfer-Encoding: chunked\r\n')5\\r\\nab" close &
    rude -c 20 "$1" send 'GET /hel' shutdown read &
    rude -c 20 "$1" send '\x16\x03\x01\x00\xff\r\n\r\n' read &
    rude -c 20 "$1" send "$(get '/work?n=100000')" close &
    rude -c 20 "$1" send "$(get '/slow?ms=500')" reset &
    rude -c 10 "$1" rcvbuf 4096 deaf send "$(get '/bytes?n=3000000')" pause 300 close &
    if [ -n "$2" ]; then sleep 0.5; kill -HUP "$2"; fi
    wait
)

# settle PID WANTED: waits until it has as much as is wanted; what is too much
# after 20 seconds will not go.
settle() {
    for i in $(seq 200); do
        [ "$(has "$1")" != "$2" ] || return 0
        sleep 0.1
    done
    wrong "$(has "$1") after $i looks, not $2"
}

# --- the rounds --------------------------------------------------------------

launch one
one=$pid one_port=$port
launch several --processes=2
several=$pid several_port=$port

: > "$dir/lost"
one_has='' several_has='' n=0
end=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt "$end" ] || [ "$n" -lt 3 ]; do
    n=$((n + 1))
    round "$one_port" '' &
    round "$several_port" "$several"
    wait $!
    if [ "$n" -eq 1 ]; then
        sleep 3 # All connections of the first round have ended, whatever they did.
        one_has=$(has "$one") several_has=$(has "$several")
    fi
    settle "$one" "$one_has"
    settle "$several" "$several_has"
    echo "$(memory "$one") $(memory "$several")" >> "$dir/memory"
done

awk '{ third = NR <= total / 3 ? 1 : NR > total * 2 / 3 ? 3 : 2
       for (i = 1; i <= 2; i++) if ($i > most[third, i]) most[third, i] = $i }
     END { for (i = 1; i <= 2; i++) {
               printf "memory of server %d: at most %d KiB in the first third, %d in the last\n",
                   i, most[1, i], most[3, i]
               if (NR >= 30 && most[3, i] > most[1, i] * 1.1 + 1024) bad = 1 }
           exit bad }' total="$n" "$dir/memory" || wrong "the memory"

[ ! -s "$dir/lost" ] || { cat "$dir/lost"; wrong "a polite client"; }
for p in $one $several; do
    kill "$p"
    wait "$p" || wrong "the status $? at the end"
done
servers=''

# --- attacks -----------------------------------------------------------------

# honest PORT: microseconds for one request of one client, the mean of a second.
honest() {
    "$load" -t 1 -u /hello/world "$1" | awk '{ sub(/.*requests=/, "")
        printf "%.0f\n", 1e6 / ($1 > 0 ? $1 : 1) }'
}

# attack WHAT ARGUMENT...: the rude client with these arguments, PORT among them.
attack() {
    what=$1
    shift
    launch attacked
    alone=$(honest "$port")
    for a; do
        shift
        [ "$a" = PORT ] && a=$port
        set -- "$@" "$a"
    done
    "$client" -q -t 60 "$@" > /dev/null 2>&1 < "$dir/fifo" &
    attacker=$!
    sleep 1
    beside=$(honest "$port")
    echo "$what: an honest request takes $(awk "BEGIN { printf \"%.1f\", $beside / $alone }") times as long"
    [ "$beside" -lt 1000000 ] || wrong "nobody was served beside: $what"
    kill "$attacker" 2> /dev/null
    wait "$attacker" 2> /dev/null
    case $? in 2 | 127) wrong "there was no attack: $what" ;; esac
    kill "$pid"
    wait "$pid" || wrong "the status $? after: $what"
    servers=''
}

mkfifo "$dir/fifo"
exec 9<> "$dir/fifo"    # so that an attacker that holds its connections can open it
mib=16775000
post() { get "$1" POST "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: $2\r\n"; }
attack 'sixteen bodies that are not finished' -c 16 PORT \
    send "$(post /echo 16777216)" repeat $mib a hold
attack 'sixteen answers that are not read' -c 16 PORT rcvbuf 4096 deaf \
    send "$(post /echo 16777216)" repeat 16777216 a hold
attack 'fifteen names to escape' -c 15 PORT \
    send "$(post /hello 16777216)name=" repeat 16777211 '"' read
attack 'names that are many' -c 4 PORT send "$(post /form 16000000)" repeat 4000000 'a=b&' read
attack 'four long calculations' -c 4 PORT send "$(get '/work?n=5000000')" read
attack 'half heads of 30 KB' -c 400 PORT \
    send 'GET / HTTP/1.1\r\n' repeat 30 "a: $(printf '%01000d' 0)\\r\\n" hold

[ "$n" -ge 30 ] || echo "soak: $n rounds are too few to judge the memory"
! grep . "$dir/one.log" "$dir/several.log" || wrong "what a server says"
echo "soak: $n rounds; each server had at the end $one_has; $several_has"
exit $worst
