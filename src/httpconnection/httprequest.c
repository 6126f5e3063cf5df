/* [10] httprequest.c -- text becomes a request.
 *
 * In reading order: the request line; the head as a whole; and, each from its
 * chapter on, the length of the body (chapter 11), forms (chapter 14), cookies
 * (chapter 30), and accessors (chapter 16). Every error is a status and a
 * reason. */
#include "httprequest.h"

#include <arpa/inet.h> /* [21] */
#include <ctype.h>
#include <netdb.h> /* [20] */
#include <stdio.h> /* [21] */
#include <string.h>
#include <strings.h> /* [14] */

static const char malformed_line[] = "400 malformed request line";
static const char line_too_long[] = "414 request line too long";

/* [21] --- hosts and whole URLs ------------------------------------------- */

static const char malformed_target[] = "400 malformed request target";

/* RFC 3986, section 3.2: a name, maybe empty, or an IPv6 address in brackets,
 * and maybe a port. An application that makes links with it or looks up sites
 * can rely on its form (as in Tornado since 6.5). */
static bool
is_host(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr unused;
    int n = 0;

    if (*host == '[') {
        if (sscanf(host, "[%45[^]]]%n", address, &n) != 1 ||
            inet_pton(AF_INET6, address, &unused) != 1)
            n = 0;

        /* IPvFuture, an address of a kind that does not exist yet. */
        if (n == 0)
            sscanf(host, "[%*1[vV]%*[0-9A-Fa-f].%*[-._~!$&'()*+,;=:0-9A-Za-z]]"
                         "%n", &n);
        if (n == 0)
            return false;
        host += n;
    } else {
        host += httputil_span(host, HTTP_HOST);
        while (*host == '%' && httputil_hex_byte(host + 1) != -1)
            host += 3 + httputil_span(host + 3, HTTP_HOST);
    }
    if (*host == ':')
        host += 1 + strspn(host + 1, "0123456789");
    return *host == '\0';
}

/* RFC 9112, section 3.2: the whole URL, as for a proxy; or "*", for OPTIONS
 * only. *target moves to the path. The host of a URL must not be empty. */
static const char *
parse_other_form(struct httprequest *r, const char **target)
{
    const char *host = *target + 7;
    size_t n;

    if (strcmp(*target, "*") == 0 && strcmp(r->method, "OPTIONS") == 0)
        return NULL;
    if (strncasecmp(*target, "https://", 8) == 0)
        host++;
    else if (strncasecmp(*target, "http://", 7) != 0)
        return malformed_target;
    n = strcspn(host, "/?");
    *target = host + n;
    r->host = arena_copy(&r->arena, host, n);
    if (r->host == NULL)
        return HTTP_NO_MEMORY;
    return strchr(":", *r->host) != NULL || !is_host(r->host)
               ? malformed_target : NULL;
}

/* --- the request line --------------------------------------------------- */

/* "/path?query". */
static const char *
parse_target(struct httprequest *r)
{
    const char *target = r->uri;
    size_t n;
    char *path;

    /* [21] Not every target is a path. What stands behind '#' names a part of
     * a page: only the client uses it, and does not send it. */
    if (*r->method == 'C' && strcmp(r->method, "CONNECT") == 0)
        return "501 CONNECT is for proxies";
    if (*target != '/') {
        const char *wrong = parse_other_form(r, &target);

        if (wrong != NULL)
            return wrong;
    }
    if (strchr(target, '#') != NULL)
        return malformed_target;

    n = strcspn(target, "?");
    r->query = target[n] == '?' ? target + n + 1 : "";

    /* [21] A URL without a path means "/". */
    if (n == 0) {
        target = "/";
        n = 1;
    }

    /* [36] Mostly the target is the path: it needs no copy. */
    r->path = target;
    if (target[n] == '\0' && strchr(target, '%') == NULL)
        return NULL;

    r->path = path = arena_copy(&r->arena, target, n);

    /* [21] RFC 3986, section 6.2.2.2: "%61" and "a" are the same byte of a
     * path, so routes have to see them as one. Only bytes that never mean
     * anything else are decoded: "%2F" is not a slash, and "%25" stays, so
     * nothing is decoded twice. */
    if (path != NULL)
        httpform_unescape(path, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "abcdefghijklmnopqrstuvwxyz0123456789-._~");

    return path != NULL ? NULL : HTTP_NO_MEMORY;
}

/* RFC 9112, section 3: METHOD SP target SP HTTP/1.x CR LF. Tornado 2.0 splits
 * at spaces, and checks only that the last part begins with HTTP/. */
