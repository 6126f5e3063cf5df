/* [18] linger.c -- see linger.h for why a close is not enough. */
#include "linger.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system.h"
#include "trace.h"

/* The limits of what is dropped, and of the time, in microseconds. */
enum { MAX_BYTES = 1 << 20, MAX_SILENCE = 2000000, MAX_TIME = 10000000 };

struct lingering {
    struct ioloop *loop;
    int fd;
    struct timeout *timeout;
    int64_t last, end; /* when bytes last came; the latest time to close */
    size_t left;       /* bytes that may still be dropped */
    ioloop_callback *callback;
    void *arg;
};

/* The peer has closed, the connection is broken, or a limit is reached. In the
 * last case close() may send a reset, and the peer may lose the answer. */
static void
linger_end(struct lingering *g)
{
    TRACE(g->fd, "closed, %zu bytes were dropped", MAX_BYTES - g->left);
    ioloop_remove_timeout(g->loop, g->timeout);
    ioloop_remove_handler(g->loop, g->fd);
    close(g->fd);
    ioloop_add_callback(g->loop, g->callback, g->arg);
    free(g);
}

/* The callback of the timeout; linger_start() calls it, too, to set the first
 * one. Bytes that arrive do not move the timeout. When it is due, this function
 * computes how long the peer has really been silent. */
static void
linger_rearm(void *arg)
{
    struct lingering *g = arg;
    int64_t deadline = g->last + MAX_SILENCE;

    deadline = deadline < g->end ? deadline : g->end;
    g->timeout = NULL;
    if (ioloop_time() < deadline)
        g->timeout = ioloop_add_timeout(g->loop, deadline, linger_rearm, g);
    if (g->timeout == NULL)
        linger_end(g);
}

static void
linger_events(int fd, uint32_t events, void *arg)
{
    struct lingering *g = arg;
    char dropped[16384];
    ssize_t n = recv(fd, dropped, sizeof dropped, 0);

    if (n == -1 && !(events & IOLOOP_ERROR) && is_temporary(errno))
        return;
    if (n <= 0 || (size_t)n >= g->left) {
        linger_end(g);
        return;
    }
    g->left -= (size_t)n;
    g->last = ioloop_time();
}

/* `*g` is filled in last: until then, an error path only has to free it. */
bool
linger_start(struct ioloop *loop, int fd, ioloop_callback *callback,
             void *arg)
{
    struct lingering *g = malloc(sizeof *g);
    int64_t now = ioloop_time();

    if (g == NULL || shutdown(fd, SHUT_WR) == -1 ||
        ioloop_add_handler(loop, fd, linger_events, g, IOLOOP_READ) == -1) {
        free(g);
        return false;
    }
    TRACE(fd, "lingering: what still arrives is dropped");
    *g = (struct lingering){.loop = loop, .fd = fd, .left = MAX_BYTES,
                            .last = now, .end = now + MAX_TIME,
                            .callback = callback, .arg = arg};
    linger_rearm(g);
    return true;
}
