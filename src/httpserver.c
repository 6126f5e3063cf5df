/* [9] httpserver.c -- registers listening sockets with the loop; accepts.
 *
 * Read httpserver_new(), httpserver_start(), and then listener_ready(), which
 * the loop calls for each event of a listener. listen.h has the listening
 * sockets of a server. */
#include "httpserver.h"

#include <errno.h>
#include <poll.h> /* [20] */
#include <stdlib.h>
#include <string.h> /* [20] */
#include <unistd.h>

#include "log.h" /* [20] */
#include "trace.h"
#include "system.h"

/* One event accepts at most this many connections: the loop serves other
 * streams in between, and only few requests need memory at the same time. */
enum { MAX_ACCEPTS = 16 };

struct httpserver {
    struct ioloop *loop;
    httpserver_handle_stream *handle_stream;
    void *arg;
    struct listeners listeners;
    size_t nstarted; /* how many of them the loop watches */

    /* [20] While no connection can be accepted. */
    struct timeout *paused; /* NULL: accepting is not paused */
    bool complained;        /* the reason of the pause is in the log */

    /* [17] For the end of the server. */
    size_t nstreams;        /* the streams that have not been freed */
    ioloop_callback *empty; /* runs when no stream is left, if not NULL */
    void *empty_arg;

    size_t nstreams_before; /* [36] the streams after the last accept */

    /* [34] The connection limit, and the callback that runs at it. */
    size_t max_streams;
    ioloop_callback *full;
    void *full_arg;
};

struct httpserver *
httpserver_new(struct ioloop *loop, httpserver_handle_stream *handle_stream,
               void *arg)
{
    struct httpserver *server = malloc(sizeof *server);

    if (server != NULL)
        *server = (struct httpserver){
            .loop = loop, .handle_stream = handle_stream, .arg = arg,
            .max_streams = SIZE_MAX, /* [34] */
        };
    return server;
}

/* [17] From now on the loop does not report pending connections. */
static void
leave_loop(struct httpserver *server)
{
    while (server->nstarted > 0)
        ioloop_remove_handler(server->loop,
                              server->listeners.fds[--server->nstarted]);
}

/* [20] --- pause ---------------------------------------------------------- */

enum { PAUSE = 100000 }; /* microseconds */

static void resume(void *arg);

/* No connection can be accepted now. If one is pending, the kernel would report
 * its listener as ready in every turn, and the loop would spin (Tornado's
 * does). So the loop stops watching the listeners for a moment. Streams are
 * still served, and the end of one frees a descriptor. If there is no memory
 * for the timeout, the whole loop sleeps for a millisecond in each turn. */
static void
pause_accepting(struct httpserver *server)
{
    server->complained = true;
    server->paused = ioloop_add_timeout(server->loop, ioloop_time() + PAUSE,
                                        resume, server);
    if (server->paused != NULL)
        leave_loop(server);
    else
        poll(NULL, 0, 1);
}

/* Ends the pause. If the loop cannot watch a listener now, another pause
 * begins. */
static void
resume(void *arg)
{
    struct httpserver *server = arg;

    server->paused = NULL;
    while (server->paused == NULL &&
           httpserver_start(server, &server->listeners) == -1)
        pause_accepting(server);
}

/* [17] --- the end of a stream --------------------------------------------- */

/* Runs when a stream is freed. Its descriptor has been closed before. */
static void
on_stream_free(void *arg)
{
    struct httpserver *server = arg;

    server->nstreams--;

    /* [20] A connection can be accepted again: a pause ends now. */
    if (server->paused != NULL) {
        ioloop_remove_timeout(server->loop, server->paused);
        resume(server);
    }

    /* It was the last stream. */
    if (server->nstreams == 0 && server->empty != NULL)
        server->empty(server->empty_arg);
}

/* [34] --- connection limit ------------------------------------------------ */

void
httpserver_set_limit(struct httpserver *server, size_t max,
                     ioloop_callback *full, void *arg)
{
    server->max_streams = max;
    server->full = full;
    server->full_arg = arg;
}

/* --- accept ------------------------------------------------------------ */

/* [20] accept() has failed, and the next one would fail, too. EAGAIN: no
 * connection is pending. Other errors (no descriptor, no memory) mostly last
 * longer. */
static void
accept_failed(struct httpserver *server)
{
    if (errno == EAGAIN) {
        server->complained = false;
        return;
    }
    if (!server->complained)
        log_warning("cannot accept connections: %s; trying again",
                    strerror(errno));
    pause_accepting(server);
}

/* (3) Accepts one connection and makes a stream of it. Returns false, with
 * errno, if no connection can be accepted now. */
