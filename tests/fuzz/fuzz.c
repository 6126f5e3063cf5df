/* fuzz.c -- what the harnesses share: checks, and a client in this process. */
#include "fixed.h"
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "system.h"

void
check(bool condition, const char *message)
{
    if (condition)
        return;
    fprintf(stderr, "wrong: not true that %s\n", message);
    abort();
}

char *
exact_copy(const void *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);

    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *
string_copy(const void *data, size_t size)
{
    char *copy = malloc(size + 1);

    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

unsigned
next_random(unsigned *state)
{
    *state = *state * 1103515245 + 12345;
    return *state >> 16;
}

/* --- a client -------------------------------------------------------- */

static struct ioloop *loop;
static int open_ends; /* of the socket pair */

/* The loop stops when both ends are closed. */
static void
close_end(void *arg)
{
    (void)arg;
    if (--open_ends == 0)
        ioloop_stop(loop);
}

/* The client. It is a callback that queues itself again. */
static struct client {
    int fd;
    const char *bytes;
    size_t left;
    enum cut cut;
    unsigned random;
    bool polled; /* the loop has polled since the last piece */
    char *received;
    size_t n, room;
    unsigned turns;
} client;

static size_t
piece_size(size_t max)
{
    size_t size = client.cut == WHOLE   ? max
                  : client.cut == BYTES ? 1
                                        : 1 + next_random(&client.random) % 100;

    /* Sometimes a piece is long. */
    if (client.cut == PIECES && next_random(&client.random) % 8 == 0)
        size *= 100;
    return size < max ? size : max;
}

static void
send_piece(void)
{
    size_t size = piece_size(client.left);
    ssize_t n = send(client.fd, client.bytes, size, SEND_FLAGS);

    if (n == -1) /* The server has no room, or has closed. */
        return;
    client.bytes += n;
    client.left -= (size_t)n;
    if (client.left == 0)
        shutdown(client.fd, SHUT_WR);
}

/* True when the server has closed, or the client has received enough. */
static bool
receive(void)
{
    ssize_t n;

    if (client.room - client.n < 65536) {
        client.room = 2 * client.room + 65536;
        client.received = realloc(client.received, client.room + 1);
    }
    n = recv(client.fd, client.received + client.n, 65536, MSG_DONTWAIT);
    client.n += n > 0 ? (size_t)n : 0;
    return n == 0 || (n == -1 && !is_temporary(errno)) ||
           client.n >= TALK_MAX;
}

static void
client_turn(void *arg)
{
    if (client.polled) {
        client.polled = false;
        check(++client.turns < 1000000, "the server closes at last");
        if (receive()) {
            close(client.fd);
            close_end(NULL);
            return;
        }
        if (client.left > 0)
            send_piece();
    }
    ioloop_add_callback(loop, client_turn, arg);
}

static void
on_wait(bool begins)
{
    client.polled = client.polled || !begins;
}

/* The descriptors that the next calls would get. A descriptor that has been
 * left open is not among them. */
static void
free_descriptors(int fds[3])
{
    for (int i = 0; i < 3; i++)
        fds[i] = dup(STDERR_FILENO);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

char *
talk(void (*start)(struct iostream *stream), const char *bytes, size_t size,
     enum cut cut, unsigned seed, size_t *n)
{
    int ends[2], before[3], after[3], least = 1;
    struct iostream *stream;

    if (loop == NULL) {
        loop = ioloop_new(getenv("POLLER"));
        ioloop_set_wait_hook(loop, on_wait);
    }
    free_descriptors(before);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1)
        die("cannot make a socket pair");
    set_nonblocking(ends[0]);
    set_nonblocking(ends[1]);
    if (cut != WHOLE)
        setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof least);

    open_ends = 2;
    client = (struct client){.fd = ends[0], .bytes = bytes, .left = size,
                             .cut = cut, .random = seed, .polled = true};
    if (size == 0)
        shutdown(client.fd, SHUT_WR);
    client_turn(NULL);
    stream = iostream_new(loop, ends[1]);
    iostream_set_free_callback(stream, close_end, NULL);
    start(stream);
    ioloop_start(loop);

    /* The callbacks that are left. */
    ioloop_close_all(loop);
    free_descriptors(after);
    check(memcmp(before, after, sizeof before) == 0,
          "all descriptors have been closed");
    check(memory_in_use() == 0, "all buffers and arenas have been freed");
    *n = client.n;
    client.received[client.n] = '\0';
    return client.received;
}
