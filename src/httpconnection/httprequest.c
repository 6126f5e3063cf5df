/* [8] httprequest.c -- text becomes a request.
 *
 * In reading order: the request line, the host, the head as a whole; then
 * what the head says of the body (chapter 9). Everything is checked here, and
 * what is not as RFC 9112 wants it has a status and a sentence. */
#include "httprequest.h"

#include <ctype.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

#include "httpconnection.h"
#include "httputil.h"

/* --- the request line --------------------------------------------------- */

/* RFC 9110, section 7.2: the name or address of a host, maybe a port. Whoever
 * makes a link or looks up a virtual host with it must be able to trust its
 * form (Tornado 6.5 added the same check). An empty host is allowed. */
static bool
is_host(const char *host)
{
    if (*host == '[') {
        for (host++; isxdigit((unsigned char)*host) || *host == ':' ||
                     *host == '.';)
            host++;
        if (*host != ']' || host[-1] == '[')
            return false;
        host++;
    } else {
        while (isalnum((unsigned char)*host) ||
               (*host != '\0' && strchr("-._~%!$&'()*+,;=", *host) != NULL))
            host++;
    }
    if (*host == ':')
        host += 1 + strspn(host + 1, "0123456789");
    return *host == '\0';
}

/* RFC 9112, section 3.2: what is asked for. "/path?query" mostly; with the
 * whole URL in front of it from those who take us for a proxy; "*" for
 * OPTIONS. */
static int
parse_target(struct httprequest *r, const char **why)
{
    const char *path = r->uri, *query;
    size_t scheme = strncasecmp(path, "http://", 7) == 0    ? 7
                    : strncasecmp(path, "https://", 8) == 0 ? 8
                                                            : 0;

    *why = "CONNECT is for proxies";
    if (strcmp(r->method, "CONNECT") == 0)
        return 501;
    if (scheme > 0) {
        size_t n = strcspn(path + scheme, "/?");
        char *host = arena_copy(&r->arena, path + scheme, n);

        r->host = host != NULL && n > 0 && *host != ':' && is_host(host)
                      ? host : NULL;
        path += scheme + n;
    }
    *why = "malformed request target";
    if ((scheme > 0 && r->host == NULL) || strchr(path, '#') != NULL ||
        (scheme == 0 && *path != '/' &&
         (strcmp(path, "*") != 0 || strcmp(r->method, "OPTIONS") != 0)))
        return 400;
    query = path + strcspn(path, "?");
    r->query = *query == '?' ? query + 1 : "";
    r->path = *path != '/' && *path != '*' ? "/" : path;
    if (*query == '?' && query > path)
        r->path = arena_copy(&r->arena, path, (size_t)(query - path));
    *why = http_no_memory;
    return r->path != NULL ? 0 : 503;
}

/* RFC 9112, section 3: METHOD SP target SP HTTP/1.x; `end` is where the CR
 * stands. Tornado 2.0 splits at spaces and believes what it finds. */
static int
parse_request_line(struct httprequest *r, char *line, char *end,
                   const char **why)
{
    char *target, *version;

    *why = "request line too long";
    if (end - line > HTTP_MAX_LINE)
        return 414;
    *why = "malformed request line";
    *end = '\0';
    for (target = line; httputil_is_token_byte((unsigned char)*target);)
        target++;
    if (target == line || *target != ' ')
        return 400;
    *target++ = '\0';
    for (version = target; (unsigned char)*version > ' ' && *version != 0x7f;)
        version++;
    if (version == target || *version != ' ')
        return 400;
    *version++ = '\0';
    if (end - version != 8 || strncmp(version, "HTTP/", 5) != 0 ||
        strspn(version + 5, "0123456789") != 1 || version[6] != '.' ||
        strspn(version + 7, "0123456789") != 1)
        return 400;
    *why = "only HTTP/1.0 and HTTP/1.1 are spoken here";
    if (version[5] != '1')
        return 505;
    r->method = line;
    r->uri = target;
    r->version = version[7] == '0' ? "HTTP/1.0" : "HTTP/1.1";
    return parse_target(r, why);
}

int
httprequest_check_start(const char *data, size_t size, const char **why)
{
    (void)data;
    (void)size;
    (void)why;
    return 0;
}

