/* [33] prefork.c -- see prefork.h. */
#include "prefork.h"

#include <signal.h>

#include "process.h"
#include "settings.h"
#include "signals.h"
#include "system.h"

static struct listeners listeners[MAX_PROCESSES]; /* one set for each child */
static int lifeline = -1; /* readable when the parent has ended */

/* The parent keeps all listeners open: when a child dies, the connections that
 * are pending on its listener wait for the next child, and their clients do not
 * notice. */
void
prefork_listen(const struct listeners *first)
{
    listeners[0] = *first;
    for (long i = 1; i < settings.processes; i++)
        if (!listeners_bind_shared(&listeners[i], first))
            die("cannot make the listeners of all processes");
}

void
prefork(struct listeners *own)
{
    int status, id;

    if (settings.processes == 1)
        return;
    id = fork_processes((size_t)settings.processes,
                        (unsigned)settings.stop_timeout, listeners, &lifeline,
                        &status);
    if (id == PROCESS_PARENT)
        signals_exit(status);
    *own = listeners[id];
}

/* The parent has ended. No process would restart this one or tell it to end, so
 * it shuts down as after a SIGTERM. */
static void
on_parent_gone(int fd, uint32_t events, void *loop)
{
    (void)events;
    ioloop_remove_handler(loop, fd);
    raise(SIGTERM);
}

void
prefork_watch_parent(struct ioloop *loop)
{
    if (lifeline != -1 && ioloop_add_handler(loop, lifeline, on_parent_gone,
                                             loop, IOLOOP_READ) == -1)
        die("cannot watch the parent");
}
