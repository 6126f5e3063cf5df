/* [38] connect.h -- the stream of a client.
 *
 *     Tornado 2.0: tornado/iostream.py, IOStream.connect
 *     Layer 2: it knows the loop. */
#ifndef CONNECT_H
#define CONNECT_H

#include <sys/socket.h>

#include "iostream.h"

/* Runs once, from the loop. `stream` is NULL if there is no connection. */
typedef void iostream_connect_callback(struct iostream *stream, void *arg);

/* Opens a TCP connection to `address`, and makes a stream of it.
 * - It never blocks. `callback` runs in a later turn: when the connection is
 *   established, or has failed. If the peer does not answer at all, the kernel
 *   tries for about two minutes.
 * - Returns the descriptor of the stream, or -1 with errno; then `callback`
 *   will not run. */
int iostream_connect(struct ioloop *loop, const struct sockaddr *address,
                     socklen_t size, iostream_connect_callback *callback,
                     void *arg);

#endif
