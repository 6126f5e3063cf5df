/* [18] worker.c -- a queue with two ends, and a lock between them. */
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "trace.h"

struct worker {
    struct ioloop *loop;
    pthread_t threads[WORKER_THREADS];
    size_t nthreads;

    /* The lock protects what follows. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* there is a job, or `ending` is set */
    struct job *first, **last;
    size_t waiting;
    bool ending;
};

/* --- in a thread ---------------------------------------------------------- */

/* Waits for a job. NULL: the thread ends. */
static struct job *
take_job(struct worker *w)
{
    struct job *job;

    pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->ending)
        pthread_cond_wait(&w->changed, &w->lock);
    job = w->first;
    if (job != NULL) {
        w->first = job->next;
        w->last = w->first != NULL ? w->last : &w->first;
        w->waiting--;
    }
    pthread_mutex_unlock(&w->lock);
    return job;
}

/* What a thread does. The write to the loop's pipe, and the read at its other
 * end, order the memory: the loop sees all that `work` has written. The job may
 * be freed as soon as the callback is added. */
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

/* --- on the loop ---------------------------------------------------------- */

/* The threads start with all signals blocked, so the kernel delivers signals to
 * the thread of the loop. */
static void
start_threads(struct worker *w)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (w->nthreads < WORKER_THREADS &&
           pthread_create(&w->threads[w->nthreads], NULL, work, w) == 0)
        w->nthreads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct worker *
worker_new(struct ioloop *loop)
{
    struct worker *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->loop = loop;
    w->last = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    start_threads(w);
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
    for (struct job *job = w->first; job != NULL; job = job->next)
        job->cancelled = true;
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

    pthread_mutex_lock(&w->lock);
    room = w->waiting < WORKER_MAX_JOBS;
    if (room) {
        job->cancelled = false;
        job->worker = w;
        job->next = NULL;
        *w->last = job;
        w->last = &job->next;
        w->waiting++;
        pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    TRACE(-1, room ? "a job is handed to the worker" : "too many jobs wait");
    return room;
}

/* A job that waits leaves the queue, so that there is room for another one. */
void
worker_cancel(struct job *job)
{
    struct worker *w = job->worker;
    struct job **link = &w->first;
    bool waiting;

    job->cancelled = true;
    pthread_mutex_lock(&w->lock);
    while (*link != NULL && *link != job)
        link = &(*link)->next;
    waiting = *link == job;
    if (waiting) {
        *link = job->next;
        w->last = w->last == &job->next ? link : w->last;
        w->waiting--;
    }
    pthread_mutex_unlock(&w->lock);
    if (waiting)
        ioloop_add_callback(w->loop, job->done, job->arg);
}
