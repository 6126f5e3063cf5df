/* [30] webcookie.c -- see webcookie.h.
 *
 * In reading order: cookies, signed values (chapter 31), and XSRF tokens, which
 * need cookies. */
#include "webcookie.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler.h"
#include "sha256.h" /* [31] */
#include "system.h"

static const char xsrf[] = "_xsrf";

/* --- cookies ------------------------------------------------------------- */

const char *
handler_get_cookie(struct handler *self, const char *name)
{
    struct httprequest *r = self->request;
    const char *wrong = httprequest_parse_cookies(r);

    if (wrong != NULL) {
        handler_fail(self, atoi(wrong), wrong + 4);
        return NULL;
    }
    for (size_t i = r->cookies.n; i-- > 0;)
        if (strcmp(r->cookies.items[i].name, name) == 0)
            return r->cookies.items[i].value;
    return NULL;
}

/* RFC 6265, section 4.1.1: printable, and none of the bytes that could end the
 * value. Other values are refused, not escaped: there is no escape that all
 * browsers read in the same way. */
static bool
is_cookie_value(const char *value)
{
    while (*value > ' ' && *value <= '~' && strchr("\",;\\", *value) == NULL)
        value++;
    return *value == '\0';
}

/* A flag that only handler_xsrf_token() uses. */
enum { COOKIE_XSRF = 2 };

/* SameSite=Lax: the browser does not send the cookie with a POST from a
 * foreign page.
 *
 * The name _xsrf is refused. A route may take the name and the value of a
 * cookie from the URL. Then a foreign page could link to a URL with a token
 * that it knows, and forms with this token would be accepted. */
bool
handler_set_cookie(struct handler *self, const char *name, const char *value,
                   int days, int flags)
{
    struct httprequest *r = self->request;
    char expires[HTTP_DATE_SIZE] = "";
    size_t size = strlen(name) + strlen(value) + 128;
    char *header;

    if (!httputil_is_token(name) || !is_cookie_value(value) ||
        (strcmp(name, xsrf) == 0 && flags != COOKIE_XSRF))
        return false;
    header = arena_alloc(&r->arena, size);
    if (header == NULL) {
        handler_fail(self, 503, http_no_memory);
        return true;
    }
    if (days != 0)
        httputil_format_date(expires, time(NULL) + (time_t)days * 86400);
    snprintf(header, size, "%s=%s%s%s; Path=/%s%s; SameSite=Lax", name, value,
             days != 0 ? "; Expires=" : "", expires,
             flags == COOKIE_HTTP_ONLY ? "; HttpOnly" : "",
             strcmp(r->protocol, "https") == 0 ? "; Secure" : "");
    handler_add_header(self, "Set-Cookie", header);
    return true;
}

/* [31] --- signed values --------------------------------------------------- */

enum { SIGNATURE = 2 * SHA256_SIZE }; /* digits */

/* What is signed is "32|1300000000|visits": the value in hexadecimal digits,
 * the time, and the name of the cookie. Tornado 2.0 signs them with nothing
 * between them, so one signature is valid for every way to split the text.
 * Here the digits cannot contain the separator: there is only one way.
 * `signature` may be a part of `text`. */
static void
sign(struct handler *self, char signature[SIGNATURE + 1], const char *text)
{
    unsigned char mac[SHA256_SIZE];

    hmac_sha256(mac, self->cookie_secret, strlen(self->cookie_secret), text,
                strlen(text));
    httputil_encode_hex(signature, mac, sizeof mac);
}

/* In the cookie the signature takes the place of the name. The size has room
 * for both, and for the time. */
bool
handler_set_secure_cookie(struct handler *self, const char *name,
                          const char *value, int days)
{
    size_t n = strlen(value);
    size_t size = 2 * n + 32 + strlen(name) + SIGNATURE;
    char *text = arena_alloc(&self->request->arena, size), *end;

    if (self->cookie_secret == NULL)
        return false;
    if (text == NULL) {
        handler_fail(self, 503, http_no_memory);
        return true;
    }
    httputil_encode_hex(text, (const unsigned char *)value, n);
    end = text + 2 * n;
    end += sprintf(end, "|%lld|", (long long)time(NULL));
    strcpy(end, name);
    sign(self, end, text);
    return handler_set_cookie(self, name, text, days, COOKIE_HTTP_ONLY);
}

/* The signature is verified first; before that no field of the text is parsed.
 * The name of a cookie may contain "|", so the text has to end behind its
 * second "|". Otherwise a client could take the signature of a cookie "a|b",
 * write "a|" in front of it, and it would be valid for a cookie "b". A time
 * far in the future is not valid: such a value would never expire. */
