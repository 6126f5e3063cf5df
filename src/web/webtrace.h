/* [18] webtrace.h -- the trace, in a browser.
 *
 *     Tornado has nothing like it.
 *     Floor 5: two handlers.
 *
 *     {"/trace", &trace_page_handler},
 *     {"/trace/events", &trace_events_handler},
 *
 * The page asks for new events twice a second, and shows those of all other
 * connections. Both say 404 unless --trace is on, and 403 to whoever is not on
 * this machine: the trace shows what others ask for. */
#ifndef WEBTRACE_H
#define WEBTRACE_H

#include "web.h"

extern const struct handler_class trace_page_handler, trace_events_handler;

#endif
