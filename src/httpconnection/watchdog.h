/* [35] watchdog.h -- a message when a handler holds up the loop.
 *
 *     Tornado 2.0: IOLoop.set_blocking_log_threshold
 *     Layer 4: a request callback that calls another one.
 *
 * A handler that computes for a second makes every client wait for a second.
 * From outside that looks like a slow network. So an alarm is armed whenever
 * the loop comes back from its wait, and disarmed before the next wait. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include "httpconnection.h"

/* Writes a line to stderr, with the current request, whenever `loop` has not
 * come back to its wait for `seconds`. 0, the default, writes none. Costs two
 * system calls for each wait, and takes SIGALRM. */
void set_blocking_log_threshold(struct ioloop *loop, unsigned seconds);

/* A request callback; `arg` is a struct watchdog. While `next` runs, the URI of
 * its request is what the message names. */
struct watchdog {
    httprequest_callback *next;
    void *next_arg;
};
void watchdog_call(struct httprequest *request, void *arg);

#endif
