/* [2] ioloop.h -- one thread, one wait, many descriptors.
 *
 *     Tornado 2.0: tornado/ioloop.py, class IOLoop
 *     Layer 1: it knows the pollers of the kernel, and no layer above.
 *
 * A loop has a table of descriptors, each with a function to call when the
 * descriptor is ready. ioloop_start() waits in the kernel until a descriptor is
 * ready, calls its function, and waits again.
 *
 * Only the thread that made a loop may use it, unless said otherwise. Calls
 * that can fail return -1 or NULL with errno set, and change nothing then. */
#ifndef IOLOOP_H
#define IOLOOP_H

#include <stdbool.h> /* [6] */

#include "poller.h" /* IOLOOP_READ, IOLOOP_WRITE, IOLOOP_ERROR */

struct ioloop;

/* Called when the kernel has reported `events` for `fd`. The handler must not
 * block. A Python callback knows its object, a C function pointer does not.
 * Therefore the caller gives an `arg` with each function, and the loop passes
 * it on. */
typedef void ioloop_handler(int fd, uint32_t events, void *arg);

/* [4] Called once, in a later turn. */
typedef void ioloop_callback(void *arg);

/* --- a loop ------------------------------------------------------------ */

/* Makes a loop with the poller of that name. NULL means the best poller that
 * this system has: epoll or kqueue (from chapter 3 on), else select. Returns
 * NULL with errno if that fails. ENOTSUP: this system has no such poller. */
struct ioloop *ioloop_new(const char *poller);

/* Runs the loop, turn after turn. Returns -1, with errno, if the poll fails. */
int ioloop_start(struct ioloop *loop);

/* --- handlers ---------------------------------------------------------- */

/* Calls `handler` when the poller reports `fd` as ready for one of `events`.
 * Returns 0, or -1 with errno.
 * - ERROR is always among the events (poller.h says what each system reports).
 * - `fd` must be non-blocking. It still belongs to the caller.
 * - EEXIST: `fd` has a handler already.
 * - EMFILE: the poller is select(), and `fd` is not below FD_SETSIZE (1024).
 * - Other errors are the kernel's: epoll refuses a regular file with EPERM.
 * - From chapter 24 on, EBADF: `fd` is not open. */
int ioloop_add_handler(struct ioloop *loop, int fd, ioloop_handler *handler,
                       void *arg, uint32_t events);

/* [3] Replaces the events of `fd`. Returns 0, or -1 with errno. ENOENT: `fd`
 * has no handler. */
int ioloop_update_handler(struct ioloop *loop, int fd, uint32_t events);

/* Removes the handler of `fd`. The loop does not call it any more, not even for
 * events that the kernel has already reported.
 * - Must be called before close(fd).
 * - No effect if `fd` has no handler. */
void ioloop_remove_handler(struct ioloop *loop, int fd);

/* [6] Reserves room for `fd`, which must be open, in the tables of the loop:
 * for its handler, and from chapter 27 on for up to eight queued callbacks of
 * its owner. Returns false, with errno, if there is no memory. */
bool ioloop_reserve(struct ioloop *loop, int fd);

/* [4] --- callbacks ----------------------------------------------------- */

/* Calls `callback` in the next turn. Callbacks run in the order in which they
 * were added.
 * - Never at once, and never from inside another callback or handler.
 * - If there is no memory, the program ends with a message. */
void ioloop_add_callback(struct ioloop *loop, ioloop_callback *callback,
                         void *arg);

/* [5] --- timeouts ------------------------------------------------------ */

/* The time in microseconds on a clock that cannot be set. Only the difference
 * between two times has a meaning. */
int64_t ioloop_time(void);

/* [24] The same clock, as it stood when the last wait of the loop ended. It
 * needs no system call, and does not count what the loop has done since. */
int64_t ioloop_now(const struct ioloop *loop);

/* Calls `callback` once, in the turn after the first wait that ended at or
 * after `deadline`. Returns NULL if there is no memory.
 * - Equal deadlines run in the order in which they were added.
 * - If the callback of a timeout adds another timeout, this one waits for the
 *   next turn, even if it is due.
 * - The loop owns the timeout. The pointer to it is valid until the callback
 *   starts, or until ioloop_remove_timeout(), which does nothing with NULL. */
struct timeout;
struct timeout *ioloop_add_timeout(struct ioloop *loop, int64_t deadline,
                                   ioloop_callback *callback, void *arg);
void ioloop_remove_timeout(struct ioloop *loop, struct timeout *timeout);

/* [17] --- threads and signals ------------------------------------------ */

/* Any thread may call ioloop_add_callback(). Callbacks of other threads go
 * through a pipe; when it is full (some thousands of callbacks), the other
 * thread waits. ioloop_new() ends the program with a message if there is no
 * pipe. */

/* Does the same from a signal handler.
 * - errno stays as it was.
 * - The callback is lost if the pipe is full. */
void ioloop_add_callback_from_signal(struct ioloop *loop,
                                     ioloop_callback *callback, void *arg);

/* IOLoop.instance(): the loop that was made first. If there is none it makes
 * one, or ends the program with a message. Never NULL. */
struct ioloop *ioloop_instance(void);

/* [17] --- the end ------------------------------------------------------ */

/* Makes ioloop_start() return 0.
 * - It takes effect before the next wait. The callbacks and the due timeouts
 *   that come before this wait still run.
 * - If it is called before ioloop_start(), the loop runs one turn, and does not
 *   wait. */
void ioloop_stop(struct ioloop *loop);

/* Frees a loop, after ioloop_start() has returned. Callbacks and timeouts that
 * have not run by then are not called. */
void ioloop_free(struct ioloop *loop);

/* For the end of a program, after ioloop_start() has returned: calls every
 * handler with ERROR, then the callbacks, until no handler and no callback is
 * left.
 * - Every handler must remove itself when it is called with ERROR, or add a
 *   callback that removes it.
 * - A callback must not add itself again each time it runs.
 * - Timeouts are not called. */
void ioloop_close_all(struct ioloop *loop);

/* [35] --- the wait hook ------------------------------------------------ */

/* Calls `hook` with true before each wait and when the loop stops, and with
 * false after each wait. One hook for each loop; NULL removes it. */
void ioloop_set_wait_hook(struct ioloop *loop, void (*hook)(bool begins));

/* ----------------------------------------------------------------------- */

#endif
