# Chapter 35: work that blocks, in threads; and an alarm for work that does it
# where it should not.
#
# A job that is to last is one that would take minutes. It ends when its client
# is reset, and not before: so nothing here depends on how fast the machine is.

setup() {
    load helper
    load tables
    TMP=$BATS_TEST_TMPDIR CLEAN=clean
}
teardown() { disperse; stop_server "$CLEAN"; }

# The server does not wait for work that goes on when a test is over.
start() { start_step 35 --stop-timeout=0 "$@"; }

LONG='GET /work?n=5000000 HTTP/1.1\r\nHost: a\r\n\r\n'

# group NAME N OP...: N clients that do this, and then stay. `release NAME`: their
# connections are reset.
group() { held "$1" -c "$2" "${@:3}" hold reset; }

# wait_for_lines N PATTERN: until so many lines of the log are like that.
wait_for_lines() {
    local i
    for i in $(seq 500); do
        [ "$(grep -cE "$2" "$SERVER_LOG")" -lt "$1" ] || return 0
        sleep 0.02
    done
    echo "no $1 lines like '$2' ($i looks)" >&2
    return 1
}
handed() { wait_for_lines "$1" 'a job is handed to the worker'; }
answered() { wait_for_lines "$1" "200 GET /work\\?n=$2 "; }

# running N: until N threads have something to do.
running() {
    local i
    [ -d "/proc/$SERVER_PID/task" ] || { sleep 0.5; return; }
    for i in $(seq 500); do
        [ "$(threads stat 2> /dev/null | sed 's/.*) //' | grep -c '^R')" -ne "$1" ] ||
            return 0
        sleep 0.02
    done
    echo "there are not $1 at work ($i looks)" >&2
    return 1
}

# threads FILE: that file of every thread but the loop's own.
threads() {
    find "/proc/$SERVER_PID/task" -mindepth 1 -maxdepth 1 \
        ! -name "$SERVER_PID" -exec cat '{}'"/$1" \;
}

# Four jobs that do not end: no thread is left for a fifth.
occupy() {
    group "$1" 4 send "$LONG"
    handed 4
    running 4
}

# The listener is closed: SIGTERM has arrived.
listener_closes() {
    local i
    for i in $(seq 250); do
        http -o /dev/null "$URL/" 2> /dev/null || return 0
        sleep 0.02
    done
    echo "the server still listens ($i looks)" >&2
    return 1
}

# --- what it does ------------------------------------------------------------

@test "work is done right, little and much" {
    start
    while read -r n primes; do
        [ "$(http --max-time 30 "$URL/work?n=$n")" = "$primes primes below $n" ] ||
            { echo "$n"; return 1; }
    done <<- 'END'
		0 0
		1 0
		2 0
		3 1
		4 2
		100 25
		1000000 78498
	END
    [ "$(http "$URL/work")" = "9592 primes below 100000" ]
}

@test "an invalid number, or one that is too large, is refused" {
    start --log=none
    for n in x -1 %2B1 5000001 99999999999999999999 1x 0x1 1.5; do
        [ "$(http -o "$TMP/out" -w '%{http_code}' "$URL/work?n=$n")" = 400 ] ||
            { echo "n=$n"; return 1; }
    done
    [ "$(http "$URL/work?n=3")" = "1 primes below 3" ]
}

@test "others are served while it works" {
    start --trace
    group long 1 send "$LONG"
    handed 1
    client_bg "$TMP/work" -t 30 send "$(request '/work?n=100000')" readuntil 'below 100000\n'
    for i in $(seq 20); do [ "$(http "$URL/hello/$i")" = "Hello, $i" ]; done
    client -q -c 50 send "$(request '/slow?ms=50')" readuntil 'slept 50 ms\n'
    wait "$CLIENT_PID"
    ! grep '200 GET /work?n=5000000 ' "$SERVER_LOG" || false
    release long
    answered 1 5000000
}

