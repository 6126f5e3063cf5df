/* [30] webcookie.h -- cookies and XSRF tokens.
 *
 *     Tornado 2.0: tornado/web.py, RequestHandler's cookies and XSRF tokens
 *     Layer 5: more functions for handlers.
 *
 * A cookie is a text that the server gives to a client, and that the client
 * sends with each request. The client can read and change it. */
#ifndef WEBCOOKIE_H
#define WEBCOOKIE_H

#include "web.h"

/* Without memory these call handler_fail(): the answer becomes a 503. */

/* RequestHandler.get_cookie: the last value, or NULL. (All cookies are in
 * handler_request(self)->cookies.) */
const char *handler_get_cookie(struct handler *self, const char *name);

/* RequestHandler.set_cookie: for the whole site.
 * - It expires after `days` days; 0: when the browser is closed. A negative
 *   number clears the cookie.
 * - COOKIE_HTTP_ONLY hides it from scripts. The browser never sends a cookie
 *   over http that was set over https.
 * - False, and nothing is done, if name or value could not stand in a cookie
 *   (RFC 6265, section 4.1.1), and for the name _xsrf. */
enum { COOKIE_HTTP_ONLY = 1 };
bool handler_set_cookie(struct handler *self, const char *name,
                        const char *value, int days, int flags);

/* [31] RequestHandler.set_secure_cookie: sets a cookie with any text, the time,
 * and a signature over name, text and time.
 * - The key is that of application_set_cookie_secret(). A client can read the
 *   text, but a changed text is not valid.
 * - The fields are those of Tornado 2.0: value|time|signature. The cookie is
 *   HTTP_ONLY.
 * - False as for handler_set_cookie(), and without a secret. */
bool handler_set_secure_cookie(struct handler *self, const char *name,
                               const char *value, int days);

/* [31] RequestHandler.get_secure_cookie: the value, if this server has signed
 * it, under that name, at most `max_age_days` days ago; else NULL. */
const char *handler_get_secure_cookie(struct handler *self, const char *name,
                                      int max_age_days);

/* RequestHandler.xsrf_token: the text by which a form proves that it comes from
 * this site. The token itself is in the cookie _xsrf, which is set if the
 * request has none; the text is the token under a new mask each time. NULL
 * without memory or random bytes: then the answer becomes a 503. */
const char *handler_xsrf_token(struct handler *self);

/* RequestHandler.xsrf_form_html: writes the token, as a field of a form. */
void handler_xsrf_form_html(struct handler *self);

/* RequestHandler.check_xsrf_cookie: does the request show the token, as the
 * argument _xsrf or as X-XSRFToken or X-CSRFToken? If not, 403 has been
 * answered, and the handler must return. Its class must have `form` set. */
bool handler_check_xsrf_cookie(struct handler *self);

#endif
