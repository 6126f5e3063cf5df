/* [17] prefork.c -- see prefork.h. */
#include "prefork.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ioloop.h"
#include "process.h"
#include "settings.h"
#include "system.h"

static struct listeners *listeners[MAX_PROCESSES]; /* one set for each child */
static int lifeline = -1; /* readable when the parent has ended */

static struct ioloop *loop;
static struct httpserver *server;
static struct httplimits *limits;

/* --- parent and children ------------------------------------------------- */

/* The parent keeps all listeners open: when a child dies, the connections that
 * are pending on its listener wait for the next child, and their clients do not
 * notice. */
void
prefork_listen(struct listeners *first)
{
    listeners[0] = first;
    for (long i = 1; i < settings.processes; i++) {
        listeners[i] = listeners_new();
        if (listeners[i] == NULL || !listeners_bind_shared(listeners[i], first))
            die("cannot make the listeners of all processes");
    }
}

static void
close_child_listeners(size_t id)
{
    listeners_free(listeners[id]);
    listeners[id] = NULL;
}

struct listeners *
prefork(int *status)
{
    int id = fork_processes((size_t)settings.processes,
                            (unsigned)settings.stop_timeout,
                            close_child_listeners, &lifeline, status);

    for (size_t i = 0; i < MAX_PROCESSES; i++)
        if ((int)i != id)
            close_child_listeners(i);
    return id == PROCESS_PARENT ? NULL : listeners[id];
}

/* The parent has ended. No process would restart this one or tell it to end, so
 * it shuts down. */
static void
on_parent_gone(int fd, uint32_t events, void *arg)
{
    (void)events;
    (void)arg;
    ioloop_remove_handler(loop, fd);
    close(fd);
    if (!begin_shutdown())
        ioloop_stop(loop);
}

void
prefork_serve(struct ioloop *the_loop, struct httpserver *the_server,
              struct httplimits *the_limits)
{
    loop = the_loop;
    server = the_server;
    limits = the_limits;
    if (lifeline == -1)
        return;
    set_nonblocking(lifeline);
    if (ioloop_add_handler(loop, lifeline, on_parent_gone, NULL,
                           IOLOOP_READ) == -1)
        die("cannot watch the parent");
}

/* --- shutdown ------------------------------------------------------------ */

static void
stop_loop(void *arg)
{
    (void)arg;
    ioloop_stop(loop);
}

/* A child ignores a second SIGTERM: when the whole process group gets SIGTERM,
 * the parent sends its children another one. The parent turns a second SIGTERM
 * into SIGINT (process.c). */
bool
begin_shutdown(void)
{
    static bool begun;
    int64_t end = ioloop_time() + settings.stop_timeout * INT64_C(1000000);

    if (begun)
        return settings.processes > 1;
    begun = true;
    httplimits_drain(limits);
    if (ioloop_add_timeout(loop, end, stop_loop, NULL) == NULL)
        return false;
    httpserver_drain(server, stop_loop, NULL);
    return true;
}
