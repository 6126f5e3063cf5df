# bench.sh -- what a request costs, beside the least that it can cost.
#
#     make bench             all of it: about ten minutes
#     QUICK=1 make bench     about three
#     ROWS="a c h" make bench    only these rows, or rows that begin like that
#     SERVER=path make bench     that program in the place of ours
#     APART=1 make bench     client and server on two CPUs, not on one
#
# The unit is the floor: a server that does nothing for a request but the system
# calls (floor.c). "eff" is the floor's CPU time per request divided by ours, in
# two passes that follow each other; the table has the median of all pairs. Time
# is the kernel's count of what a process has used, so that other programs on
# the machine disturb it little. What can be counted is counted, not timed.
#
# The rows m are about TLS, where openssl and its headers (libssl-dev) are
# installed. They have no floor: "eff" is nginx's CPU time divided by ours, with
# the same certificate (ECDSA, P-256), TLS 1.3, X25519, AES-256-GCM, and one
# ticket for each connection.
#
# It ends what it started and fails only if it can measure nothing at all. All
# that it writes is below build/bench.

LC_ALL=C
export LC_ALL
here=tests/bench
dir=${BUILD:-build}/bench
make=${MAKE:-make}

if [ -n "$TINY" ]; then        # for the test of this script: all in a moment
    rounds=1 pass=0.05 warm=0 crowd=200 counted=10 big=1
elif [ -n "$QUICK" ]; then
    rounds=5 pass=0.4 warm=0.1 crowd=10000 counted=200 big=10
else
    rounds=9 pass=0.8 warm=0.2 crowd=10000 counted=500 big=10
fi
rounds=${ROUNDS:-$rounds}
load=$dir/load tls='' tls_options=''    # the rows m, which are the last, change these

say() { echo "$*" >&2; }

# How long it is waited for what takes a moment: tenths of a second.
looks='1 1 1 2 2 3 3 4 5 5 5 5 5 5 5 9 9 9 9 9'

# has NAME: is this program installed?
has() { command -v "$1" > /dev/null 2>&1; }

# --- processes ---------------------------------------------------------------

pids=''

# end PID: it ends, and is forgotten.
end() {
    "$dir/pin" -k "$1" &
    wait "$1" 2> /dev/null
    wait "$!"
    pids=$(echo " $pids " | sed -e "s/ $1 / /" -e 's/^ *//' -e 's/ *$//')
}

end_all() {
    for p in $pids; do end "$p"; done
}
trap end_all EXIT
trap 'exit 1' HUP INT TERM

# launch NAME COMMAND...: in the background; its process is $pid.
launch() {
    name=$1
    shift
    : > "$dir/$name.out"       # an older one must not be taken for this one
    "$@" > "$dir/$name.out" 2> "$dir/$name.err" < /dev/null &
    pid=$!
    pids="$pids $pid"
    echo "$pid" >> "$dir/pids"
}

# listens NAME: waits for the line with the URL; sets $port. One under valgrind
# takes its time.
listens() {
    for i in $looks; do
        port=$(sed -n '1s/^listening on .*:\([0-9]*\)$/\1/p' "$dir/$1.out")
        [ -z "$port" ] || return 0
        kill -0 "$pid" 2> /dev/null || break
        sleep "0.$i"
    done
    say "$1 does not listen:"
    sed 's/^/    /' "$dir/$1.err" >&2
    return 1
}

# answers PORT: waits for a server that does not say when it listens.
answers() {
    for i in $looks; do
        "$load" -n 1 "$1" > /dev/null 2>&1 && return 0
        sleep "0.$i"
    done
    return 1
}

# free_port: one that the kernel gave to a program which has ended.
free_port() {
    launch port "$dir/floor" && listens port
    end "$pid"
}

