/* [2] trace.h -- the tour of a request, as it happens.
 *
 *     Layer 0: every layer above may call it.
 *
 * The way of a request has stops. chapters/tour.md lists them, each with a
 * number. Each stop is one TOUR() in the source, with that number. With
 * --trace this TOUR() prints a line when a request passes it:
 *
 *     turn 2    (2)   conn 1  ioloop.c:run_handlers                ready: READ
 *
 * A turn is one round of the loop; an empty line stands between two turns. A
 * turn may contain a wait:
 *
 *     --- waited 3.0 s ---
 *
 * A wait of less than 0.05 s has no such line. A line that write_stderr()
 * cannot write is lost. */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool trace_on;
extern unsigned trace_turn; /* the number of the loop's turn */

/* TOUR() prints that stop number STOP of the tour has just happened. TRACE()
 * prints that something else has happened. `fd` tells which connection it was
 * about (-1: none). Control bytes in the message are escaped, and the message
 * is cut if it is long. While trace_on is false, the arguments are not
 * evaluated. */
#define TOUR(stop, fd, ...) \
    (trace_on ? trace_event(stop, fd, __FILE__, __func__, __LINE__, \
                            __VA_ARGS__) : (void)0)
#define TRACE(fd, ...) TOUR(0, fd, __VA_ARGS__)

void trace_event(int stop, int fd, const char *file, const char *function,
                 int line, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The loop calls this before and after each wait. After a wait of 0.05 s or
 * more it prints the line `--- waited 3.0 s ---`. */
#define TRACE_WAIT(begins) \
    (trace_on ? trace_wait(begins, __FILE__, __func__, __LINE__) : (void)0)

void trace_wait(bool begins, const char *file, const char *function, int line);

/* Gives a number to the connection that was accepted as `fd`. The trace cannot
 * use `fd` itself, because the kernel uses the numbers of descriptors again. */
void trace_connection(int fd);

/* [26] After this call the trace writes tab-separated records to the file
 * `path`, in place of lines on stderr. The first line is a header. Returns
 * false, with errno, if the file cannot be written.
 * - If `path` is a named pipe, the call waits until a reader opens it. While
 *   the reader does not read, records are lost: a gap in the column `seq` shows
 *   how many.
 * - A wait is a record without a stop; its note is `--- waited 3.0 s ---`. */
bool trace_to_file(const char *path);

/* [36] Appends the records with a number above `since` to `to`, at most 1024,
 * as tab-separated lines after a header line. Returns false if there is no
 * memory.
 * - What the loop has recorded after the last event of a connection is left
 *   out, but for (1). */
struct buffer;
bool trace_read(struct buffer **to, unsigned long since);

/* [36] No event of the connection `fd` is recorded any more. With `past`, what
 * trace_read() has of its present request goes, too. So a request that looks at
 * the trace leaves no events there. */
void trace_mute(int fd, bool past);

/* --- time -------------------------------------------------------------- */

/* The time in microseconds on a clock that cannot be set. Only the difference
 * between two times has a meaning. */
int64_t microseconds(void);

/* --- lines on stderr --------------------------------------------------- */

/* Copies `from` to `to`, which has room for `size` bytes with the NUL, and
 * returns the length. A byte that is not printable ASCII becomes \x and two
 * hexadecimal digits, so that it can neither control a terminal nor start a
 * line. A backslash becomes \x5c, so that `from` cannot contain an escape. What
 * does not fit is left out. */
size_t make_printable(char *to, size_t size, const char *from);

/* Writes a line of at most PIPE_BUF bytes to stderr. If stderr takes nothing
 * now, the line is lost and the result is false: a full pipe must not stop the
 * server.
 * - A signal handler may call it.
 * - It can wait if several processes write to one pipe: another process may
 *   fill the pipe between poll() and write(). */
bool write_stderr(const char *line, size_t size);

/* [35] After this call write_stderr() never waits, not even if several
 * processes write to one pipe, or if the terminal is stopped. A pipe or
 * terminal is opened again through /proc/self/fd; where that fails, the call
 * has no effect. */
void unblock_stderr(void);

/* ----------------------------------------------------------------------- */

#endif
