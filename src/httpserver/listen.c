/* [17] listen.c -- see listen.h. */
#include "listen.h"

#include <errno.h> /* [20] */
#include <fcntl.h> /* [33] */
#include <netdb.h> /* [20] */
#include <netinet/in.h> /* [20] */
#include <stdio.h> /* [20] */
#include <stdlib.h> /* [34] */
#include <string.h> /* [20] */
#include <sys/un.h> /* [34] */
#include <unistd.h>

#include "system.h" /* [20] */
#include "trace.h" /* [20] */

void
listeners_close(struct listeners *l, size_t n)
{
    while (l->n > n)
        close(l->fds[--l->n]);
}

/* [20] --- bind ---------------------------------------------------------- */

/* With port 0 the kernel chooses a free port of the first address, and this
 * port may be in use at another address. MAX_TRIES: how many ports are
 * tried. */
enum { BACKLOG = 1024, MAX_TRIES = 100 };

/* What listeners_bind() returns when it fails, and from chapter 34 on also
 * listeners_inherit(). */
static char message[256];

/* Adds a socket that listens at *sa. Returns 0, and *sa has the real port in
 * place of port 0; or the errno of the call that failed.
 * - Without REUSEADDR a server that is restarted would have to wait a minute
 *   for its port.
 * - V6ONLY, because the IPv4 address gets a socket of its own. */
static int
add_socket(struct listeners *l, struct sockaddr *sa, socklen_t size)
{
    int on = 1, fd = socket(sa->sa_family, SOCK_STREAM, 0), error;

    if (fd == -1)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (sa->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);

    /* [33] The first socket at this port has the option, too. */
    if (l->shared)
        setsockopt(fd, SOL_SOCKET, SHARED_PORT, &on, sizeof on);

    set_tcp_options(fd); /* [25] */
    if (set_nonblocking(fd) == 0 && bind(fd, sa, size) == 0 &&
        listen(fd, BACKLOG) == 0 && getsockname(fd, sa, &size) == 0) {
        l->fds[l->n++] = fd;
        return 0;
    }
    error = errno;
    close(fd);
    return error;
}

/* Is the address of `ai` in `list` before `ai`? A name has an address twice if
 * two lines of /etc/hosts say so. */
static bool
is_repeated(const struct addrinfo *list, const struct addrinfo *ai)
{
    for (; list != ai; list = list->ai_next)
        if (list->ai_addrlen == ai->ai_addrlen &&
            memcmp(list->ai_addr, ai->ai_addr, ai->ai_addrlen) == 0)
            return true;
    return false;
}

/* Binds all addresses of `list` to one port, which the kernel chooses if
 * `net_port` is 0. Returns 0, or the errno of the call that failed. A system
 * may know an address family without being able to use it, so one address that
 * works is enough. But if the port is in use at one of the addresses, the
 * clients that use this address would reach another server: then none of the
 * addresses is bound. */
static int
bind_all(struct listeners *l, struct addrinfo *list, in_port_t net_port)
{
    size_t before = l->n;
    int failure = EMFILE;

    for (struct addrinfo *ai = list; ai != NULL && l->n < MAX_LISTENERS;
         ai = ai->ai_next) {
        /* In an IPv6 address the port is at the same place. */
        struct sockaddr_in *in = (struct sockaddr_in *)ai->ai_addr;
        int error;

        in->sin_port = net_port;
        if (is_repeated(list, ai))
            continue;
        error = add_socket(l, ai->ai_addr, ai->ai_addrlen);
        if (error != 0 && failure != EADDRINUSE)
            failure = error;
        net_port = in->sin_port;
    }
    if (l->n > before && failure != EADDRINUSE)
        return 0;
    listeners_close(l, before);
    return failure;
}

/* Calls getaddrinfo(), and returns its result. Brackets are allowed around a
 * numeric IPv6 address only. */
