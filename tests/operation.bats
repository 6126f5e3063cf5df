# Operation: starting, stopping, options, and what the server prints: what an
# operator, or a supervisor, sees of it.

setup()    { load helper; load program; TMP=$BATS_TEST_TMPDIR PROGRAM=${SERVER:-$BUILD/dustdevil}; }
teardown() { exec 8>&- 9>&-; disperse; stop_server clean; }

# free_port: one that was free a moment ago, for servers without a stdout to
# announce theirs on.
free_port() {
    start_server
    stop_server clean
}

has_ipv6() {
    (exec 8<> /dev/tcp/::1/1) 2>&1 | grep -qi refused
}

# --- options -------------------------------------------------------------------

@test "a bool without a value is true, and can be said to be false" {
    for option in --no-keep-alive --no_keep_alive=true -no-keep-alive=1 \
        --no-keep-alive=false
    do
        start_server "$option"
        want=close
        [ "${option#*=}" != false ] || want=
        [ "$(header Connection "$URL/")" = "$want" ] || { echo "$option"; return 1; }
        stop_server clean
    done
    refused 2 'expected.*true' --no-keep-alive=perhaps
    refused 2 'expected.*true' --no-keep-alive=
}

@test "a head may be limited to 64 bytes, and not to less" {
    refused 2 'expected: .* 64 ' --max-header-size=63
    start_server --max-header-size=64
    client send 'GET / HTTP/1.0\r\n\r\n' read | grep -q 'Hello, world'
}

@test "a body may have at most 256 MiB, and a secret must have 16 bytes" {
    refused 2 'expected: .* 0 .*268435456' --max-body-size=268435457
    refused 2 'expected: at least 16 bytes' --secret=fifteen-bytes-1
    run ! grep fifteen "$TMP/err"
    refused 2 'expected' --secret=
    start_server --secret=sixteen-bytes--1 --max-body-size=268435456
}

@test "a secret may be read from a file" {
    refused 1 "$TMP/none: ." --secret="@$TMP/none"
    refused 1 "$TMP: ." --secret="@$TMP"
    printf 'fifteen-bytes-1\n' > "$TMP/secret"
    refused 2 'expected: at least 16 bytes' --secret="@$TMP/secret"
    : > "$TMP/secret"
    refused 2 'expected: at least 16 bytes' --secret="@$TMP/secret"
    # A longer one would be cut.
    printf '%1023s' '' | tr ' ' a > "$TMP/secret"
    refused 2 'expected: .* at most 1,022' --secret="@$TMP/secret"
    printf '%1022s' '' | tr ' ' a > "$TMP/secret"
    start_server --secret="@$TMP/secret"
    stop_server clean
    start_server --secret=a-secret-of-ours
    http -c "$TMP/jar" -o "$TMP/out" "$URL/visits"
    stop_server clean
    printf 'a-secret-of-ours\n' > "$TMP/secret"
    start_server --secret="@$TMP/secret"
    [ "$(http -b "$TMP/jar" "$URL/visits")" = "visits: 2" ]
}

@test "help is on stdout, in groups, with the defaults" {
    ends 0 --help
    [ ! -s "$TMP/err" ]
    [ "$(grep -cE '^[A-Z].*:$' "$TMP/out")" -ge 3 ]
    while read -r option default; do
        grep -qE -e "^ +--${option}[ =[].*\\($default.*\\)$" "$TMP/out" ||
            { echo "--$option"; cat "$TMP/out"; return 1; }
    done << 'END'
port 8888
address 127\.0\.0\.1
max-header-size 32768
max-body-size 16777216
log info
END
    for option in poller no-keep-alive trace help version; do
        grep -q -e "--$option" "$TMP/out"
    done
    [ "$(awk 'length > 80' "$TMP/out" | wc -l)" -eq 0 ]
    ends 0 -help
    ends 0 --port=0 --help
    refused 2 'help=no: expected' --help=no
    refused 2 'version=2: expected' --version=2
}

