/* head.c -- the head of a request: the request line and the headers.
 *
 * - The end of the head is found at the same byte, however it is cut.
 * - If the first bytes of a head are refused, so is the whole head, for the
 *   same reason.
 * - A head that is accepted has only valid parts; and written again, from these
 *   parts, it has the same parts.
 * - Each header is found, by any case of its name, and in its order.
 * - A head that is refused has one of the statuses for that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "httprequest.h"
#include "memory.h"

enum { MAX_HEAD = 2000, MAX_BODY = 1000 };

/* One of the statuses in the list, a space, and the reason. */
static void
check_wrong(const char *wrong, const char *statuses)
{
    char status[4];

    snprintf(status, sizeof status, "%s", wrong);
    check(strstr(statuses, status) != NULL && strlen(wrong) > 4 &&
          wrong[3] == ' ', "what is wrong has a status and a reason");
}

/* --- the end of the head --------------------------------------------- */

/* The size of the head; 0 if its end has not come. */
static size_t
head_size(const char *data, size_t size)
{
    static const char end[] = "\r\n\r\n";
    struct buffer *all = NULL, *part = NULL;
    size_t pos = 0, found = 0, n;

    check(buffer_append(&all, data, size), "there is memory for the data");
    n = buffer_find(all, end, &pos);
    pos = 0;
    for (size_t i = 1; i <= size && found == 0; i++) {
        check(buffer_append(&part, data + i - 1, 1), "there is memory");
        found = buffer_find(part, end, &pos);
        check(pos <= i, "the search resumes in the data");
        check(found == (i == n ? n : 0), "a head ends where its last byte is");
    }
    buffer_release(&all);
    buffer_release(&part);
    check(n == 0 || (n >= 2 && data[n - 1] == '\n'), "a head ends with LF");
    return n;
}

/* --- the first bytes of the head ------------------------------------- */

/* What the server says of them before the rest has come. */
static const char *
first_wrong(const char *data, size_t size)
{
    const char *wrong = NULL;

    for (size_t i = 1; i <= size && wrong == NULL; i++) {
        char *start = exact_copy(data, i);

        wrong = httprequest_check_start(start, i);
        free(start);
        if (memchr(data, '\n', i) != NULL)
            break;
    }
    return wrong;
}

/* --- the parts ------------------------------------------------------- */

static bool
is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