@test "a request behind work is answered after it" {
    start
    client -t 20 send "$(request '/work?n=1000000')$(request /)$(request '/work?n=10')$(request /hello/x)" \
        readuntil 'Hello, x' > "$TMP/out"
    [ "$(grep -aoE '[0-9]+ primes|Hello, [a-z]+' "$TMP/out" | xargs)" = \
        "78498 primes Hello, world 4 primes Hello, x" ]
}

@test "a client that has only finished talking gets its result" {
    start
    client send "$(request '/work?n=100000')" shutdown read > "$TMP/out"
    grep -q '^9592 primes below 100000' "$TMP/out"
}

# --- how many ----------------------------------------------------------------

has_threads() { [ "$(find "/proc/$SERVER_PID/task" -mindepth 1 -maxdepth 1 | wc -l)" -eq "$1" ]; }

@test "each job has a thread while it runs, at most four have, and no signal is theirs" {
    start --trace
    [ -d "/proc/$SERVER_PID/task" ] || skip "there is no /proc to look it up in"
    http "$URL/work?n=10"
    none=1
    ! grep -q __tsan_init "${SERVER:-$BUILD/step-35/server}" || none=2
    until_true has_threads "$none"
    group two 2 send "$LONG"
    handed 3
    has_threads $((none + 2))
    group others 3 send "$LONG"
    handed 6
    has_threads $((none + 4))

    # HUP, INT, ALRM, TERM: signals 1, 2, 14 and 15.
    [ "$(threads status | sed -n 's/^SigBlk:\t*//p' |
        while read -r mask; do echo $((0x$mask & 0x6003)); done | sort -u)" = \
        $((0x6003)) ]
    release two
    release others
    until_true has_threads "$none"
}

@test "three that do not end leave one thread for the others, four leave none" {
    start --trace
    group three 3 send "$LONG"
    handed 3
    [ "$(http "$URL/work?n=10")" = "4 primes below 10" ]
    group fourth 1 send "$LONG"
    handed 5
    running 4
    client_bg "$TMP/waits" -t 30 send "$(request '/work?n=20')" readuntil 'below 20\n'
    handed 6
    [ "$(http "$URL/")" = "Hello, world" ]
    sleep 0.2
    ! grep 'n=20 (' "$SERVER_LOG" || false
    release fourth
    wait "$CLIENT_PID"
    grep -q '^8 primes below 20' "$TMP/waits"
    release three
}

@test "sixty-four may wait; one more is told to try again, and then may" {
    start --trace
    occupy long
    group waiting 64 send "$(request '/work?n=3')"
    handed 68
    for i in 1 2; do
        [ "$(http -o "$TMP/out" -w '%{http_code}' "$URL/work?n=3")" = 503 ]
    done
    [ "$(http "$URL/")" = "Hello, world" ]
    [ "$(grep -c 'too many jobs wait' "$SERVER_LOG")" -eq 2 ]
    release long
    answered 64 3
    [ "$(http "$URL/work?n=3")" = "1 primes below 3" ]
    release waiting
}

# --- clients that do not wait -------------------------------------------------

@test "when the client has gone the work ends, and its thread takes the next" {
    start --trace
    occupy long
    client_bg "$TMP/next" -t 30 send "$(request '/work?n=10')" readuntil 'below 10\n'
    handed 5
    release long
    wait "$CLIENT_PID"

    # No thread works any more, and each request has ended.
    running 0
    answered 4 5000000
    [ "$(grep -c '200 GET /work?n=5000000 ' "$SERVER_LOG")" -eq 4 ]
}

@test "work whose client has left is not begun" {
    start --trace
    occupy long
    group early 20 send "$LONG"
    handed 24
    client_bg "$TMP/last" -t 30 send "$(request '/work?n=10')" readuntil 'below 10\n'
    handed 25
    release early
    wait_for_lines 20 '\(20\)'
    release long
    wait "$CLIENT_PID"
    answered 24 5000000
    running 0
}

