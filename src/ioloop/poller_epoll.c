/* [3] poller_epoll.c -- epoll (Linux): the kernel keeps the list.
 *
 *     Tornado 2.0: class _EPoll in tornado/ioloop.py
 *
 * The program tells the kernel only the changes. The cost of a wait depends on
 * the number of events, not on the number of watched descriptors. */
#include "poller.h"

#ifdef __linux__

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* How many events one wait reports at most. The requests of one wait are in
 * memory together: if they are few, they fit into the processor's cache. */
enum { MAX_EVENTS = 32 };

/* `self` is the descriptor of the epoll instance. */
static void *
epoll_new(void)
{
    int *self = malloc(sizeof *self);

    if (self == NULL || (*self = epoll_create1(EPOLL_CLOEXEC)) != -1)
        return self;
    free(self);
    return NULL;
}

/* [17] For ioloop_free(). */
static void
epoll_free(void *self)
{
    close(*(int *)self);
    free(self);
}

static int
epoll_watch(void *self, int fd, uint32_t before, uint32_t after)
{
    struct epoll_event event = {.events = after, .data.fd = fd};
    int verb = before == 0  ? EPOLL_CTL_ADD
               : after == 0 ? EPOLL_CTL_DEL
                            : EPOLL_CTL_MOD;

    return epoll_ctl(*(int *)self, verb, fd, &event);
}

static int
epoll_poll(void *self, struct poller_event *ready, int timeout)
{
    struct epoll_event events[MAX_EVENTS];
    int n = epoll_wait(*(int *)self, events, MAX_EVENTS, timeout);

    for (int i = 0; i < n; i++)
        ready[i] = (struct poller_event){events[i].data.fd, events[i].events};
    return n;
}

const struct poller poller_epoll = {
    "epoll", epoll_new, epoll_watch, epoll_poll,
    epoll_free, /* [17] */
};

#else

const struct poller poller_epoll = {.name = "epoll"};

#endif
