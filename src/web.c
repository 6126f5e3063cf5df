/* [11] web.c -- from a request to your function, and from what it writes to
 * an answer.
 *
 * In the order of events: application_call() finds the class and makes the
 * handler, handler_execute() calls its method, which writes; handler_finish() settles
 * the head, and handler_flush() hands both to the connection. */
#include "web.h"

#include <regex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "trace.h"

enum { MAX_GROUPS = 9 }; /* the whole match counts as one */

/* URLSpec. */
struct route {
    const struct urlspec *spec;
    bool literal; /* nothing in the pattern is special: just compare */
    regex_t regex;
};

struct application {
    size_t nroutes;
    struct route routes[];
};

struct path_argument {
    const char *text;
    size_t size;
};

/* RequestHandler. */
struct handler {
    const struct handler_class *class;
    struct httprequest *request;
    void *state;
    struct path_argument arguments[MAX_GROUPS - 1];

    int status;
    struct httpheaders headers;
    struct buffer *body; /* written, but not flushed yet */
    size_t length, flushed; /* of the whole body: promised, sent */
    bool length_known, headers_written, chunked, is_error, finished;
    int failed; /* the status to answer with in place of what was wanted */

    ioloop_callback *flush_callback;
    void *flush_arg;
};

static void handler_execute(struct handler *self);
static void send_error(struct handler *self, int status, const char *detail);

/* --- Application -------------------------------------------------------- */

/* Tornado appends "$" to the pattern and matches from the start. */
static bool
compile(struct route *route, const struct urlspec *spec)
{
    char anchored[512];
    int error;

    route->spec = spec;
    route->literal = strpbrk(spec->pattern, ".[]()*+?{}|^$\\") == NULL;
    if (route->literal)
        return true;
    if (strlen(spec->pattern) > sizeof anchored - 5) {
        log_error("pattern too long: %s", spec->pattern);
        return false;
    }
    snprintf(anchored, sizeof anchored, "^%s$", spec->pattern);
    error = regcomp(&route->regex, anchored, REG_EXTENDED);
    if (error == 0)
        return true;
    regerror(error, &route->regex, anchored, sizeof anchored);
    log_error("bad pattern %s: %s", spec->pattern, anchored);
    route->literal = true; /* so that it is not freed */
    return false;
}

struct application *
application_new(const struct urlspec *specs)
{
    struct application *a;
    size_t n = 0;

    while (specs[n].pattern != NULL)
        n++;
    a = calloc(1, sizeof *a + n * sizeof a->routes[0]);
    if (a == NULL)
        return NULL;
    for (; a->nroutes < n; a->nroutes++)
        if (!compile(&a->routes[a->nroutes], &specs[a->nroutes])) {
            application_free(a);
            return NULL;
        }
    return a;
}

void
application_free(struct application *a)
{
    for (size_t i = 0; i < a->nroutes; i++)
        if (!a->routes[i].literal)
            regfree(&a->routes[i].regex);
    free(a);
}

/* Groups are decoded only after the match: an encoded slash is no slash. The
 * '+' stays what it is (Tornado until 3.1 made it a blank). */
static bool
keep_groups(struct handler *self, const char *path, const regmatch_t *match)
{
    for (size_t i = 0; i < MAX_GROUPS - 1; i++) {
        struct path_argument *a = &self->arguments[i];
        regoff_t start = match[i + 1].rm_so;
        char *text;

        if (start == -1)
            continue;
        a->size = (size_t)(match[i + 1].rm_eo - start);
        text = arena_copy(&self->request->arena, path + start, a->size);
        if (text == NULL)
            return false;
        a->size = httpform_unescape(text, a->size);
        a->text = text;
    }
    return true;
}

