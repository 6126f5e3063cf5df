/* [15] webcookie.c -- see webcookie.h.
 *
 * In reading order: plain cookies, signed values, XSRF tokens. */
#include "webcookie.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sha256.h"
#include "system.h"

/* --- cookies ------------------------------------------------------------- */

const char *
handler_get_cookie(struct handler *self, const char *name)
{
    const struct httprequest *r = handler_request(self);

    for (size_t i = r->ncookies; i-- > 0;)
        if (strcmp(r->cookies[i].name, name) == 0)
            return r->cookies[i].value;
    return NULL;
}

/* RFC 6265, section 4.1.1: printable, and none of the bytes that could end the
 * value. What is not allowed is refused, not escaped: no two browsers agree on
 * how to read it back. */
static bool
is_cookie_value(const char *value)
{
    for (; *value != '\0'; value++)
        if (*value <= ' ' || *value > '~' || strchr("\",;\\", *value) != NULL)
            return false;
    return true;
}

/* SameSite=Lax: a foreign page's forms do not carry it. */
bool
handler_set_cookie(struct handler *self, const char *name, const char *value,
                   int days, int flags)
{
    struct httprequest *r = handler_request(self);
    bool https = strcmp(r->protocol, "https") == 0;
    char expires[HTTP_DATE_SIZE] = "";
    size_t size = strlen(name) + strlen(value) + 128;
    char *header;

    if (!httputil_is_token(name) || !is_cookie_value(value))
        return false;
    header = arena_alloc(&r->arena, size);
    if (header == NULL)
        return false;
    if (days != 0)
        httputil_format_date(expires, time(NULL) + (time_t)days * 86400);
    snprintf(header, size, "%s=%s%s%s; Path=/%s%s; SameSite=Lax", name, value,
             days != 0 ? "; Expires=" : "", expires,
             flags & COOKIE_HTTP_ONLY ? "; HttpOnly" : "",
             https ? "; Secure" : "");
    handler_add_header(self, "Set-Cookie", header);
    return true;
}

/* There is no other way to take a note back than to say that it has expired. */
bool
handler_clear_cookie(struct handler *self, const char *name)
{
    return handler_set_cookie(self, name, "", -365, 0);
}

/* --- base64 and hexadecimal ----------------------------------------------- */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, section 4: three bytes are four digits, and "=" what is missing.
 * `to` has room for 4 * (size + 2) / 3 + 1. */
static void
encode_base64(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = 0;

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < size ? (unsigned char)from[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *to++ = i + k <= size ? base64[bits >> (18 - 6 * k) & 63] : '=';
    }
    *to = '\0';
}

/* Ends `to`, which has room for size + 1, with a NUL. Only for what we have
 * signed, so nobody else can have written it, and it is well formed. */
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

/* `to` has room for 2 * size + 1. */
static void
encode_hex(char *to, const unsigned char *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        snprintf(to + 2 * i, 3, "%02x", from[i]);
}

/* False if these are not 2 * size digits. */
static bool
decode_hex(unsigned char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char hex[3] = {0};

        for (size_t k = 0; k < 2; k++)
            if (isxdigit((unsigned char)from[2 * i + k]))
                hex[k] = from[2 * i + k];
            else
                return false;
        to[i] = (unsigned char)strtoul(hex, NULL, 16);
    }
    return true;
}

/* --- signed values -------------------------------------------------------- */

enum { SIGNATURE = 2 * SHA256_SIZE };

/* What is signed: "2|1:0|10:1300000000|3:key|8:dmFsdWU=|". Each field says how
 * long it is. Tornado's first format did not: it signed name, value and time
 * in a row, and so did not tell one split of that row from another (changed in
 * 3.2.1). */
static char *
to_be_signed(struct handler *self, const char *name, const char *value,
             time_t now)
{
    size_t n = strlen(value), size = strlen(name) + 2 * n + 128 + SIGNATURE;
    struct arena **arena = &handler_request(self)->arena;
    char *text = arena_alloc(arena, size);
    char *digits = arena_alloc(arena, 2 * n + 8), when[24];

    if (text == NULL || digits == NULL)
        return NULL;
    encode_base64(digits, value, n);
    snprintf(when, sizeof when, "%lld", (long long)now);
    snprintf(text, size, "2|1:0|%zu:%s|%zu:%s|%zu:%s|", strlen(when), when,
             strlen(name), name, strlen(digits), digits);
    return text;
}

static void
sign(struct handler *self, char signature[SIGNATURE + 1], const char *text,
     size_t size)
{
    const char *secret = handler_cookie_secret(self);
    unsigned char mac[SHA256_SIZE];

    hmac_sha256(mac, secret, strlen(secret), text, size);
    encode_hex(signature, mac, sizeof mac);
}

bool
handler_set_secure_cookie(struct handler *self, const char *name,
                          const char *value, int days)
{
    char *text = to_be_signed(self, name, value, time(NULL));
    size_t size;

    if (text == NULL || handler_cookie_secret(self) == NULL)
        return false;
    size = strlen(text);
    sign(self, text + size, text, size);
    return handler_set_cookie(self, name, text, days, COOKIE_HTTP_ONLY);
}

