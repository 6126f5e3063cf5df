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

/* A flag that only new_token() uses. */
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

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, section 4: three bytes become four digits, and a missing digit is a
 * "=". Returns the end of the written text. */
static char *
encode_base64(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = 0;

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < size ? (unsigned char)from[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *to++ = i + k <= size ? base64[bits >> (18 - 6 * k) & 63] : '=';
    }
    return to;
}

/* Ends `to`, which has room for size + 1, with a NUL. Only for what the server
 * has signed, which is well formed. */
static void
decode_base64(char *to, const char *from, size_t size)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < size && from[i] != '='; i++) {
        const char *digit = strchr(base64, from[i]);

        bits = bits << 6 | (uint32_t)(digit != NULL ? digit - base64 : 0);
        if (i % 4 > 0)
            *to++ = (char)(bits >> (6 - 2 * (i % 4)));
    }
    *to = '\0';
}

enum { SIGNATURE = 2 * SHA256_SIZE };

/* `signature` has room for one byte more than SIGNATURE: a NUL. */
static void
sign(struct handler *self, char *signature, const char *text, size_t size)
{
    unsigned char mac[SHA256_SIZE];

    hmac_sha256(mac, self->cookie_secret, strlen(self->cookie_secret), text,
                size);
    httputil_encode_hex(signature, mac, sizeof mac);
}

/* What is signed: "2|1:0|10:1300000000|3:key|8:dmFsdWU=|". Each field has its
 * length in front. Tornado's first format did not: it joined name, value and
 * time, so one signature was valid for every way to split them (changed in
 * 3.2.1). */
bool
handler_set_secure_cookie(struct handler *self, const char *name,
                          const char *value, int days)
{
    size_t n = strlen(value), digits = (n + 2) / 3 * 4;
    size_t size = strlen(name) + digits + 128 + SIGNATURE;
    char *text = arena_alloc(&self->request->arena, size), *end, when[24];

    if (self->cookie_secret == NULL)
        return false;
    if (text == NULL) {
        handler_fail(self, 503, http_no_memory);
        return true;
    }
    snprintf(when, sizeof when, "%lld", (long long)time(NULL));
    end = text + sprintf(text, "2|1:0|%zu:%s|%zu:%s|%zu:", strlen(when), when,
                         strlen(name), name, digits);
    end = stpcpy(encode_base64(end, value, n), "|");
    sign(self, end, text, (size_t)(end - text));
    return handler_set_cookie(self, name, text, days, COOKIE_HTTP_ONLY);
}

/* The signature is verified first; before that no field of the text is
 * parsed. A time far in the future is not valid: such a value would never
 * expire. */
const char *
handler_get_secure_cookie(struct handler *self, const char *name,
                          int max_age_days)
{
    const char *text = handler_get_cookie(self, name), *key, *value;
    size_t size = text != NULL ? strlen(text) : 0, key_size, value_size;
    char signature[SIGNATURE + 1], *plain;
    long long now = time(NULL), then;
    int at = 0;

    if (size <= SIGNATURE || self->cookie_secret == NULL)
        return NULL;
    size -= SIGNATURE;
    sign(self, signature, text, size);
    if (!equal_in_constant_time(signature, text + size, SIGNATURE))
        return NULL;
    if (sscanf(text, "2|1:0|%*u:%lld|%zu:%n", &then, &key_size, &at) != 2 ||
        at == 0 || key_size != strlen(name))
        return NULL;
    key = text + at;
    at = 0;
    if (strncmp(key, name, key_size) != 0 ||
        sscanf(key + key_size, "|%zu:%n", &value_size, &at) != 1 || at == 0)
        return NULL;
    value = key + key_size + at;
    if (value_size != (size_t)(text + size - 1 - value) ||
        value[value_size] != '|' ||
        then < now - max_age_days * 86400LL || then > now + 31 * 86400)
        return NULL;
    plain = arena_alloc(&self->request->arena, value_size + 1);
    if (plain != NULL)
        decode_base64(plain, value, value_size);
    else
        handler_fail(self, 503, http_no_memory);
    return plain;
}

/* --- XSRF ----------------------------------------------------------------- */

/* A foreign page can make a browser send a form to this server, with the
 * cookies; it cannot read what this server has sent to that browser. So a form
 * that contains the token of the cookie does not come from a foreign page.
 *
 * If a page is compressed and also shows bytes of the request, its size tells
 * an attacker, letter by letter, what else is in it (BREACH). So each page
 * shows the token with another mask: "2|mask|token ^ mask|when". MASK and TOKEN
 * count hexadecimal digits; a byte holds one, in its low four bits. */
enum { MASK = 8, TOKEN = 32 };

static char *
encode_token(struct handler *self, const unsigned char token[TOKEN])
{
    static const char hex[] = "0123456789abcdef";
    char *text = arena_alloc(&self->request->arena, 96);
    unsigned char mask[MASK];

    if (text == NULL || getentropy(mask, MASK) == -1)
        return NULL;
    sprintf(text, "2|%*s|%*s|%lld", MASK, "", TOKEN, "", (long long)time(NULL));
    for (int i = 0; i < TOKEN; i++) {
        text[2 + i % MASK] = hex[mask[i % MASK] & 15];
        text[3 + MASK + i] = hex[(mask[i % MASK] ^ token[i]) & 15];
    }
    return text;
}

static bool
decode_token(unsigned char token[TOKEN], const char *text)
{
    char mask[MASK + 1], masked[TOKEN + 1];
    int end = 0;

    if (text != NULL)
        sscanf(text, "2|%8[0-9a-fA-F]|%32[0-9a-fA-F]|%n", mask, masked, &end);
    if (end != 4 + MASK + TOKEN)
        return false;
    for (int i = 0; i < TOKEN; i++)
        token[i] = (unsigned char)(httputil_hex_digit(mask[i % MASK]) ^
                                   httputil_hex_digit(masked[i]));
    return true;
}

/* The new token is added to the cookies of this request: so the second form of
 * a page has the same token. The cookie is not HTTP_ONLY, because scripts of
 * the site's own pages read it. */
static bool
new_token(struct handler *self, unsigned char token[TOKEN])
{
    char *text = getentropy(token, TOKEN) == 0 ? encode_token(self, token)
                                               : NULL;

    return text != NULL &&
           handler_set_cookie(self, xsrf, text, 30, COOKIE_XSRF) &&
           httpheaders_add(&self->request->cookies, xsrf, text);
}

const char *
handler_xsrf_token(struct handler *self)
{
    unsigned char token[TOKEN];
    const char *text = NULL;

    if (decode_token(token, handler_get_cookie(self, xsrf)) ||
        new_token(self, token))
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

bool
handler_check_xsrf_cookie(struct handler *self)
{
    struct httpheaders *headers = &self->request->headers;
    const char *shown = handler_get_arguments(self, xsrf, HTTP_LAST);
    unsigned char known[TOKEN], given[TOKEN];

    if (shown == NULL)
        shown = httpheaders_get(headers, "X-XSRFToken");
    if (shown == NULL)
        shown = httpheaders_get(headers, "X-CSRFToken");
    if (decode_token(known, handler_get_cookie(self, xsrf)) &&
        decode_token(given, shown) &&
        equal_in_constant_time(known, given, TOKEN))
        return true;
    handler_send_error(self, 403, NULL);
    return false;
}
