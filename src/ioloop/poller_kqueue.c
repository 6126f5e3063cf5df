/* [2] poller_kqueue.c -- macOS and the BSDs: the kernel keeps two lists.
 *
 *     Tornado 2.0: class _KQueue in tornado/ioloop.py
 *
 * A kqueue watches filters, not descriptors: one for reading and one for
 * writing, each told about by itself. One change a call, as in Tornado:
 * some systems answer EINVAL to more. */
#include "poller.h"

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || \
    defined(__OpenBSD__) || defined(__DragonFly__)

#include <sys/types.h>

#include <stdbool.h>
#include <stdlib.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

enum { MAX_EVENTS = 256 };

struct kqueue {
    int fd;
    struct kevent events[MAX_EVENTS];
};

static void *
kqueue_new(void)
{
    struct kqueue *self = malloc(sizeof *self);

    if (self != NULL)
        self->fd = kqueue();
    if (self == NULL || self->fd != -1)
        return self;
    free(self);
    return NULL;
}

static void
kqueue_free(void *self)
{
    close(((struct kqueue *)self)->fd);
    free(self);
}

/* Switches one filter on or off, if that is a change. */
static int
filter(struct kqueue *kq, int fd, short which, bool before, bool after)
{
    struct kevent change;

    if (before == after)
        return 0;
    EV_SET(&change, (uintptr_t)fd, which, after ? EV_ADD : EV_DELETE, 0, 0, 0);
    return kevent(kq->fd, &change, 1, NULL, 0, NULL);
}

static int
kqueue_watch(void *self, int fd, uint32_t before, uint32_t after)
{
    if (filter(self, fd, EVFILT_READ, before & IOLOOP_READ,
               after & IOLOOP_READ) == -1)
        return -1;
    return filter(self, fd, EVFILT_WRITE, before & IOLOOP_WRITE,
                  after & IOLOOP_WRITE);
}

/* The end of what the peer sends is news for the reader, who will read it.
 * The end of what the peer takes is an error: nobody wants our bytes. */
static int
kqueue_poll(void *self, struct poller_event *ready, int max, int timeout)
{
    struct kqueue *kq = self;
    struct timespec wait = {timeout / 1000, timeout % 1000 * 1000000};
    int n = kevent(kq->fd, NULL, 0, kq->events,
                   max < MAX_EVENTS ? max : MAX_EVENTS,
                   timeout < 0 ? NULL : &wait);

    for (int i = 0; i < n; i++) {
        const struct kevent *event = &kq->events[i];

        ready[i].fd = (int)event->ident;
        ready[i].events = event->filter == EVFILT_READ ? IOLOOP_READ
                          : event->flags & EV_EOF      ? IOLOOP_ERROR
                                                       : IOLOOP_WRITE;
    }
    return n;
}

const struct poller poller_kqueue = {"kqueue", kqueue_new, kqueue_free,
                                     kqueue_watch, kqueue_poll};

#else

const struct poller poller_kqueue = {.name = "kqueue"};

#endif
