/* [7] httpserver.c -- the listening sockets join the loop; accept.
 *
 * In the order of a server's life: new, bind, start; then handle_accept() for
 * each event of a listener; stop. The addresses are in listen.c. */
#include "httpserver.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h> /* [16] */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "trace.h"
#include "system.h"

/* MAX_ACCEPTS: connections that one event accepts; streams that exist already
 * are served in between. PAUSE: microseconds; see pause_accepting(). */
enum { MAX_ACCEPTS = 64, PAUSE = 100000 };

struct httpserver {
    struct ioloop *loop;
    httpserver_handle_stream *handle_stream;
    void *arg;
    struct listeners *listeners; /* NULL: none are bound */
    size_t nstarted;             /* that many of them have joined the loop */
    struct timeout *paused;      /* NULL: the listeners are watched */
    bool complained;             /* the log has the reason of the pauses */
    size_t nstreams;
    bool freed; /* to be freed with the last stream */

    /* [16] What happens when there are too many streams. */
    size_t max_streams;
    ioloop_callback *full;
    void *full_arg;

    /* [17] Runs when no stream is left, if not NULL. */
    ioloop_callback *empty;
    void *empty_arg;
};

struct httpserver *
httpserver_new(struct ioloop *loop, httpserver_handle_stream *handle_stream,
               void *arg)
{
    struct httpserver *server = calloc(1, sizeof *server);

    if (server == NULL)
        return NULL;
    server->loop = loop;
    server->handle_stream = handle_stream;
    server->arg = arg;

    /* [16] No limit but that of the descriptors. */
    server->max_streams = SIZE_MAX;

    return server;
}

void
httpserver_free(struct httpserver *server)
{
    httpserver_stop(server);
    server->freed = true;
    if (server->nstreams == 0)
        free(server);
}

/* --- listeners ----------------------------------------------------------- */

const char *
httpserver_bind(struct httpserver *server, int port, const char *address)
{
    if (server->listeners == NULL)
        server->listeners = listeners_new();
    return server->listeners == NULL
               ? "out of memory"
               : listeners_bind(server->listeners, port, address);
}

int
httpserver_url(const struct httpserver *server, size_t i, char *url,
               size_t size)
{
    return listeners_url(server->listeners, i, url, size);
}

/* [11] --- listeners that exist already ------------------------------------ */

void
httpserver_set_listeners(struct httpserver *server,
                         struct listeners *listeners)
{
    server->listeners = listeners;
}

/* --- pause --------------------------------------------------------------- */

/* `events` is READ, or 0 for none. False if the loop has failed. */
static bool
watch_listeners(struct httpserver *server, uint32_t events)
{
    bool ok = true;

    for (size_t i = 0; i < server->nstarted; i++)
        if (ioloop_update_handler(server->loop,
                                  listeners_fd(server->listeners, i),
                                  events) == -1)
            ok = false;
    return ok;
}

static void resume(void *arg);

/* A connection is pending that cannot be accepted now. The kernel would report
 * its listener as ready in every turn, and the loop would spin (Tornado's
 * does). So the listeners are not watched for a moment; the streams are served
 * meanwhile, and the end of one frees a descriptor. Without memory for the
 * timeout the whole loop waits, for a millisecond in each turn. */
static void
pause_accepting(struct httpserver *server)
{
    server->complained = true;
    server->paused = ioloop_add_timeout(server->loop, ioloop_time() + PAUSE,
                                        resume, server);
    if (server->paused != NULL)
        watch_listeners(server, 0);
    else
        poll(NULL, 0, 1);
}

/* The end of the pause. If the loop cannot watch a listener now, it is tried
 * again after another pause. */
static void
resume(void *arg)
{
    struct httpserver *server = arg;

    server->paused = NULL;
    if (!watch_listeners(server, IOLOOP_READ))
        pause_accepting(server);
}

static void
cancel_pause(struct httpserver *server)
{
    if (server->paused != NULL)
        ioloop_remove_timeout(server->loop, server->paused);
    server->paused = NULL;
}

/* There is a free descriptor now. */
static void
on_stream_free(void *arg)
{
    struct httpserver *server = arg;

    server->nstreams--;
    if (server->paused != NULL) {
        cancel_pause(server);
        resume(server);
    }

    /* [17] The last stream of a drain. */
    if (server->nstreams == 0 && server->empty != NULL)
        server->empty(server->empty_arg);

    if (server->nstreams == 0 && server->freed)
        free(server);
}

