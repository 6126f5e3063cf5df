/* [2] Step 2 -- the same server, with an event loop.
 *
 * The for (;;) is in ioloop_start() now. This file has one handler for each of
 * two events: a client has connected, and a client has sent something. Neither
 * handler waits. A request must still arrive in one piece (chapter 6). */
#include "step.h"

static void
on_readable(int fd, uint32_t events, void *arg)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\n\r\nhello, everyone\n";
    char request[4096];

    if (events & IOLOOP_READ && recv(fd, request, sizeof request, 0) > 0)
        send(fd, answer, strlen(answer), SEND_FLAGS);
    ioloop_remove_handler(arg, fd);
    close(fd);
}

static void
on_connection(int listener, uint32_t events, void *arg)
{
    int fd = events & IOLOOP_READ ? accept(listener, NULL, NULL) : -1;

    if (fd == -1)
        return;
    trace_connection(fd);
    if (set_nonblocking(fd) == -1 ||
        ioloop_add_handler(arg, fd, on_readable, arg, IOLOOP_READ) == -1)
        close(fd);
}

int
main(int argc, char **argv)
{
    int listener = step_listen(argc, argv);
    struct ioloop *loop = ioloop_new(NULL);

    if (loop == NULL || set_nonblocking(listener) == -1 ||
        ioloop_add_handler(loop, listener, on_connection, loop,
                           IOLOOP_READ) == -1)
        die("event loop");
    ioloop_start(loop);
    die("cannot wait");
}