/* The class of the first pattern that matches, or NULL. */
static const struct handler_class *
find_handler(const struct application *a, struct handler *self)
{
    const char *path = self->request->path;
    regmatch_t match[MAX_GROUPS];

    for (size_t i = 0; i < a->nroutes; i++) {
        const struct route *route = &a->routes[i];

        if (route->literal) {
            if (strcmp(route->spec->pattern, path) == 0)
                return route->spec->handler;
        } else if (regexec(&route->regex, path, MAX_GROUPS, match, 0) == 0) {
            if (!keep_groups(self, path, match))
                self->failed = 503;
            return route->spec->handler;
        }
    }
    return NULL;
}

/* RequestHandler.clear: an answer begins with these. */
static void
clear(struct handler *self)
{
    buffer_release(&self->body);
    self->headers.n = 0;
    self->status = 200;
    self->length_known = false;
    httpheaders_add(&self->headers, "Content-Type",
                    "text/html; charset=UTF-8");
}

static struct handler *
handler_new(struct httprequest *request)
{
    struct handler *self = arena_alloc(&request->arena, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (struct handler){.request = request};
    self->headers.arena = &request->arena;
    clear(self);
    return self;
}

static bool
add_state(struct handler *self)
{
    size_t size = self->class->state_size;

    if (size == 0)
        return true;
    self->state = arena_alloc(&self->request->arena, size);
    if (self->state == NULL)
        return false;
    memset(self->state, 0, size);
    return true;
}

void
application_call(struct httprequest *request, void *arg)
{
    static const struct handler_class none = {0}; /* ErrorHandler */
    const struct application *a = arg;
    const struct handler_class *class;
    struct handler *self = handler_new(request);

    if (self == NULL) {
        httprequest_abort(request);
        httprequest_finish(request);
        return;
    }
    class = find_handler(a, self);
    self->class = class != NULL ? class : &none;
    TOUR(11, httprequest_fd(request), "%s is %s", request->path,
         class != NULL ? "known" : "nobody's");
    if (self->failed != 0 || !add_state(self))
        send_error(self, 503, NULL);
    else if (class == NULL)
        send_error(self, 404, NULL);
    else
        handler_execute(self);
}

/* --- execute ------------------------------------------------------------ */

/* The methods that Tornado supports, and what a class has for them. */
static const char *const methods[] = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS",
};

enum { NMETHODS = sizeof methods / sizeof methods[0] };

static handler_method *
class_method(const struct handler_class *class, size_t i)
{
    handler_method *const table[NMETHODS] = {
        class->get, class->head, class->post,
        class->put, class->delete, class->options,
    };

    return table[i];
}

/* RFC 9110, section 15.5.6: whoever says 405 says what would be allowed. */
static void
add_allow(struct handler *self)
{
    char allow[64] = "";

    for (size_t i = 0; i < NMETHODS; i++) {
        if (class_method(self->class, i) == NULL)
            continue;
        if (*allow != '\0')
            strcat(allow, ", ");
        strcat(allow, methods[i]);
    }
    handler_set_header(self, "Allow", allow);
}

/* [12] The client has gone while the answer was being made. */
static void
on_connection_close(void *arg)
{
    struct handler *self = arg;

    if (!self->finished && self->class->on_connection_close != NULL)
        self->class->on_connection_close(self);
}

/* RequestHandler._execute. */
static void
handler_execute(struct handler *self)
{
    const char *method = self->request->method, *wrong = NULL;
    size_t i = 0;

    while (i < NMETHODS && strcmp(methods[i], method) != 0)
        i++;
    TOUR(12, httprequest_fd(self->request), "%s has %s method", method,
         i < NMETHODS && class_method(self->class, i) != NULL ? "a" : "no");
    if (i == NMETHODS) {
        send_error(self, 501, NULL);
        return;
    }
    if (class_method(self->class, i) == NULL) {
        send_error(self, 405, NULL);
        return;
    }
    if (self->class->form)
        wrong = httprequest_parse_body(self->request);
    if (wrong != NULL) {
        send_error(self, 400, wrong);
        return;
    }

    /* [12] Whoever takes time wants to know if somebody still waits. */
    if (self->class->asynchronous)
        httprequest_set_close_callback(self->request, on_connection_close,
                                       self);

    if (self->class->prepare != NULL)
        self->class->prepare(self);
    if (self->finished)
        return;
    class_method(self->class, i)(self);

    /* [12] It will finish when it is ready, or has already: then it may be
     * gone in the next turn, but not in this one. */
    if (self->class->asynchronous)
        return;

    if (!self->finished)
        handler_finish(self);
}

