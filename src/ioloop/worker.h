/* [18] worker.h -- threads for work that would hold up the loop.
 *
 *     Tornado 2.0 has none; its advice is to do such work elsewhere and to come
 *     back with IOLoop.add_callback, the one thing that is safe to call from a
 *     thread. (run_on_executor came in 3.0, run_in_executor in 5.0.)
 *     Floor 2: it knows the loop, as far as that one thing goes.
 *
 * A job goes to a thread as a pointer and comes back as a callback. In between
 * it belongs to the thread, so nothing in this server needs a lock but the
 * queue in worker.c. */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "ioloop.h"

/* How many work at the same time, and how many jobs may wait. */
enum { WORKER_THREADS = 4, WORKER_MAX_JOBS = 64 };

/* Make it a part of whatever the work needs. */
struct job {
    void (*work)(struct job *job); /* runs in a thread */
    ioloop_callback *done;         /* runs on the loop when `work` is over */
    void *arg;                     /* for `done` */

    /* `work` looks at this now and then, and returns early if it is set. */
    atomic_bool cancelled;

    /* The worker's own. */
    struct worker *worker;
    struct job *next;
};

struct worker;

/* The threads of a loop, to be called from the loop's own. After a fork, not
 * before: threads are not inherited. NULL if there can be none. */
struct worker *worker_new(struct ioloop *loop);

/* Cancels what has not begun, waits for what has, and ends the threads. Every
 * `done` is on its way to the loop when this returns. */
void worker_free(struct worker *worker);

/* From now on the job but for `cancelled`, and all that `work` looks at, is the
 * thread's, until `done` runs: it must not end before. False if too many jobs
 * are waiting. */
bool worker_submit(struct worker *worker, struct job *job);

/* Nobody wants the result of this job any more, which was submitted and is not
 * done. `done` still runs: in the next turn if the work has not begun, else
 * when it returns. */
void worker_cancel(struct job *job);

#endif
