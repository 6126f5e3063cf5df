/* [35] watchdog.c -- see watchdog.h. */
#include "watchdog.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "trace.h"

static unsigned threshold;                    /* seconds */
static const char *_Atomic current_request; /* its URI; NULL: none */

/* This signal handler does its work at once, because the loop, which does all
 * other work, is what hangs. Only async-signal-safe functions may be called
 * here; snprintf() is not one of them. */
static void
on_alarm(int signal_number)
{
    static const char start[] = "dustdevil: the loop is held up by ";
    int saved = errno;
    const char *what = current_request;
    char line[256];
    size_t n = sizeof start - 1;

    (void)signal_number;
    what = what != NULL ? what : "a callback";
    memcpy(line, start, n);
    for (; *what != '\0' && n < sizeof line - 1; what++)
        line[n++] = *what >= ' ' && *what <= '~' ? *what : '?';
    line[n++] = '\n';
    write_stderr(line, n);
    errno = saved;
}

static void
on_wait(bool begins)
{
    alarm(begins ? 0 : threshold);
}

/* A handler that was set with signal() does not interrupt the system calls of a
 * request handler, where that is possible. */
void
set_blocking_log_threshold(struct ioloop *loop, unsigned seconds)
{
    alarm(0);
    threshold = seconds;
    if (seconds > 0)
        signal(SIGALRM, on_alarm);
    ioloop_set_wait_hook(loop, seconds > 0 ? on_wait : NULL);
}

void
watchdog_call(struct httprequest *request, void *arg)
{
    const struct watchdog *w = arg;

    current_request = request->uri;
    w->next(request, w->next_arg);
    current_request = NULL;
}
