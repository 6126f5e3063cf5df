/* [2] ioloop.h -- one thread, one wait, many descriptors.
 *
 *     Tornado 2.0: tornado/ioloop.py, class IOLoop
 *     Floor 1: it knows the kernel's pollers, and nobody above it.
 *
 * A loop is handed descriptors together with a function to call when one
 * of them is ready. ioloop_start() then sleeps in the kernel until the
 * first of them is, calls that function, and goes back to sleep. */
#ifndef IOLOOP_H
#define IOLOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "poller.h" /* IOLOOP_READ, IOLOOP_WRITE, IOLOOP_ERROR */

struct ioloop;

/* A Python callback remembers its object; a C function pointer remembers
 * nothing. So wherever Tornado passes a callback we pass two things, the
 * function and the `arg` that it will be given back. A handler runs in the
 * turn in which the kernel reported `events` for `fd`; it must not wait. */
typedef void ioloop_handler(int fd, uint32_t events, void *arg);

/* [3] A handler answers an event; a callback answers nothing. It is work
 * put off until the stack is empty again. */
typedef void ioloop_callback(void *arg);

/* The best loop that this system has (Tornado's configurable_default:
 * epoll, else kqueue, else select), or the one whose poller is called
 * `poller` if that is not NULL. NULL, with errno, if there is none such.
 * The caller owns it; it must not be running when it is freed. */
struct ioloop *ioloop_new(const char *poller);
void ioloop_free(struct ioloop *loop);

/* IOLoop.instance(): the first loop that was made, or, if there was none,
 * the best. Never NULL: without a loop the program ends with a message. */
struct ioloop *ioloop_instance(void);

/* Watches `fd` for `events`; ERROR is always among them. One handler for
 * each descriptor, and `fd` must be non-blocking. 0, or -1 with errno. */
int ioloop_add_handler(struct ioloop *loop, int fd, ioloop_handler *handler,
                       void *arg, uint32_t events);
int ioloop_update_handler(struct ioloop *loop, int fd, uint32_t events);

/* Must be called before close(fd). From this moment the handler is not
 * called any more, not even for news that the kernel has told already. */
void ioloop_remove_handler(struct ioloop *loop, int fd);

/* Makes room in all tables of the loop for what is done with `fd`: after
 * this, ioloop_add_handler() cannot fail for want of the loop's memory, nor
 * can up to eight waiting callbacks (chapter 3). False when there is no
 * memory left. */
bool ioloop_reserve(struct ioloop *loop, int fd);

/* [3] Runs `callback` in the next turn of the loop, never at once, not even
 * from inside another callback; in the order in which they were added. From
 * another thread, too (than the one that made the loop and runs it): then it
 * is the one function of this header that may be called, and it may wait
 * while the loop is very busy. */
void ioloop_add_callback(struct ioloop *loop, ioloop_callback *callback,
                         void *arg);

/* [3] The same from a signal handler; errno is left alone. A callback is
 * dropped when some thousands of others already wait to be noticed. */
void ioloop_add_callback_from_signal(struct ioloop *loop,
                                     ioloop_callback *callback, void *arg);

/* [4] Microseconds on a clock that only goes forward; only differences mean
 * anything. */
int64_t ioloop_time(void);

/* [4] Runs `callback` once, in the first turn that begins its timeouts at or
 * after `deadline` on ioloop_time()'s clock; equal deadlines in the order in
 * which they were added. The handle is yours until its callback starts or
 * you remove it, whichever comes first; after that it points at nothing.
 * NULL when there is no memory left: nothing will run. */
struct timeout;
struct timeout *ioloop_add_timeout(struct ioloop *loop, int64_t deadline,
                                   ioloop_callback *callback, void *arg);
void ioloop_remove_timeout(struct ioloop *loop, struct timeout *timeout);

/* [4] PeriodicCallback: runs `callback` every `period` microseconds (at least
 * one), first a period from now, on a fixed grid; beats that were missed are
 * skipped. Stop it before you free its loop. */
struct periodic_callback;
struct periodic_callback *periodic_callback_start(struct ioloop *loop,
                                                  int64_t period,
                                                  ioloop_callback *callback,
                                                  void *arg);
void periodic_callback_stop(struct periodic_callback *periodic);

/* [18] Calls `hook` with true before each wait and when the loop stops, and
 * with false after each wait. One hook for each loop; NULL removes it. */
void ioloop_set_wait_hook(struct ioloop *loop, void (*hook)(bool begins));

/* Runs until ioloop_stop() is called; 0, or -1 with errno if the kernel will
 * not let us wait. A stop is obeyed before the next wait; what was put off by
 * then (chapter 3) still runs. A stop before the start counts, too. */
int ioloop_start(struct ioloop *loop);
void ioloop_stop(struct ioloop *loop);

/* [5] For the end of a program, after ioloop_start() has returned: tells
 * every handler ERROR, as if all peers had gone at once, and runs callbacks
 * until none is left. Every handler has to remove itself, and no callback may
 * go on renewing itself, or this takes for ever: free the servers first. */
void ioloop_close_all(struct ioloop *loop);

#endif
