/* [2] trace.h -- the signposts of the tour.
 *
 *     Floor 0: every floor above it may say where the request is.
 *
 * A request visits the same stops every time. They are numbered once, in
 * chapters/tour.md; a signpost in the source carries that number and, with
 * --trace, speaks when the request comes by:
 *
 *     turn 5    (7)  conn 1  iostream.c:read_from_buffer  found after 78 ...
 *
 * A turn is one round of the loop. Blank lines part the turns, so what
 * stands together happened without anybody waiting for anything. */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>

extern bool trace_on;
extern unsigned trace_turn; /* which turn of the loop this is */

/* "Stop STOP has just happened", or something worth telling that is no stop.
 * `fd` tells which connection it was about (-1: none). Data goes into the
 * message, control bytes and all; they are escaped. Off, this costs one
 * comparison. */
#define TOUR(stop, fd, ...) \
    (trace_on ? trace_event(stop, fd, __FILE__, __func__, __LINE__, \
                            __VA_ARGS__) : (void)0)
#define TRACE(fd, ...) TOUR(0, fd, __VA_ARGS__)

void trace_event(int stop, int fd, const char *file, const char *function,
                 int line, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The kernel hands out descriptors again and again. For the tour, each new
 * connection gets a number of its own: call this after accept(). */
void trace_connection(int fd);

/* [12] From now on: tab-separated records into `path`, a header line first,
 * instead of lines for people on stderr. False, with errno, if it cannot. */
bool trace_to_file(const char *path);

/* [18] From now on the last records are also kept in memory. False if there is
 * none. */
bool trace_keep(void);

/* [18] Appends those that came after number `since` and are still there, as
 * tab-separated lines below a header line. False when there is no memory. */
struct buffer;
bool trace_read(struct buffer **to, unsigned long since);

/* [18] For the end of a program: nothing is traced any more. */
void trace_end(void);

#endif
