/* [4] loop.h -- what the programs of steps 4 to 8 have in common.
 *
 * Each has a loop that watches the listening socket. From chapter 9 on a server
 * (httpserver.c) does that. */
#ifndef LOOP_H
#define LOOP_H

#include "iostream.h" /* [6] */
#include "step.h"

/* A loop for a program that listens: it calls `on_connection` with the loop as
 * `arg` when a client has connected. */
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

/* Makes a stream of a new connection; NULL if there is no connection, or no
 * memory. */
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
