# Step 17: callbacks from threads and from signal handlers, and the end.

# The loop in a program of its own, for what the step's server has no use for.
# It is taken from the folder of the program that is tested.
setup_file() {
    load helper
    driver | build_driver 17
}

setup() { load helper; }
teardown() { stop_server clean; }

driver() {
    cat << 'END'
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ioloop.h"

enum { MANY = 20000 };

static struct ioloop *loop;
static long last[2], received;

static void
stop(void *arg)
{
    (void)arg;
    ioloop_stop(loop);
}

/* "stop": the callback of this turn still runs, the next one does not. */
static void
late(void *arg)
{
    (void)arg;
    puts("too late");
}

static void
last_one(void *arg)
{
    (void)arg;
    received++;
    ioloop_add_callback(loop, late, NULL);
}

/* "signal": a callback from a signal handler, which keeps errno. */
static void
on_signal(int signal_number)
{
    (void)signal_number;
    ioloop_add_callback_from_signal(ioloop_instance(), stop, NULL);
}

/* "threads": two of them count, the loop compares. */
static void
receive(void *arg)
{
    long number = (long)(intptr_t)arg, who = number % 2;

    if (number / 2 != last[who] + 1)
        puts("out of order");
    last[who]++;
    if (++received == 2 * MANY)
        ioloop_stop(loop);
}

static void *
count(void *arg)
{
    for (long i = 1; i <= MANY; i++)
        ioloop_add_callback(loop, receive,
                            (void *)(intptr_t)(2 * i + (arg != NULL)));
    return NULL;
}

/* "free": a loop whose work has not run. No descriptor may be left. */
static void
never(void *arg)
{
    (void)arg;
    puts("called after the end");
}

static int
count_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 64; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

static void
make_and_free(void)
{
    int before = count_descriptors();
    struct ioloop *other = ioloop_new(NULL);

    ioloop_add_callback(other, never, NULL);
    ioloop_add_timeout(other, ioloop_time() + 1000, never, NULL);
    ioloop_add_timeout(other, ioloop_time() + 1000000, never, NULL);
    ioloop_free(other);
    if (count_descriptors() != before || ioloop_instance() != loop)
        puts("wrong");
    ioloop_free(loop);
    loop = ioloop_instance();
    ioloop_add_callback(loop, stop, NULL);
}

/* "close": a handler adds a callback, and that another handler. "late": there is
 * only such a callback. */
static int ends[2];

static void add_second(void *arg);

static void
on_end(int fd, uint32_t events, void *arg)
{
    (void)arg;
    if (events != IOLOOP_ERROR)
        puts("wrong");
    ioloop_remove_handler(loop, fd);
    close(fd);
    if (++received == 1)
        ioloop_add_callback(loop, add_second, NULL);
}

static void
add_second(void *arg)
{
    (void)arg;
    ioloop_add_handler(loop, ends[1], on_end, NULL, IOLOOP_READ);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool threaded = false;
    pthread_t threads[2];

    alarm(8);
    loop = ioloop_new(NULL);
    if (strcmp(what, "stop") == 0) {
        ioloop_add_callback(loop, stop, NULL);
        ioloop_add_callback(loop, last_one, NULL);
    } else if (strcmp(what, "signal") == 0) {
        signal(SIGUSR1, on_signal);
        for (int i = 0; i < 10000; i++) { /* the pipe gets full */
            errno = ENOENT;
            raise(SIGUSR1);
            if (errno != ENOENT) {
                puts("wrong");
                break;
            }
        }
        if (loop != ioloop_instance())
            puts("wrong");
    } else if (strcmp(what, "free") == 0) {
        make_and_free();
    } else if (strcmp(what, "close") == 0) {
        if (pipe(ends) == 0)
            ioloop_add_handler(loop, ends[0], on_end, NULL, IOLOOP_READ);
        ioloop_add_callback(loop, stop, NULL);
    } else if (strcmp(what, "late") == 0) {
        if (pipe(ends) == 0)
            close(ends[0]);
        received = 1;
        ioloop_add_callback(loop, stop, NULL);
    } else {
        threaded = true;
        pthread_create(&threads[0], NULL, count, NULL);
        pthread_create(&threads[1], NULL, count, &threaded);
    }
    if (ioloop_start(loop) == -1)
        return 1;
    if (threaded) {
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
    }
    if (strcmp(what, "late") == 0)
        ioloop_add_callback(loop, add_second, NULL);
    if (strcmp(what, "close") == 0 || strcmp(what, "late") == 0) {
        ioloop_close_all(loop);
        if (received != 2)
            puts("a handler is left");
    }
    if (strcmp(what, "stop") == 0 && received != 1)
        puts("the turn did not end");
    ioloop_free(loop);
    puts("well");
    return 0;
}
END
}

