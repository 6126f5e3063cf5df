/* [8] httprequest.h -- what the client wants, in pieces that can be used.
 *
 *     Tornado 2.0: tornado/httpserver.py, class HTTPRequest
 *     Floor 3: text in, values out. (Its answer goes through the connection:
 *     httpconnection.h.)
 *
 * The grammar is that of RFC 9112 without the leniencies that it permits:
 * whatever two servers could read in two ways is refused. */
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

/* Just as large as the addresses that we listen on. */
union peer {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* Room for the text of an address, with its NUL. */
enum { PEER_IP_SIZE = 64 };

/* [15] The limit of one request; who shows more is answered with 400. */
enum { HTTP_MAX_COOKIES = 100 };

/* [15] One note that the client shows. */
struct cookie {
    const char *name, *value;
};

/* HTTPRequest. Everything it points at lives as long as the request, and is
 * a string (text with a NUL behind and none inside) unless it has a size.
 *
 * From the request callback until httprequest_finish() the request belongs to
 * the application, even if the client leaves in between: whoever answers has
 * to finish, also when nobody listens any more. */
struct httprequest {
    const char *method;  /* as sent; upper case for all that we know */
    const char *uri;     /* as sent: "/a%20b?c=d" */
    const char *path;    /* "/a%20b" */
    const char *query;   /* "c=d", or "" */
    const char *version; /* "HTTP/1.0" or "HTTP/1.1" */
    const char *host;    /* "example.com:8888"; "127.0.0.1" if not told */
    const char *protocol; /* "http" */
    struct httpheaders headers;

    /* [9] The fields of the query, and then of the body if it is a form and
     * somebody has asked for it: httprequest_parse_body(). */
    struct arguments arguments;
    const char *body; /* never NULL */
    size_t body_size;
    bool chunked; /* [13] its length is not known before it is here */

    /* [15] RequestHandler.cookies: what the client shows us, in the order of
     * arrival. Quotes around a value are gone. */
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
    size_t cookies_size; /* [15] */
    size_t counted, *all_bodies; /* [16] of our body; where it is counted */
    bool answered; /* [17] or at least begun */
    char remote_ip[PEER_IP_SIZE]; /* "": not asked for yet */
};

/* An empty request. NULL when there is no memory left. */
struct httprequest *httprequest_new(struct httpconnection *connection,
                                    const union peer *peer);

/* Ends the request and everything that lives in its memory. In the form of a
 * callback, so that it can be put off. */
void httprequest_free(void *request);

/* Does the data end with an empty line, as a head does? */
bool httprequest_is_head(const char *data, size_t size);

/* HTTPRequest.__init__, and the parsing of HTTPConnection._on_headers: `data`
 * is a whole head, with the empty line that ends it. 0, or the status to
 * answer with and, in *why, what is wrong. To be called once. */
int httprequest_parse_head(struct httprequest *request, const char *data,
                           size_t size, const char **why);

/* [9] How many bytes of body follow the head (RFC 9112, section 6.3); no
 * more than `max` are allowed. If nobody can know (chapter 13), `chunked` is
 * set. 0, or the status to answer with and, in *why, what is wrong. */
int httprequest_body_length(struct httprequest *request, size_t max,
                            size_t *length, const char **why);

/* [9] Does the client wait for our word before it sends the body (RFC 9110,
 * section 10.1.1)? HTTP/1.0 does not know that. As above. */
int httprequest_expects_continue(struct httprequest *request, bool *expects,
                                 const char **why);

/* [9] Adds the fields of the body to `arguments` if it is a form (urlencoded
 * or multipart; of POST and PUT only, as in Tornado). NULL, or a sentence that
 * says what is wrong with it. To be called once. */
const char *httprequest_parse_body(struct httprequest *request);

/* [15] As if the client had sent this cookie, too. The strings are not copied.
 * False when there is no memory left. */
bool httprequest_add_cookie(struct httprequest *request, const char *name,
                            const char *value);

/* HTTPRequest.request_time, in microseconds. */
int64_t httprequest_time(const struct httprequest *request);

/* HTTPRequest.supports_http_1_1. */
bool httprequest_supports_http_1_1(const struct httprequest *request);

/* request.remote_ip: the client's address in numbers. */
const char *httprequest_remote_ip(struct httprequest *request);

/* The same where there is no request yet. */
const char *peer_ip(const union peer *peer, char ip[PEER_IP_SIZE]);

#endif
