/* [8] httprequest.h -- a request of a client, as values.
 *
 *     Tornado 2.0: tornado/httpserver.py, class HTTPRequest
 *     Layer 4: text in, values out. (The answer goes through the connection:
 *     httpconnection.h.)
 *
 * The grammar is that of RFC 9112 without the leniencies that it permits: what
 * two servers could read in two ways is refused. */
#ifndef HTTPREQUEST_H
#define HTTPREQUEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "httpform.h" /* [9] */
#include "httputil.h"
#include "ioloop.h"

struct httpconnection;

/* As large as the addresses that the server listens on. */
union peer {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* Room for the text of an address, with its NUL. */
enum { PEER_IP_SIZE = 64 };

/* [15] The limit of one request; beyond it the answer is 400. */
enum { HTTP_MAX_COOKIES = 100 };

/* [15] One cookie of a request. */
struct cookie {
    const char *name, *value;
};

/* HTTPRequest.
 * - What it points at lives as long as the request. Where there is no size it is
 *   a string.
 * - From the request callback until httprequest_finish() the request belongs to
 *   the application, also when the client has left in between: a request that
 *   was handed over has to be finished. */
struct httprequest {
    const char *method;  /* as sent; upper case for all that we know */
    const char *uri;     /* as sent: "/a%20b?c=d" */
    const char *path;    /* "/a%20b", but "/ab" if "/a%62" was sent, from [11] */
    const char *query;   /* "c=d", or "" */
    const char *version; /* "HTTP/1.0" or "HTTP/1.1" */
    const char *host;    /* "example.com:8888"; "127.0.0.1" if not told */
    const char *protocol; /* "http" */
    struct httpheaders headers;

    /* [9] The fields of the query and, after httprequest_parse_body(), of a
     * body that is a form. */
    struct arguments arguments;
    const char *body; /* never NULL */
    size_t body_size;
    bool chunked; /* [13] its length is not known before it is here */

    /* [15] RequestHandler.cookies, in order of arrival, after
     * httprequest_parse_cookies(). */
    struct cookie *cookies;
    size_t ncookies;

    bool keep_alive; /* [10] may another request follow this one? */

    int64_t start_time; /* when the head was there, on ioloop_time()'s clock */
    struct httpconnection *connection; /* NULL when the client has gone */

    /* The connection's own notes; not for others. */
    struct arena *arena;
    union peer peer;
    bool handed_over; /* the request callback has been called */
    ioloop_callback *write_callback, *close_callback;
    void *write_arg, *close_arg;
    struct buffer *chunks; /* [13] what has come of a chunked body */
    size_t cookies_size, cookie_headers; /* [15] room; lines that were parsed */
    const char *cookies_wrong; /* [15] NULL: nothing */
    size_t counted, *all_bodies; /* [16] of our body; where it is counted */
    bool answered; /* [17] or at least begun */
    char remote_ip[PEER_IP_SIZE]; /* "": not asked for yet */
};

/* An empty request. NULL when there is no memory left. */
struct httprequest *httprequest_new(struct httpconnection *connection,
                                    const union peer *peer);

/* Ends the request and everything that lives in its memory. It has the form of
 * a callback, so it can run in the next turn. */
void httprequest_free(void *request);

/* Does the data end with an empty line, as a head does? */
bool httprequest_is_head(const char *data, size_t size);

/* HTTPRequest.__init__, and the parsing of HTTPConnection._on_headers: `data`
 * is a whole head, with the empty line that ends it. 0, or the status to answer
 * with and the reason in *why. To be called once. */
int httprequest_parse_head(struct httprequest *request, const char *data,
                           size_t size, const char **why);

/* [16] May these first bytes of a head become a request?
 * - `data` are the bytes that have come, without empty lines before.
 * - 0 if they may, or the status to answer with (400, 414, 501, 505) and the
 *   reason in *why: as soon as a byte is wrong that no method has, or the first
 *   line when it is whole or too long.
 * - At most the first line is looked at, whatever has come. */
int httprequest_check_start(const char *data, size_t size, const char **why);

/* [9] How many bytes of body follow the head (RFC 9112, section 6.3); at most
 * `max`. If the length is not known before the end (chapter 13), `chunked` is
 * set. 0, or the status to answer with and the reason in *why. */
int httprequest_body_length(struct httprequest *request, size_t max,
                            size_t *length, const char **why);

/* [9] Does the client wait for a 100 before it sends the body (RFC 9110,
 * section 10.1.1)? A client of HTTP/1.0 does not. 0, or 417 and the reason. */
int httprequest_expects_continue(const struct httprequest *request,
                                 bool *expects, const char **why);

/* [9] Adds the fields of the query to `arguments`. 0, or the status to answer
 * with (400, 503) and the reason in *why. To be called once. */
int httprequest_parse_query(struct httprequest *request, const char **why);

/* [9] The same for the body, if it is a form (urlencoded or multipart; of POST
 * and PUT only, as in Tornado). To be called once. */
int httprequest_parse_body(struct httprequest *request, const char **why);

/* [15] Makes `cookies`. A name and a value are without the blanks and a value
 * without the quotes around it; what has no name is skipped. 0, or the status
 * to answer with (400 if there are more than HTTP_MAX_COOKIES, 503) and the
 * reason in *why. A second call does nothing, and returns the same. */
int httprequest_parse_cookies(struct httprequest *request, const char **why);

/* [15] Adds a cookie, as if the client had sent it. The strings are not copied.
 * False when there is no memory left. */
bool httprequest_add_cookie(struct httprequest *request, const char *name,
                            const char *value);

/* HTTPRequest.request_time, in microseconds. */
int64_t httprequest_time(const struct httprequest *request);

/* HTTPRequest.supports_http_1_1. */
bool httprequest_supports_http_1_1(const struct httprequest *request);

/* HTTPRequest.remote_ip: the client's address in numbers; "0.0.0.0" where the
 * peer has none, as with unix sockets. It lives as long as the request. */
const char *httprequest_remote_ip(struct httprequest *request);

/* The same where there is no request yet. */
const char *peer_ip(const union peer *peer, char ip[PEER_IP_SIZE]);

#endif
