/* [7] httpserver.c -- bind, listen, accept.
 *
 * In the order of a server's life: make it, bind it, start it; then
 * handle_accept() for as long as it lives, and stop. */
#include "httpserver.h"

#include <errno.h>
#include <fcntl.h> /* [17] */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h> /* [16] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "trace.h"
#include "system.h"

/* How many may wait in the kernel until we accept them, how many we accept
 * at one wake-up (those who are inside already want to be served, too), and
 * how long we look away when there is no descriptor left (microseconds). */
enum { BACKLOG = 1024, MAX_ACCEPTS = 64, PAUSE = 100000, MAX_LISTENERS = 16 };

struct httpserver {
    struct ioloop *loop;
    httpserver_handle_stream *handle_stream;
    void *arg;
    int listeners[MAX_LISTENERS];
    size_t nbound;          /* that many sockets there are, */
    size_t nlisteners;      /* and that many have joined the loop */
    bool complained;        /* "out of descriptors" was said already */
    struct timeout *paused; /* NULL unless we are looking away */
    size_t connections;     /* [16] that many are inside */
    size_t max_connections; /* [16] */
    bool full;              /* [16] they are too many: nobody is let in */
    char error[256];
};

struct httpserver *
httpserver_new(struct ioloop *loop, httpserver_handle_stream *handle_stream,
               void *arg)
{
    struct httpserver *server = calloc(1, sizeof *server);

    if (server != NULL)
        *server = (struct httpserver){.loop = loop, .arg = arg,
                                      .handle_stream = handle_stream};

    /* [16] As many as there are, unless somebody says how many. */
    if (server != NULL)
        server->max_connections = SIZE_MAX;

    return server;
}

void
httpserver_free(struct httpserver *server)
{
    httpserver_stop(server);
    free(server);
}

/* --- bind -------------------------------------------------------------- */

/* A socket that can listen; -1 with errno. Without REUSEADDR a server that was
 * restarted would wait a minute for its port. V6ONLY, because the IPv4 address
 * gets a socket of its own. NODELAY is inherited by the accepted sockets: an
 * answer leaves in one send, so there is nothing to gain by holding its last
 * packet back. */
static int
make_socket(int family)
{
    int on = 1, fd = socket(family, SOCK_STREAM, 0);

    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    set_notsent_lowat(fd); /* [16] */
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (set_nonblocking(fd) == 0)
        return fd;
    close(fd);
    return -1;
}

/* One more listening socket. 0, and ai->ai_addr says where it is: a port 0
 * has become a real one. Or the errno of what failed. */
static int
listen_on(struct httpserver *server, struct addrinfo *ai)
{
    int fd = make_socket(ai->ai_family), error = 0;

    if (fd == -1 || bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
        listen(fd, BACKLOG) == -1 ||
        getsockname(fd, ai->ai_addr, &ai->ai_addrlen) == -1)
        error = errno;
    if (error == 0)
        server->listeners[server->nbound++] = fd;
    else if (fd != -1)
        close(fd);
    return error;
}

static const char *
cannot_listen(struct httpserver *server, int port, const char *address,
              const char *why)
{
    snprintf(server->error, sizeof server->error,
             "cannot listen on port %d of %.100s: %s", port,
             *address != '\0' ? address : "all addresses", why);
    return server->error;
}

/* A machine may know a family of addresses without being able to use it; as
 * long as one of the addresses works there is a door. But a port that one of
 * them has and the other has not would be somebody else's half the time: then
 * all that was bound here is given back. */
const char *
httpserver_bind(struct httpserver *server, int port, const char *address)
{
    struct addrinfo *list, hints = {.ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE};
    in_port_t net_port = htons((in_port_t)port);
    size_t before = server->nbound;
    int error, failure = EMFILE;

    error = getaddrinfo(*address != '\0' ? address : NULL, "0", &hints, &list);
    if (error != 0)
        return cannot_listen(server, port, address, gai_strerror(error));
    for (struct addrinfo *ai = list;
         ai != NULL && server->nbound < MAX_LISTENERS; ai = ai->ai_next) {
        /* In an IPv6 address the port lies at the same place. */
        struct sockaddr_in *in = (struct sockaddr_in *)ai->ai_addr;

        in->sin_port = net_port;
        error = listen_on(server, ai);
        if (error != 0 && failure != EADDRINUSE)
            failure = error;
        net_port = in->sin_port;
    }
    freeaddrinfo(list);
    if (server->nbound > before && failure != EADDRINUSE)
        return NULL;
    while (server->nbound > before)
        close(server->listeners[--server->nbound]);
    return cannot_listen(server, port, address, strerror(failure));
}

/* [17] --- beside --------------------------------------------------------- */

/* At the same place as `fd`; -1 if that cannot be. Both have to agree to it,
 * and `fd` does so only now: when it was bound, a port that somebody else had
 * was in use, and whoever comes later cannot sit down beside us. */
static int
listen_reuseport(int fd)
{
    struct sockaddr_storage bound;
    struct sockaddr *sa = (struct sockaddr *)&bound;
    socklen_t size = sizeof bound;
    int on = 1, new;

    if (SHARED_PORT == 0 || getsockname(fd, sa, &size) == -1 ||
        setsockopt(fd, SOL_SOCKET, SHARED_PORT, &on, sizeof on) == -1)
        return -1;
    new = make_socket(sa->sa_family);
    if (new == -1)
        return -1;
    if (setsockopt(new, SOL_SOCKET, SHARED_PORT, &on, sizeof on) == 0 &&
        bind(new, sa, size) == 0 && listen(new, BACKLOG) == 0)
        return new;
    close(new);
    return -1;
}

