/* [16] patience.h -- a deadline that is moved with every request, and costs
 *                    next to nothing as long as nobody is late.
 *
 *     Tornado 2.0 has no timeouts for clients (idle_connection_timeout and
 *     body_timeout came in 4.0).
 *     Floor 2: it knows the loop.
 *
 * To set a timeout for every wait and to remove it when the wait is over is
 * work for every request, done for the few that are late. Here the owner says,
 * whenever he is asked, when it would be too late as things stand now. One
 * timeout is set, rings perhaps too early, asks again, and goes back to sleep.
 * It has to be moved only if the deadline has come nearer. */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "ioloop.h"

/* The deadline of who may take as long as he likes. */
#define PATIENCE_NEVER INT64_MAX

/* The owner fills in the first four, the rest is zero. `deadline` answers from
 * the owner's own notes, on ioloop_time()'s clock, and does nothing else;
 * `expired` runs from the loop when it has passed. It may end the owner. */
struct patience {
    struct ioloop *loop;
    int64_t (*deadline)(void *arg);
    ioloop_callback *expired;
    void *arg;

    struct timeout *timeout; /* NULL: none is set */
    int64_t rings;           /* when it will ring, if one is set */
};

/* `timeout` after `since`; 0 stands for for ever. */
int64_t patience_after(int64_t since, int64_t timeout);

/* To be called when the deadline may have come nearer. False if there is no
 * memory for a timeout: then nothing will ring. */
bool patience_check(struct patience *p);

/* For the end of the owner: nothing more will ring. */
void patience_end(struct patience *p);

#endif
