/* [10] httprequest.h -- a request of a client, as values.
 *
 *     Tornado 2.0: tornado/httpserver.py, class HTTPRequest
 *     Layer 4: text in, values out. (The answer goes through the connection,
 *     from chapter 12 on: httpconnection.h.)
 *
 * The grammar, complete from chapter 21 on, is that of RFC 9112 without what a
 * server may accept but need not: a request that two servers could read in two
 * ways is refused.
 *
 * The parsers return NULL, or what is wrong (see httputil.h). */
#ifndef HTTPREQUEST_H
#define HTTPREQUEST_H

#include <netinet/in.h> /* [12] */
#include <sys/socket.h> /* [12] */

#include "httpform.h" /* [14] */
#include "httputil.h"
#include "ioloop.h" /* [12] */

struct httpconnection; /* [12] */

/* [12] Room for every kind of address that the server listens on. */
union peer {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* [20] Room for the text of an address, with its NUL. */
enum { PEER_IP_SIZE = 64 };

/* [30] The limit of one request; beyond it the answer is 400. */
enum { HTTP_MAX_COOKIES = 100 };

/* HTTPRequest.
 * - Everything that it points at lives as long as the request. A pointer
 *   without a size points at a string.
 * - A connection (chapter 12) gives the request to the application, to which it
 *   belongs until httprequest_finish(), from chapter 24 on even if the client
 *   leaves: the application must finish every request. */
struct httprequest {
    const char *method;  /* as sent; the known ones are upper case */
    const char *uri;     /* as sent: "/a%20b?c=d" */
    const char *path;    /* "/a%20b"; from chapter 21 on "/ab" for "/a%62" */
    const char *query;   /* "c=d", or "" */
    const char *version; /* "HTTP/1.0" or "HTTP/1.1" */
    const char *host; /* [21] "example.com:8888"; "127.0.0.1" if not given */
    const char *protocol; /* [25] "http" */
    struct httpheaders headers; /* [11] */
    const char *body; /* [12] never NULL */
    size_t body_size; /* [12] */

    /* [14] The fields of the query and, after httprequest_parse_body(), of a
     * body that is a form. */
    struct arguments arguments;

    /* [30] RequestHandler.cookies, as names and values in order of arrival,
     * after httprequest_parse_cookies(). */
    struct httpheaders cookies;

    bool keep_alive; /* [16] may another request follow this one? */

    struct ioloop *loop; /* [12] for timeouts and callbacks */
    int64_t start_time; /* [24] ioloop_now() when the head had come */
    struct httpconnection *connection; /* [12] NULL: closed, or finished */

    /* Private to the connection and httprequest.c. */
    struct arena *arena;
    union peer peer; /* [24] */
    ioloop_callback *write_callback; /* [12] */
    void *write_arg; /* [12] */
    ioloop_callback *close_callback; /* [24] */
    void *close_arg; /* [24] */
    bool finished; /* [24] */
    struct buffer *body_buffer; /* [12] bytes of the body so far */
    size_t cookie_headers; /* [30] how many Cookie headers were parsed */
    const char *cookies_wrong; /* [30] NULL: nothing is wrong */
    char remote_ip[PEER_IP_SIZE]; /* [24] "": not known yet */
};

/* An empty request, which the caller owns. NULL when there is no memory. */
struct httprequest *httprequest_new(void);

/* Frees the request and everything that it points at. It has the form of a
 * callback, so that it can run in the next turn. */
void httprequest_free(void *request);

/* HTTPRequest.__init__, and the parsing of HTTPConnection._on_headers. To be
 * called once. `data` is a head of at most `max` bytes, with the empty line
 * that ends it. If the head is longer, `data` is its first part, of more than
 * `max` bytes, and the function returns an error. */
const char *httprequest_parse_head(struct httprequest *request,
                                   const char *data, size_t size, size_t max);

/* [19] May these first bytes of a head become a request?
 * - `data` are the bytes that have come, without empty lines before.
 * - An error is known as soon as a byte has come that no method contains, or
 *   the first line is complete or too long.
 * - The function reads the first line at most. */
const char *httprequest_check_start(const char *data, size_t size);

/* [11] Sets *length to the number of bytes of body that follow the head (RFC
 * 9112, section 6.3), or to HTTP_LENGTH_UNKNOWN if the body comes in chunks
 * (chapter 27). A body of more than `max` bytes is an error (413). */
const char *httprequest_body_length(struct httprequest *request, size_t max,
                                    size_t *length);
#define HTTP_LENGTH_UNKNOWN SIZE_MAX /* [27] */

/* [22] The most bytes of a body that are read at once. */
enum { HTTP_PIECE = 65536 };

/* [22] Does the client wait for a 100 before it sends the body (RFC 9110,
 * section 10.1.1)? A client of HTTP/1.0 does not. Any other expectation is
 * wrong (417). */
const char *httprequest_expects_continue(const struct httprequest *request,
                                         bool *expects);

/* [14] Adds the fields of the body to `arguments`, if it is a form (urlencoded,
 * or, from chapter 22 on, multipart; of POST and PUT only, as in Tornado). To
 * be called once. */
const char *httprequest_parse_body(struct httprequest *request);

/* [30] Parses the Cookie headers into `cookies`. Blanks around a name or a
 * value and quotes around a value are removed; a pair without a name or without
 * '=' is skipped. More than HTTP_MAX_COOKIES cookies are an error. A second
 * call does nothing, and returns the same. */
const char *httprequest_parse_cookies(struct httprequest *request);

/* [16] HTTPRequest.supports_http_1_1. */
bool httprequest_supports_http_1_1(const struct httprequest *request);

/* [24] HTTPRequest.remote_ip: the client's address in numbers; "0.0.0.0" where
 * the peer has none, as with unix sockets. It lives as long as the request. */
const char *httprequest_remote_ip(struct httprequest *request);

/* [20] Writes the numeric address of `peer` to `ip`, and returns `ip`. A peer
 * without such an address is 0.0.0.0 (the peer of a unix socket, chapter
 * 34). */
const char *peer_ip(const union peer *peer, char ip[PEER_IP_SIZE]);

/* [36] Bytes of memory that the request occupies. */
size_t httprequest_memory(const struct httprequest *request);

#endif
