/* [2] poller_select.c -- select(): the program keeps the list.
 *
 *     Tornado 2.0: class _Select in tornado/ioloop.py
 *
 * The program passes all descriptors to select() at every wait, and select()
 * checks each of them. select() cannot watch a descriptor that is not below
 * FD_SETSIZE (mostly 1024): select_watch() then fails with EMFILE, as if the
 * table of descriptors were full. */
#include "poller.h"

#include <errno.h>
#include <fcntl.h> /* [24] */
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h> /* [24] */

#include "system.h" /* [24] */

struct select {
    fd_set read, write;

    /* [24] The descriptors that are watched for ERROR only, and their
     * number. */
    fd_set error;
    int nerror;
};

/* calloc() makes the sets empty, as FD_ZERO() would. */
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
    if (before == 0 && fd >= FD_SETSIZE)
        return -1;

    /* [24] With a descriptor that is not open, each later wait would fail. The
     * other pollers ask the kernel here, and it refuses such a descriptor. */
    if (before == 0 && fcntl(fd, F_GETFD) == -1)
        return -1;

    FD_CLR(fd, &watched->read);
    FD_CLR(fd, &watched->write);
    if (after & IOLOOP_READ)
        FD_SET(fd, &watched->read);
    if (after & IOLOOP_WRITE)
        FD_SET(fd, &watched->write);

    /* [24] select() itself cannot watch for errors. */
    FD_CLR(fd, &watched->error);
    if (after == IOLOOP_ERROR)
        FD_SET(fd, &watched->error);
    watched->nerror += (after == IOLOOP_ERROR) - (before == IOLOOP_ERROR);

    return 0;
}

/* [24] True if the connection has been reset. With MSG_PEEK a byte that has
 * arrived stays in the kernel. ENOTCONN (a listening socket) and ENOTSOCK (a
 * pipe) are not resets. */
static bool
is_broken(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
           !is_temporary(errno) && errno != ENOTCONN && errno != ENOTSOCK;
}

/* select() reports no errors: a broken connection is readable and writable. */
static int
select_poll(void *self, struct poller_event *ready, int timeout)
{
    struct select *watched = self;
    fd_set read = watched->read, write = watched->write;
    int n = 0;

    /* [24] A reset ends select() only if the socket is watched for READ or
     * WRITE. If sockets are watched for ERROR only, the wait ends after a
     * second at the latest, and is_broken() checks them. */
    if (watched->nerror > 0 && (timeout < 0 || timeout > 1000))
        timeout = 1000;

    struct timeval wait = {timeout / 1000, timeout % 1000 * 1000};
    if (select(FD_SETSIZE, &read, &write, NULL,
               timeout < 0 ? NULL : &wait) == -1)
        return -1;
    for (int fd = 0; fd < FD_SETSIZE && n < MAX_READY; fd++) {
        uint32_t events = (FD_ISSET(fd, &read) ? IOLOOP_READ : 0) |
                          (FD_ISSET(fd, &write) ? IOLOOP_WRITE : 0);

        /* [24] A reset. */
        if (FD_ISSET(fd, &watched->error) && is_broken(fd))
            events = IOLOOP_ERROR;

        if (events != 0)
            ready[n++] = (struct poller_event){fd, events};
    }
    return n;
}

const struct poller poller_select = {
    "select", select_new, select_watch, select_poll,
    free, /* [17] */
};
