/* [15] demo.h -- the demonstration application.
 *
 *     Layer 6: it may use every layer below. */
#ifndef DEMO_H
#define DEMO_H

#include "web.h"

extern const struct urlspec demo_routes[];

/* [22] Sets the Content-Type of plain text. */
void plain_text(struct handler *self);

/* [24] Sets *number to the argument `name`, a number from 0 to `max`. False:
 * it is anything else, and 400 has been answered. */
bool number_argument(struct handler *self, const char *name,
                     const char *fallback, long max, long *number);

/* [25] The state of a handler that sends its answer in pieces. */
struct progress {
    long done, all;
};

/* [22] The handlers of samples.c. Only the course needs them. */
extern const struct handler_class form_handler, upload_handler;
extern const struct handler_class redirect_handler, error_handler; /* [23] */

/* [25] Many bytes, what the client has sent, and what the server can do. */
extern const struct handler_class bytes_handler, echo_handler, headers_handler,
    whoami_handler, server_handler;

/* [30] Cookies. */
extern const struct handler_class cookie_handler, cookie_set_handler,
    xsrf_handler;
extern const struct handler_class visits_handler; /* [31] */
extern const struct handler_class work_handler; /* [35] */

/* [38] {"/trace/([^/]+)/send", &trace_send_handler}: the server opens a
 * connection to itself, and sends the body of the POST there, at most 8 KiB.
 * What comes back is dropped. The answer, 202, does not wait for it. Arguments:
 * - split: the size of a piece (8192; 0: nothing is sent). gap: the
 *   milliseconds until the next one (500; less than 50 counts as 50). read: the
 *   bytes that are taken in each gap (1000000; 0 counts as 1).
 * - 400: one of them is below 0, or above 8192 (split), 2000 (gap) or 1000000
 *   (read). 413: the body has more than 8 KiB.
 * - A connection is closed when all is sent, an answer has begun, and a whole
 *   gap has passed without a byte received or taken; or after 10 seconds.
 *   503: there are eight already, or the server cannot connect.
 * - 501: the server uses TLS, and a client stream does not. */
extern const struct handler_class trace_send_handler;

#endif