/* --- what came in ------------------------------------------------------- */

struct httprequest *
handler_request(struct handler *self)
{
    return self->request;
}

void *
handler_state(struct handler *self)
{
    return self->state;
}

const char *
handler_path_argument(struct handler *self, size_t i, size_t *size)
{
    if (i >= MAX_GROUPS - 1)
        return NULL;
    if (size != NULL)
        *size = self->arguments[i].size;
    return self->arguments[i].text;
}

/* _ArgumentParser: control bytes (but not tab and line breaks) become blanks,
 * and white space around the value goes. */
static const char *
clean(struct handler *self, const struct argument *a)
{
    char *copy = arena_copy(&self->request->arena, a->value, a->size), *end;

    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < a->size; i++)
        if (copy[i] == '\0' || ((unsigned char)copy[i] < ' ' &&
                                strchr("\t\n\v\f\r", copy[i]) == NULL))
            copy[i] = ' ';
    for (end = copy + a->size; end > copy && strchr(" \t\n\v\f\r", end[-1]);)
        *--end = '\0';
    return copy + strspn(copy, " \t\n\v\f\r");
}

const char *
handler_get_arguments(struct handler *self, const char *name, size_t i)
{
    const struct arguments *all = &self->request->arguments;
    size_t size = strlen(name);

    for (size_t k = 0; k < all->n; k++)
        if (all->items[k].name_size == size &&
            memcmp(all->items[k].name, name, size) == 0 && i-- == 0)
            return clean(self, &all->items[k]);
    return NULL;
}

const char *
handler_get_argument(struct handler *self, const char *name,
                     const char *fallback)
{
    struct argument a = {.name = name};
    char detail[128];

    a.value = httpform_argument(&self->request->arguments, name, &a.size);
    if (a.value != NULL)
        fallback = clean(self, &a);
    if (fallback == NULL) {
        snprintf(detail, sizeof detail, "Missing argument %s", name);
        send_error(self, a.value == NULL ? 400 : 503, detail);
    }
    return fallback;
}

/* --- the head of the answer --------------------------------------------- */

/* Something that the handler wanted can not be done; handler_finish() will
 * say so to the client. */
static void
fail(struct handler *self, int status, const char *why)
{
    log_error("%s %s: %s", self->request->method, self->request->uri, why);
    if (self->failed == 0)
        self->failed = status;
}

/* False, and a word in the log, when the answer is over. */
static bool
still_open(struct handler *self, const char *what)
{
    if (!self->finished)
        return true;
    log_error("%s %s: %s after finish", self->request->method,
              self->request->uri, what);
    return false;
}

void
handler_set_status(struct handler *self, int status)
{
    if (!still_open(self, "set_status"))
        return;
    if (status < 200 || status > 999)
        fail(self, 500, "no such status");
    else
        self->status = status;
}

static bool
is_name(const char *name)
{
    size_t n = 0;

    while (httputil_is_token_byte((unsigned char)name[n]))
        n++;
    return n > 0 && name[n] == '\0';
}

void
handler_add_header(struct handler *self, const char *name, const char *value)
{
    struct arena **arena = &self->request->arena;
    char *n, *v;

    if (!still_open(self, "add_header"))
        return;
    if (self->headers_written || !is_name(name) ||
        !httputil_is_value(value)) {
        fail(self, 500, "a header that can not be sent");
        return;
    }
    n = arena_copy(arena, name, strlen(name));
    v = arena_copy(arena, value, strlen(value));
    if (n == NULL || v == NULL || !httpheaders_add(&self->headers, n, v))
        fail(self, 503, "out of memory");
}

