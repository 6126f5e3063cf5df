/* [38] connect.c -- makes the stream of a client; see iostream.h.
 *
 * A connection needs at least one round trip to its peer. connect() on a
 * non-blocking socket does not wait for it: it fails with EINPROGRESS, and the
 * kernel reports WRITE later. */
#include "iostream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "system.h"

struct connecting {
    struct ioloop *loop;
    iostream_connect_callback *callback;
    void *arg;
};

/* IOStream._handle_connect. WRITE says that the attempt is over, and the option
 * SO_ERROR how it has ended. (At the end of a program the loop calls every
 * handler with ERROR.) */
static void
handle_connect(int fd, uint32_t events, void *arg)
{
    struct connecting *c = arg;
    struct iostream *stream = NULL;
    int error = 0;
    socklen_t size = sizeof error;

    ioloop_remove_handler(c->loop, fd);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && !(events & IOLOOP_ERROR))
        stream = iostream_new(c->loop, fd);
    if (stream == NULL)
        close(fd);
    c->callback(stream, c->arg);
    free(c);
}

int
iostream_connect(struct ioloop *loop, const struct sockaddr *address,
                 socklen_t size, iostream_connect_callback *callback,
                 void *arg)
{
    struct connecting *c = malloc(sizeof *c);
    int fd = socket(address->sa_family, SOCK_STREAM, 0);

    if (c == NULL || fd == -1 || set_nonblocking(fd) == -1 ||
        (connect(fd, address, size) == -1 && errno != EINPROGRESS) ||
        ioloop_add_handler(loop, fd, handle_connect, c, IOLOOP_WRITE) == -1) {
        if (fd != -1)
            close(fd);
        free(c);
        return -1;
    }
    *c = (struct connecting){loop, callback, arg};
    return fd;
}
