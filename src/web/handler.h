/* [13] handler.h -- what only the framework's own files may use.
 *
 *     Tornado 2.0: tornado/web.py, the attributes of RequestHandler
 *     Layer 5: it knows requests, and nothing of sockets. */
#ifndef HANDLER_H
#define HANDLER_H

#include "httprequest.h"
#include "urlspec.h" /* [23] */

/* The methods that Tornado supports. */
enum { METHOD_GET, METHOD_HEAD, METHODS = 6 };

/* [23] Room for an entity tag and its NUL. */
enum { ETAG_SIZE = sizeof "\"0123456789a\"" };

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
    bool headers_written; /* [15] */
    bool sends_body; /* [23] */
    bool last; /* [25] the flush of handler_finish() */
    bool finished;

    /* [23] What the groups of the pattern have matched in the path. */
    regmatch_t groups[URLSPEC_GROUPS];

    /* [15] An array with room for more headers is in the arena. */
    struct httpheader first_headers[8];

    char etag[ETAG_SIZE]; /* [23] made by add_etag() */
    max_align_t state[]; /* [24] the class's own */
};

/* [15] RequestHandler.clear: what every answer begins with. */
void handler_clear(struct handler *self);

/* [24] Application.log_request: the access line. */
void handler_log_request(struct handler *self);

/* [21] Sets the Allow header: the methods that the class has. */
void handler_set_allow(struct handler *self);

/* [23] RequestHandler.compute_etag: an entity tag for this body. */
void conditional_etag(char to[ETAG_SIZE], const struct buffer *body);

/* [23] The conditions on this tag, for GET and HEAD (RFC 9110, section 13.2.2).
 * 0: the method is carried out. 304: the client has this version of the page
 * already (If-None-Match). */
int conditional_check_tag(const struct httprequest *request, const char *etag);

/* [29] All conditions, also those on dates.
 * - `modified` is when the page or file was last modified.
 * - 412, also from conditional_check_tag(): the client means another version
 *   (If-Match, If-Unmodified-Since).
 * - An invalid date is ignored. */
int conditional_check(const struct httprequest *request, const char *etag,
                      time_t modified);

#endif
