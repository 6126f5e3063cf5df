/* [16] handler.h -- the struct of a handler, for web.c and its folder only.
 *
 *     Tornado 2.0: tornado/web.py, the attributes of RequestHandler
 *     Layer 5: it knows requests, and nothing of sockets. */
#ifndef HANDLER_H
#define HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conditional.h"
#include "httprequest.h"
#include "urlspec.h"

/* The methods that Tornado supports; the body of an answer to HEAD is counted,
 * but not sent. */
enum { METHOD_GET, METHOD_HEAD, METHODS = 6 };

/* RequestHandler. */
struct handler {
    const struct handler_class *class;
    const char *cookie_secret; /* [31] the application's; NULL: none */
    struct httprequest *request;
    size_t method; /* index in the table of names; METHODS: not in it */
    int status;
    int failed; /* the status of the error page to send instead; 0: none */
    const char *why; /* the detail for that page, or NULL */
    struct httpheaders headers;
    struct httpframing framing;
    struct buffer *body; /* written, but not flushed yet */
    uint64_t flushed; /* bytes of body */
    bool headers_written, sends_body, is_error, last, finished;

    /* Not zero at the start, unlike the fields above. */
    char etag[CONDITIONAL_ETAG_SIZE]; /* the value, if the server sets it */
    struct httpheader first_headers[8]; /* more are in the arena */
    regmatch_t groups[URLSPEC_GROUPS]; /* offsets in the path */
    max_align_t state[]; /* the class's own */
};

/* RequestHandler.clear: what every answer begins with. */
void handler_clear(struct handler *self);

/* Application.log_request: the access line. */
void handler_log_request(struct handler *self);

/* Sets the Allow header: the methods that the class has. */
void handler_set_allow(struct handler *self);

#endif
