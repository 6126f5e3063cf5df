/* [8] httprequest.c -- text becomes a request.
 *
 * In reading order: the request line, the host, the head as a whole; then what
 * the head says of the body (chapter 9). What RFC 9112 does not allow has a
 * status and a reason. */
#include "httprequest.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

#include "httpconnection.h"
#include "httputil.h"

/* --- the request line --------------------------------------------------- */

/* The bytes of RFC 3986, section 2, that need no percent sign, but for letters
 * and digits. */
#define UNRESERVED "-._~"
#define SUB_DELIMS "!$&'()*+,;="

static bool
is_one_of(char c, const char *set)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr(set, c) != NULL);
}

/* The text between the brackets, up to `end`: an IPv6 address, or "v1.x" for
 * addresses of the future. */
static bool
is_ip_literal(const char *text, const char *end)
{
    char address[INET6_ADDRSTRLEN] = "";
    struct in6_addr unused;

    if (*text == 'v' || *text == 'V') {
        while (isxdigit((unsigned char)*++text))
            continue;
        if (*text != '.' || text[-1] == 'v' || text[-1] == 'V')
            return false;
        for (text++; is_one_of(*text, UNRESERVED SUB_DELIMS ":");)
            text++;
        return text == end && text[-1] != '.';
    }
    if (end - text < (ptrdiff_t)sizeof address)
        memcpy(address, text, (size_t)(end - text));
    return inet_pton(AF_INET6, address, &unused) == 1;
}

/* RFC 3986, section 3.2: a name, maybe empty, or an address, and maybe a port.
 * An application that makes links or looks up virtual hosts with it can rely on
 * its form (as in Tornado since 6.5). */
static bool
is_host(const char *host)
{
    const char *bracket = *host == '[' ? strchr(host, ']') : NULL;

    if (bracket != NULL) {
        if (!is_ip_literal(host + 1, bracket))
            return false;
        host = bracket + 1;
    } else {
        for (; is_one_of(*host, UNRESERVED SUB_DELIMS "%"); host++)
            if (*host == '%' && (!isxdigit((unsigned char)host[1]) ||
                                 !isxdigit((unsigned char)host[2])))
                return false;
    }
    if (*host == ':')
        host += 1 + strspn(host + 1, "0123456789");
    return *host == '\0';
}

/* [11] RFC 3986, section 6.2.2.2: "%61" and "a" are the same byte of a path, so
 * routes have to see them as one. Only bytes that never mean anything else are
 * decoded: "%2F" is not a slash, and "%25" stays, so nothing is decoded twice.
 * NULL when there is no memory left. */
static const char *
decode_unreserved(struct arena **arena, const char *path)
{
    char *copy = arena_copy(arena, path, strlen(path)), *to = copy;

    for (const char *from = copy; copy != NULL; from++) {
        int high = *from == '%' ? httputil_hex_digit(from[1]) : -1;
        int low = high >= 0 ? httputil_hex_digit(from[2]) : -1;

        *to = *from;
        if (low >= 0 && is_one_of((char)(high * 16 + low), UNRESERVED)) {
            *to = (char)(high * 16 + low);
            from += 2;
        }
        if (*to++ == '\0')
            break;
    }
    return copy;
}

/* RFC 9112, section 3.2: "/path?query"; the whole URL, as for a proxy; or "*",
 * for OPTIONS only. */
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

        *why = http_no_memory;
        r->host = arena_copy(&r->arena, path + scheme, n);
        if (r->host == NULL)
            return 503;
        path += scheme + n;
    }
    *why = "malformed request target";
    if (strchr(path, '#') != NULL ||
        (scheme > 0 ? strchr(":", *r->host) != NULL || !is_host(r->host)
                    : *path != '/' && (strcmp(path, "*") != 0 ||
                                       strcmp(r->method, "OPTIONS") != 0)))
        return 400;
    query = path + strcspn(path, "?");
    r->query = *query == '?' ? query + 1 : "";
    r->path = *path != '/' && *path != '*' ? "/" : path;
    if (*query == '?' && query > path)
        r->path = arena_copy(&r->arena, path, (size_t)(query - path));

    /* [11] Routes look at the path. */
    if (r->path != NULL && strchr(r->path, '%') != NULL)
        r->path = decode_unreserved(&r->arena, r->path);

    *why = http_no_memory;
    return r->path != NULL ? 0 : 503;
}

