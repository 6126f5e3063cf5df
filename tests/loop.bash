# loop.bash -- the loop alone, in a program of its own, for the tests of steps
# 2, 3, 4, 24 and 36: what the programs of these steps never do (to close the descriptor of
# another handler) other programs do. The loop is taken from the folder of the
# program that is tested.

# Two pairs of sockets, and something to read in both. With "read" every
# handler must be called, again and again until it reads, and then for WRITE.
# With "remove" and "reuse" the first one that is called removes the other's
# descriptor; with "reuse" that number has a new owner at once.
loop_driver() {
    [ "${1:-}" != edges ] || echo '#define EDGES'
    cat << 'END'
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ioloop.h"
#include "system.h"

static struct ioloop *loop;
static int a[2], b[2], calls;
static int again[2];
static bool reuse;

static void
finish(void)
{
    puts("well");
    exit(0);
}

/* In the turn after the one of on_rude(). */
static void
on_again(int fd, uint32_t events, void *arg)
{
    (void)fd, (void)events, (void)arg;
    finish();
}

static void
on_write(int fd, uint32_t events, void *arg)
{
    (void)arg;
    if (!(events & IOLOOP_WRITE))
        puts("called for what was not asked");
    ioloop_remove_handler(loop, fd);
    if (++calls == 6)
        finish();
}

static void
on_read(int fd, uint32_t events, void *arg)
{
    char bytes[2];

    if (!(events & IOLOOP_READ) || arg != &calls)
        puts("called for what was not asked");
    if (recv(fd, bytes, 1, 0) != 1)
        puts("called for nothing");
    calls++;
    if (recv(fd, bytes, 1, MSG_PEEK) == 1)
        return; /* We must be told again that there is more. */
    ioloop_remove_handler(loop, fd);
    ioloop_add_handler(loop, fd, on_write, arg, IOLOOP_WRITE);
}

static void
on_mistake(int fd, uint32_t events, void *arg)
{
    (void)fd, (void)events, (void)arg;
    puts("the event was for another handler");
}

static void
on_rude(int fd, uint32_t events, void *arg)
{
    int other = fd == a[0] ? b[0] : a[0], fresh[2] = {-1, -1};

    (void)events, (void)arg;
    if (++calls > 1)
        puts("a removed handler was called");
    ioloop_remove_handler(loop, other);
    close(other);
    if (reuse && (socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == -1 ||
                  fresh[0] != other ||
                  ioloop_add_handler(loop, other, on_mistake, NULL,
                                     IOLOOP_READ) == -1))
        puts("the number is not free again");
    ioloop_remove_handler(loop, fd);
    if (write(again[1], "x", 1) != 1)
        die("write");
    ioloop_add_handler(loop, again[0], on_again, NULL, IOLOOP_READ);
}

#ifdef EDGES
/* "edges": calls that make no sense fail and change nothing. */
static void
check(const char *what, int result, int error)
{
    if (error == 0 ? result != 0 : result != -1 || errno != error)
        printf("%s: %d, %s\n", what, result, strerror(errno));
    errno = 0;
}

static void
edges(void)
{
    int fds[] = {-1, -1000, 900, 100000, 2147483647};
    int ends[2];

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        int fd = fds[i];

        ioloop_remove_handler(loop, fd);
        check("update", ioloop_update_handler(loop, fd, IOLOOP_READ),
              ENOENT);
        if (ioloop_add_handler(loop, fd, on_mistake, NULL, IOLOOP_READ) != -1)
            printf("%d is watched\n", fd);
        ioloop_remove_handler(loop, fd);
    }
    if (pipe(ends) == -1 ||
        ioloop_add_handler(loop, ends[1], on_mistake, NULL, 0) == -1)
        printf("no pipe: %s\n", strerror(errno));
    ioloop_remove_handler(loop, ends[1]);
    close(ends[0]);
    check("a closed descriptor",
          ioloop_add_handler(loop, ends[0], on_mistake, NULL, IOLOOP_READ),
          EBADF);
    ioloop_remove_handler(loop, ends[0]);
    close(ends[1]);
    check("a second handler",
          ioloop_add_handler(loop, a[0], on_mistake, NULL, IOLOOP_WRITE),
          EEXIST);
}
#endif

int
main(int argc, char **argv)
{
    bool rude = argc > 2 && strcmp(argv[2], "read") != 0;

    reuse = argc > 2 && strcmp(argv[2], "reuse") == 0;
    loop = ioloop_new(argv[1]);
    if (loop == NULL) {
        puts("not here");
        return 0;
    }
    if (pipe(again) == -1 || set_nonblocking(again[0]) == -1 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, a) == -1 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, b) == -1 ||
        set_nonblocking(a[0]) == -1 || set_nonblocking(b[0]) == -1)
        die("sockets");
    for (int i = 0; i < 2; i++) {
        int *pair = i == 0 ? a : b;

        ioloop_add_handler(loop, pair[0], rude ? on_rude : on_read, &calls,
                           IOLOOP_READ);
        if (send(pair[1], "xy", 2, 0) != 2)
            die("send");
    }
#ifdef EDGES
    if (argc > 3)
        edges();
#endif
    alarm(5);
    ioloop_start(loop);
    die("loop");
}
END
}

# each_poller MODE...: all that this system has do well, and it has one.
each_poller() {
    local poller well=0
    for poller in epoll kqueue select; do
        run -0 "$BATS_FILE_TMPDIR/driver" "$poller" "$@"
        # shellcheck disable=SC2154 # Bats sets it.
        echo "$poller: $output"
        case $output in
        well) well=$((well + 1)) ;;
        "not here") ;;
        *) return 1 ;;
        esac
    done
    [ "$well" -ge 1 ]
}

# For callbacks: "breed", one that adds itself for ever while a socket is ready;
# "next", a chain of a hundred.
callback_driver() {
    cat << 'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ioloop.h"
#include "trace.h"

static struct ioloop *loop;
static unsigned turn = -1u; /* the turn of the last next(); -1: none yet */

static void
finish(void *arg)
{
    (void)arg;
    puts("well");
    exit(0);
}

/* "breed": puts itself off for ever. */
static void
breed(void *arg)
{
    ioloop_add_callback(loop, breed, arg);
}

static void
on_readable(int fd, uint32_t events, void *arg)
{
    (void)fd, (void)events;
    finish(arg);
}

/* "next": each must run in the turn after the one that added it. */
static void
next(void *arg)
{
    int left = *(int *)arg;

    if (turn != -1u && trace_turn != turn + 1)
        printf("turn %u after %u\n", trace_turn, turn);
    turn = trace_turn;
    *(int *)arg = left - 1;
    ioloop_add_callback(loop, left > 0 ? next : finish, arg);
    if (trace_turn != turn || *(int *)arg != left - 1)
        puts("called at once");
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int pair[2], steps = 100;

    alarm(8);
    loop = ioloop_new(NULL);
    if (strcmp(what, "breed") == 0) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
            send(pair[1], "x", 1, 0) != 1)
            return 1;
        ioloop_add_handler(loop, pair[0], on_readable, NULL, IOLOOP_READ);
        ioloop_add_callback(loop, breed, NULL);
    } else {
        ioloop_add_callback(loop, next, &steps);
    }
    ioloop_start(loop);
    return 1;
}
END
}
