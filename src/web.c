/* [11] web.c -- from a request to your function, and from what it writes to
 * an answer.
 *
 * In the order of events: application_call() finds the class and makes the
 * handler, handler_execute() calls its method, which writes; handler_finish()
 * settles the head, and handler_flush() hands all to the connection. */
#include "web.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conditional.h"
#include "log.h"
#include "trace.h"

struct application {
    struct urlspecs *routes;
    const char *cookie_secret; /* [15] */
};

/* RequestHandler. */
struct handler {
    const struct handler_class *class;
    const struct application *application; /* [15] */
    struct httprequest *request;
    regmatch_t groups[URLSPEC_GROUPS]; /* where they are in the path */

    int status;
    int failed; /* the status to answer with in place of what was wanted */
    struct httpheaders headers;
    struct buffer *body; /* written, but not flushed yet */
    size_t length, flushed; /* of the whole body: promised, sent */
    bool length_known, headers_written, chunked, is_error, last, finished;
    max_align_t state[]; /* the class's own */
};

static void handler_execute(struct handler *self);
static void send_error(struct handler *self, int status, const char *detail);
static void write_error_page(struct handler *self, int status,
                             const char *detail);

/* --- Application -------------------------------------------------------- */

struct application *
application_new(const struct urlspec *specs)
{
    struct application *a = calloc(1, sizeof *a);

    if (a != NULL)
        a->routes = urlspecs_new(specs);
    if (a == NULL || a->routes != NULL)
        return a;
    free(a);
    return NULL;
}

void
application_free(struct application *a)
{
    urlspecs_free(a->routes);
    free(a);
}

/* [15] The only setting that we need. */
void
application_set_cookie_secret(struct application *a, const char *secret)
{
    a->cookie_secret = secret;
}

/* RequestHandler.clear: what every answer begins with. */
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

void
application_call(struct httprequest *request, void *arg)
{
    static const struct handler_class none = {0}; /* ErrorHandler */
    const struct application *a = arg;
    regmatch_t groups[URLSPEC_GROUPS];
    const struct urlspec *found = urlspecs_find(a->routes, request->path,
                                                groups);
    const struct handler_class *class = found != NULL ? found->handler : &none;
    size_t size = sizeof(struct handler) + class->state_size;
    struct handler *self = arena_alloc(&request->arena, size);

    TOUR(11, httprequest_fd(request), "%s is %s", request->path,
         found != NULL ? "known" : "nobody's");
    if (self == NULL) {
        httprequest_abort(request);
        httprequest_finish(request);
        return;
    }
    memset(self, 0, size);
    self->class = class;
    self->application = a; /* [15] */
    self->request = request;
    memcpy(self->groups, groups, sizeof groups);
    self->headers.arena = &request->arena;
    clear(self);
    if (found == NULL)
        send_error(self, 404, NULL);
    else
        handler_execute(self);
}

/* --- execute ------------------------------------------------------------ */

/* The methods that Tornado supports, and what a class has for them. */
enum { NMETHODS = 6 };

static const char *const methods[NMETHODS] = {"GET", "HEAD",   "POST",
                                              "PUT", "DELETE", "OPTIONS"};

static handler_method *
class_method(const struct handler_class *class, size_t i)
{
    handler_method *const table[NMETHODS] = {class->get, class->head,
                                             class->post, class->put,
                                             class->delete, class->options};

    return table[i];
}