/* The k-th header of a name has k others of that name before it. */
static void
check_lookup(const struct httpheaders *headers, size_t i)
{
    const char *name = headers->items[i].name;
    const char *value = headers->items[i].value;
    size_t before = 0, all = 0;
    char *other = string_copy(name, strlen(name));

    for (char *p = other; *p != '\0'; p++)
        *p = (char)(*p >= 'a' && *p <= 'z'   ? *p - 'a' + 'A'
                    : *p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
    for (size_t k = 0; k < headers->n; k++) {
        bool same = strcasecmp(headers->items[k].name, name) == 0;

        all += same;
        before += same && k < i;
    }
    check(httpheaders_get_list(headers, other, before) == value,
          "each header is found, in its order");
    check(httpheaders_get_list(headers, other, all) == NULL,
          "there are no more headers of a name");
    check(httpheaders_get(headers, other) == (all == 1 ? value : NULL),
          "only a single header has a value");
    free(other);
}

static void
check_parts(const struct httprequest *r)
{
    check(httputil_is_token(r->method), "a method is a token");
    check(*r->uri != '\0' && is_printable(r->uri), "a target is printable");
    check(*r->path == '/' || strcmp(r->path, "*") == 0,
          "a path begins with a slash");
    check(is_printable(r->path) && strcspn(r->path, "?#") == strlen(r->path) &&
          is_printable(r->query), "path and query are parts of the target");
    check(strcmp(r->version, "HTTP/1.1") == 0 ||
          strcmp(r->version, "HTTP/1.0") == 0, "a version is 1.0 or 1.1");
    check(r->host != NULL && is_printable(r->host) &&
          strcspn(r->host, "/?#@\"<>\\^`{|}") == strlen(r->host),
          "a host is a host");
    check(r->headers.n <= HTTP_MAX_HEADERS, "there are at most 100 headers");
    for (size_t i = 0; i < r->headers.n; i++) {
        const struct httpheader *h = &r->headers.items[i];

        check(httputil_is_token(h->name) && h->name_size == strlen(h->name),
              "a name is a token");
        check(httputil_is_value(h->value, h->value_size) &&
              h->value_size == strlen(h->value), "a value has no control byte");
        check(strchr(" \t", *h->value) == NULL || *h->value == '\0',
              "no blank stands before a value");
        check(h->value_size == 0 || (h->value[h->value_size - 1] != ' ' &&
                                     h->value[h->value_size - 1] != '\t'),
              "no blank stands behind a value");
        check_lookup(&r->headers, i);
    }
}

/* --- the body's length ----------------------------------------------- */

static void
check_framing(struct httprequest *r)
{
    const struct httpheaders *h = &r->headers;
    const char *codings = httpheaders_get_list(h, "Transfer-Encoding", 0);
    const char *lengths = httpheaders_get_list(h, "Content-Length", 0);
    size_t length = 1;
    bool expects = true;
    const char *wrong = httprequest_body_length(r, MAX_BODY, &length);

    if (wrong != NULL)
        check_wrong(wrong, "400 413 501");
    else if (codings != NULL)
        check(lengths == NULL && length == HTTP_LENGTH_UNKNOWN,
              "a body has a length or a coding, and not both");
    else
        check(length == (lengths != NULL ? strtoull(lengths, NULL, 10) : 0) &&
              length <= MAX_BODY, "a body has the length of its header");
    wrong = httprequest_expects_continue(r, &expects);
    if (wrong != NULL)
        check_wrong(wrong, "417");
}

/* --- written again --------------------------------------------------- */

static struct httprequest *
parse(const char *data, size_t size, size_t max, const char **wrong)
{
    struct httprequest *r = httprequest_new();
    char *copy = exact_copy(data, size);

    *wrong = httprequest_parse_head(r, copy, size, max);
    free(copy);
    return r;
}

static void
check_again(const struct httprequest *r)
{
    static char text[2 * MAX_HEAD];
    const char *wrong;
    struct httprequest *again;
    char *p = text + sprintf(text, "%s %s %s\r\n", r->method, r->uri,
                             r->version);

    for (size_t i = 0; i < r->headers.n; i++)
        p += sprintf(p, "%s: %s\r\n", r->headers.items[i].name,
                     r->headers.items[i].value);
    p += sprintf(p, "\r\n");
    again = parse(text, (size_t)(p - text), sizeof text, &wrong);
    check(wrong == NULL, "a valid head is valid when it is written again");
    check(strcmp(r->path, again->path) == 0 &&
          strcmp(r->query, again->query) == 0 &&
          strcmp(r->host, again->host) == 0 && r->headers.n == again->headers.n,
          "it has the same parts then");
    for (size_t i = 0; i < r->headers.n; i++)
        check(strcmp(r->headers.items[i].value,
                     again->headers.items[i].value) == 0,
              "it has the same values then");
    httprequest_free(again);
}

/* --- the harness ----------------------------------------------------- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data, *wrong, *early;
    size_t n = head_size(bytes, size);
    struct httprequest *r;

    /* The server waits for the rest. */
    if (n == 0 && size <= MAX_HEAD)
        return 0;

    n = n == 0 || n > MAX_HEAD + 3 ? MAX_HEAD + 3 : n;
    n = n < size ? n : size;
    early = first_wrong(bytes, n);
    r = parse(bytes, n, MAX_HEAD, &wrong);
    if (wrong != NULL) {
        check_wrong(wrong, "400 414 431 501 505");
        check(early == NULL || strcmp(early, wrong) == 0,
              "the reason is the one that was known early");
    } else {
        check(early == NULL, "no start of a valid head is refused");
        check(n <= MAX_HEAD, "a valid head is not too long");
        check_parts(r);
        check_framing(r);
        check_again(r);
    }
    httprequest_free(r);
    return 0;
}