/* RFC 9112, section 3: METHOD SP target SP HTTP/1.x CR LF. Tornado 2.0 splits
 * at spaces and does not check the parts. */
static int
parse_request_line(struct httprequest *r, char *line, char *lf,
                   const char **why)
{
    size_t n = httputil_token_length(line);
    char *target = line + n + 1, *version = target;

    *why = "malformed request line";
    if (n <= HTTP_MAX_LINE && (n == 0 || line[n] != ' '))
        return 400;
    *why = "request line too long";
    if (lf - line > HTTP_MAX_LINE + 1)
        return 414;
    *why = "a line does not end with CR LF";
    if (lf[-1] != '\r')
        return 400;
    *why = "malformed request line";
    while (*version > ' ' && *version < 0x7f)
        version++;
    if (version == target || lf - version != sizeof " HTTP/1.1" ||
        strncmp(version, " HTTP/", 6) != 0 ||
        strspn(version + 6, "0123456789") != 1 || version[7] != '.' ||
        strspn(version + 8, "0123456789") != 1)
        return 400;
    *why = "only HTTP/1.0 and HTTP/1.1 are spoken here";
    if (version[6] != '1')
        return 505;
    line[n] = *version = '\0';
    r->method = line;
    r->uri = target;
    r->version = version[8] == '0' ? "HTTP/1.0" : "HTTP/1.1";
    return parse_target(r, why);
}

/* A whole line is parsed as it will be again with the whole head. Before that
 * only the first bytes of the method and the length can be wrong. */
int
httprequest_check_start(const char *data, size_t size, const char **why)
{
    struct httprequest r = {0};
    const char *lf = memchr(data, '\n', size);
    char start[64] = "", *line;
    size_t n = size < sizeof start ? size : sizeof start - 1, method;
    int status = 0;

    memcpy(start, data, n);
    method = httputil_token_length(start);
    *why = "malformed request line";
    if (method < n && (method == 0 || start[method] != ' '))
        return 400;
    *why = "request line too long";
    if ((lf != NULL ? (size_t)(lf - data) : size) > HTTP_MAX_LINE + 1)
        return 414;
    if (lf == NULL)
        return 0;
    line = arena_copy(&r.arena, data, (size_t)(lf - data));
    if (line != NULL)
        status = parse_request_line(&r, line, line + (lf - data), why);
    arena_release(&r.arena);
    return status;
}

/* RFC 9112, section 3.2: exactly one Host in HTTP/1.1, at most one in 1.0. A
 * host in the target replaces it. */
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