const char *
handler_get_secure_cookie(struct handler *self, const char *name,
                          int max_age_days)
{
    const char *text = handler_get_cookie(self, name), *end;
    size_t size = text != NULL ? strlen(text) : 0, n, then;
    char signature[SIGNATURE + 1], *copy, *value;
    long long now = time(NULL);

    if (size < SIGNATURE || self->cookie_secret == NULL)
        return NULL;
    size -= SIGNATURE;
    copy = arena_alloc(&self->request->arena, size + strlen(name) + 1);
    value = arena_alloc(&self->request->arena, size / 2 + 1);
    if (copy == NULL || value == NULL) {
        handler_fail(self, 503, http_no_memory);
        return NULL;
    }
    sprintf(copy, "%.*s%s", (int)size, text, name);
    sign(self, signature, copy);
    if (!equal_in_constant_time(signature, text + size, SIGNATURE))
        return NULL;
    n = httputil_decode_hex((unsigned char *)value, text, size / 2);
    value[n] = '\0';
    end = text + 2 * n;
    if (*end++ != '|' || !httputil_parse_digits(&end, 10, &then))
        return NULL;
    if (*end++ != '|' || end != text + size)
        return NULL;
    if (then > (size_t)now + 31 * 86400 ||
        (long long)then < now - max_age_days * 86400LL)
        return NULL;
    return value;
}

/* --- XSRF ----------------------------------------------------------------- */

/* A foreign page can make a browser send a form to this server, with the
 * cookies; it cannot read what this server has sent to that browser. So a form
 * that contains the token of the cookie does not come from a foreign page. */
enum { TOKEN = 16 }; /* bytes */

/* If a page is compressed and also shows bytes of the request, its size tells
 * an attacker, letter by letter, what else is in it (BREACH). So each page
 * shows the token behind another mask: the mask, and then token ^ mask. */
static char *
encode_token(struct handler *self, const unsigned char token[TOKEN])
{
    char *text = arena_alloc(&self->request->arena, 4 * TOKEN + 1);
    unsigned char shown[2 * TOKEN];

    if (text == NULL || getentropy(shown, TOKEN) == -1)
        return NULL;
    for (int i = 0; i < TOKEN; i++)
        shown[TOKEN + i] = shown[i] ^ token[i];
    httputil_encode_hex(text, shown, sizeof shown);
    return text;
}

static bool
decode_token(unsigned char token[TOKEN], const char *text)
{
    unsigned char shown[2 * TOKEN];

    if (text == NULL || strlen(text) != 2 * sizeof shown ||
        httputil_decode_hex(shown, text, sizeof shown) != sizeof shown)
        return false;
    for (int i = 0; i < TOKEN; i++)
        token[i] = shown[i] ^ shown[TOKEN + i];
    return true;
}

/* The token of the cookie, or a new one. The new one is added to the cookies of
 * this request: so the second form of a page has the same token. The cookie is
 * not HTTP_ONLY, because scripts of the site's own pages read it. */
const char *
handler_xsrf_token(struct handler *self)
{
    const char *cookie = handler_get_cookie(self, xsrf), *text = NULL;
    unsigned char token[TOKEN];
    bool known = decode_token(token, cookie);

    if (!known && getentropy(token, TOKEN) == 0) {
        cookie = encode_token(self, token);
        known = cookie != NULL &&
                handler_set_cookie(self, xsrf, cookie, 30, COOKIE_XSRF) &&
                httpheaders_add(&self->request->cookies, xsrf, cookie);
    }
    if (known)
        text = encode_token(self, token);
    if (text == NULL)
        handler_fail(self, 503, "no memory or random bytes for a token");
    return text;
}

void
handler_xsrf_form_html(struct handler *self)
{
    const char *token = handler_xsrf_token(self);

    if (token != NULL)
        handler_printf(self, "<input type=\"hidden\" name=\"_xsrf\" "
                       "value=\"%s\"/>", token);
}

/* Each of the three may be empty, or left over from another form, so one that
 * matches is enough. */
bool
handler_check_xsrf_cookie(struct handler *self)
{
    struct httpheaders *headers = &self->request->headers;
    struct arguments *fields = &self->request->arguments;
    const char *shown[] = {httpform_argument(fields, xsrf, HTTP_LAST),
                           httpheaders_get(headers, "X-XSRFToken"),
                           httpheaders_get(headers, "X-CSRFToken")};
    unsigned char known[TOKEN], given[TOKEN];
    bool has_cookie = decode_token(known, handler_get_cookie(self, xsrf));

    for (size_t i = 0; has_cookie && i < 3; i++)
        if (decode_token(given, shown[i]) &&
            equal_in_constant_time(known, given, TOKEN))
            return true;
    handler_send_error(self, 403, NULL);
    return false;
}