@test "a client that leaves the queue makes room in it at once" {
    start --trace
    occupy long
    group first 63 send "$(request '/work?n=3')"
    group second 1 send "$(request '/work?n=4')"
    handed 68
    [ "$(http -o "$TMP/out" -w '%{http_code}' "$URL/work?n=3")" = 503 ]
    release second
    answered 1 4
    client_bg "$TMP/out" -t 30 send "$(request '/work?n=5')" readuntil 'below 5\n'
    handed 69
    [ "$(http -o "$TMP/none" -w '%{http_code}' "$URL/work?n=3")" = 503 ]
    release first
    answered 63 3
    ! grep 'n=5 (' "$SERVER_LOG" || false
    release long
    wait "$CLIENT_PID"
    grep -q '^2 primes below 5' "$TMP/out"
}

@test "a request is answered once, whenever its client leaves" {
    start --trace
    open=$(descriptors)
    for ms in 0 1 3 10 30 100; do
        client -q -c 30 send "$(request '/work?n=60000')" pause "$ms" reset
        client -q -c 10 send "$(request '/work?n=60000')$(request '/work?n=5')" pause "$ms" reset
    done
    client -q -t 30 -c 30 send "$(request '/work?n=60000')" readuntil 'primes below'
    client -q -c 20 send "$(request '/work?n=60000')" close
    [ "$(http "$URL/work?n=100")" = "25 primes below 100" ]
    running 0
    begun=$(grep -c '(12).*GET' "$SERVER_LOG")
    wait_for_lines "$begun" '\] (200|503) GET /work'
    [ "$(grep -cE '\] (200|503) GET /work' "$SERVER_LOG")" -eq "$begun" ]
    ! grep 'after finish' "$SERVER_LOG" || false
    for i in $(seq 100); do
        [ "$(descriptors)" -gt "$open" ] || break
        sleep 0.02
    done
    [ "$(descriptors)" -le "$open" ]
}

# --- the end -------------------------------------------------------------------

@test "a server that drains finishes the work that has begun, and what waits" {
    start_step 35 --stop-timeout=60 --trace
    client_bg "$TMP/out" -t 60 -c 6 send "$(request '/work?n=2000000')" read
    handed 6
    kill -TERM "$SERVER_PID"
    wait "$CLIENT_PID"
    server_ends
    [ "$SERVER_STATUS" -eq 0 ]
    no_complaints
    [ "$(grep -ac '^148933 primes below 2000000' "$TMP/out")" -eq 6 ]
    [ "$(grep -ac '^Connection: close' "$TMP/out")" -eq 6 ]
}

@test "after --stop-timeout, work that goes on does not keep the server" {
    start_step 35 --stop-timeout=1 --trace
    occupy long
    kill -TERM "$SERVER_PID"
    server_ends 8
    [ "$SERVER_STATUS" -eq 0 ]
    no_complaints
    [ "$(grep -c '200 GET /work' "$SERVER_LOG")" -eq 4 ]
}

# Four at work and ten behind them; each is let go, and has its line.
@test "a server that gets SIGTERM twice, or SIGINT, ends in the middle of work" {
    for what in 'TERM TERM 0' 'TERM INT 130' 'INT - 130'; do
        read -r first second status <<< "$what"
        start_step 35 --stop-timeout=600 --trace
        occupy "a$first$second"
        group "b$first$second" 10 send "$LONG"
        handed 14
        kill "-$first" "$SERVER_PID"
        if [ "$second" != - ]; then
            listener_closes
            kill "-$second" "$SERVER_PID"
        fi
        server_ends 8
        [ "$SERVER_STATUS" -eq "$status" ] || { echo "$what: $SERVER_STATUS"; return 1; }
        no_complaints
        [ "$(grep -c '200 GET /work' "$SERVER_LOG")" -eq 14 ]
    done
}

