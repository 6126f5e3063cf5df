/* [8] httputil.h -- what HTTP is made of: headers, lists, dates.
 *
 *     Tornado 2.0: tornado/httputil.py, and bits of escape.py
 *     Floor 3: it knows nothing of sockets; text in, values out.
 *
 * Everything that these functions make lives in the arena they are given,
 * and ends with it. Their work is linear in what they are given. */
#ifndef HTTPUTIL_H
#define HTTPUTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "memory.h"

/* What we call ourselves. */
#define HTTP_SERVER "DustDevil/1.0"

/* What is wrong when nothing is wrong with the request. Whoever is handed this
 * very sentence (compare the address) answers with 503. */
extern const char http_no_memory[];

/* --- headers ------------------------------------------------------------ */

/* The limits of one head; what is longer is answered with 431. */
enum { HTTP_MAX_LINE = 8192, HTTP_MAX_HEADERS = 100 };

struct httpheader {
    const char *name, *value;
    size_t name_size;
};

/* HTTPHeaders: names are equal whatever their case, and may be repeated.
 * Unlike Tornado's it keeps the order of arrival. Set `arena`, the rest to
 * zero, to make an empty one. */
struct httpheaders {
    struct arena **arena;
    struct httpheader *items;
    size_t n, size;
};

/* Adds a header, beside others of that name. The strings are not copied.
 * False when there is no memory left. */
bool httpheaders_add(struct httpheaders *headers, const char *name,
                     const char *value);

/* The value; of repeated headers all values, joined with commas. NULL if
 * there is none (or no memory to join them in). */
const char *httpheaders_get(struct httpheaders *headers, const char *name);

/* HTTPHeaders.get_list: the i-th value of that name, or NULL. */
const char *httpheaders_get_list(const struct httpheaders *headers,
                                 const char *name, size_t i);

/* Drops all headers of that name. */
void httpheaders_del(struct httpheaders *headers, const char *name);

/* HTTPHeaders.parse: reads header lines from `text`, which ends at `end`
 * with the line break of the last line, and which is cut to pieces in place.
 * The grammar is that of RFC 9112, section 5, without its leniencies: no
 * bare LF, no folded lines, no space before the colon, no control bytes. 0,
 * or the status to answer with and, in *why, what is wrong. */
int httpheaders_parse(struct httpheaders *headers, char *text, char *end,
                      const char **why);

/* HTTPHeaders._normalize_name: "content-TYPE" to "Content-Type". `to` has
 * room for strlen(name) + 1 bytes. */
void httpheaders_normalize_name(char *to, const char *name);

/* RFC 9110, section 5.6.2: is c a byte of a token (a method, a name)? */
bool httputil_is_token_byte(unsigned char c);

/* Is `text` a token, and not empty? */
bool httputil_is_token(const char *text);

/* Is `text` nothing but bytes that a header value may have? */
bool httputil_is_value(const char *text);

/* Is `token` one of the elements, in any case, of the comma-separated list?
 * (RFC 9110, section 5.6.1; empty elements are nothing.) NULL is no list. */
bool httputil_list_has(const char *list, const char *token);

/* --- status and date ---------------------------------------------------- */

/* httplib.responses: "Not Found" for 404; "Unknown" if nobody knows it. */
const char *httputil_reason(int status);

/* "Tue, 21 Jun 2011 22:28:35 GMT" (RFC 9110, section 5.6.7), whatever the
 * locale. */
enum { HTTP_DATE_SIZE = sizeof "Tue, 21 Jun 2011 22:28:35 GMT" };
void httputil_format_date(char to[HTTP_DATE_SIZE], time_t when);

/* The same for now; formatted once a second. Good until the next call. */
const char *httputil_date(void);

/* [14] The other way round, from one of the three forms of that section; -1 if
 * it has none of them (as the last second of 1969). */
time_t httputil_parse_date(const char *date);

/* [11] --- answers -------------------------------------------------------- */

/* Does an answer with this status have a body at all? (RFC 9110, 6.4.1) */
bool httputil_has_body(int status);

/* Each appends a line of an answer's head: the first one, a header, or the
 * Content-Length. False when there is no memory left. */
bool httputil_append_status(struct buffer **to, int status);
bool httputil_append_header(struct buffer **to, const char *name,
                            const char *value);
bool httputil_append_length(struct buffer **to, size_t length);

/* RequestHandler.compute_etag: a tag for this very body. */
enum { HTTP_ETAG_SIZE = 19 };
void httputil_etag(char to[HTTP_ETAG_SIZE], const struct buffer *body);

/* RFC 9110, section 13.1.2: is it one of the tags of the list, or is the list
 * "*"? A tag's W/ does not count here. */
bool httputil_list_has_etag(const char *list, const char *etag);

/* [14] The same for those who need every byte to be the same: a tag with W/
 * is none (RFC 9110, section 8.8.3.2). */
bool httputil_list_has_strong_etag(const char *list, const char *etag);

/* escape.xhtml_escape: appends `text`, safe inside HTML. False when there is
 * no memory left. */
bool httputil_xhtml_escape(struct buffer **to, const char *text, size_t size);

/* ----------------------------------------------------------------------- */

#endif
