/* [2] trace.h -- the tour of a request, as it happens.
 *
 *     Layer 0: every layer above may say where the request is.
 *
 * A request passes the same stops every time. They are numbered once, in
 * chapters/tour.md; a line in the source has the number of its stop, and with
 * --trace it prints that number when a request passes:
 *
 *     turn 5    (7)  conn 1  iostream.c:read_from_buffer  found after 78 ...
 *
 * A turn is one round of the loop; an empty line stands between two turns. A
 * turn may contain a wait:
 *
 *     --- waited 3.0 s ---
 *
 * All that stands between two such lines happened without a wait of 0.05 s or
 * more.
 *
 * - A line that write_stderr() cannot write is lost. */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool trace_on;
extern unsigned trace_turn; /* the number of the loop's turn */

/* "Stop STOP has just happened", or with TRACE() something else that is worth
 * a line. `fd` tells which connection it was about (-1: none). Control bytes in
 * the message are escaped; it is cut at 160 bytes. While trace_on is false,
 * nothing is evaluated. */
#define TOUR(stop, fd, ...) \
    (trace_on ? trace_event(stop, fd, __FILE__, __func__, __LINE__, \
                            __VA_ARGS__) : (void)0)
#define TRACE(fd, ...) TOUR(0, fd, __VA_ARGS__)

void trace_event(int stop, int fd, const char *file, const char *function,
                 int line, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* For the loop, before and after its wait: the line `--- waited 3.0 s ---`. */
#define TRACE_WAIT(begins) \
    (trace_on ? trace_wait(begins, __FILE__, __func__, __LINE__) : (void)0)

void trace_wait(bool begins, const char *file, const char *function, int line);

/* Gives the connection that was accepted as `fd` a number of its own: the
 * kernel uses the numbers of descriptors again. */
void trace_connection(int fd);

/* [26] From now on writes tab-separated records to the file `path`, in place of
 * lines on stderr. The first line is a header. False, with errno, if the file
 * cannot be written.
 * - If `path` is a FIFO, the call waits until a reader opens it. While the
 *   reader does not read, records are lost: a gap in the column `seq` shows how
 *   many.
 * - A wait is a record without a stop; its note is `--- waited 3.0 s ---`. */
bool trace_to_file(const char *path);

/* [36] Appends the records with a number above `since`, 1024 of them at most,
 * as tab-separated lines after a header line. False without memory. */
struct buffer;
bool trace_read(struct buffer **to, unsigned long since);

/* --- time -------------------------------------------------------------- */

/* On a clock that cannot be set; only differences mean anything. */
int64_t microseconds(void);

/* --- lines on stderr --------------------------------------------------- */

/* Copies `from` to `to`, which has room for `size` bytes with the NUL, and
 * returns the length. A byte that is not printable ASCII becomes \x and two
 * hexadecimal digits, so that it can neither control a terminal nor start a
 * line. A backslash becomes \x5c, so that `from` cannot contain an escape. What
 * does not fit is left out. */
size_t make_printable(char *to, size_t size, const char *from);

/* Writes a line of at most PIPE_BUF bytes to stderr. False, and the line is
 * lost, if stderr takes nothing now: a full pipe must not stop the server.
 * - May be called from a signal handler.
 * - If several processes write to one pipe it can still wait: another process
 *   may fill the pipe between poll() and write(). */
bool write_stderr(const char *line, size_t size);

/* [35] After this call write_stderr() never waits, not even if several
 * processes write to one pipe, or if the terminal is stopped. A pipe or
 * terminal is opened again through /proc/self/fd; where that fails, the call
 * has no effect. */
void unblock_stderr(void);

/* ----------------------------------------------------------------------- */

#endif
