/* [11] signals.h -- SIGTERM and SIGINT stop the loop.
 *
 *     Layer 6. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

/* True: from now on the signals are blocked, and SIGPIPE is ignored; to be
 * called before another process can know that this one exists. False: from now
 * on the signals stop the loop, ioloop_instance(). */
void signals_hold(bool hold);

/* For the end of main(), while the signals wait: ends the process by SIGINT if
 * SIGINT has come or if `status` is 128 + SIGINT, so that the shell sees a ^C;
 * else returns `status`. */
int signals_exit(int status);

#endif
