/* [3] poller_kqueue.c -- kqueue (macOS, BSD): the kernel keeps the list.
 *
 *     Tornado 2.0: class _KQueue in tornado/ioloop.py
 *
 * A kqueue watches filters: a descriptor has one for reading and one for
 * writing, and the kernel reports each by itself. As in Tornado each call
 * changes one filter: some systems return EINVAL for more changes. */
#include "poller.h"

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || \
    defined(__OpenBSD__) || defined(__DragonFly__)

#include <sys/types.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

/* As in poller_epoll.c. */
enum { MAX_EVENTS = 32 };

/* `self` is the descriptor of the kqueue. */
static void *
kqueue_new(void)
{
    int *self = malloc(sizeof *self);

    if (self == NULL || (*self = kqueue()) != -1)
        return self;
    free(self);
    return NULL;
}

/* [17] For ioloop_free(). */
static void
kqueue_free(void *self)
{
    close(*(int *)self);
    free(self);
}

/* The flags of the read filter (0: no filter). The filter exists even while
 * only ERROR is watched, because it reports a reset. EV_CLEAR then makes it
 * report each change only once: otherwise unread bytes would end every wait. */
static unsigned short
read_flags(uint32_t events)
{
    return events & IOLOOP_READ ? EV_ADD : events != 0 ? EV_ADD | EV_CLEAR : 0;
}

/* Replaces one filter, if its flags change. The kernel cannot change EV_CLEAR
 * of a filter, so the old filter is deleted first. */
static int
filter(const int *kq, int fd, short which, unsigned short before,
       unsigned short after)
{
    unsigned short flags[] = {before != 0 ? EV_DELETE : 0, after};
    struct kevent change;
    int result = 0;

    for (int i = 0; i < 2 && before != after; i++)
        if (flags[i] != 0) {
            EV_SET(&change, (uintptr_t)fd, which, flags[i], 0, 0, 0);
            result = kevent(*kq, &change, 1, NULL, 0, NULL);
        }
    return result;
}

static int
kqueue_watch(void *self, int fd, uint32_t before, uint32_t after)
{
    int error;

    if (filter(self, fd, EVFILT_READ, read_flags(before),
               read_flags(after)) == -1)
        return -1;
    if (filter(self, fd, EVFILT_WRITE, before & IOLOOP_WRITE ? EV_ADD : 0,
               after & IOLOOP_WRITE ? EV_ADD : 0) == 0)
        return 0;
    error = errno;
    filter(self, fd, EVFILT_READ, read_flags(after), read_flags(before));
    errno = error;
    return -1;
}

/* EV_EOF of the write filter means that the peer receives no more. EV_EOF of
 * the read filter means that the peer sends no more, which recv() reports, too;
 * if fflags has an error, it means a reset. */
static uint32_t
events_of(const struct kevent *event)
{
    if (event->filter == EVFILT_WRITE)
        return event->flags & EV_EOF ? IOLOOP_ERROR : IOLOOP_WRITE;
    if (!(event->flags & EV_CLEAR))
        return IOLOOP_READ;
    return event->flags & EV_EOF && event->fflags != 0 ? IOLOOP_ERROR : 0;
}

static int
kqueue_poll(void *self, struct poller_event *ready, int timeout)
{
    struct kevent events[MAX_EVENTS];
    struct timespec wait = {timeout / 1000, timeout % 1000 * 1000000};
    int n = kevent(*(int *)self, NULL, 0, events, MAX_EVENTS,
                   timeout < 0 ? NULL : &wait);
    int nready = n == -1 ? -1 : 0;

    for (int i = 0; i < n; i++) {
        ready[nready].fd = (int)events[i].ident;
        ready[nready].events = events_of(&events[i]);
        nready += ready[nready].events != 0;
    }
    return nready;
}

const struct poller poller_kqueue = {
    "kqueue", kqueue_new, kqueue_watch, kqueue_poll,
    kqueue_free, /* [17] */
};

#else

const struct poller poller_kqueue = {.name = "kqueue"};

#endif
