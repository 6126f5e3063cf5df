/* [35] worker.h -- threads for work that would hold up the loop.
 *
 *     Tornado 2.0 has none: work is done elsewhere, and its result comes back
 *     with IOLoop.add_callback, the only function that a thread may call.
 *     (run_on_executor came in 3.0, run_in_executor in 5.0.)
 *     Layer 1: it knows the loop.
 *
 * A job gets a thread of its own, and comes back to the loop as a callback. In
 * between it belongs to the thread. The list of jobs belongs to the loop, so it
 * needs no lock: only the thread of the loop calls these functions. */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "ioloop.h"

/* The most jobs that run at the same time, and the most that wait until one of
 * them is over. */
enum { WORKER_THREADS = 4, WORKER_MAX_JOBS = 64 };

/* The caller makes the job a part of a struct with the data of the work, and
 * sets the first three fields; the others are zero at first. */
struct job {
    void (*work)(struct job *job); /* runs in a thread */
    ioloop_callback *done;         /* runs on the loop when `work` is over */
    void *arg;                     /* for `done` */

    /* `work` checks this from time to time, and returns early if it is set. */
    atomic_bool cancelled;

    struct ioloop *loop; /* where `done` runs */
    pthread_t thread;    /* where `work` runs */
};

/* Runs `work` as soon as there is a thread for it, then `done`.
 * - If WORKER_MAX_JOBS jobs wait already, or if no thread can be made and no
 *   job runs, the job is cancelled: `done` runs, `work` does not.
 * - Until `done` runs, the caller must neither free the job nor touch it or the
 *   data of `work`, except `cancelled`. */
void worker_submit(struct ioloop *loop, struct job *job);

/* For a job whose `done` has not run yet: sets `cancelled`. `done` still runs:
 * in the next turn if the work has not begun, else when `work` returns. */
void worker_cancel(struct job *job);

/* For the end of a program: cancels all jobs, and waits for those that run.
 * When it returns, each `done` is queued in the loop but has not run. After it
 * no job may be submitted. */
void worker_end(void);

#endif
