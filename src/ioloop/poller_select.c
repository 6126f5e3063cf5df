/* [2] poller_select.c -- every system: the program keeps the list.
 *
 *     Tornado 2.0: class _Select in tornado/ioloop.py
 *
 * select() gets all descriptors at every wait and looks at each of them, silent
 * or not. It cannot take a number from FD_SETSIZE (mostly 1024) on: watch()
 * refuses it with EMFILE, as if the table of descriptors were full. */
#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/time.h>

#include "system.h"

struct select {
    fd_set read, write;
    int top; /* above all that are watched */
};

/* Zeros are two empty sets: FD_ZERO() does nothing else. */
static void *
select_new(void)
{
    return calloc(1, sizeof(struct select));
}

static int
select_watch(void *self, int fd, uint32_t before, uint32_t after)
{
    struct select *watched = self;

    if (fd >= FD_SETSIZE) {
        errno = EMFILE;
        return -1;
    }
    if (before == 0 && check_pollable(fd) == -1)
        return -1;
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

/* select() reports no errors: a broken connection is readable and writable. */
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
