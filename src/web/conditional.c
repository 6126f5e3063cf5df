/* [23] conditional.c -- entity tags and the conditions of a request.
 *
 *     Tornado 2.0: tornado/web.py, RequestHandler.compute_etag, and parts of
 *     finish and of StaticFileHandler.get */
#include "handler.h"

#include <string.h>

/* --- entity tags ---------------------------------------------------------- */

/* A multiplication moves differences to higher bits only, and the shift moves
 * them to lower bits. Both can be undone, so two bodies of the same size that
 * differ in one word never have the same hash. */
static uint64_t
hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

/* Tornado takes SHA-1. There is no attacker to fool here: two bodies of one URL
 * have to differ in their tags, and for that 64 bits of a fast hash are enough.
 * The hash begins with the size, because zeros fill the last word. */
void
conditional_etag(char to[ETAG_SIZE], const struct buffer *body)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    size_t left = buffer_length(body);
    const char *data = left > 0 ? body->data + body->start : "";
    uint64_t hash = left, word = 0;

    for (; left >= sizeof word; left -= sizeof word, data += sizeof word) {
        memcpy(&word, data, sizeof word);
        hash = hash_word(hash, word);
    }
    word = 0;
    memcpy(&word, data, left);
    hash = hash_word(hash, word);
    *to++ = '"';
    for (int i = 0; i < 64; i += 6, hash >>= 6)
        *to++ = digits[hash & 63];
    strcpy(to, "\"");
}

/* Is `etag` an element of the lists in the headers of that name, or is one of
 * them "*"? An element with W/ in front is equal only in a weak comparison (RFC
 * 9110, section 8.8.3.2). A tag may contain a comma, so it is skipped from one
 * quote to the other. */
static bool
header_has(const struct httprequest *r, const char *name, const char *etag,
           bool weak)
{
    const char *list;

    for (size_t i = 0;
         (list = httpheaders_get_list(&r->headers, name, i)) != NULL; i++) {
        if (strcmp(list, "*") == 0)
            return true;
        while (*list != '\0') {
            list += strspn(list, " \t,");
            if (weak && strncmp(list, "W/", 2) == 0)
                list += 2;
            if (strncmp(list, etag, strlen(etag)) == 0)
                return true;
            list += strcspn(list, "\",");
            if (*list == '"')
                list += 1 + strcspn(list + 1, "\"");
            list += strcspn(list, ",");
        }
    }
    return false;
}

/* RFC 9110, section 13.2.2, for GET and HEAD. */
int
conditional_check_tag(const struct httprequest *r, const char *etag)
{
    /* [29] The client means another version. */
    if (httpheaders_get_list(&r->headers, "If-Match", 0) != NULL &&
        !header_has(r, "If-Match", etag, false))
        return 412;

    return header_has(r, "If-None-Match", etag, true) ? 304 : 0;
}

/* [29] --- dates ----------------------------------------------------------- */

/* The date in a header; -1 if it is not valid, or if the request has the header
 * `tag`, which decides in place of the date. */
static time_t
header_date(const struct httprequest *r, const char *name, const char *tag)
{
    const char *date = httpheaders_get(&r->headers, name);

    return date != NULL && httpheaders_get_list(&r->headers, tag, 0) == NULL
               ? httputil_parse_date(date) : -1;
}

int
conditional_check(const struct httprequest *r, const char *etag,
                  time_t modified)
{
    time_t unmodified = header_date(r, "If-Unmodified-Since", "If-Match");
    time_t since = header_date(r, "If-Modified-Since", "If-None-Match");
    int status = conditional_check_tag(r, etag);

    if (unmodified != -1 && modified > unmodified)
        status = 412;
    if (status == 0 && since != -1 && modified <= since)
        status = 304;
    return status;
}
