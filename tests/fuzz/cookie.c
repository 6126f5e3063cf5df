/* cookie.c -- cookies, signed values, and XSRF tokens.
 *
 * - The cookies are those that a plain parser finds, and of two with one name
 *   the last one counts.
 * - What the server has signed it reads as it was, under the same name only;
 *   and not after a change of one bit.
 * - A text that it has not signed in this form is no value, not even with a
 *   valid signature.
 * - A form is accepted only if it shows the token of the cookie.
 *
 * Each line of the input is a Cookie header. The first line is also a value to
 * be signed, a text with a signature, and a token. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "handler.h"
#include "httputil.h"
#include "log.h"
#include "sha256.h"
#include "webcookie.h"

static const char secret[] = "secret";

/* A handler for a request without headers. */
static struct handler *
new_handler(void)
{
    static const struct handler_class class = {0};
    static struct ioloop *loop;
    struct httprequest *r = httprequest_new();
    struct handler *self = arena_alloc(&r->arena, sizeof *self);

    if (loop == NULL)
        loop = ioloop_new(NULL);
    log_level = LOG_NONE;
    r->loop = loop;
    r->method = "POST";
    r->uri = "/";
    r->version = "HTTP/1.1";
    *self = (struct handler){.class = &class, .cookie_secret = secret,
                             .request = r};
    handler_clear(self);
    return self;
}

/* Finishes the answer, unless that has been done, and frees the request. */
static void
end_handler(struct handler *self)
{
    struct ioloop *loop = self->request->loop;

    if (!self->finished)
        handler_finish(self);
    ioloop_close_all(loop);
    check(memory_in_use() == 0, "all buffers and arenas have been freed");
}

/* --- cookies --------------------------------------------------------- */

/* Copies a part of a line without the blanks around it. */
static void
copy_trimmed(char *to, const char *from, size_t size)
{
    while (size > 0 && (*from == ' ' || *from == '\t'))
        from++, size--;
    while (size > 0 && (from[size - 1] == ' ' || from[size - 1] == '\t'))
        size--;
    sprintf(to, "%.*s", (int)size, from);
}

/* Compares the cookies of a line with those of the request from number *n on.
 * False: there are too many. */
static bool
check_line(const struct httprequest *r, const char *line, size_t *n)
{
    static char name[HTTP_MAX_LINE], value[HTTP_MAX_LINE];

    while (*line != '\0') {
        size_t size = strcspn(line, ";"), name_size = strcspn(line, "=");
        const char *pair = line;

        line += size + (line[size] == ';');
        if (name_size >= size)
            continue;
        copy_trimmed(name, pair, name_size);
        copy_trimmed(value, pair + name_size + 1, size - name_size - 1);
        size = strlen(value);
        if (size > 1 && value[0] == '"' && value[size - 1] == '"') {
            value[size - 1] = '\0';
            memmove(value, value + 1, size - 1);
        }
        if (*name == '\0')
            continue;
        if (*n == HTTP_MAX_COOKIES)
            return false;
        check(*n < r->cookies.n &&
              strcmp(r->cookies.items[*n].name, name) == 0 &&
              strcmp(r->cookies.items[*n].value, value) == 0,
              "a cookie has its name and its value");
        ++*n;
    }
    return true;
}

static void
check_cookies(char *const *lines, size_t nlines)
{
    struct handler *self = new_handler();
    struct httprequest *r = self->request;
    const char *wrong;
    bool ok = true;
    size_t n = 0;

    for (size_t i = 0; i < nlines; i++)
        httpheaders_add(&r->headers, "Cookie", lines[i]);
    wrong = httprequest_parse_cookies(r);
    for (size_t i = 0; ok && i < nlines; i++)
        ok = check_line(r, lines[i], &n);
    check(ok ? wrong == NULL : wrong != NULL && atoi(wrong) == 400,
          "only too many cookies are refused");
    check(n == r->cookies.n, "there are no more cookies");
    for (size_t i = 0; wrong == NULL && i < n; i++) {
        const struct httpheader *all = r->cookies.items, *last = &all[n - 1];

        while (strcmp(last->name, all[i].name) != 0)
            last--;
        check(handler_get_cookie(self, all[i].name) == last->value,
              "the last cookie of a name counts");
    }
    end_handler(self);
}

/* --- signed values --------------------------------------------------- */

static const char *
get_signed(const char *name, const char *text, struct handler *self)
{
    httpheaders_add(&self->request->cookies, name, text);
    return handler_get_secure_cookie(self, name, 1);
}

