/* [2] poller_select.c -- every system: the program keeps the list.
 *
 *     Tornado 2.0: class _Select in tornado/ioloop.py
 *
 * select() gets all descriptors at every wait and checks each of them, silent
 * or not. It cannot take a number from FD_SETSIZE (mostly 1024) on: watch()
 * refuses it with EMFILE, as if the table of descriptors were full. */
#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h> /* [12] */
#include <sys/time.h>

#include "system.h"

struct select {
    fd_set read, write;
    int top; /* above all that are watched */

    /* [12] Those that are watched for ERROR only, and their number. */
    fd_set error;
    int nerror;
};

/* Zeros are empty sets: FD_ZERO() does nothing else. */
static void *
select_new(void)
{
    return calloc(1, sizeof(struct select));
}

static int
select_watch(void *self, int fd, uint32_t before, uint32_t after)
{
    struct select *watched = self;

    errno = EMFILE;
    if (fd >= FD_SETSIZE || (before == 0 && check_pollable(fd) == -1))
        return -1;
    FD_CLR(fd, &watched->read);
    FD_CLR(fd, &watched->write);
    if (after & IOLOOP_READ)
        FD_SET(fd, &watched->read);
    if (after & IOLOOP_WRITE)
        FD_SET(fd, &watched->write);
    watched->top = fd < watched->top ? watched->top : fd + 1;

    /* [12] select() itself cannot watch for errors. */
    FD_CLR(fd, &watched->error);
    if (after == IOLOOP_ERROR)
        FD_SET(fd, &watched->error);
    watched->nerror += (after == IOLOOP_ERROR) - (before == IOLOOP_ERROR);

    return 0;
}

/* [12] Has the connection been reset? A byte that has arrived stays where it
 * is. A listening socket is not connected, and a pipe is no socket. */
static bool
is_broken(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
           !is_temporary(errno) && errno != ENOTCONN && errno != ENOTSOCK;
}

/* select() reports no errors: a broken connection is readable and writable. */
static int
select_poll(void *self, struct poller_event *ready, int max, int timeout)
{
    struct select *watched = self;
    fd_set read = watched->read, write = watched->write;
    struct timeval wait;
    int n = 0;

    /* [12] The wait ends after a second if is_broken() has work to do. */
    if (watched->nerror > 0 && (timeout < 0 || timeout > 1000))
        timeout = 1000;

    wait = (struct timeval){timeout / 1000, timeout % 1000 * 1000};
    if (select(watched->top, &read, &write, NULL,
               timeout < 0 ? NULL : &wait) == -1)
        return -1;
    for (int fd = 0; fd < watched->top && n < max; fd++) {
        uint32_t events = FD_ISSET(fd, &read) ? IOLOOP_READ : 0;

        if (FD_ISSET(fd, &write))
            events |= IOLOOP_WRITE;

        /* [12] A reset. */
        if (FD_ISSET(fd, &watched->error) && is_broken(fd))
            events = IOLOOP_ERROR;

        if (events != 0)
            ready[n++] = (struct poller_event){fd, events};
    }
    return n;
}

const struct poller poller_select = {"select", select_new, free, select_watch,
                                     select_poll};
