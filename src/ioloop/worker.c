/* [35] worker.c -- a thread for each job, and a list of the jobs. */
#include "worker.h"

#include <signal.h>
#include <string.h>

#include "trace.h"

/* In the order of their arrival; the first `nrunning` have a thread. There is
 * one place more, for a job that finds no room. Only the thread of the loop
 * uses this list, so there is nothing to lock. */
static struct job *jobs[WORKER_THREADS + WORKER_MAX_JOBS + 1];
static size_t njobs, nrunning;
static bool ended; /* worker_end() has joined the threads */

static void finished(void *arg);

static void
remove_job(size_t i)
{
    njobs--;
    memmove(jobs + i, jobs + i + 1, (njobs - i) * sizeof jobs[0]);
}

/* The function of each thread. The write to the loop's pipe, and the read at
 * its other end, order the memory: the loop sees all that `work` has written.
 * The job is the loop's again as soon as the callback is added. */
static void *
work(void *arg)
{
    struct job *job = arg;

    job->work(job);
    ioloop_add_callback(job->loop, finished, job);
    return NULL;
}

/* Gives the first job that waits a thread, if one more may run. The thread
 * starts with all signals blocked, so the kernel delivers signals to the thread
 * of the loop. If no thread can be made, the job waits until another one is
 * over; if none runs, all are cancelled. */
static void
start_next(void)
{
    struct job *job = jobs[nrunning];
    sigset_t all, before;

    if (nrunning == njobs || nrunning == WORKER_THREADS)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&job->thread, NULL, work, job) == 0)
        nrunning++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (nrunning == 0 && njobs > 0)
        worker_cancel(jobs[0]);
}

/* Runs on the loop when `work` has returned. The thread has nothing more to do,
 * so the loop hardly waits for its end. */
static void
finished(void *arg)
{
    struct job *job = arg;
    size_t i = 0;

    if (!ended)
        pthread_join(job->thread, NULL);
    while (jobs[i] != job)
        i++;
    remove_job(i);
    nrunning--;
    start_next();
    job->done(job->arg);
}

void
worker_submit(struct ioloop *loop, struct job *job)
{
    bool room = njobs - nrunning < WORKER_MAX_JOBS;

    TRACE(-1, room ? "a job is handed to the worker" : "too many jobs wait");
    job->loop = loop;
    jobs[njobs++] = job;
    start_next();
    if (!room)
        worker_cancel(job);
}

/* A job that waits leaves the list, so that there is room for another one. */
void
worker_cancel(struct job *job)
{
    job->cancelled = true;
    for (size_t i = nrunning; i < njobs; i++)
        if (jobs[i] == job) {
            remove_job(i);
            ioloop_add_callback(job->loop, job->done, job->arg);
            return;
        }
}

/* From the last job to the first one: each that waits leaves the list. */
void
worker_end(void)
{
    for (size_t i = njobs; i > 0; i--)
        worker_cancel(jobs[i - 1]);
    for (size_t i = 0; i < nrunning; i++)
        pthread_join(jobs[i]->thread, NULL);
    ended = true;
}
