/* [38] tracesend.h -- requests that the server sends to itself, for the page of
 * webtrace.h.
 *
 *     Tornado has nothing like it.
 *     Layer 6: it knows handlers, and streams, too.
 *
 * {"/trace/([^/]+)/send", &trace_send_handler}: the server opens a connection
 * to itself, and sends the body of the POST there, at most 8 KiB. What comes
 * back is dropped. The answer, 202, does not wait for it. Arguments:
 * - split: the size of a piece (8192). gap: the milliseconds until the next one
 *   (500). read: the bytes that are received in each gap (1000000).
 * - A connection is closed when a whole gap has brought no more bytes of an
 *   answer, or after 10 seconds. 503: there are eight already.
 * - 501: the server uses TLS, and a client stream does not. */
#ifndef TRACESEND_H
#define TRACESEND_H

#include "web.h"

extern const struct handler_class trace_send_handler;

#endif
