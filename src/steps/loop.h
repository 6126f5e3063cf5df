/* [4] loop.h -- what the programs of steps 4 to 8 have in common.
 *
 * Each of these programs watches its listening socket itself. From chapter 9 on
 * httpserver.c does that. */
#ifndef LOOP_H
#define LOOP_H

#include "iostream.h" /* [6] */
#include "step.h"

/* Makes a loop and a listening socket. When a client has connected, the loop
 * calls `on_connection` with the loop itself as `arg`. */
static inline struct ioloop *
step_loop(int argc, char **argv, ioloop_handler *on_connection)
{
    struct ioloop *loop = ioloop_new(NULL);
    int listener = step_listen(argc, argv);

    if (loop == NULL || set_nonblocking(listener) == -1 ||
        ioloop_add_handler(loop, listener, on_connection, loop,
                           IOLOOP_READ) == -1)
        die("event loop");
    step_catch_signals();
    return loop;
}

/* [6] --- streams ---------------------------------------------------------- */

/* Accepts a connection and makes a stream of it. Returns NULL if there is no
 * connection, or no memory. */
static inline struct iostream *
step_accept(int listener, struct ioloop *loop)
{
    int fd = accept(listener, NULL, NULL);
    struct iostream *stream;

    if (fd == -1)
        return NULL;
    trace_connection(fd);
    TOUR(3, fd, "accepted, as descriptor %d", fd);
    stream = set_nonblocking(fd) == 0 ? iostream_new(loop, fd) : NULL;
    if (stream == NULL)
        close(fd);
    return stream;
}

/* -------------------------------------------------------------------------- */

#endif