@test "with several processes each has its threads, and all of them end" {
    for what in 'TERM TERM 0' 'TERM INT 130' 'INT - 130'; do
        read -r first second status <<< "$what"
        start_step 35 --processes=2 --stop-timeout=600 --trace
        group "c$first$second" 32 send "$LONG"
        handed 32
        children=$(cat "/proc/$SERVER_PID/task/$SERVER_PID/children" 2> /dev/null || true)
        [ ! -e "/proc/$SERVER_PID/task/$SERVER_PID/children" ] || [ "$(wc -w <<< "$children")" -eq 2 ]
        for pid in $children; do [ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" -ge 2 ]; done
        [ "$(http -c /dev/null "$URL/")" = "Hello, world" ]
        kill "-$first" "$SERVER_PID"
        if [ "$second" != - ]; then
            listener_closes
            kill "-$second" "$SERVER_PID"
        fi
        server_ends 8
        [ "$SERVER_STATUS" -eq "$status" ] || { echo "$what: $SERVER_STATUS"; return 1; }
        for pid in $children; do
            ! kill -0 "$pid" 2> /dev/null || { echo "$pid lives"; return 1; }
        done
        no_complaints
    done
}

# --- threads alone -----------------------------------------------------------

# can FLAG...: the compiler can do this, and what comes out runs.
can() {
    echo 'int main(void) { return 0; }' > "$TMP/can.c"
    ${CC:-cc} "$@" "$TMP/can.c" -o "$TMP/can" 2> /dev/null && "$TMP/can" 2> /dev/null
}

jobs_driver() {
    cat << 'END'
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "worker.h"

enum { MANY = 3000, FULL = WORKER_MAX_JOBS + WORKER_THREADS };

struct mine {
    struct job job;
    bool gated, cancelled_early;
    int ran, done, sum; /* a thread's, then the loop's: no lock */
} jobs[MANY + FULL + 1];

static pthread_t loop_thread;
static int submitted, finished, wrong;
static atomic_int begun;

static void
work(struct job *job)
{
    struct mine *m = (struct mine *)job;

    m->ran++;
    begun++;
    while (m->gated && !jobs[MANY + FULL - 1].job.cancelled)
        usleep(1000);
    for (int i = 0; i < 100 && !job->cancelled; i++)
        m->sum += i;
}

static void fill(void);

static void
done(void *arg)
{
    struct mine *m = arg;

    m->done++;
    finished++;
    if (!pthread_equal(pthread_self(), loop_thread) || m->done != 1 ||
        (!m->job.cancelled && m->sum != 4950) || m->ran > 1)
        wrong++;
    if (submitted < MANY)
        fill();
    if (finished == MANY)
        ioloop_stop(ioloop_instance());
}

static void
submit(bool gated)
{
    struct mine *m = &jobs[submitted++];

    m->gated = gated;
    worker_submit(ioloop_instance(), &m->job);
    if (!gated && submitted % 3 == 0)
        worker_cancel(&m->job);
}

static void
fill(void)
{
    while (submitted < MANY && submitted - finished < FULL)
        submit(false);
}

int
main(void)
{
    int ran = 0;

    for (int i = 0; i <= MANY + FULL; i++)
        jobs[i].job = (struct job){.work = work, .done = done, .arg = &jobs[i]};
    loop_thread = pthread_self();
    fill();
    ioloop_start(ioloop_instance());
    printf("%d done, %d wrong\n", finished, wrong);

    /* Four at work until the last of those that wait is cancelled, which
     * only worker_end() does. */
    begun = 0;
    while (submitted < MANY + FULL)
        submit(true);
    while (begun < WORKER_THREADS)
        usleep(1000);
    printf("%d wait", WORKER_MAX_JOBS);
    for (int i = MANY; i < submitted; i++)
        wrong += jobs[i].job.cancelled;
    submit(true);
    printf(", another may: %d\n", !jobs[MANY + FULL].job.cancelled);
    for (int i = MANY + WORKER_THREADS; i < MANY + FULL - 1; i += 2)
        worker_cancel(&jobs[i].job);
    worker_end();
    ioloop_close_all(ioloop_instance());
    for (int i = MANY; i < submitted; i++)
        ran += jobs[i].ran;
    printf("%d done, %d wrong, %d begun\n", finished - MANY, wrong, ran);
    ioloop_free(ioloop_instance());
    return wrong != 0;
}
END
}

@test "threads and loop hand over thousands of jobs, and each is one's at a time" {
    stage=$(dirname "${SERVER:-$BUILD/step-35/server}")
    jobs_driver > "$TMP/jobs.c"
    # shellcheck disable=SC2206 # COVERAGE, of coverage.sh, is words.
    flags=(${COVERAGE:--O1 -g})
    ! can -fsanitize=thread || flags+=(-fsanitize=thread)
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread "${flags[@]}" -I "$stage" \
        "$TMP/jobs.c" "$stage"/worker.c "$stage"/ioloop.c "$stage"/poller_*.c \
        "$stage"/watchdog.c "$stage"/trace.c "$stage"/system.c "$stage"/memory.c -o "$TMP/jobs"
    timeout 30 "$TMP/jobs" > "$TMP/out" 2> "$TMP/err" ||
        { head -n 60 "$TMP/err" "$TMP/out"; return 1; }
    cat "$TMP/out"
    [ "$(cat "$TMP/out")" = "3000 done, 0 wrong
64 wait, another may: 0
69 done, 0 wrong, 4 begun" ]
}

# The first four jobs run until the last one is cancelled.
queue_driver() {
    cat << 'END'
#include <stdio.h>
#include <unistd.h>

#include "ioloop.h"
#include "worker.h"

enum { N = 14 };
static struct job jobs[N];
static atomic_int begun;
static int done, joined;

/* The test compiles worker.c with this name in place of pthread_join(). */
#undef pthread_join
int pthread_join(pthread_t thread, void **result);

int
counted_pthread_join(pthread_t thread, void **result)
{
    joined++;
    return pthread_join(thread, result);
}

static void
work(struct job *job)
{
    (void)job;
    begun++;
    while (!jobs[N - 1].cancelled)
        usleep(1000);
}

static void
on_done(void *loop)
{
    if (++done == N)
        ioloop_stop(loop);
}

int
main(void)
{
    struct ioloop *loop = ioloop_instance();

    for (int i = 0; i < N; i++) {
        jobs[i].work = work;
        jobs[i].done = on_done;
        jobs[i].arg = loop;
        worker_submit(loop, &jobs[i]);
    }
    while (begun < WORKER_THREADS)
        usleep(1000);
    worker_end();
    ioloop_start(loop);
    printf("%d begun, %d done, %d joined\n", begun, done, joined);
}
END
}

@test "at the end of the program, jobs that wait are not begun, and each thread is joined once" {
    stage=$(dirname "${SERVER:-$BUILD/step-35/server}")
    queue_driver > "$TMP/queue.c"
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O1 -g} -I "$stage" \
        -Dpthread_join=counted_pthread_join "$TMP/queue.c" "$stage"/worker.c "$stage"/ioloop.c "$stage"/poller_*.c \
        "$stage"/watchdog.c "$stage"/trace.c "$stage"/system.c "$stage"/memory.c \
        ${LDFLAGS:-} -o "$TMP/queue"
    [ "$(timeout 30 "$TMP/queue")" = "4 begun, 14 done, 4 joined" ]
}

# --- the alarm ---------------------------------------------------------------

blocking_driver() {
    cat << 'END'
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "watchdog.h"
#include "httpserver.h"
#include "log.h"
#include "web.h"

/* An alarm interrupts a sleep; this one goes on until it has had enough. */
static void
hold_up(void)
{
    int64_t end = ioloop_time() + 1100000;

    while (ioloop_time() < end)
        usleep(10000);
}

static void
block(struct handler *self)
{
    hold_up();
    handler_write(self, "blocked\n");
}

static void
quick(struct handler *self)
{
    handler_write(self, "quick\n");
}

static void
later_done(void *arg)
{
    struct handler *self = arg;

    hold_up();
    handler_write(self, "later\n");
    handler_finish(self);
}

static void
later(struct handler *self)
{
    ioloop_add_timeout(ioloop_instance(), ioloop_time(), later_done, self);
}

/* A read that is interrupted goes on: it brings what it was waiting for. */
static void
strange_call(struct httprequest *request, void *self)
{
    char came[8];
    FILE *slow = popen("sleep 1.2; echo blocked", "r");

    (void)request;
    if (read(fileno(slow), came, sizeof came) == sizeof came)
        handler_write_bytes(self, came, sizeof came);
    pclose(slow);
}

static void
strange(struct handler *self)
{
    static char text[600];
    struct httprequest request = {.uri = text};
    struct watchdog watchdog = {strange_call, self};

    memset(text, 'x', sizeof text - 1);
    memcpy(text, "\033[31mred\r\n\177\tbell\a", 17);
    watchdog_call(&request, &watchdog);
}

/* It must not change what a system call has just said, even if it fails. */
static void
unheard(struct handler *self)
{
    int64_t end = ioloop_time() + 1100000;
    int ends[2], kept = dup(STDERR_FILENO), result = pipe(ends), seen;

    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    errno = 0;
    while (ioloop_time() < end)
        ;
    seen = errno;
    dup2(kept, STDERR_FILENO);
    handler_printf(self, "pipe %d, errno %d\n", result, seen);
}

static void
stop(struct handler *self)
{
    (void)self;
    ioloop_stop(ioloop_instance());
}

static const struct handler_class block_class = {.get = block},
    stop_class = {.get = stop},
    quick_class = {.get = quick}, strange_class = {.get = strange},
    later_class = {.get = later, .asynchronous = true},
    unheard_class = {.get = unheard};
static const struct urlspec routes[] = {
    {"/block/.*", &block_class}, {"/quick", &quick_class},
    {"/later", &later_class}, {"/strange", &strange_class},
    {"/unheard", &unheard_class}, {"/stop", &stop_class}, {0}};

int
main(int argc, char **argv)
{
    struct watchdog watchdog = {application_call, application_new(routes)};
    struct httpconnection_settings settings = {
        .request_callback = watchdog_call,
        .request_arg = &watchdog,
        .max_header_size = 32768,
    };
    struct httpserver *server = httpserver_new(
        ioloop_instance(), httpconnection_handle_stream, &settings);
    struct listeners listeners = {0};
    char url[128];

    listeners_bind(&listeners, 0, "127.0.0.1");
    listeners_url(&listeners, 0, url, sizeof url);
    httpserver_start(server, &listeners);
    printf("listening on %s\n", url);
    fflush(stdout);
    set_blocking_log_threshold(ioloop_instance(),
                               (unsigned)atoi(argv[argc - 1]));
    ioloop_start(ioloop_instance());
    hold_up();
    log_warning("the end");
    _exit(0);
}
END
}

# start_application SECONDS: a program with handlers that block, and its alarm.
# It is built once for all tests of this file.
start_application() {
    local program=$BATS_FILE_TMPDIR/application
    local stage files=()
    stage=$(dirname "${SERVER:-$BUILD/step-35/server}")
    if [ ! -x "$program" ]; then
        blocking_driver > "$program.c"
        for f in "$stage"/*.c; do
            case $f in */main.c | */demo.c) ;; *) files+=("$f") ;; esac
        done
        # shellcheck disable=SC2086 # The flags are words.
        ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O0 -g} -I "$stage" \
            "$program.c" "${files[@]}" ${LDFLAGS:-} -o "$program"
    fi
    CLEAN=
    SERVER='' start_program "$program" "$1"
}