void
handler_set_header(struct handler *self, const char *name, const char *value)
{
    if (!self->finished && !self->headers_written)
        httpheaders_del(&self->headers, name);
    handler_add_header(self, name, value);
}

void
handler_set_content_length(struct handler *self, size_t size)
{
    self->length = size;
    self->length_known = true;
}

/* --- the body of the answer --------------------------------------------- */

void
handler_write_bytes(struct handler *self, const void *data, size_t size)
{
    if (still_open(self, "write") &&
        !buffer_append(&self->body, data, size))
        fail(self, 503, "out of memory");
}

void
handler_write(struct handler *self, const char *text)
{
    handler_write_bytes(self, text, strlen(text));
}

void
handler_write_escaped(struct handler *self, const char *text, size_t size)
{
    if (still_open(self, "write") &&
        !httputil_xhtml_escape(&self->body, text, size))
        fail(self, 503, "out of memory");
}

void
handler_printf(struct handler *self, const char *format, ...)
{
    va_list ap;
    char *room;
    int n;

    va_start(ap, format);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0 || !still_open(self, "write"))
        return;
    room = buffer_room(&self->body, (size_t)n + 1);
    if (room == NULL) {
        fail(self, 503, "out of memory");
        return;
    }
    va_start(ap, format);
    vsnprintf(room, (size_t)n + 1, format, ap);
    va_end(ap);
    self->body->end += (size_t)n;
}

/* --- flush -------------------------------------------------------------- */

/* Does an answer with this status have a body at all? (RFC 9110, 6.4.1) */
static bool
status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* printf() is twenty times the work of this, and each answer has a number in
 * its head. The digits of `n`, ending at `end`; where they begin. */
static char *
digits(char *end, size_t n)
{
    do
        *--end = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return end;
}

static bool
append_header(struct buffer **out, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);
    char *p = buffer_room(out, n + v + 4);

    if (p == NULL)
        return false;
    memcpy(p, name, n);
    memcpy(p + n, ": ", 2);
    memcpy(p + n + 2, value, v);
    memcpy(p + n + 2 + v, "\r\n", 2);
    (*out)->end += n + v + 4;
    return true;
}

/* RequestHandler._generate_headers. We say HTTP/1.1 to everybody, because
 * that is what we speak (Tornado does since 4.1). */
static bool
append_head(struct handler *self, struct buffer **out)
{
    const char *reason = httputil_reason(self->status);
    char line[] = "HTTP/1.1 000 ", number[24] = "";
    char *end = number + sizeof number - 1;
    bool ok, http_1_1 = httprequest_supports_http_1_1(self->request);

    digits(line + 12, (size_t)self->status);
    ok = buffer_append(out, line, sizeof line - 1) &&
         buffer_append(out, reason, strlen(reason)) &&
         buffer_append(out, "\r\n", 2) &&
         append_header(out, "Server", "DustDevil/1.0") &&
         append_header(out, "Date", httputil_date());
    for (size_t i = 0; ok && i < self->headers.n; i++)
        ok = append_header(out, self->headers.items[i].name,
                           self->headers.items[i].value);
    if (ok && self->length_known)
        ok = append_header(out, "Content-Length", digits(end, self->length));
    if (ok && self->chunked)
        ok = append_header(out, "Transfer-Encoding", "chunked");
    if (ok && !self->request->keep_alive)
        ok = append_header(out, "Connection", "close");
    else if (ok && !http_1_1)
        ok = append_header(out, "Connection", "keep-alive");
    return ok && buffer_append(out, "\r\n", 2);
}

/* The head is about to leave: how will the client know where the body ends?
 * By its length, if we know it; else by the end of the connection. */
