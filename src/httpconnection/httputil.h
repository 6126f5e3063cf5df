/* [10] httputil.h -- what HTTP is made of: headers, lists, dates.
 *
 *     Tornado 2.0: tornado/httputil.py, and bits of escape.py
 *     Layer 4: text in, values out; it knows no streams.
 *
 * - The results are allocated in the arena of the caller, and freed with it.
 * - The work is linear in the size of the input.
 * - A function that returns NULL or false when there is no memory left does so
 *   for no other reason. The others return HTTP_NO_MEMORY then.
 * - A parser returns NULL, or what is wrong: the status to answer with, a space
 *   and the reason, as in "400 no Host header". It is a constant. */
#ifndef HTTPUTIL_H
#define HTTPUTIL_H

#include <stdint.h> /* [11] */
#include <string.h> /* [11] */
#include <time.h> /* [21] */

#include "memory.h"

/* [15] The value of the Server header. */
#define HTTP_SERVER "DustDevil/1.0"

/* What a parser returns when there is no memory left. */
#define HTTP_NO_MEMORY "503 out of memory"

/* [15] Its reason without the status. */
#define http_no_memory (&HTTP_NO_MEMORY[4])

/* [19] The limits of one head. A longer request line is answered with 414 (from
 * chapter 21 on also if the head comes as a whole). From chapter 21 on a longer
 * header, or too many of them, are answered with 431. */
enum { HTTP_MAX_LINE = 8192 }; /* bytes, without the CR LF */
enum { HTTP_MAX_HEADERS = 100 }; /* [21] */

/* [11] --- headers ------------------------------------------------------- */

struct httpheader {
    const char *name, *value;
    size_t name_size, value_size;
};

/* HTTPHeaders, in order of arrival. Names are case-insensitive and may be
 * repeated. An empty one has `arena` set and zeros in all other fields. */
struct httpheaders {
    struct arena **arena;
    struct httpheader *items;
    size_t n, size;
    uint64_t seen, twice; /* [36] httpheaders_bit() of names; see there */
};

/* [36] One of 64 bits, the same for a name in upper or lower case. The bit is
 * set in `seen` if there is such a header, and in `twice` if there are two; a
 * header of another name may have set it, too. Most headers that are looked up
 * do not exist, so one test of a bit is enough. For a constant name the
 * compiler computes the bit. */
static inline uint64_t
httpheaders_bit(const char *name, size_t size)
{
    return UINT64_C(1) << ((3 * (size_t)(*name & 31) + size) & 63);
}

/* Adds a header, even if there is one of that name. The strings are not copied.
 * False when there is no memory left. */
bool httpheaders_append(struct httpheaders *headers, struct httpheader header);

/* [21] The same for strings. For constants the compiler computes the sizes. */
static inline bool
httpheaders_add(struct httpheaders *headers, const char *name,
                const char *value)
{
    return httpheaders_append(headers,
                              (struct httpheader){name, value, strlen(name),
                                                  strlen(value)});
}

/* [14] The value of a header that is not a list. NULL if there is no such
 * header, and if there are several: then none of them is valid (RFC 9110,
 * section 5.3). Tornado joins them. */
const char *httpheaders_get(const struct httpheaders *headers,
                            const char *name);

/* HTTPHeaders.get_list: the i-th value of that name; NULL if there are not
 * that many. */
const char *httpheaders_search(const struct httpheaders *headers,
                               const char *name, size_t size, size_t i);
static inline const char *
httpheaders_get_list(const struct httpheaders *headers, const char *name,
                     size_t i)
{
    size_t size = strlen(name);

    /* [36] Most headers that are looked up do not exist. */
    if (!((i == 0 ? headers->seen : headers->twice) &
          httpheaders_bit(name, size)))
        return NULL;

    return httpheaders_search(headers, name, size, i);
}

/* [16] All headers of that name are one list with commas (RFC 9110, sections
 * 5.3 and 5.6.1). True if `token` is an element, in upper or lower case. */
bool httpheaders_list_has(const struct httpheaders *headers, const char *name,
                          const char *token);

