/* [2] poller_select.c -- everywhere: we keep the list, and carry it along.
 *
 *     Tornado 2.0: class _Select in tornado/ioloop.py
 *
 * select() is handed all descriptors at every wait and goes through all of
 * them, silent or not. It knows none from FD_SETSIZE (mostly 1024) on: such
 * a descriptor is refused with EMFILE, as if the table of files were full. */
#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/time.h>

struct select {
    fd_set read, write;
    int top; /* no descriptor from here on is watched */
};

/* All bits zero: two empty sets. An fd_set is an array of words everywhere,
 * and FD_ZERO() does the same to it. */
static void *
select_new(void)
{
    return calloc(1, sizeof(struct select));
}

static int
select_watch(void *self, int fd, uint32_t before, uint32_t after)
{
    struct select *watched = self;

    (void)before;
    if (fd >= FD_SETSIZE) {
        errno = EMFILE;
        return -1;
    }
    FD_CLR(fd, &watched->read);
    FD_CLR(fd, &watched->write);
    if (after & IOLOOP_READ)
        FD_SET(fd, &watched->read);
    if (after & IOLOOP_WRITE)
        FD_SET(fd, &watched->write);
    if (fd >= watched->top)
        watched->top = fd + 1;
    return 0;
}

/* There are no error events here: a connection that broke is readable, and
 * recv() says why. So one that is watched for errors only, while its answer
 * is being made, is not heard to break before somebody reads or writes. */
static int
select_poll(void *self, struct poller_event *ready, int max, int timeout)
{
    struct select *watched = self;
    fd_set read = watched->read, write = watched->write;
    struct timeval wait = {timeout / 1000, timeout % 1000 * 1000};
    int n = 0;

    if (select(watched->top, &read, &write, NULL,
               timeout < 0 ? NULL : &wait) == -1)
        return -1;
    for (int fd = 0; fd < watched->top && n < max; fd++) {
        uint32_t events = 0;

        if (FD_ISSET(fd, &read))
            events |= IOLOOP_READ;
        if (FD_ISSET(fd, &write))
            events |= IOLOOP_WRITE;
        if (events != 0)
            ready[n++] = (struct poller_event){fd, events};
    }
    return n;
}

const struct poller poller_select = {"select", select_new, free, select_watch,
                                     select_poll};
