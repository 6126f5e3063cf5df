/* [18] linger.h -- the lingering close.
 *
 *     Tornado has none, and loses answers (see chapter 18).
 *     Layer 2: it knows the loop.
 *
 * If bytes of the peer arrive after close(), or are unread at that moment, the
 * kernel answers with a reset. The peer's kernel may then discard what it has
 * received but not delivered: our last answer. So the server first closes only
 * its own direction of the connection. */
#ifndef LINGER_H
#define LINGER_H

#include "ioloop.h"

/* Takes over `fd`, a socket that the loop does not watch, and shuts down its
 * sending direction.
 * - What still arrives is dropped.
 * - `fd` is closed when the peer has closed its direction, too; when it has
 *   been silent for 2 seconds; after 10 seconds; or after 1 MiB.
 * - `callback` runs from the loop after that.
 * - False if it cannot be done; then `fd` still belongs to the caller. */
bool linger_start(struct ioloop *loop, int fd, ioloop_callback *callback,
                  void *arg);

#endif