# start SERVER [OPTION...]: one of the servers, behind $wrap. Sets pid and port.
# Options are for floor and ours only.
start() {
    server=$1
    shift
    case $server in
    floor* | sendfile)
        # shellcheck disable=SC2086 # A command in words, or nothing.
        launch "$server" $wrap "$dir/floor" "$@"
        listens "$server"
        ;;
    ours)
        # shellcheck disable=SC2086
        launch ours $wrap "$ours" --port=0 --log=none "$@" \
            --static-path="$dir/files/static"
        listens ours
        ;;
    *)
        free_port
        sed -e "s|@DIR@|$full|g" -e "s|@PORT@|$port|g" \
            -e "s|@USER@|$(id -un)|g" -e "s|@TLS@|$tls|g" \
            "$here/$server.conf" > "$dir/$server.conf"
        case $server in
        nginx) set -- nginx -p "$full" -e nginx.log -c nginx.conf ;;
        h2o) set -- h2o -c "$dir/h2o.conf" ;;
        lighttpd) set -- lighttpd -D -f "$dir/lighttpd.conf" ;;
        esac
        # shellcheck disable=SC2086
        launch "$server" $wrap "$@"
        answers "$port"
        ;;
    esac
}

# --- what there is to measure with -------------------------------------------

cd "$(dirname "$0")/../.." || exit 1
case $dir in /*) full=$dir ;; *) full=$PWD/$dir ;; esac
rm -rf "$dir/files" "$dir/pids"
mkdir -p "$dir/files/static" || exit 1
: > "$dir/results"
: > "$dir/skipped"
began=$(date +%s)

skip() { printf '%s\t%s\n' "$1" "$2" >> "$dir/skipped"; }

$make -s BUILD="${BUILD:-build}" "$dir/floor" "$dir/load" "$dir/pin" >&2 || {
    say "The floor and the load cannot be built."
    exit 1
}
ours=$SERVER
if [ -z "$ours" ]; then
    for flags in "-O2 -g -flto=auto" "-O2 -g"; do
        $make -s dustdevil BUILD="$dir/server" CFLAGS="$flags" \
            > "$dir/server.log" 2>&1 && ours=$dir/server/dustdevil && break
        rm -rf "$dir/server/obj"
    done
    [ -n "$ours" ] || {
        say "The server cannot be built:"
        cat "$dir/server.log"
        exit 1
    }
fi

# On Linux and most BSDs a process may ask how much CPU time another one used.
# Elsewhere each pass has a server of its own, whose parent is told at its end.
launch probe sleep 5
if [ -z "$NO_CLOCK" ] &&
    "$dir/load" -P "$pid" -n 0 -t 0 1 2> /dev/null | grep -q server=; then
    clock=1 rusage=''
else
    clock='' rusage=1
    skip "-" "the CPU time of a running process cannot be read: each pass has\
 its own server, whose start is counted"
fi
end "$pid"

# Two of the CPUs that we may use.
cpus=$(awk '/^Cpus_allowed_list:/ {
    n = split($2, part, ",")
    for (i = 1; i <= n; i++) {
        m = split(part[i], ends, "-")
        for (c = ends[1]; c <= ends[m]; c++) print c
    } }' /proc/self/status 2> /dev/null | tail -n 2 | tr '\n' ' ')
# shellcheck disable=SC2086 # Numbers.
set -- $cpus
first=${1:--} second=${2:-${1:--}}
[ $# -gt 0 ] || skip "-" "programs cannot be bound to a CPU here"
[ $# -ne 1 ] || skip "-" "there is one CPU: nothing is measured on two"

# shellcheck disable=SC3045 # Where ulimit has no -H, the limit stays.
ulimit -n "$(ulimit -H -n)" 2> /dev/null
# shellcheck disable=SC3045
descriptors=$(ulimit -n)
[ "$descriptors" = unlimited ] || [ "$descriptors" -ge $((crowd + 200)) ] || {
    crowd=$((descriptors - 200))
    skip "g, k" "$crowd connections, not 10000: a process may have no more\
 than $descriptors descriptors"
}

# The same bytes each time; what they are does not matter.
make_file() { awk -v n=$(($2 / 64)) 'BEGIN { for (; n > 0; n--)
    print "sixty-three bytes and the end of a line, as often as it is need" }' \
    > "$dir/files/static/$1"; }

make_files() {
    make_file 1k 1024
    make_file 64k 65536
    make_file big $((big << 20))
    i=0
    while [ $i -lt 64 ]; do
        cp "$dir/files/static/1k" "$dir/files/static/1k-$i"
        cp "$dir/files/static/64k" "$dir/files/static/64k-$i"
        i=$((i + 1))
    done
    printf 'Hello, world' > "$dir/files/hello"
}

make_files

# Servers are often where an ordinary shell does not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin
peers=''
for s in nginx h2o lighttpd; do
    if ! has $s; then
        skip $s "is not installed"
    elif wrap='' && start $s; then
        peers="$peers $s"
        end "$pid"
    else
        skip $s "does not start: see $dir/$s.err"
        end "$pid"
    fi
done

# --- rows --------------------------------------------------------------------

tls_crowd=$((crowd / 10))      # each costs the client as much memory

# One line each: name; kind; what; must (of eff: at least; of the others: at
# most); body of the floor's answer and its further options; options of load.
cat > "$dir/rows" << END
a|eff|hello, 64 connections|.97|12||-c 64
b|eff|hello, 512 connections|.94|12||-c 512
c|eff|hello, 64 connections, pipelined 16|.65|12||-c 64 -d 16
d|eff|hello, Connection: close|.95|12|-k|-c 64 -k
e|eff|POST of 1 KiB, echoed|.96|1024||-c 64 -b 1024 -u /echo
f1|eff|file of 1 KiB, one for all|.88|1024||-c 64 -u /static/1k
f2|eff|file of 1 KiB, one for each connection|.88|1024|-n 64|-c 64 -u /static/1k-%d
f3|eff|file of 64 KiB, one for all|.90|65536||-c 64 -T -u /static/64k
f4|eff|file of 64 KiB, one for each connection|.90|65536|-n 64|-c 64 -T -u /static/64k-%d
f5|eff|file of $big MiB, 8 connections|1.5|$((big << 20))||-c 8 -T -u /static/big
f6|rate|the same on two CPUs, rate|1.0|$((big << 20))||-c 8 -T -u /static/big
g|count|bytes for each of $crowd idle connections|360|||
h1|count|instructions, hello|4000|||
h2|count|instructions, hello, pipelined 16|3250|||
i|count|instructions per byte of a header|8|||
j|count|instructions per byte that comes alone|550|||
k|eff|hello, $crowd connections|.88|12||-c $crowd
l1|count|system calls, hello|3.0|||
l2|count|system calls, hello, pipelined 16|.19|||
l3|count|system calls, Connection: close|6.0|||
p|processes|2 processes, rate / one||||
p2|count|2 processes, most accepts / fewest|1.2|||
m1|tls|TLS: connection, handshake, one hello|1.0|||-c 16 -k
m2|tls|TLS: hello, 8 connections|1.0|||-c 8
m3|count|TLS: bytes for each of $tls_crowd idle connections||||
END

# wanted ROW: may this row be measured?
wanted() {
    [ -n "$ROWS" ] || return 0
    for r in $ROWS; do
        case $1 in "$r"*) return 0 ;; esac
    done
    return 1
}

# --- timed rows --------------------------------------------------------------

# measure ROW ROUND SERVER OPTION...: one pass; the server's process and port
# are kept in $dir/SERVER.at.
measure() {
    row=$1 round=$2 server=$3
    shift 3
    if [ -n "$clock" ]; then
        read -r pid port < "$dir/$server.at"
        line=$("$dir/pin" "$client_cpu" "$load" -P "$pid" \
            -t "$pass" -w "$warm" "$@" "$port" 2>> "$dir/load.err")
    else
        read -r options < "$dir/$server.options"
        wrap="$dir/pin -r $dir/cpu $server_cpu"
        # shellcheck disable=SC2086 # Options in words.
        start "$server" $options || return
        line=$("$dir/pin" "$client_cpu" "$load" -t "$pass" -w "$warm" \
            "$@" "$port" 2>> "$dir/load.err")
        end "$pid"
        line="$line server=$(cat "$dir/cpu")"
    fi
    printf 'pass\t%s\t%s\t%s\t%s\n' "$row" "$round" "$server" "$line" \
        >> "$dir/results"
}

# timed ROW: its servers are up together, and take turns.
timed() {
    IFS='|' read -r row kind what _ body floor_options load_options << END
$(grep "^$1|" "$dir/rows")
END
    [ "$kind" != rate ] || [ "$first" != "$second" ] || return 0
    server_cpu=$second client_cpu=$second
    [ "$kind" != rate ] && [ -z "$APART" ] || client_cpu=$first
    case $row in
    e) servers="floor ours" ;;
    f*)
        servers="floor ours$peers"
        [ "$(uname)" != Linux ] || servers="$servers sendfile" ;;
    m*) servers=$tls_servers ;;
    *) servers="floor ours$peers" ;;
    esac
    say "row $row: $what"

    up=''
    wrap="$dir/pin $server_cpu"
    for s in $servers; do
        case $s in
        floor) options="-b $body $floor_options" ;;
        sendfile)
            # shellcheck disable=SC2086
            set -- $load_options
            for path; do :; done
            options="-f $dir/files${path%-%d}" ;;
        ours) options="--max-connections=20000 $tls_options" ;;
        *) options='' ;;
        esac
        echo "$options" > "$dir/$s.options"
        [ -n "$clock" ] || continue
        # shellcheck disable=SC2086
        start "$s" $options || { skip "$row" "$s does not start"; continue; }
        echo "$pid $port" > "$dir/$s.at"
        up="$up $pid"
    done
    round=1
    while [ $round -le "$rounds" ]; do
        for s in $servers; do
            # shellcheck disable=SC2086
            measure "$row" $round "$s" $load_options
        done
        round=$((round + 1))
    done
    for p in $up; do end "$p"; done
}

# --- counted rows ------------------------------------------------------------

value() { printf 'value\t%s\t%s\t%s\n' "$1" "$2" "$3" >> "$dir/results"; }

# per FEW MANY N: what each of the N further ones costs.
per() {
    awk -v a="$1" -v b="$2" -v n="$3" \
        'BEGIN { if (a != "" && b != "") print (b - a) / n }'
}

# life SERVER OPTION...: the server is started behind $wrap, with the options in
# $options; load asks it with these options; it ends.
life() {
    name=$1
    shift
    # shellcheck disable=SC2086 # Options in words.
    if start "$name" $options; then
        "$dir/load" -P "$pid" "$@" "$port" > "$dir/load.out" 2>> "$dir/load.err"
    fi
    end "$pid"
}

# instructions SERVER OPTION...: that are executed in a life.
instructions() {
    wrap="valgrind --tool=callgrind --callgrind-out-file=$dir/callgrind.out"
    options=''
    rm -f "$dir/callgrind.out"
    life "$@" 2> /dev/null
    sed -n 's/^summary: \([0-9]*\).*/\1/p; s/^totals: \([0-9]*\).*/\1/p' \
        "$dir/callgrind.out" 2> /dev/null | sed -n 1p
}