@test "the poller can be chosen among those that there are" {
    has_epoll() { find "/proc/$SERVER_PID/fd" -lname '*eventpoll*' 2> /dev/null | grep -q .; }
    start_server --poller=select
    answers
    run ! has_epoll
    stop_server clean
    refused 2 'poller=x' --poller=x
    refused 2 'poller=' --poller=
    case $(uname) in
    Linux) good=epoll bad=kqueue ;;
    *) good=kqueue bad=epoll ;;
    esac
    refused 2 'poller: expected' --port=0 --poller=$bad
    start_server --poller=$good
    answers
    [ "$good" != epoll ] || has_epoll
}

@test "a wait that fails ends the server, which says why" {
    strace -qq -o "$TMP/calls" true 2> /dev/null || skip "there is no strace that works"
    local waits='?epoll_wait,?epoll_pwait,?select,?pselect6'
    printf '#!/bin/sh\nexec strace -D -qq -o "%s" -e trace=%s -e inject=%s:error=EINVAL "%s" "$@"\n' \
        "$TMP/calls" "$waits" "$waits" "$PROGRAM" > "$TMP/failing"
    chmod +x "$TMP/failing"
    ASAN_OPTIONS=detect_leaks=0 run -1 "$TMP/failing" --port=0
    [[ $output == *"dustdevil: cannot wait: Invalid argument" ]] || false
}

# --- addresses -------------------------------------------------------------------

@test "an address that is not ours, or none, is one line and status 1" {
    refused 1 '192\.0\.2\.1: .' --port=0 --address=192.0.2.1
    name=$(printf '%070d' 0 | tr 0 x) # too long: no name server is asked
    refused 1 "$name: ." --port=0 --address="$name"
    refused 1 ' a\\x0ab\\x1b\[m: .' --port=0 --address=$'a\nb\e[m'
    for address in '[]' '[127.0.0.1]' '[localhost]' '[::1' '::1]'; do
        refused 1 ': .' --port=0 --address="$address"
    done
}

@test "a name with two addresses is two listeners with one port" {
    ! command -v getent > /dev/null || getent hosts localhost > /dev/null ||
        skip "localhost has no address here"
    start_server --address=localhost
    count=$(wc -l < "$SERVER_OUT")
    ! has_ipv6 || ! command -v getent > /dev/null ||
        [ "$count" -ge "$(getent ahosts localhost | awk '$2 == "STREAM" { print $1 }' | sort -u | wc -l)" ]
    [ "$(grep -cE "^listening on http://(127\.0\.0\.1|\[::1\]):$PORT$" "$SERVER_OUT")" -eq "$count" ]
    [ "$(sort -u "$SERVER_OUT" | wc -l)" -eq "$count" ]
    sed 's/^listening on //' "$SERVER_OUT" > "$TMP/urls"
    while read -r url; do
        [ "$(http -g "$url/")" = "Hello, world" ]
    done < "$TMP/urls"
    [ "$(http "http://localhost:$PORT/")" = "Hello, world" ]
}

@test "a port that one of two listeners cannot have is refused" {
    has_ipv6 || skip "there is no IPv6 here"
    start_server
    first=$SERVER_PID
    refused 1 "port $PORT .*in use" --port="$PORT" --address=
    SERVER_PID=$first SERVER_LOG=$TMP/server.log
}

@test "IPv6 is spoken, and written in brackets" {
    has_ipv6 || skip "there is no IPv6 here"
    start_server --address=::1
    [ "$(cat "$SERVER_OUT")" = "listening on http://[::1]:$PORT" ]
    http -g "$URL/whoami" > "$TMP/who"
    grep -q '^remote_ip: ::1$' "$TMP/who"
    grep -qF "host: [::1]:$PORT" "$TMP/who"
    wait_for_line "$SERVER_LOG" ' 200 GET /whoami \(::1\) '
    stop_server clean
    start_server '--address=[::1]'
    [ "$(cat "$SERVER_OUT")" = "listening on http://[::1]:$PORT" ]
}

# with_names: the last stage with a getaddrinfo() that returns the numbers in
# ADDRESSES, and a bind() whose calls number 2 and 4 find the port in use if
# TAKEN is set.
with_names() {
    cat > "$TMP/names.c" << 'END'
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int fake_names(const char *name, const char *port, const struct addrinfo *hints,
               struct addrinfo **list);
void fake_free(struct addrinfo *list);
int fake_bind(int fd, const struct sockaddr *sa, socklen_t size);

static struct addrinfo *all;

int
fake_names(const char *name, const char *port, const struct addrinfo *hints,
           struct addrinfo **list)
{
    char *numbers = strdup(getenv("ADDRESSES"));
    struct addrinfo **end = &all;

    (void)name;
    for (char *n = strtok(numbers, " "); n != NULL; n = strtok(NULL, " ")) {
        if (getaddrinfo(n, port, hints, end) != 0)
            abort();
        end = &(*end)->ai_next;
    }
    free(numbers);
    *list = all;
    return 0;
}

void
fake_free(struct addrinfo *list)
{
    (void)list;
}

int
fake_bind(int fd, const struct sockaddr *sa, socklen_t size)
{
    static int calls;

    calls++;
    if (getenv("TAKEN") != NULL && (calls == 2 || calls == 4)) {
        errno = EADDRINUSE;
        return -1;
    }
    return bind(fd, sa, size);
}
END
    local stage=$BUILD/step-36 files=() f
    for f in "$stage"/*.c; do
        [ "${f##*/}" = listen.c ] || files+=("$f")
    done
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O1 -g} \
        -Dgetaddrinfo=fake_names -Dfreeaddrinfo=fake_free -Dbind=fake_bind \
        -c "$stage/listen.c" -o "$TMP/listen.o"
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O1 -g} "${files[@]}" \
        "$TMP/names.c" "$TMP/listen.o" ${LDFLAGS:-} -o "$TMP/named"
}