static void
check_signed(const char *value, unsigned seed)
{
    struct handler *self = new_handler();
    char *text, *end;
    const char *got;
    size_t size;

    check(handler_set_secure_cookie(self, "name", value, 1), "it is signed");
    got = httpheaders_get(&self->headers, "Set-Cookie");
    check(got != NULL && strncmp(got, "name=", 5) == 0, "there is a cookie");
    text = string_copy(got + 5, strlen(got + 5));
    end = strchr(text, ';');
    check(end != NULL, "a cookie has attributes");
    *end = '\0';
    size = strlen(text);

    got = get_signed("name", text, self);
    check(got != NULL && strcmp(got, value) == 0, "it is read as it was");
    check(get_signed("nam", text, self) == NULL &&
          get_signed("names", text, self) == NULL,
          "a signature is for one name");
    text[seed % size] ^= (char)(1 << seed / 7919 % 7);
    check(get_signed("name", text, self) == NULL, "one bit makes it invalid");
    end_handler(self);
    free(text);
}

/* What a plain reading finds in "HEX|TIME|", as the server reads it in the name
 * of "name" at the time NOW: the value is written to `value`, which has room
 * for a byte more than half of the text. False: it is not such a text. */
static bool
plain_value(char *value, const char *text)
{
    static const char form[] = "^(([0-9a-fA-F]{2})*)\\|0*([0-9]{1,15})\\|$";
    static regex_t regex;
    static bool compiled;
    regmatch_t part[4];
    long long then, now = time(NULL);
    unsigned byte;

    if (!compiled)
        compiled = regcomp(&regex, form, REG_EXTENDED) == 0;
    check(compiled, "the form of a signed text is a regular expression");
    if (regexec(&regex, text, 4, part, 0) != 0)
        return false;
    for (regoff_t i = 0; i < part[1].rm_eo; i += 2) {
        sscanf(text + i, "%2x", &byte);
        *value++ = (char)byte;
    }
    *value = '\0';
    then = atoll(text + part[3].rm_so);
    return then >= now - 86400 && then <= now + 31 * 86400;
}

/* The text is not of the server, but the signature is valid. */
static void
check_text(const char *text)
{
    struct handler *self = new_handler();
    size_t size = strlen(text);
    unsigned char mac[SHA256_SIZE];
    char *with = malloc(size + 2 * SHA256_SIZE + 1);
    char *value = malloc(size / 2 + 1);
    const char *got;

    check(get_signed("name", text, self) == NULL, "a value has a signature");
    sprintf(with, "%sname", text);
    hmac_sha256(mac, secret, strlen(secret), with, strlen(with));
    httputil_encode_hex(with + size, mac, sizeof mac);
    got = get_signed("name", with, self);
    if (plain_value(value, text))
        check(got != NULL && strcmp(got, value) == 0, "it has its value");
    else
        check(got == NULL, "a signed text has its form");
    end_handler(self);
    free(value);
    free(with);
}

/* --- XSRF tokens ----------------------------------------------------- */

/* The token in the digits of the mask and of token ^ mask. False: there is
 * none. */
static bool
plain_token(unsigned token[32], const char *text)
{
    unsigned digits[64];

    if (strlen(text) != 64 || strspn(text, "0123456789abcdefABCDEF") != 64)
        return false;
    for (size_t i = 0; i < 64; i++)
        sscanf((char[]){text[i], '\0'}, "%1x", &digits[i]);
    for (size_t i = 0; i < 32; i++)
        token[i] = digits[i] ^ digits[32 + i];
    return true;
}

static void
check_xsrf(const char *cookie, const char *shown)
{
    struct handler *self = new_handler();
    unsigned a[32], b[32];
    bool same = plain_token(a, cookie) && plain_token(b, shown) &&
                memcmp(a, b, sizeof a) == 0;

    httpheaders_add(&self->request->cookies, "_xsrf", cookie);
    httpheaders_add(&self->request->headers, "X-XSRFToken", shown);
    check(handler_check_xsrf_cookie(self) == same,
          "a form is accepted if it shows the token of the cookie");
    end_handler(self);
}

/* The page shows a token that belongs to the cookie of the request, or to a new
 * one. */
static void
check_token(const char *cookie)
{
    struct handler *self = new_handler();
    const char *token;
    char *copy;

    httpheaders_add(&self->request->cookies, "_xsrf", cookie);
    token = handler_xsrf_token(self);
    check(token != NULL, "there is a token");
    httpheaders_add(&self->request->headers, "X-XSRFToken", token);
    check(handler_check_xsrf_cookie(self), "a page shows the right token");
    copy = string_copy(token, strlen(token));
    end_handler(self);
    check_xsrf(cookie, copy);
    check_xsrf(copy, cookie);
    free(copy);
}

/* --- the harness ----------------------------------------------------- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_LINES = 50 };
    char *lines[MAX_LINES], *text = string_copy(data, size), *rest = text;
    size_t n = 0;

    /* A header has a limit, and no control bytes. */
    while (rest != NULL && n < MAX_LINES) {
        char *line = strsep(&rest, "\n");

        if (strlen(line) < HTTP_MAX_LINE &&
            httputil_is_value(line, strlen(line)))
            lines[n++] = line;
    }
    check_cookies(lines, n);
    if (n > 0) {
        check_signed(lines[0], (unsigned)size * 2654435761u);
        check_text(lines[0]);
        check_token(lines[0]);
        check_xsrf(lines[0], lines[n - 1]);
    }
    free(text);
    return 0;
}