/* [9] A parser's result as a status. */
static int
status_of(const char *wrong)
{
    return wrong == NULL ? 0 : wrong == http_no_memory ? 503 : 400;
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

/* Without the blanks at both ends. */
static char *
trim(char *text)
{
    char *end = strchr(text, '\0');

    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    return text + strspn(text, " \t");
}

/* RFC 6265, section 4.2.1: "a=1; b=2". The first '=' ends the name. What has no
 * name is skipped and does not invalidate the others: any page of the site may
 * have set it. Cuts `text` to pieces. NULL, or what is wrong. */
static const char *
parse_cookies(struct httprequest *r, char *text)
{
    char *pair;

    while ((pair = strsep(&text, ";")) != NULL) {
        char *value = strchr(pair, '=');
        size_t size;

        if (value == NULL)
            continue;
        *value++ = '\0';
        pair = trim(pair);
        if (*pair == '\0')
            continue;
        if (r->ncookies == HTTP_MAX_COOKIES)
            return "too many cookies";
        value = trim(value);
        size = strlen(value);
        if (size > 1 && *value == '"' && value[size - 1] == '"') {
            value[size - 1] = '\0';
            value++;
        }
        if (!httprequest_add_cookie(r, pair, value))
            return http_no_memory;
    }
    return NULL;
}

int
httprequest_parse_cookies(struct httprequest *r, const char **why)
{
    const char *header;

    for (; r->cookies_wrong == NULL &&
           (header = httpheaders_get_list(&r->headers, "Cookie",
                                          r->cookie_headers)) != NULL;
         r->cookie_headers++) {
        char *copy = arena_copy(&r->arena, header, strlen(header));

        r->cookies_wrong = copy != NULL ? parse_cookies(r, copy)
                                        : http_no_memory;
    }
    *why = r->cookies_wrong;
    return status_of(*why);
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
    if (size == 0 || data[--size] != '\n')
        return false;
    if (size > 0 && data[size - 1] == '\r')
        size--;
    return size == 0 || data[size - 1] == '\n';
}

/* The head is copied once, into the request's own memory, and cut to pieces
 * there: every name and value is a part of that copy. The method is known
 * first, because a refusal of HEAD has no body either. */
int
httprequest_parse_head(struct httprequest *r, const char *data, size_t size,
                       const char **why)
{
    char *text = arena_copy(&r->arena, data, size), *end, *lf;
    int status;

    if (size > 5 && memcmp(data, "HEAD ", 5) == 0)
        r->method = "HEAD";
    *why = http_no_memory;
    if (text == NULL)
        return 503;
    lf = memchr(text, '\n', size);
    end = text + size;
    status = parse_request_line(r, text, lf, why);
    if (status != 0)
        return status;
    *why = "a line does not end with CR LF";
    if (end[-2] != '\r')
        return 400;
    status = httpheaders_parse(&r->headers, lf + 1, end - 2, why);
    return status == 0 ? check_host(r, why) : status;
}

/* [9] --- the body -------------------------------------------------------- */

/* RFC 9112, section 6.3: one number, or the same one several times, in one or
 * several lines. Digits only: two servers in a row that read a length in two
 * ways let a client smuggle requests (int() took "+5" and "-1" in Tornado until
 * 6.3.3). */
static bool
parse_content_length(const struct httprequest *r, size_t *length)
{
    const char *text;
    size_t n, numbers = 0;

    for (size_t i = 0; (text = httpheaders_get_list(
                            &r->headers, "Content-Length", i)) != NULL; i++)
        do {
            text += strspn(text, " \t");
            if (!httputil_parse_digits(&text, 10, &n))
                return false;
            text += strspn(text, " \t");
            if (strchr(",", *text) == NULL || (numbers++ > 0 && n != *length))
                return false;
            *length = n;
        } while (*text++ == ',');
    return true;
}

/* [13] RFC 9112, section 6.1: not a list of codings, and not from a client of
 * HTTP/1.0. A server in between may read those in another way. */
static bool
is_chunked(const struct httprequest *r)
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

    *length = 0;
    *why = "both Content-Length and Transfer-Encoding";
    if (has_coding && has_size)
        return 400;

    /* [13] The one coding that every HTTP/1.1 server has to understand. */
    if (has_coding && is_chunked(r)) {
        *length = HTTP_LENGTH_UNKNOWN;
        return 0;
    }

    *why = "unknown Transfer-Encoding";
    if (has_coding)
        return 501;
    *why = "malformed Content-Length";
    if (has_size && !parse_content_length(r, length))
        return 400;
    *why = "body too long";
    return *length > max ? 413 : 0;
}

int
httprequest_expects_continue(const struct httprequest *r, bool *expects,
                             const char **why)
{
    const char *expect;

    *expects = false;
    *why = "unknown expectation";
    for (size_t i = 0; httprequest_supports_http_1_1(r) &&
         (expect = httpheaders_get_list(&r->headers, "Expect", i)) != NULL;
         i++) {
        if (strcasecmp(expect, "100-continue") != 0)
            return 417;
        *expects = true;
    }
    return 0;
}

int
httprequest_parse_query(struct httprequest *r, const char **why)
{
    *why = httpform_parse_qs(&r->arguments, r->query, strlen(r->query));
    return status_of(*why);
}

/* Tornado parses forms in _on_request_body. Here it is done when the
 * application asks: a handler that stores a million bytes "a&" has no use for
 * fields. */
int
httprequest_parse_body(struct httprequest *r, const char **why)
{
    const char *type = httpheaders_get(&r->headers, "Content-Type");
    static const char form[] = "application/x-www-form-urlencoded";
    static const char multipart[] = "multipart/form-data";

    *why = NULL;
    if (type == NULL || (strcmp(r->method, "POST") != 0 &&
                         strcmp(r->method, "PUT") != 0))
        return 0;
    if (strncasecmp(type, form, sizeof form - 1) == 0)
        *why = httpform_parse_qs(&r->arguments, r->body, r->body_size);
    else if (strncasecmp(type, multipart, sizeof multipart - 1) == 0)
        *why = httpform_parse_multipart(&r->arguments, type, r->body,
                                        r->body_size);
    return status_of(*why);
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

/* [12] --- the client leaves ----------------------------------------------- */

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