@test "an address that a name has twice is bound once" {
    with_names
    local port=0
    for _ in 1 2; do
        ADDRESSES='127.0.0.1 127.0.0.2 127.0.0.1' SERVER=$TMP/named \
            start_server --port="$port" --address=name
        [ "$(cat "$SERVER_OUT")" = "listening on http://127.0.0.1:$PORT
listening on http://127.0.0.2:$PORT" ]
        stop_server clean
        port=$PORT
    done
}

@test "with port 0 and several addresses, a port that is free for all is found" {
    with_names
    TAKEN=1 ADDRESSES='127.0.0.1 127.0.0.2' SERVER=$TMP/named \
        start_server --address=name
    [ "$(cat "$SERVER_OUT")" = "listening on http://127.0.0.1:$PORT
listening on http://127.0.0.2:$PORT" ]
    [ "$(http "http://127.0.0.2:$PORT/")" = "Hello, world" ]
}

@test "no address is all of them" {
    start_server --address=
    grep -q "^listening on http://0\.0\.0\.0:$PORT$" "$SERVER_OUT"
    [ "$(http "http://127.0.0.1:$PORT/whoami" | head -n 1)" = "remote_ip: 127.0.0.1" ]
    has_ipv6 || skip "there is no IPv6 here"
    [ "$(grep -c "^listening on http://.*:$PORT$" "$SERVER_OUT")" -eq 2 ]
    [ "$(http -g "http://[::1]:$PORT/whoami" | head -n 1)" = "remote_ip: ::1" ]
}

# --- signals ------------------------------------------------------------------------

@test "a second SIGTERM ends the server at once" {
    for second in TERM INT; do
        start_server --trace
        client_bg "$TMP/out" -t 20 send 'GET /slow?ms=20000 HTTP/1.1\r\nHost: a\r\n\r\n' read
        wait_for_line "$SERVER_LOG" '\(12\)'
        answers 1
        kill -TERM "$SERVER_PID"

        # Two signals of a kind that come before the first is noticed are one.
        for _ in $(seq 200); do
            http -o /dev/null "$URL/" 2> /dev/null || break
            sleep 0.02
        done
        kill -$second "$SERVER_PID" # it is still there
        server_ends 3
        case $SERVER_STATUS in
        0 | 130 | 143) ;;
        *) echo "$second: status $SERVER_STATUS"; return 1 ;;
        esac
        no_complaints
        kill "$CLIENT_PID" 2> /dev/null || true
    done
}

# A signal that comes while the handlers are set, one after the other, waits for
# the loop: there is none yet that it could stop. (Before that it ends the program.)
@test "a SIGTERM during the start ends the server, which may have begun to listen" {
    strace -qq -o "$TMP/calls" true 2> /dev/null || skip "there is no strace that works"
    local n served=0 status
    for n in 1 2 3 4 5 6 7 8 9; do
        printf '#!/bin/sh\nexec strace -D -qq -o "%s" -e trace=rt_sigaction -e inject=%s "%s" "$@"\n' \
            "$TMP/calls" "rt_sigaction:signal=SIGTERM:when=$n" "$PROGRAM" > "$TMP/early"
        chmod +x "$TMP/early"
        status=0
        ASAN_OPTIONS=detect_leaks=0 timeout -s KILL 20 "$TMP/early" --port=0 > "$TMP/out" \
            2> "$TMP/err" || status=$?
        [ "$status" -ne 0 ] || served=$((served + $(grep -c '^listening on ' "$TMP/out")))
        [ "$status" -eq 0 ] || [ "$status" -eq 143 ]
    done
    [ "$served" -ge 3 ]
}

# --- standard descriptors ------------------------------------------------------------

@test "it may be started with its standard descriptors closed" {
    free_port
    "$PROGRAM" --port="$PORT" --trace 0<&- 1>&- 2>&- 3>&- 4>&- &
    SERVER_PID=$!
    answers 100
    stop_server clean
    "$PROGRAM" --port="$PORT" < /dev/null 1>&- 2> "$TMP/server.log" 3>&- 4>&- &
    SERVER_PID=$!
    answers
    stop_server clean
    [ "$(grep -c ' 200 GET /hello/' "$TMP/server.log")" -eq 30 ]
    "$PROGRAM" --port="$PORT" 0<&- > "$TMP/out" 2>&- 3>&- 4>&- &
    SERVER_PID=$!
    answers
    [ "$(cat "$TMP/out")" = "listening on http://127.0.0.1:$PORT" ]
}

@test "a server opens /dev/null only in the place of a closed descriptor" {
    needs_proc
    nulls() { find "/proc/$1/fd" -lname /dev/null | wc -l; }
    inherited=$(nulls self < /dev/null 3>&- 4>&-)
    start_server
    good
    [ "$(nulls "$SERVER_PID")" -le "$inherited" ]
}

@test "a file that stands in for a closed descriptor is not written into" {
    free_port
    "$PROGRAM" --port="$PORT" --trace="$TMP/trace" 0<&- 1>&- 2>&- 3>&- 4>&- &
    SERVER_PID=$!
    answers
    stop_server clean
    [ "$(head -c 3 "$TMP/trace")" = seq ]
    ! grep -E 'listening|GET .*ms$' "$TMP/trace" || false
}

@test "readers of stdout and stderr may leave" {
    free_port
    mkfifo "$TMP/fifo"
    exec 8<> "$TMP/fifo" 9> "$TMP/fifo"
    exec 8>&- # now the pipe has no reader
    "$PROGRAM" --port="$PORT" < /dev/null >&9 2>&9 3>&- 4>&- 9>&- &
    SERVER_PID=$!
    exec 9>&-
    answers
}

# The reader is a server, to which the lines are requests that it does not know.
@test "a log may go to a socket, whose reader leaves" {
    start_server
    local reader=$SERVER_PID said=$TMP/said
    exec 9<> "/dev/tcp/127.0.0.1/$PORT"
    SERVER_PID=
    mv "$SERVER_LOG" "$said"
    free_port
    "$PROGRAM" --port="$PORT" < /dev/null > "$TMP/out" 2>&9 3>&- 4>&- 9>&- &
    SERVER_PID=$!
    exec 9>&-
    answers
    stop_server clean
    SERVER_PID=$reader
    wait_for_line "$said" 'W .* 400 Bad Request to 127.0.0.1: malformed request line'
}

@test "a log without a reader stops no request, and lost lines are counted" {
    free_port
    mkfifo "$TMP/fifo"
    exec 9<> "$TMP/fifo"
    "$PROGRAM" --port="$PORT" < /dev/null > "$TMP/out" 2> "$TMP/fifo" 3>&- 4>&- 9>&- &
    SERVER_PID=$!

    # A line has some sixty bytes, a pipe room for a thousand such lines.
    answers 3000
    cat "$TMP/fifo" > "$TMP/log" 3>&- 4>&- 9>&- &
    exec 9>&-
    wait_for_line "$TMP/log" ' 200 GET /hello/1 '
    for i in 1 2 3 4 5; do
        http -o /dev/null "$URL/error/444"
        grep -q '/error/444' "$TMP/log" && break
        sleep 0.1
    done
    wait_for_line "$TMP/log" '^\(?[0-9]+ lines lost\)?'
    lost=$(sed -n 's/^(\([0-9]*\) lines lost).*/\1/p' "$TMP/log" | head -n 1)

    # None is missing that was not counted: 3001 requests before the 444s.
    written=$(grep -c ' 200 GET ' "$TMP/log")
    [ $((written + lost)) -ge 3001 ]
    [ $((written + lost)) -le 3006 ]
}

# A program whose poll() fills the pipe of stderr after it has found room in it,
# as another process that writes to the same pipe may do.
racing_driver() {
    cat << 'END'
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "trace.h"

static int other;

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
    struct timespec wait = {timeout / 1000, timeout % 1000 * 1000000};
    int result = ppoll(fds, n, timeout < 0 ? NULL : &wait, NULL);
    char bytes[4096] = "";

    while (other != 0 && write(other, bytes, sizeof bytes) > 0)
        ;
    return result;
}

int
main(void)
{
    int ends[2];

    if (pipe(ends) == -1)
        return 1;
    dup2(ends[1], STDERR_FILENO);
    unblock_stderr();
    alarm(5);
    printf("%d\n", write_stderr("a\n", 2));
    other = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK);
    printf("%d\n", write_stderr("b\n", 2));
    printf("%d\n", fcntl(ends[1], F_GETFL) & O_NONBLOCK);
}
END
}

@test "a log that another process fills meanwhile stops no server" {
    [ -e /proc/self/fd/2 ] || skip "there is no /proc/self/fd"
    racing_driver | build_driver 35
    run -0 "$BATS_FILE_TMPDIR/driver"

    # The second line is lost, and the flags of the pipe are as they were.
    [ "$output" = $'1\n0\n0' ]
}

@test "a trace whose reader pauses stops no request, and its gaps can be counted" {
    mkfifo "$TMP/fifo"
    exec 9<> "$TMP/fifo"
    start_server --trace="$TMP/fifo" --log=none 9>&-
    for i in $(seq 20); do
        http -o /dev/null "$URL/hello/[1-50]"
    done
    cat "$TMP/fifo" > "$TMP/records" 3>&- 4>&- 9>&- &
    exec 9>&-
    wait_for_line "$TMP/records" '^1	'
    for i in 1 2 3 4 5; do
        http -o /dev/null "$URL/error/444"
        grep -q '/error/444' "$TMP/records" && break
        sleep 0.1
    done
    stop_server clean
    wait_for_line "$TMP/records" '/error/444'
    awk -F '\t' 'NR > 1 && $1 != before + 1 { gap = 1 } { before = $1 }
        NR > 1 && NF != 9 { cut = 1 } END { exit cut || !gap }' "$TMP/records"
}

memory_above() { [ "$(memory VmRSS)" -gt "$1" ]; }

@test "the memory of many clients goes back to the system when they leave" {
    [ "${POLLER:-}" != select ] || skip "select() does not know so many descriptors"
    local before
    start_server
    needs_plain_memory
    http -o /dev/null "$URL/"
    before=$(memory VmRSS)
    stay 900 send "GET / HTTP/1.1\\r\\n$(printf 'A: %07000d\\r\\nB: %07000d\\r\\nC: %07000d\\r\\nD: %07000d' 0 0 0 0)"
    until_true memory_above $((before + 25000))
    disperse
    until_true memory_below $((before + 8000))
}

# --- the log ---------------------------------------------------------------------------

@test "a line of the log is Tornado's" {
    start_server
    http -o /dev/null "$URL/hello/a?b=c"
    wait_for_line "$SERVER_LOG" '^\[I [0-9]{6} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] web:[1-9][0-9]*\] 200 GET /hello/a\?b=c \(127\.0\.0\.1\) [0-9]+\.[0-9]{2}ms$'
    [ "$(wc -l < "$SERVER_LOG")" -eq 1 ]
    grep -q "^\[I $(date +%y%m%d) " "$SERVER_LOG" ||
        [ "$(date +%H%M)" = 0000 ]
}

@test "errors of ours are errors, the clients' are warnings" {
    start_server
    http "$URL/" "$URL/redirect" "$URL/nope" "$URL/error/400" "$URL/error/500" \
        "$URL/error/599" > /dev/null
    client send 'BAD\r\n\r\n' read > /dev/null
    wait_for_line "$SERVER_LOG" ' malformed request '
    [ "$(cut -c 2 "$SERVER_LOG" | tr -d '\n')" = "IIWWEEW" ]
    wait_for_line "$SERVER_LOG" '^\[W .*\] 400 Bad Request to 127\.0\.0\.1: .'
}

@test "what is below the level is not said" {
    for level in none: error:E warning:WE info:IWE; do
        start_server --log="${level%:*}"
        http "$URL/" "$URL/nope" "$URL/error" > /dev/null
        stop_server clean
        [ "$(cut -c 2 "$SERVER_LOG" | tr -d '\n')" = "${level#*:}" ] ||
            { echo "$level"; cat "$SERVER_LOG"; return 1; }
    done
}

@test "what a stranger sends is printable in the log, and begins no line" {
    start_server
    client send 'GET /a%0a\x5c"%s%n HTTP/1.1\r\nHost: a\r\n\r\n' readuntil 404
    client send 'GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n' read
    client send 'A\n[I 110621 22:28:35 web:1] 200 GET /fake\r\n\r\n' read
    client send "GET /$(printf '%07000d' 0) HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" \
        readuntil 404
    [ "$(http "$URL/")" = "Hello, world" ]
    wait_for_line "$SERVER_LOG" ' 200 GET / '
    grep -qF '404 GET /a%0a\x5c"%s%n (127.0.0.1)' "$SERVER_LOG"
    [ "$(wc -l < "$SERVER_LOG")" -eq 5 ]
    ! grep -vE '^\[[IWE] [0-9]{6} [0-9:]{8} [a-z]+:[0-9]+\] ' "$SERVER_LOG" || false
    [ "$(tr -d ' -~\n' < "$SERVER_LOG" | wc -c)" -eq 0 ]
}

@test "a file has no colours, whatever TERM says" {
    TERM=xterm-256color start_server --trace
    http "$URL/" "$URL/error" > /dev/null
    stop_server clean
    [ -s "$SERVER_LOG" ]
    ! grep -q $'\033' "$SERVER_LOG" || false
}

@test "a terminal has colours, unless NO_COLOR says no" {
    not_over_tls "the log is the same"
    local no run="echo \$\$ > $TMP/pid; exec ${SERVER:-$BUILD/dustdevil} --port=0"
    for no in '' 1; do
        NO_COLOR=$no "$BUILD/client" -p sh -c "$run > $TMP/out$no" \
            < /dev/null > "$TMP/terminal$no" 3>&- 4>&- &
        wait_for_line "$TMP/out$no" '^listening on '
        http "$(sed 's/^listening on //' "$TMP/out$no")/error" > /dev/null
        wait_for_line "$TMP/terminal$no" ' 500 GET /error '
        kill "$(cat "$TMP/pid")"
        wait "$!"
        SERVER_LOG=$TMP/terminal$no no_complaints
    done
    grep -qE $'^\033\\[31m\\[E [0-9: ]+ web:[0-9]+\\]\033\\[0m 500 GET ' "$TMP/terminal"
    ! grep $'\033' "$TMP/terminal1" || false
}

# --- the trace ---------------------------------------------------------------------------

@test "a trace for programs has a header, nine fields and no gaps" {
    start_server --trace="$TMP/trace"
    http -d 'name=a%09b' "$URL/hello" "$URL/slow?ms=5" > /dev/null
    client send 'GET /a\x5c%09 HTTP/1.1\r\nHost: a\r\n\r\n' readuntil 404
    client send 'GET /\t\n HTTP/1.1\r\nHost: a\r\n\r\n' read
    stop_server clean
    [ "$(head -n 1 "$TMP/trace")" = \
        $'seq\tus\tturn\tconn\tstop\tfile\tfunction\tline\tnote' ]
    awk -F '\t' '
        function bad(why) { print NR ": " why ": " $0; exit failed = 1 }
        NR == 1 { next }
        NF != 9 { bad("fields") }
        $1 != NR - 1 { bad("gap") }
        $2 !~ /^[0-9]+$/ || $2 < us || $3 < turn { bad("goes back") }
        $4 !~ /^[0-9]+$/ || $5 !~ /^([0-9]|1[0-9]|20)$/ { bad("number") }
        { us = $2; turn = $3 }
        END { exit failed || NR < 30 }' "$TMP/trace"
    [ "$(tr -d '\t -~\n' < "$TMP/trace" | wc -c)" -eq 0 ]
    [ "$(grep -c ' has a handler$' "$TMP/trace")" -eq 2 ]
    [ "$(grep -c ' has no handler$' "$TMP/trace")" -eq 1 ]

    # The tour goes elsewhere, the log stays.
    ! grep '^turn' "$SERVER_LOG" || false
    grep -q ' 200 POST /hello ' "$SERVER_LOG"
}

@test "every record of a trace points at a signpost in the source" {
    start_server --trace="$TMP/trace" --log=none
    http -d name=a "$URL/hello" "$URL/stream?n=2" > /dev/null
    client send 'GET /slow?ms=1000 HTTP/1.1\r\nHost: a\r\n\r\n' pause 50 reset
    client send 'BAD\r\n\r\n' read > /dev/null
    stop_server clean
    cut -f 6-8 "$TMP/trace" | sed 1d | sort -u > "$TMP/places"
    [ "$(wc -l < "$TMP/places")" -ge 20 ]
    while IFS=$'\t' read -r file function line; do
        # A call may take some lines, and compilers differ in which is "the".
        awk -v line="$line" -v function_name="$function" '
            match($0, /^[a-z_0-9]+\(/) { inside = substr($0, 1, RLENGTH - 1) }
            NR >= line - 3 && NR <= line + 3 && /(TOUR|TRACE[A-Z_]*)\(/ &&
                inside == function_name { found = 1 }
            END { exit !found }' "$(find src -name "$file")" ||
            { echo "no signpost: $file:$line, $function"; return 1; }
    done < "$TMP/places"
}

@test "a trace that cannot be written is one line and status 1" {
    refused 1 '/no/such/dir/file: .' --port=0 --trace=/no/such/dir/file
    refused 1 "$TMP: ." --port=0 --trace="$TMP"
    # A variable that is empty names no file.
    refused 2 'trace=: expected: a value' --port=0 --trace=
}
