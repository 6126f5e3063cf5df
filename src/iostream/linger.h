/* [10] linger.h -- the polite close.
 *
 *     Tornado has none, and loses answers (see chapter 10).
 *     Floor 2: it knows the loop.
 *
 * A close() while bytes of the peer are still coming in makes the kernel
 * answer them with a reset, and a reset makes the peer's kernel throw away
 * what it has received, our last answer included. So the line is first
 * closed in our direction only. */
#ifndef LINGER_H
#define LINGER_H

#include <stdbool.h>

#include "ioloop.h"

/* Takes over `fd`, a socket that is not in the loop: says that no more will
 * come, drops what still arrives, and closes it when the peer has finished
 * too, when it is silent for 2 seconds, after 10 seconds, or after 1 MiB.
 * `callback` runs when it is closed. False if that cannot be done; `fd` is
 * then still yours. */
bool linger_start(struct ioloop *loop, int fd, ioloop_callback *callback,
                   void *arg);

#endif