# more_instructions SERVER DEPTH OPTION...: for one request of $counted / DEPTH
# batches; what the server does once is in both lives.
more_instructions() {
    server=$1 depth=$2
    shift 2
    few=$((counted / 10 * depth)) more=$((counted * depth))
    per "$(instructions "$server" -d "$depth" -n $few "$@")" \
        "$(instructions "$server" -d "$depth" -n $((few + more)) "$@")" $more
}

count_instructions() {  # count_instructions SERVER
    say "rows h, i, j: $1"
    hello=$(more_instructions "$1" 1)
    value h1 "$1" "$hello"
    value h2 "$1" "$(more_instructions "$1" 16)"
    value i "$1" "$(per "$hello" "$(more_instructions "$1" 1 -H 2048)" 2048)"
    [ -r /proc/self/stat ] || return 0
    value j "$1" "$(per "$(instructions "$1" -s -H 128 -n 2)" \
        "$(instructions "$1" -s -H 1152 -n 2)" 2048)"
}

# calls SERVER OPTION...: system calls of a life.
calls() {
    # -D: the server, not strace, is the process that we end.
    wrap="strace -D -f -c -o $dir/strace.out"
    rm -f "$dir/strace.out"
    life "$@" 2> /dev/null
    for i in $looks; do
        [ ! -s "$dir/strace.out" ] || break
        sleep "0.$i"
    done
    awk '/^ *[0-9]/ && $NF != "total" { n += $4 } END { print n }' \
        "$dir/strace.out" 2> /dev/null
}

