/* [7] httpserver.c -- bind, listen, accept.
 *
 * In the order of a server's life: make it, bind it, start it; then
 * handle_events() for as long as it lives, and stop. */
#include "httpserver.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "trace.h"
#include "util.h"

/* How many may wait in the kernel until we accept them, how many we accept
 * at one wake-up (those who are inside already want to be served, too), and
 * how long we look away when there is no descriptor left (microseconds). */
enum { BACKLOG = 1024, MAX_ACCEPTS = 64, PAUSE = 100000, MAX_LISTENERS = 16 };

struct httpserver {
    struct ioloop *loop;
    httpserver_handle_stream *handle_stream;
    void *arg;
    int listeners[MAX_LISTENERS];
    size_t nlisteners;
    bool started;
    bool complained;        /* "out of descriptors" was said already */
    struct timeout *paused; /* NULL unless we are looking away */
    char error[256];
};

struct httpserver *
httpserver_new(struct ioloop *loop, httpserver_handle_stream *handle_stream,
               void *arg)
{
    struct httpserver *server = calloc(1, sizeof *server);

    if (server != NULL) {
        server->loop = loop;
        server->handle_stream = handle_stream;
        server->arg = arg;
    }
    return server;
}

void
httpserver_free(struct httpserver *server)
{
    httpserver_stop(server);
    free(server);
}

/* --- bind -------------------------------------------------------------- */

/* IPV6_V6ONLY, because the IPv4 address gets a socket of its own. NODELAY is
 * inherited by the accepted sockets: an answer leaves in one send, so there
 * is nothing to gain by holding its last packet back. */
static int
listen_on(const struct addrinfo *ai)
{
    int on = 1, fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);

    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (set_nonblocking(fd) == -1 ||
        bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
        listen(fd, BACKLOG) == -1) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* The port is the same number at the same place in both families. */
static void
set_port(struct sockaddr *sa, unsigned port)
{
    in_port_t net = htons((in_port_t)port);

    if (sa->sa_family == AF_INET6)
        memcpy((char *)sa + offsetof(struct sockaddr_in6, sin6_port), &net,
               sizeof net);
    else
        memcpy((char *)sa + offsetof(struct sockaddr_in, sin_port), &net,
               sizeof net);
}

static unsigned
bound_port(int fd)
{
    struct sockaddr_storage ss;
    socklen_t size = sizeof ss;
    char port[8] = "0";

    if (getsockname(fd, (struct sockaddr *)&ss, &size) == 0)
        getnameinfo((struct sockaddr *)&ss, size, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV);
    return (unsigned)strtoul(port, NULL, 10);
}

static const char *
cannot_listen(struct httpserver *server, int port, const char *address,
              const char *why)
{
    snprintf(server->error, sizeof server->error,
             "cannot listen on port %d of %s: %s", port,
             *address != '\0' ? address : "all addresses", why);
    return server->error;
}

/* A machine may know a family of addresses without being able to use it; as
 * long as one of the addresses works there is a door. */
const char *
httpserver_bind(struct httpserver *server, int port, const char *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *list;
    unsigned number = (unsigned)port;
    size_t before = server->nlisteners;
    int error, failure = 0;

    error = getaddrinfo(*address != '\0' ? address : NULL, "0", &hints, &list);
    if (error != 0)
        return cannot_listen(server, port, address, gai_strerror(error));
    for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        int fd;

        if (server->nlisteners == MAX_LISTENERS)
            break;
        set_port(ai->ai_addr, number);
        fd = listen_on(ai);
        if (fd != -1) {
            server->listeners[server->nlisteners++] = fd;
            number = bound_port(fd);
        } else if (failure == 0 || errno == EADDRINUSE) {
            failure = errno;
        }
    }
    freeaddrinfo(list);
    if (server->nlisteners == before || failure == EADDRINUSE)
        return cannot_listen(server, port, address, strerror(failure));
    return NULL;
}

