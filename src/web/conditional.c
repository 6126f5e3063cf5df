/* [11] conditional.c -- see conditional.h. */
#include "conditional.h"

#include <stdint.h>
#include <string.h>

/* --- entity tags ---------------------------------------------------------- */

/* Tornado takes SHA-1. There is no attacker to fool here: two bodies of one
 * URL have to differ in their tags, and for that 64 bits of FNV-1a are
 * enough. */
void
conditional_etag(char to[CONDITIONAL_ETAG_SIZE], const struct buffer *body)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < buffer_length(body); i++) {
        hash ^= (unsigned char)body->data[body->start + i];
        hash *= 0x100000001b3;
    }
    to[0] = to[17] = '"';
    to[18] = '\0';
    for (size_t i = 16; i > 0; i--, hash >>= 4)
        to[i] = "0123456789abcdef"[hash & 15];
}

/* Is `etag` an element of the list, or is the list "*"? An element with W/ in
 * front is equal only in a weak comparison (RFC 9110, section 8.8.3.2). A tag
 * may contain a comma, so it is skipped from quote to quote. */
static bool
list_has(const char *list, const char *etag, bool weak)
{
    size_t size = strlen(etag);

    if (strcmp(list, "*") == 0)
        return true;
    while (*list != '\0') {
        list += strspn(list, " \t,");
        if (weak && strncmp(list, "W/", 2) == 0)
            list += 2;
        if (strncmp(list, etag, size) == 0)
            return true;
        list += strcspn(list, "\",");
        if (*list == '"')
            list += 1 + strcspn(list + 1, "\"");
        list += strcspn(list, ",");
    }
    return false;
}

/* The header may be repeated. Its lines are searched one by one: to join them
 * would need memory. */
static bool
header_has(const struct httprequest *r, const char *name, const char *etag,
           bool weak)
{
    const char *list;

    for (size_t i = 0;
         (list = httpheaders_get_list(&r->headers, name, i)) != NULL; i++)
        if (list_has(list, etag, weak))
            return true;
    return false;
}

bool
conditional_client_has(const struct httprequest *r, const char *etag)
{
    return header_has(r, "If-None-Match", etag, true);
}

/* [14] --- conditions ------------------------------------------------------ */

bool
conditional_client_means(const struct httprequest *r, const char *etag)
{
    return httpheaders_get_list(&r->headers, "If-Match", 0) == NULL ||
           header_has(r, "If-Match", etag, false);
}

/* The date in a header; -1 if there is no valid one. */
static time_t
header_date(const struct httprequest *r, const char *name)
{
    const char *date = httpheaders_get(&r->headers, name);

    return date != NULL ? httputil_parse_date(date) : -1;
}

/* In the order of RFC 9110, section 13.2.2. If there is a condition on the tag,
 * the one on the date is ignored. 304 is for GET and HEAD only. */
int
conditional_check(const struct httprequest *r, const char *etag,
                  time_t modified)
{
    time_t unmodified = header_date(r, "If-Unmodified-Since");
    time_t since = header_date(r, "If-Modified-Since");
    bool reads = strcmp(r->method, "GET") == 0 ||
                 strcmp(r->method, "HEAD") == 0;

    if (!conditional_client_means(r, etag))
        return 412;
    if (httpheaders_get_list(&r->headers, "If-Match", 0) == NULL &&
        unmodified != -1 && modified > unmodified)
        return 412;
    if (conditional_client_has(r, etag))
        return reads ? 304 : 412;
    if (httpheaders_get_list(&r->headers, "If-None-Match", 0) == NULL &&
        since != -1 && modified != -1 && modified <= since)
        return reads ? 304 : 0;
    return 0;
}