static bool
handle_accept(struct httpserver *server, int listener)
{
    struct sockaddr_storage peer;
    struct sockaddr *sa = (struct sockaddr *)&peer;
    socklen_t size = sizeof peer;
    int fd = accept_nonblocking(listener, sa, &size);
    struct iostream *stream;

    /* After an error of one connection, or a signal, the next accept() may
     * succeed. */
    if (fd == -1)
        return errno == ECONNABORTED || errno == EINTR || errno == EPERM ||
               errno == EPROTO;

    trace_connection(fd);
    TOUR(3, fd, "accepted, as descriptor %d", fd);
    stream = iostream_new(server->loop, fd);
    if (stream == NULL) {
        close(fd);
        return true;
    }

    /* [17] The server is freed after its streams: each has a pointer to it. */
    server->nstreams++;
    iostream_set_free_callback(stream, on_stream_free, server);

    server->handle_stream(stream, sa, size, server->arg);
    return true;
}

/* HTTPServer._handle_events: connections are pending on the listener `fd`. If
 * they are more than MAX_ACCEPTS, the loop reports the listener again. */
static void
listener_ready(int fd, uint32_t events, void *arg)
{
    struct httpserver *server = arg;
    size_t n = MAX_ACCEPTS;

    (void)events;

    /* [36] An accept() that finds no connection is a wasted system call, and
     * clients that connect one after the other would cause one for each
     * request. So an event accepts only as many connections as streams have
     * ended since the last event. If none has ended, the number of clients is
     * growing, and the limit stays MAX_ACCEPTS. */
    if (server->nstreams_before > server->nstreams && !server->complained)
        n = server->nstreams_before - server->nstreams;
    if (n > MAX_ACCEPTS)
        n = MAX_ACCEPTS;

    /* [34] At the limit connections stay in the kernel's queue: to accept a
     * connection and to refuse it costs work, too. */
    if (n > server->max_streams - server->nstreams)
        n = server->max_streams - server->nstreams;
    if (n == 0) {
        if (!server->complained)
            log_warning("%zu connections: no more are accepted",
                        server->nstreams);
        pause_accepting(server);
        server->full(server->full_arg);
    }

    while (n > 0 && handle_accept(server, fd))
        n--;

    /* [20] handle_accept() has failed: accept_failed() looks at errno. */
    if (n > 0)
        accept_failed(server);

    server->nstreams_before = server->nstreams; /* [36] */
}

/* --- start ---------------------------------------------------------------- */

/* (1) From now on the loop reports pending connections. */
int
httpserver_start(struct httpserver *server, const struct listeners *listeners)
{
    server->listeners = *listeners;
    while (server->nstarted < listeners->n) {
        int fd = listeners->fds[server->nstarted];

        if (ioloop_add_handler(server->loop, fd, listener_ready, server,
                               IOLOOP_READ) == -1)
            return -1;
        server->nstarted++;
        TOUR(1, -1, "descriptor %d listens", fd);
    }
    return 0;
}

/* [26] For a program with one process. (With several, each starts its server
 * after the fork, with listeners that are bound before; chapter 33.) */
const char *
httpserver_listen(struct httpserver *server, int port, const char *address)
{
    const char *error = listeners_bind(&server->listeners, port, address);

    if (error == NULL && httpserver_start(server, &server->listeners) == -1)
        error = strerror(errno);
    return error;
}

/* [17] --- stop ------------------------------------------------------------ */

/* The streams stay open. */
void
httpserver_stop(struct httpserver *server)
{
    /* [20] The pause, if there is one, ends. */
    ioloop_remove_timeout(server->loop, server->paused);
    server->paused = NULL;

    leave_loop(server);
    listeners_close(&server->listeners, 0);
}

/* The last stream that is freed calls `empty`, and so frees the server. */
void
httpserver_free(struct httpserver *server)
{
    httpserver_stop(server);
    server->empty = free;
    server->empty_arg = server;
    if (server->nstreams == 0)
        free(server);
}

/* [34] --- drain ----------------------------------------------------------- */

/* For a client a connection exists as soon as the kernel has accepted it. To
 * close the listener would reset the pending connections, so the server accepts
 * them first, also above its limit: only the kernel's limit of descriptors
 * counts now. Connections that arrive meanwhile are accepted, too, but not for
 * ever: a flood must not hold up the loop. */
void
httpserver_drain(struct httpserver *server, ioloop_callback *empty, void *arg)
{
    enum { QUEUE = 4096 }; /* the kernel's queue is rarely longer */

    for (size_t i = 0; i < server->listeners.n; i++)
        for (int n = 0; n < QUEUE; n++)
            if (!handle_accept(server, server->listeners.fds[i]))
                break;
    httpserver_stop(server);
    server->empty = empty;
    server->empty_arg = arg;
    if (server->nstreams == 0)
        empty(arg);
}