# more_calls SERVER DEPTH OPTION...: for one request.
more_calls() {
    server=$1 depth=$2
    shift 2
    per "$(calls "$server" -d "$depth" -n $((counted * depth)) "$@")" \
        "$(calls "$server" -d "$depth" -n $((3 * counted * depth)) "$@")" \
        $((2 * counted * depth))
}

count_calls() {  # count_calls SERVER
    say "rows l: $1"
    options=''
    value l1 "$1" "$(more_calls "$1" 1)"
    value l2 "$1" "$(more_calls "$1" 16)"
    [ "$1" != floor ] || options=-k
    value l3 "$1" "$(more_calls "$1" 1 -k)"
}

# resident PID: bytes in memory
resident() {
    awk -v page="$(getconf PAGESIZE)" '{ print $2 * page }' "/proc/$1/statm"
}

crowd_is_there() {
    for i in $looks; do
        grep -q ready= "$dir/crowd.out" && break
        sleep "0.$i"
    done
}

count_bytes() {  # count_bytes ROW SERVER CONNECTIONS
    row=$1 crowd=$3
    shift
    say "row $row: $1"
    wrap=''
    options=''
    [ "$1" != ours ] || options="--max-connections=20000 $tls_options"
    # shellcheck disable=SC2086
    start "$1" $options || return 0
    server=$pid
    "$load" -c 16 -n 200 "$port" > /dev/null 2>> "$dir/load.err"
    before=$(resident "$server")
    launch crowd "$load" -i -c "$crowd" "$port"
    crowd_is_there
    if grep -q "^ready=$crowd failed=0" "$dir/crowd.out"; then
        value "$row" "$1" "$(per "$before" "$(resident "$server")" "$crowd")"
    else
        skip "$row" "$1 did not take $crowd connections"
    fi
    end "$pid"
    end "$server"
}