const char *
httpserver_bind_shared(struct httpserver *server,
                       const struct httpserver *first)
{
    while (server->nbound < first->nbound) {
        int fd = listen_reuseport(first->listeners[server->nbound]);

        if (fd == -1)
            fd = fcntl(first->listeners[server->nbound], F_DUPFD_CLOEXEC, 0);
        if (fd == -1)
            return strerror(errno);
        server->listeners[server->nbound++] = fd;
    }
    return NULL;
}

const char *
httpserver_adopt(struct httpserver *server, int fd)
{
    int listens = 1, on = 1;
    socklen_t size = sizeof listens;

    /* Not every system can say whether it listens. */
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == -1)
        listens = errno == ENOPROTOOPT;
    if (!listens || server->nbound == MAX_LISTENERS ||
        set_nonblocking(fd) == -1) {
        snprintf(server->error, sizeof server->error,
                 listens ? "descriptor %d is one listening socket too many"
                         : "descriptor %d is no listening socket", fd);
        return server->error;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    set_notsent_lowat(fd);
    server->listeners[server->nbound++] = fd;
    return NULL;
}

/* --- where it is --------------------------------------------------------- */

int
httpserver_url(const struct httpserver *server, size_t i, char *url,
               size_t size)
{
    struct sockaddr_storage bound;
    struct sockaddr *sa = (struct sockaddr *)&bound;
    socklen_t length = sizeof bound;
    char host[64], port[8];

    if (i >= server->nbound ||
        getsockname(server->listeners[i], sa, &length) == -1 ||
        getnameinfo(sa, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return -1;
    snprintf(url, size, sa->sa_family == AF_INET6 ? "http://[%s]:%s"
                                                  : "http://%s:%s",
             host, port);
    return 0;
}

/* --- the doorkeeper ----------------------------------------------------- */

/* READ: tell us when somebody comes; 0: do not. */
static void
watch_listeners(struct httpserver *server, uint32_t events)
{
    for (size_t i = 0; i < server->nlisteners; i++)
        ioloop_update_handler(server->loop, server->listeners[i], events);
}

/* [16] --- a full house --------------------------------------------------- */

void
httpserver_set_max_connections(struct httpserver *server, size_t max)
{
    server->max_connections = max;
}

/* Who does not get in waits in the kernel's queue, which costs us nothing. To
 * accept him and tell him to go away would cost what serving him costs. */
static bool
is_full(struct httpserver *server)
{
    if (server->connections < server->max_connections)
        return false;
    if (!server->full)
        log_warning("%zu connections: no more are accepted",
                    server->connections);
    server->full = true;
    watch_listeners(server, 0);
    return true;
}

void
httpserver_connection_closed(void *arg)
{
    struct httpserver *server = arg;

    server->connections--;
    if (server->full && server->paused == NULL)
        watch_listeners(server, IOLOOP_READ);
    server->full = false;
}

/* --- accept ------------------------------------------------------------ */

/* Back after a pause. */
static void
resume(void *arg)
{
    struct httpserver *server = arg;

    server->paused = NULL;
    watch_listeners(server, IOLOOP_READ);
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
    if (server->paused != NULL)
        watch_listeners(server, 0);
}

/* accept() failed. True if the next one may well succeed: what went wrong
 * was this one connection's, or no more than a signal. EAGAIN says that
 * nobody is left. Whatever else it is, it will not be over at once. */
static bool
accept_failed(struct httpserver *server)
{
    if (errno == ECONNABORTED || errno == EINTR || errno == EPERM ||
        errno == EPROTO)
        return true;
    if (errno != EAGAIN)
        pause_accepting(server, strerror(errno));
    return false;
}

/* HTTPServer._handle_events: the loop says that somebody is at the door. If
 * there are two doors, it may have said so before we began to look away. */
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

        /* [16] Unless there is no room. */
        if (is_full(server))
            return;

        client = accept_nonblocking(fd, sa, &size);
        if (client == -1 && accept_failed(server))
            continue;
        if (client == -1)
            return;
        trace_connection(client);
        TOUR(3, client, "accepted, as descriptor %d", client);
        server->complained = false;
        stream = iostream_new(server->loop, client);
        if (stream == NULL) {
            close(client);
            continue;
        }
        server->connections++; /* [16] */
        server->handle_stream(stream, sa, size, server->arg);
    }
}

/* Those that were bound since the last call join; the others are there. */
int
httpserver_start(struct httpserver *server)
{
    if (server->loop == NULL)
        server->loop = ioloop_instance();
    while (server->nlisteners < server->nbound) {
        int fd = server->listeners[server->nlisteners];

        if (ioloop_add_handler(server->loop, fd, handle_accept, server,
                               IOLOOP_READ) == -1)
            return -1;
        server->nlisteners++;
        TOUR(1, -1, "descriptor %d listens", fd);
    }
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
    while (server->nlisteners > 0)
        ioloop_remove_handler(server->loop,
                              server->listeners[--server->nlisteners]);
    while (server->nbound > 0)
        close(server->listeners[--server->nbound]);
}

/* [17] --- the end -------------------------------------------------------- */

size_t
httpserver_connections(const struct httpserver *server)
{
    return server->connections;
}

/* As long as somebody comes in there may be more of them. */
void
httpserver_drain(struct httpserver *server)
{
    for (size_t i = 0; i < server->nlisteners; i++) {
        size_t before;

        do {
            before = server->connections;
            handle_accept(server->listeners[i], IOLOOP_READ, server);
        } while (server->connections > before);
    }
    httpserver_stop(server);
}