static void
settle_framing(struct handler *self)
{
    bool has_body = status_has_body(self->status);

    if (!has_body) {
        self->length_known = false;
        httpheaders_del(&self->headers, "Content-Type");
    }

    /* [12] Or, in HTTP/1.1, by an empty chunk. */
    if (!self->length_known && has_body &&
        httprequest_supports_http_1_1(self->request))
        self->chunked = true;

    if (!self->length_known && has_body && !self->chunked)
        self->request->keep_alive = false;
}

/* [12] ChunkedTransferEncoding: what was written becomes one chunk, and the
 * end of the answer an empty one. That is why nothing else may be empty. */
static bool
wrap_chunk(struct handler *self)
{
    struct buffer *body = self->body, *chunk = NULL;
    size_t size = buffer_length(body);
    char line[24];
    bool ok = true;

    if (size > 0) {
        int n = snprintf(line, sizeof line, "%zx\r\n", size);

        ok = buffer_append(&chunk, line, (size_t)n) &&
             buffer_append(&chunk, body->data + body->start, size) &&
             buffer_append(&chunk, "\r\n", 2);
    }
    if (self->finished)
        ok = ok && buffer_append(&chunk, "0\r\n\r\n", 5);
    buffer_release(&self->body);
    self->body = chunk;
    return ok;
}

/* The body that was written moves behind the head, or, where there is no head
 * any more, takes its place. */
static bool
append_body(struct handler *self, struct buffer **out)
{
    struct buffer *body = self->body;
    bool ok = true;

    if (*out == NULL) {
        *out = body;
        self->body = NULL;
        return true;
    }
    if (body != NULL)
        ok = buffer_append(out, body->data + body->start,
                           buffer_length(body));
    buffer_release(&self->body);
    return ok;
}

/* Nothing may be written by a handler that has finished meanwhile. */
static void
on_flushed(void *arg)
{
    struct handler *self = arg;
    ioloop_callback *callback = self->flush_callback;

    self->flush_callback = NULL;
    if (callback != NULL && !self->finished)
        callback(self->flush_arg);
}

void
handler_flush(struct handler *self, ioloop_callback *callback, void *arg)
{
    struct httprequest *r = self->request;
    bool has_body = status_has_body(self->status), ok = true;
    struct buffer *out = NULL;

    self->flushed += buffer_length(self->body);
    if (!self->headers_written) {
        settle_framing(self);
        ok = append_head(self, &out);
        self->headers_written = true;
    }
    if (!has_body || strcmp(r->method, "HEAD") == 0)
        buffer_release(&self->body);

    /* [12] The length is told bit by bit. */
    if (self->chunked && strcmp(r->method, "HEAD") != 0)
        ok = ok && wrap_chunk(self);

    ok = ok && append_body(self, &out);
    if (!ok || (self->length_known && self->flushed > self->length)) {
        fail(self, 500, ok ? "more body than promised" : "out of memory");
        buffer_release(&out);
        httprequest_abort(r);
    }
    TOUR(15, httprequest_fd(r), "head and body in one: %zu bytes",
         buffer_length(out));
    self->flush_callback = callback;
    self->flush_arg = arg;
    if (out != NULL || callback != NULL)
        httprequest_write(r, out != NULL ? out->data + out->start : "",
                          buffer_length(out),
                          callback != NULL ? on_flushed : NULL, self);
    buffer_release(&out);
}

/* --- finish ------------------------------------------------------------- */

/* RequestHandler.compute_etag. Tornado takes SHA-1, and spends more on it than
 * on everything else. Nobody is to be fooled here: two bodies of one URL have
 * to differ in their tags, and for that FNV-1a, with 64 bits, will do. */
static void
compute_etag(const struct buffer *body, char etag[19])
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < buffer_length(body); i++) {
        hash ^= (unsigned char)body->data[body->start + i];
        hash *= 0x100000001b3;
    }
    etag[0] = etag[17] = '"';
    etag[18] = '\0';
    for (size_t i = 16; i > 0; i--, hash >>= 4)
        etag[i] = "0123456789abcdef"[hash & 15];
}

/* RFC 9110, section 13.1.2: is it one of the tags of the list, or is the list
 * "*"? A tag's W/ does not count here. */