# --- processes ---------------------------------------------------------------

# rate PROCESSES: requests a second of forms with a thousand fields in the query.
# They cost the server so much more than the client that the client, which needs
# a CPU too, is not the limit.
form="/form?$(awk 'BEGIN { while (n++ < 1000) printf "a=1&" }')"
rate() {
    wrap=''
    start ours "--processes=$1" || return 1
    server=''
    [ "$1" -gt 1 ] || server="-P $pid"
    # shellcheck disable=SC2086
    line=$("$dir/load" $server -c 256 -u "$form" -t "$pass" -w "$warm" \
        "$port" 2>> "$dir/load.err")
    end "$pid"
    printf 'pass\tp%s\t%s\tours\t%s\n' "$1" "$round" "$line" >> "$dir/results"
}

count_processes() {
    say "rows p: two processes"
    round=1
    while [ "$round" -le $(((rounds + 1) / 2)) ]; do
        rate 1
        rate 2
        round=$((round + 1))
    done

    # A process has a descriptor for each connection that it has accepted.
    wrap=''
    start ours --processes=2 || return 0
    server=$pid
    launch crowd "$dir/load" -i -c $((crowd / 5)) "$port"
    crowd_is_there
    # shellcheck disable=SC2013 # They are words.
    for p in $(cat "/proc/$server/task/$server/children"); do
        find "/proc/$p/fd" -lname 'socket:*' | wc -l
    done | sort -n | awk '{ n[NR] = $1 } END { if (n[1]) print n[NR] / n[1] }' \
        > "$dir/share"
    value p2 ours "$(cat "$dir/share")"
    end "$pid"
    end "$server"
}