static const char *
parse_request_line(struct httprequest *r, char *line, char *lf)
{
    size_t n = httputil_span(line, HTTP_TOKEN);
    char *target = line + n + 1, *version = target;

    /* [21] The limit of a line. A longer line is judged by its start, as if the
     * rest had not come yet, so its error does not depend on the packets. */
    if (lf - line > HTTP_MAX_LINE + 1)
        return httprequest_check_start(line, HTTP_MAX_LINE + 2);

    if (n == 0 || line[n] != ' ')
        return malformed_line;

    /* [21] The checks below do not look at this byte. */
    if (lf[-1] != '\r')
        return "400 a line does not end with CR LF";

    while (*version > ' ' && *version < 0x7f)
        version++;
    if (version == target || lf - version != sizeof " HTTP/1.1" ||
        memcmp(version, " HTTP/", 6) != 0 || version[7] != '.' ||
        !isdigit((unsigned char)version[6]) ||
        !isdigit((unsigned char)version[8]))
        return malformed_line;
    if (version[6] != '1')
        return "505 only HTTP/1.0 and HTTP/1.1 are spoken here";
    line[n] = *version = '\0';
    r->method = line;
    r->uri = target;
    r->version = version[8] == '0' ? "HTTP/1.0" : "HTTP/1.1";
    return parse_target(r);
}

/* [19] --- a part of a head ----------------------------------------------- */

/* A complete first line is parsed by the same function that parses it again
 * when the head is complete. In an incomplete line only the bytes of the method
 * and the length of the line are checked. */
const char *
httprequest_check_start(const char *data, size_t size)
{
    char line[HTTP_MAX_LINE + 3];
    size_t n = size < sizeof line ? size : sizeof line - 1, method;
    char *end = memccpy(line, data, '\n', n);

    if (end != NULL) {
        struct httprequest r = {0};
        const char *wrong = parse_request_line(&r, line, end - 1);

        arena_release(&r.arena);
        return wrong;
    }
    line[n] = '\0';
    method = httputil_span(line, HTTP_TOKEN);
    if (method < n && (method == 0 || line[method] != ' '))
        return malformed_line;
    return n > HTTP_MAX_LINE + 1 ? line_too_long : NULL;
}

/* --- the head ----------------------------------------------------------- */

struct httprequest *
httprequest_new(void)
{
    struct arena *arena = NULL;
    struct httprequest *r = arena_alloc(&arena, sizeof *r);

    if (r == NULL)
        return NULL;
    *r = (struct httprequest){.arena = arena};
    r->headers.arena = &r->arena; /* [11] */
    r->arguments.list.arena = &r->arena; /* [14] */
    r->cookies.arena = &r->arena; /* [30] */
    r->body = ""; /* [12] */
    r->protocol = "http"; /* [25] */
    return r;
}

void
httprequest_free(void *request)
{
    struct httprequest *r = request;
    struct arena *all = r->arena;

    buffer_release(&r->body_buffer); /* [12] */
    arena_release(&all);
}

/* [21] RFC 9112, section 3.2: exactly one Host in HTTP/1.1, at most one in 1.0.
 * A host in the target replaces it. */
static const char *
check_host(struct httprequest *r)
{
    const char *host = httpheaders_get_list(&r->headers, "Host", 0);

    if (host == NULL && httprequest_supports_http_1_1(r))
        return "400 no Host header";
    if (httpheaders_get_list(&r->headers, "Host", 1) != NULL)
        return "400 more than one Host header";
    if (host != NULL && !is_host(host))
        return "400 malformed Host header";
    if (r->host == NULL)
        r->host = host != NULL ? host : "127.0.0.1";
    return NULL;
}

/* The head is copied once, into the request's own memory. The parsers cut this
 * copy into strings, in place. */
const char *
httprequest_parse_head(struct httprequest *r, const char *data, size_t size,
                       size_t max)
{
    char *text = arena_copy(&r->arena, data, size), *lf;
    const char *wrong;

    if (text == NULL)
        return HTTP_NO_MEMORY;
    lf = memchr(text, '\n', size);

    /* [19] A line without an end may be malformed at its start. Then this is
     * its error, in however many packets it comes. */
    if (lf == NULL && httprequest_check_start(text, size) == malformed_line)
        return malformed_line;

    wrong = lf != NULL ? parse_request_line(r, text, lf) : line_too_long;
    if (wrong != NULL)
        return wrong;
    if (size > max)
        return "431 headers too long";

    /* [21] The empty line is a line, too. */
    if (text[size - 2] != '\r')
        return "400 a line does not end with CR LF";

    /* [11] The headers stand between the first line and the empty line. */
    wrong = httpheaders_parse(&r->headers, lf + 1, text + size - 2);

    /* [21] A request of HTTP/1.1 has to name its host. */
    if (wrong == NULL)
        wrong = check_host(r);

    return wrong;
}

/* [11] --- the body -------------------------------------------------------- */

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