/* RFC 9112, section 3.2: exactly one Host in HTTP/1.1, at most one in 1.0. A
 * host in the target itself counts for more. */
static int
check_host(struct httprequest *r, const char **why)
{
    const char *host = httpheaders_get_list(&r->headers, "Host", 0);

    *why = "no Host header";
    if (host == NULL && httprequest_supports_http_1_1(r))
        return 400;
    *why = "more than one Host header";
    if (httpheaders_get_list(&r->headers, "Host", 1) != NULL)
        return 400;
    *why = "malformed Host header";
    if (host != NULL && !is_host(host))
        return 400;
    if (r->host == NULL)
        r->host = host != NULL ? host : "127.0.0.1";
    return 0;
}

/* [15] --- cookies --------------------------------------------------------- */

bool
httprequest_add_cookie(struct httprequest *r, const char *name,
                       const char *value)
{
    void *items = arena_more(&r->arena, r->cookies, r->ncookies,
                             &r->cookies_size, sizeof *r->cookies);

    if (items == NULL)
        return false;
    r->cookies = items;
    r->cookies[r->ncookies++] = (struct cookie){name, value};
    return true;
}

/* RFC 6265, section 4.2.1: "a=1; b=2". The first '=' ends the name. What has
 * none is nobody's cookie, but no reason to refuse the request: any page of
 * our site may have set it. Cuts `text` to pieces. */
static int
parse_cookies(struct httprequest *r, char *text, const char **why)
{
    char *pair, *value, *end;

    while ((pair = strsep(&text, ";")) != NULL) {
        pair += strspn(pair, " \t");
        value = strchr(pair, '=');
        if (value == NULL || value == pair)
            continue;
        *why = "too many cookies";
        if (r->ncookies == HTTP_MAX_COOKIES)
            return 400;
        *value++ = '\0';
        for (end = strchr(value, '\0');
             end > value && (end[-1] == ' ' || end[-1] == '\t');)
            *--end = '\0';
        if (end - value > 1 && *value == '"' && end[-1] == '"') {
            value++;
            end[-1] = '\0';
        }
        *why = http_no_memory;
        if (!httprequest_add_cookie(r, pair, value))
            return 503;
    }
    return 0;
}

static int
find_cookies(struct httprequest *r, const char **why)
{
    const char *header;
    int status = 0;

    for (size_t i = 0; status == 0; i++) {
        char *copy;

        header = httpheaders_get_list(&r->headers, "Cookie", i);
        if (header == NULL)
            break;
        copy = arena_copy(&r->arena, header, strlen(header));
        *why = http_no_memory;
        status = copy != NULL ? parse_cookies(r, copy, why) : 503;
    }
    return status;
}

/* --- the head ----------------------------------------------------------- */

struct httprequest *
httprequest_new(struct httpconnection *connection, const union peer *peer)
{
    struct arena *arena = NULL;
    struct httprequest *r = arena_alloc(&arena, sizeof *r);

    if (r == NULL)
        return NULL;
    *r = (struct httprequest){.arena = arena,
                              .connection = connection,
                              .loop = iostream_loop(
                                  httpconnection_stream(connection)),
                              .peer = *peer,
                              .protocol = "http",
                              .start_time = ioloop_time()};
    r->headers.arena = &r->arena;
    r->arguments.arena = &r->arena; /* [9] */
    r->body = ""; /* [9] */
    return r;
}

void
httprequest_free(void *request)
{
    struct httprequest *r = request;
    struct arena *all = r->arena;

    buffer_release(&r->body_buffer); /* [9] */
    arena_release(&all);
}

bool
httprequest_is_head(const char *data, size_t size)
{
    return size >= 2 && data[size - 1] == '\n' &&
           (data[size - 2] == '\n' ||
            (size >= 3 && data[size - 2] == '\r' && data[size - 3] == '\n'));
}

/* The head is copied once, into the request's own memory, and cut to pieces
 * there: every name and value is a part of that copy. */