# --- TLS ---------------------------------------------------------------------

# with_tls: from here on, all programs speak it. False: it is said why not.
with_tls() {
    for name in openssl "${CC:-cc}"; do
        has "$name" || { skip m "$name is not installed"; return 1; }
    done
    echo '#include <openssl/ssl.h>' | "${CC:-cc}" -E - > /dev/null 2>&1 ||
        { skip m "OpenSSL's headers (libssl-dev) are not installed"; return 1; }
    say "rows m: the server is built with TLS"
    if [ -z "$SERVER" ]; then
        ours=$dir/server/tls/dustdevil
        $make -s dustdevil TLS=yes BUILD="$dir/server/tls" CFLAGS="$flags" \
            > "$dir/tls.log" 2>&1
    fi && $make -s BUILD="${BUILD:-build}" "$dir/load-tls" \
        >> "$dir/tls.log" 2>&1 && openssl req -x509 -newkey ec -nodes \
        -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost -days 2 \
        -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>> "$dir/tls.log" ||
        { skip m "something cannot be made: see $dir/tls.log"; return 1; }

    load=$dir/load-tls wrap=''
    tls_options="--ssl-certfile=$dir/cert.pem --ssl-keyfile=$dir/key.pem"
    tls=" ssl; ssl_certificate $full/cert.pem"
    tls="$tls; ssl_certificate_key $full/key.pem"
    tls="$tls; ssl_protocols TLSv1.3; ssl_conf_command NumTickets 1"
    # shellcheck disable=SC2086 # Options in words.
    start ours $tls_options 2> /dev/null && works=1 || works=''
    end "$pid"
    [ -n "$works" ] || { skip m "$ours has no TLS"; return 1; }
    tls_servers=ours
    case $peers in
    *nginx*)
        start nginx && tls_servers="ours nginx" ||
            skip m "nginx does not start with TLS: see $dir/nginx.err"
        end "$pid" ;;
    *) skip m "there is no nginx to stand beside ours" ;;
    esac
}

measure_tls() {
    for row in m1 m2; do
        ! wanted $row || timed $row
    done
    wanted m3 || return 0
    if [ -r /proc/self/statm ]; then
        for s in $tls_servers; do count_bytes m3 "$s" "$tls_crowd"; done
    else
        skip m3 "there is no /proc"
    fi
}

# --- the run -----------------------------------------------------------------

for row in a b c d e f1 f2 f3 f4 f5 f6; do
    ! wanted $row || timed $row
done
if wanted g; then
    if [ -r /proc/self/statm ]; then
        for s in floor ours $peers; do count_bytes g "$s" "$crowd"; done
    else
        skip g "there is no /proc"
    fi
fi
counted_servers="floor ours$peers"
[ -z "$QUICK" ] || counted_servers="floor ours"
[ -z "$TINY" ] || counted_servers=ours
if wanted h || wanted i || wanted j; then
    if has valgrind; then
        for s in $counted_servers; do count_instructions "$s"; done
    else
        skip "h, i, j" "valgrind is not installed"
    fi
fi
! wanted k || timed k
if wanted l; then
    if has strace; then
        for s in $counted_servers; do count_calls "$s"; done
    else
        skip l "strace is not installed"
    fi
fi
if wanted p; then
    if [ "$first" = "$second" ]; then
        skip p "there is one CPU"
    elif [ -d /proc/self/fd ]; then
        count_processes
    else
        skip p "there is no /proc"
    fi
fi
if wanted m1 || wanted m2 || wanted m3; then
    ! with_tls || measure_tls
fi
end_all

if grep -q sendfile "$dir/results"; then files=1; else files=''; fi
awk -F '\t' -f $here/table.awk seconds_all=$(($(date +%s) - began)) \
    peers="$peers" files=$files rounds="$rounds" pass="$pass" \
    apart="$APART" rusage="$rusage" \
    cpus="$(getconf _NPROCESSORS_ONLN)" \
    "$dir/rows" "$dir/results" "$dir/skipped" | tee "$dir/table"
