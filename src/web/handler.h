/* [11] handler.h -- the struct of a handler, for web.c and its folder only.
 *
 *     Tornado 2.0: tornado/web.py, the attributes of RequestHandler
 *     Layer 5: it knows requests, and nothing of sockets. */
#ifndef HANDLER_H
#define HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "httprequest.h"
#include "urlspec.h"

struct handler;
typedef void handler_method(struct handler *self); /* as in web.h */

/* RequestHandler. */
struct handler {
    const struct handler_class *class;
    const char *cookie_secret; /* [15] the application's; NULL: none */
    struct httprequest *request;
    regmatch_t groups[URLSPEC_GROUPS]; /* offsets in the path */

    int status;
    int failed; /* the status of the error page to send instead; 0: none */
    const char *why; /* the detail for that page, or NULL */
    struct httpheaders headers;
    struct httpframing framing;
    struct buffer *body; /* written, but not flushed yet */
    uint64_t flushed; /* bytes of body */
    bool headers_written, is_error, last, finished;
    max_align_t state[]; /* the class's own */
};

/* RequestHandler.clear: what every answer begins with. */
void handler_clear(struct handler *self);

/* Application.log_request: the access line. */
void handler_log_request(struct handler *self);

/* The methods that Tornado supports, and what the handler's class has for the
 * i-th of them, or NULL. Without a `head`, `get` answers HEAD. */
enum { HANDLER_METHODS = 6 };
extern const char *const handler_method_names[HANDLER_METHODS];
handler_method *handler_find_method(const struct handler *self, size_t i);

#endif