int
httprequest_parse_head(struct httprequest *r, const char *data, size_t size,
                       const char **why)
{
    char *text = arena_copy(&r->arena, data, size), *end, *lf;
    int status;

    *why = http_no_memory;
    if (text == NULL)
        return 503;
    lf = memchr(text, '\n', size);
    end = text + size;
    *why = "a line does not end with CR LF, or a NUL is in it";
    if (lf == NULL || lf == text || lf[-1] != '\r' || end[-2] != '\r' ||
        memchr(text, '\0', (size_t)(lf - text)) != NULL)
        return 400;
    status = parse_request_line(r, text, lf - 1, why);
    if (status == 0)
        status = httpheaders_parse(&r->headers, lf + 1, end - 2, why);
    if (status == 0)
        status = check_host(r, why);

    /* [15] They are wanted by few, but counted for all. */
    if (status == 0)
        status = find_cookies(r, why);

    return status;
}

/* [9] --- the body -------------------------------------------------------- */

/* RFC 9112, section 6.3. One number, or the same one several times. Digits and
 * nothing else: int() and strtol() take "+5", " 5" and "-1" as well, and two
 * servers in a row that read a length differently let a stranger put a
 * request of his own between ours (Tornado until 6.3.3). What does not fit
 * into a size_t is as long as can be. */
static bool
parse_content_length(const char *text, size_t *length)
{
    bool first = true;

    do {
        size_t n = 0, digits;

        text += strspn(text, " \t");
        digits = strspn(text, "0123456789");
        for (size_t i = 0; i < digits; i++, text++) {
            size_t digit = (size_t)(*text - '0');

            n = n > (SIZE_MAX - digit) / 10 ? SIZE_MAX : n * 10 + digit;
        }
        text += strspn(text, " \t");
        if (digits == 0 || (*text != '\0' && *text != ',') ||
            (!first && n != *length))
            return false;
        *length = n;
        first = false;
    } while (*text++ == ',');
    return true;
}

/* [13] RFC 9112, section 6.1. */
static bool
is_chunked(struct httprequest *r)
{
    const char *coding = httpheaders_get(&r->headers, "Transfer-Encoding");

    return coding != NULL && strcasecmp(coding, "chunked") == 0 &&
           httprequest_supports_http_1_1(r);
}

int
httprequest_body_length(struct httprequest *r, size_t max, size_t *length,
                        const char **why)
{
    bool has_coding = httpheaders_get_list(&r->headers, "Transfer-Encoding",
                                           0) != NULL;
    bool has_size = httpheaders_get_list(&r->headers, "Content-Length",
                                         0) != NULL;
    const char *size = httpheaders_get(&r->headers, "Content-Length");

    *length = 0;
    *why = "both Content-Length and Transfer-Encoding";
    if (has_coding && has_size)
        return 400;

    /* [13] The one coding that every HTTP/1.1 server has to understand. Not
     * a list of codings, not the same one twice, and none from somebody who
     * says that he speaks 1.0: who stands between us may read that otherwise
     * than we do. */
    if (has_coding && is_chunked(r)) {
        *length = HTTP_LENGTH_UNKNOWN;
        return 0;
    }

    *why = "unknown Transfer-Encoding";
    if (has_coding)
        return 501;
    *why = http_no_memory;
    if (has_size && size == NULL)
        return 503;
    *why = "malformed Content-Length";
    if (has_size && !parse_content_length(size, length))
        return 400;
    *why = "body too long";
    return *length > max ? 413 : 0;
}

int
httprequest_expects_continue(struct httprequest *r, bool *expects,
                             const char **why)
{
    const char *expect = httpheaders_get(&r->headers, "Expect");

    *expects = expect != NULL && httprequest_supports_http_1_1(r);
    *why = "unknown expectation";
    return *expects && strcasecmp(expect, "100-continue") != 0 ? 417 : 0;
}

int
httprequest_parse_query(struct httprequest *r, const char **why)
{
    *why = httpform_parse_qs(&r->arguments, r->query, strlen(r->query));
    return *why == NULL ? 0 : *why == http_no_memory ? 503 : 400;
}

/* The parsing that Tornado does in _on_request_body waits here until somebody
 * asks: whoever stores an upload of a million "a&" has no use for a million
 * fields. */