int
httpserver_url(const struct httpserver *server, size_t i, char *url,
               size_t size)
{
    struct sockaddr_storage ss;
    socklen_t ss_size = sizeof ss;
    char host[64], port[8];

    if (i >= server->nlisteners ||
        getsockname(server->listeners[i], (struct sockaddr *)&ss,
                    &ss_size) == -1 ||
        getnameinfo((struct sockaddr *)&ss, ss_size, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return -1;
    snprintf(url, size, strchr(host, ':') != NULL ? "http://[%s]:%s"
                                                  : "http://%s:%s",
             host, port);
    return 0;
}

/* --- accept ------------------------------------------------------------ */

static void handle_events(int fd, uint32_t events, void *arg);

/* Back after a pause. */
static void
resume(void *arg)
{
    struct httpserver *server = arg;

    server->paused = NULL;
    for (size_t i = 0; i < server->nlisteners; i++)
        ioloop_update_handler(server->loop, server->listeners[i],
                              IOLOOP_READ);
}

/* There is somebody at the door, and we have no chair. The listener would be
 * told so again in every turn, and the loop would spin without being able to
 * change anything (Tornado still does). So for a moment we do not look;
 * whoever is inside is served, and frees a descriptor when he leaves. */
static void
pause_accepting(struct httpserver *server, const char *why)
{
    if (!server->complained)
        log_warning("cannot accept connections: %s; trying again", why);
    server->complained = true;
    server->paused = ioloop_add_timeout(server->loop, ioloop_time() + PAUSE,
                                        resume, server);
    if (server->paused == NULL)
        return;
    for (size_t i = 0; i < server->nlisteners; i++)
        ioloop_update_handler(server->loop, server->listeners[i], 0);
}

/* accept() failed. True if the next one may well succeed: what went wrong
 * was this one connection's, or no more than a signal. */
static bool
accept_failed(struct httpserver *server, int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        pause_accepting(server, strerror(error));
        return false;
    case ECONNABORTED:
    case EINTR:
    case EPERM:
    case EPROTO:
        return true;
    default:
        if (error != EAGAIN && error != EWOULDBLOCK)
            log_error("accept: %s", strerror(error));
        return false;
    }
}

/* HTTPServer._handle_events: the loop says that somebody is at the door. */
static void
handle_events(int fd, uint32_t events, void *arg)
{
    struct httpserver *server = arg;

    (void)events;
    for (int i = 0; i < MAX_ACCEPTS; i++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        struct iostream *stream;
        int client;

        client = accept_nonblocking(fd, (struct sockaddr *)&peer, &size);
        if (client == -1) {
            if (accept_failed(server, errno))
                continue;
            return;
        }
        trace_connection(client);
        TOUR(3, client, "accepted, as descriptor %d", client);
        server->complained = false;
        stream = iostream_new(server->loop, client);
        if (stream == NULL)
            close(client);
        else
            server->handle_stream(stream, (struct sockaddr *)&peer, size,
                                  server->arg);
    }
}

int
httpserver_start(struct httpserver *server)
{
    if (server->started)
        return 0;
    for (size_t i = 0; i < server->nlisteners; i++) {
        if (ioloop_add_handler(server->loop, server->listeners[i],
                               handle_events, server, IOLOOP_READ) == -1)
            return -1;
        TOUR(1, -1, "descriptor %d listens", server->listeners[i]);
    }
    server->started = true;
    return 0;
}

const char *
httpserver_listen(struct httpserver *server, int port, const char *address)
{
    const char *error = httpserver_bind(server, port, address);

    if (error == NULL && httpserver_start(server) == -1)
        error = cannot_listen(server, port, address, strerror(errno));
    return error;
}

void
httpserver_stop(struct httpserver *server)
{
    if (server->paused != NULL)
        ioloop_remove_timeout(server->loop, server->paused);
    server->paused = NULL;
    for (size_t i = 0; i < server->nlisteners; i++) {
        if (server->started)
            ioloop_remove_handler(server->loop, server->listeners[i]);
        close(server->listeners[i]);
    }
    server->nlisteners = 0;
    server->started = false;
}
