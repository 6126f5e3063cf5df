/* [11] conditional.h -- entity tags and the conditions of a request.
 *
 *     Tornado 2.0: tornado/web.py, RequestHandler.compute_etag, and parts of
 *     finish and of StaticFileHandler.get
 *     Layer 5: it knows requests, and nothing of sockets. */
#ifndef CONDITIONAL_H
#define CONDITIONAL_H

#include <stdbool.h>
#include <time.h> /* [14] */

#include "httprequest.h"

/* RequestHandler.compute_etag: a strong entity tag for this body. */
enum { CONDITIONAL_ETAG_SIZE = 19 };
void conditional_etag(char to[CONDITIONAL_ETAG_SIZE],
                      const struct buffer *body);

/* If-None-Match: does the client say that it has this representation? */
bool conditional_client_has(const struct httprequest *request,
                            const char *etag);

/* [14] If-Match: is this the representation that the client means? True if
 * there is no If-Match. */
bool conditional_client_means(const struct httprequest *request,
                              const char *etag);

/* [14] All conditions of RFC 9110, section 13, for a representation with this
 * tag.
 * - `modified` is when it was last modified; -1: not known.
 * - 0: the method may be carried out. 304: the client has it already. 412: it
 *   is not the one that the client means.
 * - An invalid date is ignored. */
int conditional_check(const struct httprequest *request, const char *etag,
                      time_t modified);

#endif