const char *
httprequest_parse_body(struct httprequest *r)
{
    const char *type = httpheaders_get_list(&r->headers, "Content-Type", 0);
    static const char form[] = "application/x-www-form-urlencoded";
    static const char multipart[] = "multipart/form-data";

    if (type == NULL || (strcmp(r->method, "POST") != 0 &&
                         strcmp(r->method, "PUT") != 0))
        return NULL;
    if (strncasecmp(type, form, sizeof form - 1) == 0)
        return httpform_parse_qs(&r->arguments, r->body, r->body_size);
    if (strncasecmp(type, multipart, sizeof multipart - 1) == 0)
        return httpform_parse_multipart(&r->arguments, type, r->body,
                                        r->body_size);
    return NULL;
}

/* --- accessors ---------------------------------------------------------- */

const char *
peer_ip(const union peer *peer, char ip[PEER_IP_SIZE])
{
    socklen_t size = peer->any.sa_family == AF_INET6 ? sizeof peer->in6
                                                     : sizeof peer->in;

    if (getnameinfo(&peer->any, size, ip, PEER_IP_SIZE, NULL, 0,
                    NI_NUMERICHOST) != 0)
        strcpy(ip, "0.0.0.0");
    return ip;
}

const char *
httprequest_remote_ip(struct httprequest *r)
{
    return *r->remote_ip != '\0' ? r->remote_ip
                                 : peer_ip(&r->peer, r->remote_ip);
}

int64_t
httprequest_time(const struct httprequest *r)
{
    return ioloop_time() - r->start_time;
}

bool
httprequest_supports_http_1_1(const struct httprequest *r)
{
    return strcmp(r->version, "HTTP/1.1") == 0;
}

/* --- the answer ----------------------------------------------------------- */

/* HTTPRequest.write and .finish go to the connection, as in Tornado. Without a
 * client there is none: then the callback runs at once, in the next turn. */
void
httprequest_write(struct httprequest *r, const void *data, size_t size,
                  ioloop_callback *callback, void *arg)
{
    if (r->connection != NULL)
        httpconnection_write(r->connection, data, size, callback, arg);
    else if (callback != NULL && !r->finished)
        ioloop_add_callback(r->loop, callback, arg);
}

void
httprequest_finish(struct httprequest *r)
{
    if (r->finished)
        return;
    r->finished = true;
    r->write_callback = NULL;
    if (r->connection != NULL)
        httpconnection_finish(r->connection);
    else
        ioloop_add_callback(r->loop, httprequest_free, r);
}

void
httprequest_refuse(struct httprequest *r, int status, const char *why)
{
    if (r->connection == NULL) {
        httprequest_finish(r);
        return;
    }
    r->finished = true;
    httpconnection_refuse(r->connection, status, why);
}

void
httprequest_abort(struct httprequest *r)
{
    if (r->connection != NULL)
        iostream_abort(httpconnection_stream(r->connection));
}

int
httprequest_fd(const struct httprequest *r)
{
    return r->connection != NULL
               ? iostream_fd(httpconnection_stream(r->connection)) : -1;
}

/* [16] Without what the stream holds. */
size_t
httprequest_memory(const struct httprequest *r)
{
    return arena_memory(r->arena) + buffer_memory(r->body_buffer);
}

/* The callback may write more, or finish. */
void
httprequest_written(struct httprequest *r)
{
    ioloop_callback *callback = r->write_callback;

    r->write_callback = NULL;
    if (callback != NULL)
        callback(r->write_arg);
}

/* [12] --- the client leaves ------------------------------------------------ */

void
httprequest_set_close_callback(struct httprequest *r,
                               ioloop_callback *callback, void *arg)
{
    r->close_callback = callback;
    r->close_arg = arg;
    if (r->connection != NULL && callback != NULL)
        iostream_watch(httpconnection_stream(r->connection));
}

/* --- the end of the connection -------------------------------------------- */

/* Two callbacks may wait: the one for the end of the client and, unless that
 * has finished the request, the one for written bytes, which will never be
 * sent. */
void
httprequest_closed(struct httprequest *r)
{
    r->connection = NULL;
    if (r->close_callback != NULL)
        r->close_callback(r->close_arg);
    if (r->write_callback != NULL)
        ioloop_add_callback(r->loop, r->write_callback, r->write_arg);
    r->write_callback = NULL;
}
