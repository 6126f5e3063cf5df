/* [23] conditional.h -- entity tags and the conditions of a request.
 *
 *     Tornado 2.0: tornado/web.py, RequestHandler.compute_etag, and parts of
 *     finish and of StaticFileHandler.get
 *     Layer 5: it knows requests, and nothing of sockets. */
#ifndef CONDITIONAL_H
#define CONDITIONAL_H

#include <time.h> /* [29] */

#include "httprequest.h"

/* RequestHandler.compute_etag: a strong entity tag for this body. */
enum { CONDITIONAL_ETAG_SIZE = sizeof "\"0123456789a\"" };
void conditional_etag(char to[CONDITIONAL_ETAG_SIZE],
                      const struct buffer *body);

/* The conditions on this tag, for GET and HEAD (RFC 9110, section 13.2.2). 0:
 * the method is carried out. 304: the client has this version of the page
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
