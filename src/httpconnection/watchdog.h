/* [18] watchdog.h -- who holds up the loop?
 *
 *     Tornado 2.0: IOLoop.set_blocking_log_threshold
 *     Floor 0.
 *
 * A handler that thinks for a second makes everybody wait for a second, and
 * looks, from outside, like a slow network. So an alarm clock is set whenever
 * the loop comes back from its wait, and stopped when it goes there again. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include "ioloop.h"

/* A line on stderr whenever the loop has not come back to its wait for so many
 * seconds, with what it is doing. It takes SIGALRM, and two system calls in
 * every turn; 0, as at the beginning, takes nothing. */
void set_blocking_log_threshold(struct ioloop *loop, unsigned seconds);

/* What is being done, for that line; NULL: nobody knows. The text has to stay
 * until the next call. */
void watchdog_current_request(const char *what);

#endif
