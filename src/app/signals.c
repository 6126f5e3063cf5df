/* [11] signals.c -- see signals.h. */
#include "signals.h"

#include <signal.h>

#include "ioloop.h"
#include "prefork.h" /* [17] */
#include "system.h"

static volatile sig_atomic_t interrupted; /* by SIGINT */

/* Runs on the loop. */
static void
on_stop(void *arg)
{
    (void)arg;

    /* [17] SIGTERM lets the requests finish that have begun. */
    if (!interrupted && begin_shutdown())
        return;

    ioloop_stop(ioloop_instance());
}

/* A signal may interrupt any statement, so this function only adds a
 * callback. */
static void
on_signal(int signal_number)
{
    if (signal_number == SIGINT)
        interrupted = 1;
    ioloop_add_callback_from_signal(ioloop_instance(), on_stop, NULL);
}

/* [17] SIGHUP and SIGCHLD are for the parent of several processes (process.c).
 * Some systems drop a blocked signal that is set to be ignored. */
static void
do_nothing(int signal_number)
{
    (void)signal_number;
}

void
signals_hold(bool hold)
{
    sigset_t set;

    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, do_nothing); /* [17] */
    signal(SIGCHLD, do_nothing); /* [17] */
    watched_signals(&set);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* As process 1 the program cannot end by a signal: raise() has no effect. */
int
signals_exit(int status)
{
    sigset_t set;

    if (!interrupted && status != 128 + SIGINT)
        return status;
    signal(SIGINT, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(SIGINT);
    return 128 + SIGINT;
}