static int
resolve(const char *address, struct addrinfo **list)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    char number[64];
    int end = 0;

    if (sscanf(address, "[%63[^]]]%n", number, &end) == 1 && end > 0 &&
        address[end] == '\0') {
        address = number;
        hints.ai_family = AF_INET6;
        hints.ai_flags |= AI_NUMERICHOST;
    }
    return getaddrinfo(*address != '\0' ? address : NULL, "0", &hints, list);
}

const char *
listeners_bind(struct listeners *l, int port, const char *address)
{
    struct addrinfo *list;
    char printable[128];
    const char *why;
    int error = resolve(address, &list), tries = port == 0 ? MAX_TRIES : 1;

    why = gai_strerror(error);
    if (error == 0) {
        do
            error = bind_all(l, list, htons((in_port_t)port));
        while (error == EADDRINUSE && --tries > 0);
        freeaddrinfo(list);
        why = strerror(error);
    }
    if (error == 0)
        return NULL;
    make_printable(printable, sizeof printable, address);
    snprintf(message, sizeof message,
             "cannot listen on port %d of %s: %s%s", port,
             *address != '\0' ? printable : "all addresses", why,
             error == EADDRINUSE ? " (--port=0 takes a free one)" : "");
    return message;
}

/* [20] --- names ---------------------------------------------------------- */

int
listeners_url(const struct listeners *l, size_t i, char *url, size_t size)
{
    struct sockaddr_storage bound = {0};
    struct sockaddr *sa = (struct sockaddr *)&bound;
    socklen_t length = sizeof bound;
    char host[64] = "?", port[8] = "?";
    const char *scheme = "http";

    if (i >= l->n)
        return -1;
    getsockname(l->fds[i], sa, &length);

    /* [34] An inherited socket may be of any kind. */
    if (sa->sa_family == AF_UNIX) {
        make_printable(url, size, ((struct sockaddr_un *)sa)->sun_path);
        return 0;
    }

    getnameinfo(sa, length, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);

    /* [37] The streams of the listeners will be encrypted. */
    if (l->tls)
        scheme = "https";

    snprintf(url, size,
             sa->sa_family == AF_INET6 ? "%s://[%s]:%s" : "%s://%s:%s",
             scheme, host, port);
    return 0;
}

/* [33] --- shared listeners ------------------------------------------------ */

/* Both sockets need the option. The first one gets it only now: with it, bind()
 * would not have noticed another server at that port. */
bool
listeners_bind_shared(struct listeners *l, const struct listeners *first)
{
    l->shared = true;
    while (l->n < first->n) {
        struct sockaddr_storage bound;
        struct sockaddr *sa = (struct sockaddr *)&bound;
        socklen_t size = sizeof bound;
        int on = 1, fd = first->fds[l->n];

        if (SHARED_PORT != 0 && getsockname(fd, sa, &size) == 0 &&
            setsockopt(fd, SOL_SOCKET, SHARED_PORT, &on, sizeof on) == 0 &&
            add_socket(l, sa, size) == 0)
            continue;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (fd == -1)
            return false;
        l->fds[l->n++] = fd;
    }
    return true;
}

/* [34] --- inherited listeners --------------------------------------------- */

const char *
listeners_inherit(struct listeners *l)
{
    const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    char *end;
    long n;

    if (fds == NULL || (pid != NULL && atol(pid) != (long)getpid()))
        return NULL;
    n = strtol(fds, &end, 10);
    if (end == fds || *end != '\0' || n < 0 || n > MAX_LISTENERS)
        return "LISTEN_FDS is not a number of listening sockets";
    for (int fd = 3; fd < 3 + n; fd++) {
        int listens = 0;
        socklen_t size = sizeof listens;

        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
        if (!listens || set_nonblocking(fd) == -1) {
            sprintf(message, "LISTEN_FDS: descriptor %d is no listener", fd);
            return message;
        }
        set_tcp_options(fd);
        l->fds[l->n++] = fd;
    }
    return NULL;
}