/* [16] --- connection limit ------------------------------------------------ */

void
httpserver_set_limit(struct httpserver *server, size_t max,
                     ioloop_callback *full, void *arg)
{
    server->max_streams = max;
    server->full = full;
    server->full_arg = arg;
}

/* A connection is pending, and the limit is reached. It stays in the kernel's
 * queue: to accept it and to refuse it would cost as much as serving it. */
static void
at_limit(struct httpserver *server)
{
    if (!server->complained)
        log_warning("%zu connections: no more are accepted",
                    server->nstreams);
    pause_accepting(server);
    if (server->full != NULL)
        server->full(server->full_arg);
}

/* --- accept ------------------------------------------------------------ */

/* accept() has failed. True if the next accept() may succeed: the error was
 * that of one connection, or a signal. EAGAIN: no connection is pending. All
 * other errors (no descriptor, no memory) last longer. */
static bool
accept_failed(struct httpserver *server)
{
    if (errno == ECONNABORTED || errno == EINTR || errno == EPERM ||
        errno == EPROTO)
        return true;
    if (errno == EAGAIN) {
        server->complained = false;
        return false;
    }
    if (!server->complained)
        log_warning("cannot accept connections: %s; trying again",
                    strerror(errno));
    pause_accepting(server);
    return false;
}

/* (3) HTTPServer._handle_events: connections are pending on the listener `fd`.
 * The loop may have collected this event before another listener's handler
 * began the pause. */
static void
handle_accept(int fd, uint32_t events, void *arg)
{
    struct httpserver *server = arg;

    (void)events;
    for (int i = 0; i < MAX_ACCEPTS && server->paused == NULL; i++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        struct sockaddr *sa = (struct sockaddr *)&peer;
        struct iostream *stream;
        int client;

        /* [16] The event says that one is pending; another one says so later. */
        if (server->nstreams >= server->max_streams) {
            if (i == 0)
                at_limit(server);
            return;
        }

        client = accept_nonblocking(fd, sa, &size);
        if (client == -1 && accept_failed(server))
            continue;
        if (client == -1)
            return;
        trace_connection(client);
        TOUR(3, client, "accepted, as descriptor %d", client);
        stream = iostream_new(server->loop, client);
        if (stream == NULL) {
            close(client);
            continue;
        }
        server->nstreams++;
        iostream_set_free_callback(stream, on_stream_free, server);
        server->handle_stream(stream, sa, size, server->arg);
    }
}

/* (1) From now on the loop reports pending connections. */
int
httpserver_start(struct httpserver *server)
{
    int fd;

    while ((fd = listeners_fd(server->listeners, server->nstarted)) != -1) {
        if (ioloop_add_handler(server->loop, fd, handle_accept, server,
                               IOLOOP_READ) == -1)
            return -1;
        server->nstarted++;
        TOUR(1, -1, "descriptor %d listens", fd);
    }
    return 0;
}

const char *
httpserver_listen(struct httpserver *server, int port, const char *address)
{
    const char *error = httpserver_bind(server, port, address);

    if (error == NULL && httpserver_start(server) == -1)
        error = strerror(errno);
    return error;
}

void
httpserver_stop(struct httpserver *server)
{
    cancel_pause(server);
    while (server->nstarted > 0)
        ioloop_remove_handler(server->loop,
                              listeners_fd(server->listeners,
                                           --server->nstarted));
    listeners_free(server->listeners);
    server->listeners = NULL;
}

/* [17] --- drain ----------------------------------------------------------- */

/* To its client a connection exists as soon as the kernel has accepted it; to
 * close the listener resets those that are pending. So they are accepted
 * first. */
void
httpserver_drain(struct httpserver *server, ioloop_callback *empty, void *arg)
{
    size_t before;

    do {
        before = server->nstreams;
        for (size_t i = 0; i < server->nstarted; i++)
            handle_accept(listeners_fd(server->listeners, i), IOLOOP_READ,
                          server);
    } while (server->nstreams > before);
    httpserver_stop(server);
    server->empty = empty;
    server->empty_arg = arg;
    if (server->nstreams == 0)
        empty(arg);
}