/* The field at *text, "3:key|"; *text moves behind it. NULL if it is none. */
static const char *
next_field(const char **text, size_t *size)
{
    char *end;
    const char *field;

    *size = strtoul(*text, &end, 10);
    if (end == *text || *end != ':' || strlen(end + 1) <= *size ||
        end[1 + *size] != '|')
        return NULL;
    field = end + 1;
    *text = field + *size + 1;
    return field;
}

/* First the signature: until it is found to be right, nothing in the text is
 * worth reading. A value from the far future is none, either: it could be kept
 * for as long as its author likes. */
const char *
handler_get_secure_cookie(struct handler *self, const char *name,
                          int max_age_days)
{
    const char *text = handler_get_cookie(self, name), *when, *key, *value;
    size_t size = text != NULL ? strlen(text) : 0, n, key_size, value_size;
    char signature[SIGNATURE + 1], *plain;
    time_t now = time(NULL), then;

    if (size <= SIGNATURE + 2 || strncmp(text, "2|", 2) != 0 ||
        handler_cookie_secret(self) == NULL)
        return NULL;
    size -= SIGNATURE;
    sign(self, signature, text, size);
    if (!equal_in_constant_time(signature, text + size, SIGNATURE))
        return NULL;
    text += 2;
    if (next_field(&text, &n) == NULL ||
        (when = next_field(&text, &n)) == NULL ||
        (key = next_field(&text, &key_size)) == NULL ||
        (value = next_field(&text, &value_size)) == NULL)
        return NULL;
    then = (time_t)strtoll(when, NULL, 10);
    if (key_size != strlen(name) || memcmp(key, name, key_size) != 0 ||
        then < now - (time_t)max_age_days * 86400 || then > now + 31 * 86400)
        return NULL;
    plain = arena_alloc(&handler_request(self)->arena, value_size + 1);
    if (plain != NULL)
        decode_base64(plain, value, value_size);
    return plain;
}

/* --- XSRF ----------------------------------------------------------------- */

/* A foreign page can make a browser send us a form, cookies and all; it cannot
 * read what we have sent to that browser. So whoever knows what is in the
 * cookie has either read our page, or is not the foreign page.
 *
 * Where the page is compressed and also shows what a stranger has sent, its
 * size tells the stranger letter by letter what else is in it (BREACH). So no
 * two pages show the same letters: "2|mask|token ^ mask|when". */
enum { MASK = 4, TOKEN = 16 };

static char *
encode_token(struct handler *self, const unsigned char token[TOKEN])
{
    char *text = arena_alloc(&handler_request(self)->arena, 96);
    unsigned char masked[MASK + TOKEN];

    if (text == NULL || !random_bytes(masked, MASK))
        return NULL;
    for (int i = 0; i < TOKEN; i++)
        masked[MASK + i] = token[i] ^ masked[i % MASK];
    memcpy(text, "2|", 2);
    encode_hex(text + 2, masked, MASK);
    text[2 + 2 * MASK] = '|';
    encode_hex(text + 3 + 2 * MASK, masked + MASK, TOKEN);
    snprintf(text + 3 + 2 * (MASK + TOKEN), 24, "|%lld",
             (long long)time(NULL));
    return text;
}

static bool
decode_token(unsigned char token[TOKEN], const char *text)
{
    unsigned char mask[MASK];

    if (text == NULL || strncmp(text, "2|", 2) != 0 ||
        !decode_hex(mask, text + 2, MASK) || text[2 + 2 * MASK] != '|' ||
        !decode_hex(token, text + 3 + 2 * MASK, TOKEN) ||
        text[3 + 2 * (MASK + TOKEN)] != '|')
        return false;
    for (int i = 0; i < TOKEN; i++)
        token[i] ^= mask[i % MASK];
    return true;
}

/* A new token counts as a cookie of this request from now on: a page with two
 * forms has one. Not HTTP_ONLY: scripts of our own pages have to read it. */
static bool
new_token(struct handler *self, unsigned char token[TOKEN])
{
    char *text;

    if (!random_bytes(token, TOKEN))
        return false;
    text = encode_token(self, token);
    return text != NULL && handler_set_cookie(self, "_xsrf", text, 30, 0) &&
           httprequest_add_cookie(handler_request(self), "_xsrf", text);
}

const char *
handler_xsrf_token(struct handler *self)
{
    unsigned char token[TOKEN];
    const char *text = NULL;

    if (decode_token(token, handler_get_cookie(self, "_xsrf")) ||
        new_token(self, token))
        text = encode_token(self, token);
    if (text == NULL)
        handler_send_error(self, 503);
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
    struct httpheaders *headers = &handler_request(self)->headers;
    const char *shown = handler_get_arguments(self, "_xsrf",
                                              HTTP_LAST);
    unsigned char ours[TOKEN], theirs[TOKEN];

    if (shown == NULL)
        shown = httpheaders_get(headers, "X-XSRFToken");
    if (shown == NULL)
        shown = httpheaders_get(headers, "X-CSRFToken");
    if (decode_token(ours, handler_get_cookie(self, "_xsrf")) &&
        decode_token(theirs, shown) &&
        equal_in_constant_time(ours, theirs, TOKEN))
        return true;
    handler_send_error(self, 403);
    return false;
}
