/* [36] webtrace.h -- the trace, in a browser.
 *
 *     Tornado has nothing like it.
 *     Layer 5: handlers.
 *
 *     {"/trace/([^/]+)", &trace_page_handler},
 *     {"/trace/([^/]+)/([a-z0-9_/]+\\.[ch])", &trace_page_handler},
 *     {"/trace/([^/]+)/events", &trace_events_handler},
 *
 * The page, diagrams/trace.html, asks for new events again and again, and shows
 * them beside the lines of the source.
 * - It is read from the directory that the server runs in, and so are the
 *   sources, which the second group names: 503 where there is no such file.
 * - The first group of the pattern is the key. The handlers answer 404 to any
 *   other key, and while trace_page_key() has not made one.
 * - They answer 403 unless the peer, and the client that a trusted proxy names,
 *   have a loopback address, and the Host is localhost, 127.0.0.1 or [::1]: the
 *   trace shows what other clients ask for.
 * - The events are those of one process. trace_read() has none of the requests
 *   to these handlers (trace_mute()). */
#ifndef WEBTRACE_H
#define WEBTRACE_H

#include "web.h"

extern const struct handler_class trace_page_handler, trace_events_handler;

/* For `prepare`: completes the answer if the key, the peer or the Host is not
 * right. */
void trace_page_check(struct handler *self);

/* Makes the key, 32 hexadecimal digits, and with it the page. NULL if there are
 * no random bytes. */
const char *trace_page_key(void);

#endif