/* RFC 9110, section 15.5.6: whoever says 405 says what would be allowed. */
static void
add_allow(struct handler *self)
{
    char allow[64] = "";

    for (size_t i = 0; i < NMETHODS; i++)
        if (class_method(self->class, i) != NULL) {
            strcat(allow, *allow != '\0' ? ", " : "");
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
    const char *name = self->request->method, *wrong = NULL;
    handler_method *method = NULL;
    int status = 501;

    for (size_t i = 0; i < NMETHODS && status == 501; i++)
        if (strcmp(methods[i], name) == 0) {
            method = class_method(self->class, i);
            status = method != NULL ? 200 : 405;
        }
    TOUR(12, httprequest_fd(self->request), "%s: %s", name,
         method != NULL ? "there is a method" : "there is none");
    if (status == 200 && self->class->form)
        wrong = httprequest_parse_body(self->request);
    if (status != 200 || wrong != NULL) {
        status = wrong == NULL ? status : wrong == http_no_memory ? 503 : 400;
        send_error(self, status, wrong);
        return;
    }

    /* [12] Whoever takes time wants to know if somebody still waits. */
    if (self->class->asynchronous)
        httprequest_set_close_callback(self->request, on_connection_close,
                                       self);

    if (self->class->prepare != NULL)
        self->class->prepare(self);
    if (!self->finished)
        method(self);

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

/* [14] For classes that differ in a detail. */
const void *
handler_arg(struct handler *self)
{
    return self->class->arg;
}

/* [15] For webcookie.c. */
const char *
handler_cookie_secret(struct handler *self)
{
    return self->application->cookie_secret;
}

/* Groups are decoded only after the match: an encoded slash is no slash. The
 * '+' stays what it is (Tornado until 3.1 made it a blank). */
const char *
handler_path_argument(struct handler *self, size_t i, size_t *size)
{
    const regmatch_t *group = &self->groups[i + 1];
    struct httprequest *r = self->request;
    size_t n;
    char *text;

    if (i >= URLSPEC_GROUPS - 1 || group->rm_so == -1)
        return NULL;
    n = (size_t)(group->rm_eo - group->rm_so);
    text = arena_copy(&r->arena, r->path + group->rm_so, n);
    if (text == NULL)
        return NULL;
    n = httpform_unescape(text, n);
    if (size != NULL)
        *size = n;
    return text;
}

const char *
handler_get_arguments(struct handler *self, const char *name, size_t i)
{
    const struct arguments *all = &self->request->arguments;
    const struct argument *a = httpform_argument(all, name, i);

    return a != NULL ? httpform_clean(all, a) : NULL;
}

const char *
handler_get_argument(struct handler *self, const char *name,
                     const char *fallback)
{
    const struct arguments *all = &self->request->arguments;
    const struct argument *a = httpform_argument(all, name, HTTP_LAST);
    char detail[128];

    if (a != NULL)
        fallback = httpform_clean(all, a);
    if (fallback == NULL) {
        snprintf(detail, sizeof detail, "Missing argument %s", name);
        send_error(self, a == NULL ? 400 : 503, detail);
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
    if (status < 200 || status > 999 || self->headers_written)
        fail(self, 500, "a status that can not be sent");
    else
        self->status = status;
}

void
handler_add_header(struct handler *self, const char *name, const char *value)
{
    struct arena **arena = &self->request->arena;
    char *n, *v;

    if (!still_open(self, "add_header"))
        return;
    if (self->headers_written || !httputil_is_token(name) ||
        !httputil_is_value(value)) {
        fail(self, 500, "a header that can not be sent");
        return;
    }
    n = arena_copy(arena, name, strlen(name));
    v = arena_copy(arena, value, strlen(value));
    if (n == NULL || v == NULL || !httpheaders_add(&self->headers, n, v))
        fail(self, 503, http_no_memory);
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
        fail(self, 503, http_no_memory);
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
        fail(self, 503, http_no_memory);
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
    if (!still_open(self, "write"))
        return;
    room = n >= 0 ? buffer_room(&self->body, (size_t)n + 1) : NULL;
    if (room == NULL) {
        fail(self, 503, http_no_memory);
        return;
    }
    va_start(ap, format);
    vsnprintf(room, (size_t)n + 1, format, ap);
    va_end(ap);
    self->body->end += (size_t)n;
}

/* --- flush -------------------------------------------------------------- */

static bool
append_head(struct handler *self, struct buffer **out)
{
    bool keep = self->request->keep_alive;
    struct httpframing framing = {
        .length_known = self->length_known,
        .length = self->length,
        .chunked = self->chunked, /* [12] */
    };

    if (!keep || !httprequest_supports_http_1_1(self->request))
        framing.connection = keep ? "keep-alive" : "close";
    return httputil_append_head(out, self->status, &self->headers, &framing);
}

/* The head is about to leave: how will the client know where the body ends?
 * By its length, if we know it; else by the end of the connection. */
static void
settle_framing(struct handler *self)
{
    bool has_body = httputil_has_body(self->status);

    if (!has_body)
        httpheaders_del(&self->headers, "Content-Type");
    self->length_known = self->length_known && has_body;

    /* [12] Or, in HTTP/1.1, by an empty chunk. */
    if (!self->length_known && has_body &&
        httprequest_supports_http_1_1(self->request))
        self->chunked = true;

    if (!self->length_known && has_body && !self->chunked)
        self->request->keep_alive = false;
}

/* Moves what was written to `out`, behind the head if there is one. */
static bool
append_body(struct handler *self, struct buffer **out)
{
    size_t size = buffer_length(self->body);
    bool ok = true;

    /* [12] ChunkedTransferEncoding: each flush is a chunk, and a chunk begins
     * with its size. Size 0 would be the end, so it is left out. */
    if (self->chunked && size > 0) {
        char line[24];
        int n = snprintf(line, sizeof line, "%zx\r\n", size);

        ok = buffer_append(out, line, (size_t)n);
    }

    if (size > 0)
        ok = ok && buffer_append(out, self->body->data + self->body->start,
                                 size);

    /* [12] The end of this chunk. */
    if (self->chunked && size > 0)
        ok = ok && buffer_append(out, "\r\n", 2);

    /* [12] The end of all chunks. */
    if (self->chunked && self->last)
        ok = ok && buffer_append(out, "0\r\n\r\n", 5);

    return ok;
}

void
handler_flush(struct handler *self, ioloop_callback *callback, void *arg)
{
    struct httprequest *r = self->request;
    struct buffer *out = NULL;
    bool ok = true;

    if (!still_open(self, "flush"))
        return;
    self->flushed += buffer_length(self->body);
    if (!self->headers_written) {
        settle_framing(self);
        ok = append_head(self, &out);
        self->headers_written = true;
    }
    if (httputil_has_body(self->status) && strcmp(r->method, "HEAD") != 0)
        ok = ok && append_body(self, &out);
    buffer_release(&self->body);
    if (!ok || (self->length_known && self->flushed > self->length)) {
        fail(self, 500, ok ? "more body than promised" : http_no_memory);
        httprequest_abort(r);
    }
    TOUR(15, httprequest_fd(r), "one block of %zu bytes",
         buffer_length(out));
    httprequest_write(r, out != NULL ? out->data : "", buffer_length(out),
                      callback, arg);
    buffer_release(&out);
}

/* [14] Counted like everything else: what was promised has to come. */
void
handler_send_file(struct handler *self, int fd, off_t offset, size_t size,
                  ioloop_callback *callback, void *arg)
{
    if (!still_open(self, "send_file"))
        return;
    self->flushed += size;
    httprequest_send_file(self->request, fd, offset, size, callback, arg);
}

/* --- finish ------------------------------------------------------------- */

/* Whoever has this very body already is not sent it again. */
static void
check_etag(struct handler *self)
{
    struct httprequest *r = self->request;
    char etag[CONDITIONAL_ETAG_SIZE];

    if (self->status != 200 ||
        (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0))
        return;

    /* [14] A handler that has set one knows better, and has compared it. */
    if (httpheaders_get_list(&self->headers, "Etag", 0) != NULL)
        return;

    conditional_etag(etag, self->body);
    handler_set_header(self, "Etag", etag);

    /* [14] Whoever wants another one than this gets none. */
    if (!conditional_client_means(r, etag)) {
        clear(self);
        self->status = 412;
        write_error_page(self, 412, NULL);
        return;
    }

    if (conditional_client_has(r, etag)) {
        self->status = 304;
        buffer_release(&self->body);
    }
}

/* Application.log_request. */
static void
log_request(struct handler *self)
{
    struct httprequest *r = self->request;
    int status = self->status, bad = status < 500 ? LOG_WARNING : LOG_ERROR;

    LOG_AT(status < 400 ? LOG_INFO : bad, "%d %s %s (%s) %.2fms", status,
           r->method, r->uri, httprequest_remote_ip(r),
           (double)httprequest_time(r) / 1000);
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

    /* The first and only flush knows how long the body is. (But the answer to
     * HEAD may have promised a length without having written it.) */
    if (!self->headers_written && !(self->length_known && head)) {
        check_etag(self);
        self->length = buffer_length(self->body);
        self->length_known = true;
    }

    self->last = true;
    handler_flush(self, NULL, NULL);
    self->finished = true;
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

static void
write_error_page(struct handler *self, int status, const char *detail)
{
    if (!httputil_append_error_page(&self->body, status, detail))
        fail(self, 503, http_no_memory);
}

/* RequestHandler.send_error. What the application has begun to say is
 * forgotten, its headers too. */
static void
send_error(struct handler *self, int status, const char *detail)
{
    if (!still_open(self, "send_error"))
        return;
    self->is_error = true;
    self->failed = self->headers_written ? status : 0;
    if (!self->headers_written) {
        clear(self);
        self->status = status;
        if (status == 405)
            add_allow(self);
        write_error_page(self, status, detail);
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
