/* [10] linger.c -- see linger.h for why a close is not enough. */
#include "linger.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "trace.h"

enum {
    MAX_BYTES = 1 << 20,
    MAX_SILENCE = 2 * 1000000, /* microseconds */
    MAX_TIME = 10 * 1000000
};

struct lingering {
    struct ioloop *loop;
    int fd;
    struct timeout *timeout;
    int64_t end;
    size_t left; /* bytes that we are still willing to drop */
    ioloop_callback *callback;
    void *arg;
};

/* The peer has gone, or we have waited long enough for it to take what it was
 * sent. A reset does no harm any more. */
static void
linger_end(struct lingering *g)
{
    TRACE(g->fd, "closed, %zu bytes were dropped", MAX_BYTES - g->left);
    if (g->timeout != NULL)
        ioloop_remove_timeout(g->loop, g->timeout);
    ioloop_remove_handler(g->loop, g->fd);
    close(g->fd);
    ioloop_add_callback(g->loop, g->callback, g->arg);
    free(g);
}

/* The handle means nothing once its callback has started. */
static void
on_timeout(void *arg)
{
    ((struct lingering *)arg)->timeout = NULL;
    linger_end(arg);
}

/* Waits for the next sign of the peer; without memory for that, no longer. */
static void
linger_rearm(struct lingering *g)
{
    int64_t deadline = ioloop_time() + MAX_SILENCE;

    if (g->timeout != NULL)
        ioloop_remove_timeout(g->loop, g->timeout);
    g->timeout = ioloop_add_timeout(g->loop,
                                    deadline < g->end ? deadline : g->end,
                                    on_timeout, g);
    if (g->timeout == NULL)
        linger_end(g);
}

/* Reads and forgets. */
static void
linger_events(int fd, uint32_t events, void *arg)
{
    struct lingering *g = arg;
    char dropped[16384];
    ssize_t n = recv(fd, dropped, sizeof dropped, 0);

    if (n == -1 && !(events & IOLOOP_ERROR) &&
        (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0 || (size_t)n >= g->left) {
        linger_end(g);
        return;
    }
    g->left -= (size_t)n;
    linger_rearm(g);
}

/* The notes are filled in last: until then nothing has to be undone but the
 * memory, and from then on everything ends in linger_end(). */
bool
linger_start(struct ioloop *loop, int fd, ioloop_callback *callback,
              void *arg)
{
    struct lingering *g = malloc(sizeof *g);

    if (g == NULL || shutdown(fd, SHUT_WR) == -1 ||
        ioloop_add_handler(loop, fd, linger_events, g, IOLOOP_READ) == -1) {
        free(g);
        return false;
    }
    TRACE(fd, "said goodbye; what still comes is dropped");
    *g = (struct lingering){.loop = loop, .fd = fd, .left = MAX_BYTES,
                          .end = ioloop_time() + MAX_TIME,
                          .callback = callback, .arg = arg};
    linger_rearm(g);
    return true;
}
