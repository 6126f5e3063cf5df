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
#include <stdint.h>
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

/* The same for all headers of that name. */
bool httpheaders_list_has(const struct httpheaders *headers, const char *name,
                          const char *token);

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

/* --- answers ------------------------------------------------------------- */

/* What an answer's head says about the bytes around it: where the body ends
 * (RFC 9112, section 6.3) and what happens to the connection. */
struct httpframing {
    bool length_known; /* Content-Length: `length` */
    bool chunked; /* [12] Transfer-Encoding: chunked */
    uint64_t length; /* bytes of body */
    const char *connection; /* the value of Connection; NULL: no header */
};

/* RequestHandler._generate_headers: appends an answer's whole head, with the
 * empty line that ends it.
 * - `status` has three digits.
 * - A Date and a Server among `headers` replace the server's own. None of the
 *   others may be one that `framing` writes.
 * - `headers` may have arena NULL: nothing is added to it.
 * - False when there is no memory left; `to` then holds a part of the head. */
bool httputil_append_head(struct buffer **to, int status,
                          const struct httpheaders *headers,
                          const struct httpframing *framing);

/* RequestHandler.get_error_html: appends a small HTML page that says the
 * status and, unless it is NULL, `detail`, which is escaped. Its Content-Type
 * is HTTP_ERROR_TYPE. False when there is no memory left. */
#define HTTP_ERROR_TYPE "text/html; charset=UTF-8"
bool httputil_append_error_page(struct buffer **to, int status,
                                const char *detail);

/* escape.xhtml_escape: appends `text`, safe in HTML text and in quoted
 * attributes. False when there is no memory left; a part of `text` may have
 * been appended then. */
bool httputil_xhtml_escape(struct buffer **to, const char *text, size_t size);

/* [11] Does an answer with this status have a body at all? (RFC 9110, section
 * 6.4.1) */
bool httputil_has_body(int status);

/* ----------------------------------------------------------------------- */

#endif
