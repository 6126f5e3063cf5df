/* [35] worker.h -- threads for work that would hold up the loop.
 *
 *     Tornado 2.0 has none: work is done elsewhere, and its result comes back
 *     with IOLoop.add_callback, the only function that a thread may call.
 *     (run_on_executor came in 3.0, run_in_executor in 5.0.)
 *     Layer 1: it knows the loop.
 *
 * A job goes to a thread as a pointer and comes back as a callback. In between
 * it belongs to the thread, so only the queue in worker.c needs a lock. Only
 * the thread of the loop calls these functions. */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>

#include "ioloop.h"

/* The most jobs that run at the same time, and the most that wait for a
 * thread. */
enum { WORKER_THREADS = 4, WORKER_MAX_JOBS = 64 };

/* The caller makes the job a part of a struct with the data of the work, and
 * sets the first three fields; the other two are zero at first. */
struct job {
    void (*work)(struct job *job); /* runs in a thread */
    ioloop_callback *done;         /* runs on the loop when `work` is over */
    void *arg;                     /* for `done` */

    /* `work` checks this from time to time, and returns early if it is set. */
    atomic_bool cancelled;

    struct worker *worker; /* set by worker_submit() */
};

struct worker;

/* Starts the threads, at least one of them. NULL: no memory, or no thread.
 * - The caller owns the worker.
 * - A child process does not inherit threads: call it after the fork. */
struct worker *worker_new(struct ioloop *loop);

/* Cancels the jobs that wait, waits for those that run, and ends the threads.
 * When it returns, each `done` is queued in the loop but has not run. */
void worker_free(struct worker *worker);

/* Queues a job. False if WORKER_MAX_JOBS jobs wait already.
 * - Until `done` runs, the caller must neither free the job nor touch it or the
 *   data of `work`, except `cancelled`. */
bool worker_submit(struct worker *worker, struct job *job);

/* For a job whose `done` has not run yet: sets `cancelled`. `done` still runs:
 * in the next turn if the work has not begun, else when `work` returns. */
void worker_cancel(struct job *job);

#endif
