/* [9] listen.h -- the listening sockets of a server.
 *
 *     Tornado 2.0: the first half of HTTPServer.bind; from 2.1 on
 *     netutil.bind_sockets
 *     Layer 3.
 *
 * The kernel completes connections for a socket as soon as listen() has been
 * called. They are pending until the process calls accept(). */
#ifndef LISTEN_H
#define LISTEN_H

#include <stdbool.h> /* [33] */
#include <stddef.h>

/* A set of listening, non-blocking sockets. An empty set has only zeros. */
enum { MAX_LISTENERS = 16 };
struct listeners {
    int fds[MAX_LISTENERS];
    size_t n;
    bool shared; /* [33] made by listeners_bind_shared() */
    bool tls; /* [37] listeners_url() returns https URLs */
};

/* [17] Closes and removes all sockets but the first `n`. */
void listeners_close(struct listeners *listeners, size_t n);

/* [20] Adds a socket for each address that `address` stands for: a number or a
 * name, IPv4 or IPv6 ("::1" or "[::1]"), or "" for all interfaces of both. Up
 * to 1024 connections of a socket are pending.
 * - An address that a name has twice is bound once.
 * - Port 0 is a free port, the same one for all of these addresses.
 * - An address family that the system cannot use is left out, unless it is the
 *   only one.
 * - Returns NULL, or a sentence without a newline that says what is wrong; then
 *   no socket is added. The sentence is valid until the next call.
 * - It may block while it asks the name server. */
const char *listeners_bind(struct listeners *listeners, int port,
                           const char *address);

/* [20] Writes the URL of the i-th socket to `url`, or another name if it has no
 * URL. Returns 0, or -1 if there is no such socket. */
int listeners_url(const struct listeners *listeners, size_t i, char *url,
                  size_t size);

/* [33] Adds a socket at the address of each socket of `first`, for another
 * process. Where the kernel distributes connections over several sockets
 * (Linux: SO_REUSEPORT) it is a socket of its own, with a queue of its own;
 * else it is the same socket. Returns false, with errno, if it fails. */
bool listeners_bind_shared(struct listeners *listeners,
                           const struct listeners *first);

/* [34] Adds the sockets that the parent process has opened for this one, as
 * systemd does (sd_listen_fds(3)): LISTEN_FDS is their number, from descriptor
 * 3 on. Nothing is added, and that is not an error, if LISTEN_FDS is not set
 * or if LISTEN_PID names another process. Errors as in listeners_bind(). */
const char *listeners_inherit(struct listeners *listeners);

#endif