static bool
list_has_etag(const char *list, const char *etag)
{
    size_t size = strlen(etag);

    if (strcmp(list, "*") == 0)
        return true;
    while (*list != '\0') {
        list += strspn(list, " \t,");
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        if (strncmp(list, etag, size) == 0)
            return true;
        if (*list == '"')
            list += 1 + strcspn(list + 1, "\"");
        list += strcspn(list, ",");
    }
    return false;
}

/* Whoever has this very body already is not sent it again. */
static void
check_etag(struct handler *self)
{
    struct httprequest *r = self->request;
    const char *known = httpheaders_get(&r->headers, "If-None-Match");
    char etag[19];

    if (self->status != 200 || self->body == NULL ||
        (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0))
        return;
    compute_etag(self->body, etag);
    handler_set_header(self, "Etag", etag);
    if (known == NULL || !list_has_etag(known, etag))
        return;
    self->status = 304;
    buffer_release(&self->body);
}

/* Application.log_request. */
static void
log_request(struct handler *self)
{
    struct httprequest *r = self->request;
    int level = self->status < 400   ? LOG_INFO
                : self->status < 500 ? LOG_WARNING
                                     : LOG_ERROR;

    LOG_AT(level, "%d %s %s (%s) %.2fms", self->status, r->method, r->uri,
           httprequest_remote_ip(r), (double)httprequest_time(r) / 1000);
}

/* The first and only flush knows how long the body is. (But the answer to
 * HEAD may have promised a length without having written it.) */
static void
settle_length(struct handler *self)
{
    if (self->length_known && strcmp(self->request->method, "HEAD") == 0)
        return;
    check_etag(self);
    self->length = buffer_length(self->body);
    self->length_known = true;
}

void
handler_finish(struct handler *self)
{
    struct httprequest *r = self->request;
    bool head = strcmp(r->method, "HEAD") == 0;

    if (!still_open(self, "finish"))
        return;
    if (self->failed != 0 && !self->headers_written && !self->is_error) {
        send_error(self, self->failed, NULL);
        return;
    }
    TOUR(14, httprequest_fd(r), "finished with %d, %zu bytes to flush",
         self->status, buffer_length(self->body));
    if (!self->headers_written)
        settle_length(self);
    self->finished = true;
    handler_flush(self, NULL, NULL);
    if (self->failed != 0 ||
        (self->length_known && !head && self->flushed != self->length)) {
        log_error("%s %s: answer cut short", r->method, r->uri);
        httprequest_abort(r);
    }
    log_request(self);
    httprequest_finish(r);
    if (self->class->on_finish != NULL)
        self->class->on_finish(self);
}

void
handler_redirect(struct handler *self, const char *url, bool permanent)
{
    handler_set_status(self, permanent ? 301 : 302);
    handler_set_header(self, "Location", url);
    handler_finish(self);
}

/* RequestHandler.send_error, get_error_html. What the application has begun
 * to say is forgotten, its headers too. */
static void
send_error(struct handler *self, int status, const char *detail)
{
    const char *reason = httputil_reason(status);

    if (!still_open(self, "send_error"))
        return;
    self->is_error = true;
    self->failed = self->headers_written ? status : 0;
    if (!self->headers_written) {
        clear(self);
        self->status = status;
        if (status == 405)
            add_allow(self);
        handler_printf(self, "<html><title>%d: %s</title><body>%d: %s",
                       status, reason, status, reason);
        if (detail != NULL) {
            handler_write(self, " (");
            handler_write_escaped(self, detail, strlen(detail));
            handler_write(self, ")");
        }
        handler_write(self, "</body></html>");
    }
    handler_finish(self);
}

void
handler_send_error(struct handler *self, int status)
{
    send_error(self, status, NULL);
}

/* [12] --- time ----------------------------------------------------------- */

bool
handler_client_gone(struct handler *self)
{
    return self->request->connection == NULL;
}
