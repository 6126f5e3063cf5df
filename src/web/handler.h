/* [13] handler.h -- the struct of a handler, for the framework's files only.
 *
 *     Tornado 2.0: tornado/web.py, the attributes of RequestHandler
 *     Layer 5: it knows requests, and nothing of sockets. */
#ifndef HANDLER_H
#define HANDLER_H

#include "conditional.h" /* [23] */
#include "httprequest.h"
#include "urlspec.h" /* [23] */

/* The methods that Tornado supports. */
enum { METHOD_GET, METHOD_HEAD, METHODS = 6 };

/* RequestHandler. */
struct handler {
    const struct handler_class *class;
    const char *cookie_secret; /* [31] the application's; NULL: none */
    struct httprequest *request;
    size_t method; /* index in the table of names; METHODS: not in it */
    int status;
    int failed; /* [15] the status of the error page to send; 0: none */
    const char *why; /* [15] the detail for that page, or NULL */
    struct httpheaders headers; /* [15] */
    struct httpframing framing; /* [15] */
    struct buffer *body; /* written, but not flushed yet */
    uint64_t flushed; /* [25] bytes of body */
    bool headers_written, is_error; /* [15] */
    bool sends_body; /* [23] */
    bool last; /* [25] the flush of handler_finish() */
    bool finished;

    /* [23] What the groups of the pattern have matched in the path. */
    regmatch_t groups[URLSPEC_GROUPS];

    /* [15] An array with room for more headers is in the arena. */
    struct httpheader first_headers[8];

    char etag[CONDITIONAL_ETAG_SIZE]; /* [23] made by add_etag() */
    max_align_t state[]; /* [24] the class's own */
};

/* [15] RequestHandler.clear: what every answer begins with. */
void handler_clear(struct handler *self);

/* [24] Application.log_request: the access line. */
void handler_log_request(struct handler *self);

/* [21] Sets the Allow header: the methods that the class has. */
void handler_set_allow(struct handler *self);

#endif
