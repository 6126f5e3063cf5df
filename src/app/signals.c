/* [17] signals.c -- see signals.h. */
#include "signals.h"

#include <signal.h>
#include <stdlib.h> /* [26] */

#include "ioloop.h"
#include "settings.h" /* [34] */
#include "system.h"

static volatile sig_atomic_t interrupted; /* by SIGINT; for chapter 26 */

static void
stop_loop(void *arg)
{
    (void)arg;
    ioloop_stop(ioloop_instance());
}

/* [34] --- shutdown ------------------------------------------------------- */

static struct httpserver *server;
static struct httplimits *limits;

void
signals_set_shutdown(struct httpserver *the_server,
                     struct httplimits *the_limits)
{
    server = the_server;
    limits = the_limits;
}

/* False: the loop has to stop now, because the shutdown of the only process has
 * begun before, or there is no memory. One of several processes ignores a
 * second SIGTERM: when the whole process group gets SIGTERM, the parent sends
 * its children another one. The parent turns a second SIGTERM into SIGINT
 * (process.c). */
static bool
begin_shutdown(void)
{
    static bool begun;
    int64_t end = ioloop_time() + settings.stop_timeout * INT64_C(1000000);

    if (begun)
        return settings.processes > 1;
    begun = true;
    httplimits_drain(limits);
    if (ioloop_add_timeout(ioloop_instance(), end, stop_loop, NULL) == NULL)
        return false;
    httpserver_drain(server, stop_loop, NULL);
    return true;
}

/* --- signals ------------------------------------------------------------- */

/* Runs on the loop. Chapter 34 lets requests finish here. */
static void
on_stop(void *arg)
{
    /* [34] SIGTERM lets the requests finish that have begun. */
    if (!interrupted && begin_shutdown())
        return;

    stop_loop(arg);
}

/* A signal may interrupt any statement, so the work is left to a callback. */
static void
on_signal(int signal_number)
{
    /* [33] SIGHUP and SIGCHLD are for the parent of several processes, which
     * blocks them (process.c). It cannot ignore them: some systems drop a
     * blocked signal that is set to be ignored. */
    if (signal_number == SIGHUP || signal_number == SIGCHLD)
        return;

    if (signal_number == SIGINT)
        interrupted = 1;
    ioloop_add_callback_from_signal(ioloop_instance(), on_stop, NULL);
}

void
signals_hold(bool hold)
{
    sigset_t set;

    /* First, for a handler that runs before there is a loop would make one. */
    watched_signals(&set);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, on_signal); /* [33] */
    signal(SIGCHLD, on_signal); /* [33] */
}

/* [26] The program ends by SIGINT, as a shell expects. For process 1 the signal
 * has no effect, so exit() follows. */
void
signals_exit(int status)
{
    sigset_t set;

    if (interrupted || status == 128 + SIGINT) {
        status = 128 + SIGINT;
        signal(SIGINT, SIG_DFL);
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        raise(SIGINT);
    }
    exit(status);
}
