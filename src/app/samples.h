/* [22] samples.h -- the handlers that only the tests of the course need.
 *
 *     Layer 6. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include "web.h"

/* Sets the Content-Type of plain text. */
void plain_text(struct handler *self);

/* [24] Sets *number to the argument `name`, a number from 0 to `max`. False:
 * it is anything else, and 400 has been answered. */
bool number_argument(struct handler *self, const char *name,
                     const char *fallback, long max, long *number);

/* [25] The state of a handler that sends its answer in pieces. */
struct progress {
    long done, all;
};

extern const struct handler_class form_handler, upload_handler;
extern const struct handler_class redirect_handler, error_handler; /* [23] */
extern const struct handler_class bytes_handler; /* [25] */

/* [25] What the client has sent, and what the server can do. */
extern const struct handler_class echo_handler, headers_handler, whoami_handler,
    server_handler;

/* [30] Cookies. */
extern const struct handler_class cookie_handler, cookie_set_handler,
    xsrf_handler;
extern const struct handler_class visits_handler; /* [31] */

extern const struct handler_class work_handler; /* [35] */

/* [35] Cancels the jobs that wait, waits for those that run, and ends the
 * threads. The callback of each job is then queued in the loop. To be called
 * when all streams have been closed. */
void samples_end(void);

#endif