held_up() { grep -a '^dustdevil: the loop is held up by ' "$SERVER_LOG"; }

@test "the alarm names the request whose handler holds up the loop" {
    start_application 1
    [ "$(http "$URL/block/me?a=b")" = blocked ]
    client send 'GET /block/\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n' readuntil ' 400 '
    client send 'GET /block/\xc3\xa4\xff HTTP/1.1\r\nHost: a\r\n\r\n' readuntil ' 400 '
    [ "$(http "$URL/block/%ff")" = blocked ]
    [ "$(http "$URL/quick")" = quick ]

    # One line each, and of printable ASCII.
    [ "$(held_up)" = "dustdevil: the loop is held up by /block/me?a=b
dustdevil: the loop is held up by /block/%ff" ]
}

@test "what the alarm says is a line, whatever it is told" {
    start_application 1
    [ "$(http "$URL/strange")" = blocked ]
    held_up > "$TMP/line"
    [ "$(wc -l < "$TMP/line")" -eq 1 ]
    [ "$(wc -c < "$TMP/line")" -eq 256 ]
    grep -q 'held up by ?\[31mred????bell?x*$' "$TMP/line"
    [ "$(tr -d ' -~\n' < "$SERVER_LOG" | wc -c)" -eq 0 ]
}

@test "an alarm whose log has no reader changes nothing" {
    start_application 1
    [ "$(http "$URL/unheard")" = "pipe 0, errno 0" ]
    [ "$(http "$URL/quick")" = quick ]
}

@test "the alarm notices what blocks behind the handler's back" {
    start_application 1
    [ "$(http "$URL/later")" = later ]
    [ "$(held_up)" = "dustdevil: the loop is held up by a callback" ]
}

@test "a loop that has stopped sets off no alarm" {
    start_application 1
    client send 'GET /stop HTTP/1.1\r\nHost: a\r\n\r\n' read > /dev/null || true
    wait_for_line "$SERVER_LOG" 'the end'
    ! held_up || false
}

@test "there is no alarm for a wait in the loop, or for work in a thread" {
    start --block-alarm=1 --trace
    group long 1 send "$LONG"
    handed 1
    for i in 1 2 3 4 5; do http "$URL/hello/$i" > /dev/null; done
    [ "$(http "$URL/slow?ms=1200")" = "slept 1200 ms" ]
    [ "$(http "$URL/")" = "Hello, world" ]
    release long
    answered 1 5000000
    ! held_up || false
}

@test "without the option there is no alarm at all" {
    [ -r /proc/self/status ] || skip "there is no /proc to look it up in"
    for what in '--log=none 0' '--block-alarm=0 0' '--block-alarm=1 1' '--block_alarm=3600 1'; do
        read -r option caught <<< "$what"
        start "$option"
        mask=$(sed -n 's/^SigCgt:\t*//p' "/proc/$SERVER_PID/status")
        [ $(((0x$mask >> 13) & 1)) -eq "$caught" ] || { echo "$what: $mask"; return 1; }
        stop_server clean
    done
}

@test "an alarm that makes no sense is refused at the start" {
    for value in x -1 3601 1.5 1s 99999999999999999999 ''; do
        status=0
        "${SERVER:-$BUILD/step-35/server}" --port=0 "--block-alarm=$value" \
            > "$TMP/out" 2> "$TMP/err" || status=$?
        [ "$status" -eq 2 ] && [ ! -s "$TMP/out" ] || { echo "'$value'"; return 1; }
        [ "$(wc -l < "$TMP/err")" -eq 1 ]
    done
}

@test "a log without a reader stops no request" {
    local deaf=$BATS_TEST_TMPDIR/deaf
    stop_server
    mkfifo "$deaf.pipe"
    printf '#!/bin/sh\nexec "%s" "$@" 2<> "%s"\n' \
        "${SERVER:-$BUILD/step-35/server}" "$deaf.pipe" > "$deaf"
    chmod +x "$deaf"
    SERVER='' start_program "$deaf"

    # A pipe holds 64 KiB, and each of these is worth eighty bytes of log.
    for _ in 1 2 3 4 5 6; do
        client -q -c 200 send '\n\n' read
    done
    http "$URL/" | grep -q 'Hello, world'
}