const char *
httprequest_body_length(struct httprequest *r, size_t max, size_t *length)
{
    *length = 0;

    /* [21] With Transfer-Encoding the body is coded, and Content-Length does
     * not say where it ends. */
    bool has_coding = httpheaders_get_list(&r->headers, "Transfer-Encoding",
                                           0) != NULL;

    /* [27] A server in between may use the one, and this server the other. */
    if (has_coding &&
        httpheaders_get_list(&r->headers, "Content-Length", 0) != NULL)
        return "400 both Content-Length and Transfer-Encoding";

    /* [27] RFC 9112, section 6.1: every server has to understand one coding,
     * chunked. A list of codings, or a coding of an HTTP/1.0 client, is not
     * accepted: a server in between may read it in another way. */
    if (has_coding && httprequest_supports_http_1_1(r)) {
        const char *one = httpheaders_get(&r->headers, "Transfer-Encoding");

        *length = HTTP_LENGTH_UNKNOWN;
        if (one != NULL && strcasecmp(one, "chunked") == 0)
            return NULL;
    }

    /* [21] The server does not know this coding, nor where the body ends. */
    if (has_coding)
        return "501 unknown Transfer-Encoding";

    if (!parse_content_length(r, length))
        return "400 malformed Content-Length";
    return *length > max ? "413 body too long" : NULL;
}

/* [22] The client may wait for an answer before it sends the body. */
const char *
httprequest_expects_continue(const struct httprequest *r, bool *expects)
{
    const char *expect;

    *expects = false;
    if (!httprequest_supports_http_1_1(r))
        return NULL;
    for (size_t i = 0;
         (expect = httpheaders_get_list(&r->headers, "Expect", i)) != NULL;
         i++) {
        if (strcasecmp(expect, "100-continue") != 0)
            return "417 unknown expectation";
        *expects = true;
    }
    return NULL;
}

/* [14] --- forms ----------------------------------------------------------- */

/* Tornado parses forms in _on_request_body. Here it is done when the
 * application asks: a handler that stores the bytes of a body has no use for
 * fields. */
const char *
httprequest_parse_body(struct httprequest *r)
{
    const char *type = httpheaders_get(&r->headers, "Content-Type");

    if (type == NULL || (strcmp(r->method, "POST") != 0 &&
                         strcmp(r->method, "PUT") != 0))
        return NULL;
    if (strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0)
        return httpform_parse_qs(&r->arguments, r->body, r->body_size);

    /* [22] The form may have files. */
    if (strncasecmp(type, "multipart/form-data", 19) == 0)
        return httpform_parse_multipart(&r->arguments, type, r->body,
                                        r->body_size);

    return NULL;
}

/* [30] --- cookies --------------------------------------------------------- */

/* Removes the blanks at both ends. */
static char *
trim(char *text)
{
    char *end = strchr(text, '\0');

    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    return text + strspn(text, " \t");
}

/* RFC 6265, section 4.2.1: "a=1; b=2". The first '=' ends the name. A pair
 * without a name or without '=' is skipped, and the other cookies still count:
 * any page of the site may have set it. NULL, or what is wrong. */
static const char *
parse_cookies(struct httprequest *r, const char *header)
{
    char *text = arena_copy(&r->arena, header, strlen(header)), *pair;

    if (text == NULL)
        return HTTP_NO_MEMORY;
    while ((pair = strsep(&text, ";")) != NULL) {
        char *name = trim(strsep(&pair, "=")), *value;
        size_t size;

        if (pair == NULL || *name == '\0')
            continue;
        if (r->cookies.n == HTTP_MAX_COOKIES)
            return "400 too many cookies";
        value = trim(pair);
        size = strlen(value);
        if (size > 1 && *value == '"' && value[size - 1] == '"') {
            value[size - 1] = '\0';
            value++;
        }
        if (!httpheaders_add(&r->cookies, name, value))
            return HTTP_NO_MEMORY;
    }
    return NULL;
}

const char *
httprequest_parse_cookies(struct httprequest *r)
{
    const char *header;

    while (r->cookies_wrong == NULL &&
           (header = httpheaders_get_list(&r->headers, "Cookie",
                                          r->cookie_headers++)) != NULL)
        r->cookies_wrong = parse_cookies(r, header);
    return r->cookies_wrong;
}

/* [16] --- accessors ----------------------------------------------------- */

/* [20] For AF_UNIX (chapter 34) getnameinfo() of some systems would say
 * "localhost". */
const char *
peer_ip(const union peer *peer, char ip[PEER_IP_SIZE])
{
    socklen_t size = peer->any.sa_family == AF_INET6 ? sizeof peer->in6
                                                     : sizeof peer->in;

    if (peer->any.sa_family == AF_UNIX ||
        getnameinfo(&peer->any, size, ip, PEER_IP_SIZE, NULL, 0,
                    NI_NUMERICHOST) != 0)
        strcpy(ip, "0.0.0.0");
    return ip;
}

/* [24] The text is made at the first call. */
const char *
httprequest_remote_ip(struct httprequest *r)
{
    return *r->remote_ip != '\0' ? r->remote_ip
                                 : peer_ip(&r->peer, r->remote_ip);
}

/* parse_request_line() has set the version. */
bool
httprequest_supports_http_1_1(const struct httprequest *r)
{
    return r->version[7] == '1';
}

/* [36] The memory of the stream does not count. */
size_t
httprequest_memory(const struct httprequest *r)
{
    return arena_memory(r->arena) + buffer_memory(r->body_buffer);
}