/* [16] The same for one value. */
bool httputil_list_has(const char *list, const char *token);

/* [21] Drops all headers of that name. */
void httpheaders_del(struct httpheaders *headers, const char *name);

/* HTTPHeaders.parse: reads header lines.
 * - `text` ends at `end` with the CR LF of the last line. It is cut to pieces
 *   in place.
 * - RFC 9112, section 5, without its leniencies: no bare LF, no folded lines,
 *   no space before the colon, no control bytes.
 * - The status of an error is 400, 503, or (from chapter 21 on) 431. */
const char *httpheaders_parse(struct httpheaders *headers, char *text,
                              char *end);

/* --- bytes ---------------------------------------------------------------- */

/* HTTP_TOKEN: a byte of a token (RFC 9110, section 5.6.2: letters, digits and
 * !#$%&'*+-.^_`|~). HTTP_HOST: a byte of the name of a host (RFC 3986, section
 * 3.2.2: unreserved and sub-delims), without '%', which starts an escape. */
enum httputil_kind { HTTP_TOKEN = 1, HTTP_HOST = 2 };

/* The number of bytes of that kind that `text` begins with. */
size_t httputil_span(const char *text, enum httputil_kind kind);

/* [21] Is `text` a token? */
bool httputil_is_token(const char *text);

/* [21] Does `text` consist of bytes that a header value may have? */
bool httputil_is_value(const char *text, size_t size);

/* [11] --- numbers --------------------------------------------------------- */

/* The value of a hexadecimal digit; -1 if `c` is not one. */
int httputil_hex_digit(char c);

/* [14] The byte that two hexadecimal digits stand for; -1 if `text` does not
 * begin with two. */
int httputil_hex_byte(const char *text);

/* Reads digits of that base (10 or 16) at *text, which moves behind them;
 * no sign, no blanks, no prefix. A number that does not fit becomes SIZE_MAX.
 * False if there is no digit. */
bool httputil_parse_digits(const char **text, int base, size_t *n);

/* [30] --- hexadecimal digits ---------------------------------------------- */

/* Writes 2 * size digits and a NUL. */
void httputil_encode_hex(char *to, const unsigned char *from, size_t size);

/* Reads the pairs of digits that `from` begins with, at most `max`, and returns
 * their number, which is that of the bytes in `to`. */
size_t httputil_decode_hex(unsigned char *to, const char *from, size_t max);

/* [15] --- status and date ----------------------------------------------- */

/* httplib.responses: "Not Found" for 404; "Unknown" for an unknown status. */
const char *httputil_reason(int status);

/* [21] "Tue, 21 Jun 2011 22:28:35 GMT" (RFC 9110, section 5.6.7). A time
 * outside the years 0 to 9999 is replaced by their first or last second. */
enum { HTTP_DATE_SIZE = sizeof "Tue, 21 Jun 2011 22:28:35 GMT" };
void httputil_format_date(char to[HTTP_DATE_SIZE], time_t when);

/* [29] Parses a date in one of the three forms of that section. -1 if the date
 * is not valid or not in the calendar (-1 is also the last second of 1969). */
time_t httputil_parse_date(const char *date);

/* [15] --- answers -------------------------------------------------------- */

/* What the head of an answer says about its framing: where the body ends (RFC
 * 9112, section 6.3) and (chapter 16) what happens to the connection. */
struct httpframing {
    bool length_known; /* Content-Length: `length` */
    bool chunked; /* [25] Transfer-Encoding: chunked */
    uint64_t length; /* bytes of body */
    const char *connection; /* [16] the value of Connection; NULL: no header */
};

/* RequestHandler._generate_headers: puts an answer's whole head, with the empty
 * line that ends it, in front of the body in `to`.
 * - `status` has three digits.
 * - None of `headers` may be one that this function writes itself.
 * - `headers` may have arena NULL: nothing is added to it.
 * - False when there is no memory left: `to` is as before. */
bool httputil_prepend_head(struct buffer **to, int status,
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

/* ----------------------------------------------------------------------- */

#endif