@test "what threads put off all arrives, each thread's in its order" {
    run -0 "$BATS_FILE_TMPDIR/driver" threads
    [ "$output" = well ]
}

@test "a callback of a signal handler wakes the loop, and keeps errno" {
    run -0 "$BATS_FILE_TMPDIR/driver" signal
    [ "$output" = well ]
}

@test "a stop lets the turn end, and begins no other" {
    run -0 "$BATS_FILE_TMPDIR/driver" stop
    [ "$output" = well ]
}

@test "a loop that is freed leaves no descriptor, and calls nothing any more" {
    run -0 "$BATS_FILE_TMPDIR/driver" free
    [ "$output" = well ]
}

@test "at the end every handler is called, also one that is added then" {
    for how in close late; do
        run -0 "$BATS_FILE_TMPDIR/driver" "$how"
        [ "$output" = well ] || { echo "$how: $output"; return 1; }
    done
}

@test "SIGTERM and SIGINT end the server in order, with status 0" {
    for signal in TERM INT; do
        start_step 17 --trace
        state S
        kill "-$signal" "$SERVER_PID"
        server_ends
        [ "$SERVER_STATUS" -eq 0 ]
        grep -q 'ioloop.c:read_waker .*a callback from outside' "$SERVER_LOG"
        no_complaints
    done
}

@test "a connection that is open when the server ends is closed in order" {
    start_step 17 --trace
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    printf 'GET / HTTP/1.1\r\nHost: a\r\n' >&8
    wait_for_line "$SERVER_LOG" 'conn 1 .*bytes'
    kill -TERM "$SERVER_PID"
    server_ends
    [ -z "$(cat <&8)" ]
    exec 8>&-
    [ "$SERVER_STATUS" -eq 0 ]
    grep -q '(20) .*conn 1' "$SERVER_LOG"
    no_complaints
}

@test "at the end every connection is closed, whatever it waits for" {
    start_step 17 --trace
    stay 2 send "$(request /)" readuntil world
    stay 2 send 'GET / HTTP/1.1\r\nHo'
    stay 2
    until_true accepted 6
    kill -TERM "$SERVER_PID"
    server_ends 3
    disperse
    [ "$SERVER_STATUS" -eq 0 ]
    [ "$(grep -c '(20)' "$SERVER_LOG")" -eq 6 ]
    no_complaints
}

accepted() { [ "$(grep -c '(3)' "$SERVER_LOG")" -eq "$1" ]; }

@test "a thread that works when the server ends is waited for" {
    local program=${SERVER:-$BUILD/step-17/server}
    SERVER=$(with_call "${program%/*}" pthread_join <<- 'END'
		#include <pthread.h>
		#include <stdio.h>
		int replaced(pthread_t thread, void **result);
		int replaced(pthread_t thread, void **result)
		{
		    int error = pthread_join(thread, result);

		    fputs("joined\n", stderr);
		    return error;
		}
	END
    )
    start_step 17 --trace
    state S
    kill -USR1 "$SERVER_PID"
    wait_for_line "$SERVER_LOG" 'a callback from outside'
    kill -TERM "$SERVER_PID"
    server_ends 30
    [ "$SERVER_STATUS" -eq 0 ]
    grep -qx joined "$SERVER_LOG"
    no_complaints
}

@test "the result of a thread wakes a loop that sleeps" {
    start_step 17 --trace
    state S
    kill -USR1 "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '^78498 primes below 1000000$' 20
    [ "$(grep -c 'a callback from outside' "$SERVER_LOG")" -eq 2 ]
}

@test "clients are served while a thread works" {
    start_step 17 --trace
    kill -USR1 "$SERVER_PID"
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    wait_for_line "$SERVER_LOG" '^78498 primes below 1000000$' 20
    grep -m 1 -E 'your code runs|primes below' "$SERVER_LOG" | grep 'your code'
}

@test "after SIGTERM no other turn begins, and an answer that is ready is sent" {
    start_step 17 --trace
    state S
    freeze
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    printf 'GET / HTTP/1.0\r\n\r\n' >&8
    kill -TERM "$SERVER_PID"
    kill -CONT "$SERVER_PID"
    server_ends
    grep -q '^Hello, world' <&8
    exec 8>&-
    [ "$SERVER_STATUS" -eq 0 ]
    [ "$(awk '/ready: READ/ { print $2 }' "$SERVER_LOG" | uniq | wc -l)" -eq 1 ]
    no_complaints
}
