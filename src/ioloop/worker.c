/* [35] worker.c -- threads that take jobs from a queue with a lock. */
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

struct worker {
    struct ioloop *loop;
    pthread_t threads[WORKER_THREADS];
    size_t nthreads;

    /* The lock protects what follows. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* there is a job, or `ending` is set */
    struct job *jobs[WORKER_MAX_JOBS];
    size_t njobs;
    bool ending;
};

/* Removes the i-th waiting job from the queue. The caller holds the lock. */
static struct job *
remove_job(struct worker *w, size_t i)
{
    struct job *job = w->jobs[i];

    w->njobs--;
    memmove(w->jobs + i, w->jobs + i + 1, (w->njobs - i) * sizeof job);
    return job;
}

/* --- in a thread -------------------------------------------------------- */

/* Waits for a job. NULL: the thread has to end. */
static struct job *
take_job(struct worker *w)
{
    struct job *job;

    pthread_mutex_lock(&w->lock);
    while (w->njobs == 0 && !w->ending)
        pthread_cond_wait(&w->changed, &w->lock);
    job = w->njobs > 0 ? remove_job(w, 0) : NULL;
    pthread_mutex_unlock(&w->lock);
    return job;
}

/* The function of each thread. The write to the loop's pipe, and the read at
 * its other end, order the memory: the loop sees all that `work` has written.
 * The job may be freed as soon as the callback is added. */
static void *
work(void *arg)
{
    struct worker *w = arg;
    struct job *job;

    while ((job = take_job(w)) != NULL) {
        if (!job->cancelled)
            job->work(job);
        ioloop_add_callback(w->loop, job->done, job->arg);
    }
    return NULL;
}

/* --- on the loop -------------------------------------------------------- */

/* The threads start with all signals blocked, so the kernel delivers signals to
 * the thread of the loop. */
struct worker *
worker_new(struct ioloop *loop)
{
    struct worker *w = calloc(1, sizeof *w);
    sigset_t all, before;

    if (w == NULL)
        return NULL;
    w->loop = loop;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (w->nthreads < WORKER_THREADS &&
           pthread_create(&w->threads[w->nthreads], NULL, work, w) == 0)
        w->nthreads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (w->nthreads > 0)
        return w;
    worker_free(w);
    return NULL;
}

/* The threads take the jobs that wait, find them cancelled, and add their
 * callbacks. */
void
worker_free(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    for (size_t i = 0; i < w->njobs; i++)
        w->jobs[i]->cancelled = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->nthreads; i++)
        pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

bool
worker_submit(struct worker *w, struct job *job)
{
    bool room;

    job->worker = w;
    pthread_mutex_lock(&w->lock);
    room = w->njobs < WORKER_MAX_JOBS;
    if (room)
        w->jobs[w->njobs++] = job;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->changed);
    TRACE(-1, room ? "a job is handed to the worker" : "too many jobs wait");
    return room;
}

/* A job that waits leaves the queue, so that there is room for another one. */
void
worker_cancel(struct job *job)
{
    struct worker *w = job->worker;

    job->cancelled = true;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->njobs; i++)
        if (w->jobs[i] == job) {
            remove_job(w, i);
            ioloop_add_callback(w->loop, job->done, job->arg);
        }
    pthread_mutex_unlock(&w->lock);
}
