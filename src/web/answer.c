/* [15] answer.c -- from what a handler writes to an answer: the second half
 * of RequestHandler.
 *
 * In the order of events: the head is set, the body is written,
 * handler_finish() settles what the head says of the body, and handler_flush()
 * hands both to the connection. */
#include "web.h"

#include <stdarg.h> /* [22] */
#include <stdio.h> /* [22] */
#include <stdlib.h> /* [22] */
#include <string.h>
#include <strings.h> /* [21] */

#include "handler.h"
#include "log.h" /* [21] */
#include "trace.h"

/* --- what goes wrong ------------------------------------------------------ */

/* [25] Why an answer fails if its body is longer or shorter than announced. */
static const char wrong_length[] = "not as long as its Content-Length";

/* [21] A long URL must not push the reason out of the line. */
static void
log_mistake(struct handler *self, const char *why, const char *when)
{
    log_error("%.32s %.900s: %s%s", self->request->method, self->request->uri,
              why, when);
}

void
handler_fail(struct handler *self, int status, const char *why)
{
    log_mistake(self, why, ""); /* [21] */

    /* [16] The first failure decides what the error page says. */
    if (self->failed != 0)
        return;

    self->failed = status;
    self->why = status < 500 ? why : NULL; /* not for a client */
}

/* [24] What a call would change. */
enum part { HEAD, BODY };

/* [24] False if that part has been sent already: the call must change nothing,
 * and the log gets a line. */
static bool
still_open(struct handler *self, enum part part, const char *what)
{
    if (part == HEAD && self->headers_written)
        handler_fail(self, 500, what);
    else if (self->finished)
        log_mistake(self, what, " after finish");
    else
        return true;
    return false;
}

/* --- the head of the answer ----------------------------------------------- */

/* httpheaders_append() cannot fail here: `first_headers` has room. */
void
handler_clear(struct handler *self)
{
    buffer_release(&self->body);
    self->status = 200;
    self->headers = (struct httpheaders){
        .arena = &self->request->arena, .items = self->first_headers,
        .size = sizeof self->first_headers / sizeof self->first_headers[0]};
    httpheaders_append(&self->headers, (struct httpheader){
        "Content-Type", HTTP_ERROR_TYPE, 12, sizeof HTTP_ERROR_TYPE - 1});

    /* [25] The application may have set another length. */
    self->framing.length_known = false;
}

void
handler_set_status(struct handler *self, int status)
{
    /* [24] The status is a part of the head. */
    if (!still_open(self, HEAD, "set_status after flush"))
        return;

    /* [21] 1xx is not the status of an answer. */
    if (status < 200 || status > 999) {
        handler_fail(self, 500, "a status that cannot be sent");
        return;
    }

    self->status = status;
}

/* [25] Without this call a flush before the end of the answer sends a head
 * without a length. */
void
handler_set_content_length(struct handler *self, uint64_t size)
{
    if (!still_open(self, HEAD, "set_content_length after flush"))
        return;
    self->framing.length = size;
    self->framing.length_known = true;
}

/* [21] Without the checks a client's bytes could begin a new line of the
 * head. */
void
handler_add_header(struct handler *self, const char *name, const char *value)
{
    size_t name_size = strlen(name) + 1, size = strlen(value);
    char *copy;

    /* [24] A head that has been sent gets no more headers. */
    if (!still_open(self, HEAD, "add_header after flush"))
        return;

    if (!httputil_is_token(name) || !httputil_is_value(value, size) ||
        httputil_list_has("Content-Length,Transfer-Encoding,Date,Server",
                          name)) {
        handler_fail(self, 500, "a header that cannot be sent");
        return;
    }
    if (strcasecmp(name, "Connection") == 0) {
        if (httputil_list_has(value, "close"))
            self->request->keep_alive = false;
        return;
    }
    copy = arena_alloc(&self->request->arena, name_size + size + 1);
    if (copy == NULL ||
        !httpheaders_add(&self->headers, memcpy(copy, name, name_size),
                         memcpy(copy + name_size, value, size + 1)))
        handler_fail(self, 503, http_no_memory);
}

/* [21] For headers that occur once. */
void
handler_set_header(struct handler *self, const char *name, const char *value)
{
    httpheaders_del(&self->headers, name);
    handler_add_header(self, name, value);
}

/* --- the body of the answer ----------------------------------------------- */

void
handler_write_bytes(struct handler *self, const void *data, size_t size)
{
    enum { HEAD_ROOM = 1024 }; /* [36] */

    /* [24] After the last byte of an answer no more can be sent. */
    if (!still_open(self, BODY, "write"))
        return;

    /* [36] The body begins behind some room for the head, so that it need not
     * move when the head is put in front of it. */
    if (self->body == NULL &&
        buffer_room(&self->body, HEAD_ROOM + size) != NULL)
        self->body->start = self->body->end = HEAD_ROOM;

    if (!buffer_append(&self->body, data, size))
        handler_fail(self, 503, http_no_memory);
}

void
handler_write(struct handler *self, const char *text)
{
    handler_write_bytes(self, text, strlen(text));
}

/* [16] For everything that a client has sent. */
void
handler_write_escaped(struct handler *self, const char *text, size_t size)
{
    /* [24] After the last byte of an answer no more can be sent. */
    if (!still_open(self, BODY, "write"))
        return;

    if (!httputil_xhtml_escape(&self->body, text, size))
        handler_fail(self, 503, http_no_memory);
}

/* [22] vasprintf() allocates the string, which is freed here. */
void
handler_printf(struct handler *self, const char *format, ...)
{
    char *text;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) != -1) {
        handler_write(self, text);
        free(text);
    } else {
        handler_fail(self, 503, http_no_memory);
    }
    va_end(ap);
}

/* --- flush ---------------------------------------------------------------- */

/* [16] The head will be sent now. It says whether the connection stays open;
 * from chapter 23 on this function also decides how the body is framed. */
static void
settle_framing(struct handler *self)
{
    struct httpframing *f = &self->framing;
    bool http_1_1 = httprequest_supports_http_1_1(self->request);

    /* [23] A 204 and a 304 have no body (RFC 9110, section 6.4.1). */
    bool has_body = self->status != 204 && self->status != 304;

    /* [23] An answer without a body has no header about one. The answer to
     * HEAD has them: they are about the body that GET would get. */
    self->sends_body = has_body && self->method != METHOD_HEAD;
    if (!has_body) {
        httpheaders_del(&self->headers, "Content-Type");
        f->length_known = false;
    }

    /* [25] The end of a body of unknown length is an empty chunk, or, in
     * HTTP/1.0, the end of the connection. */
    if (has_body && !f->length_known) {
        f->chunked = http_1_1;
        self->request->keep_alive &= http_1_1;
    }

    if (!self->request->keep_alive)
        f->connection = "close";
    else if (!http_1_1)
        f->connection = "keep-alive";
}

/* [25] ChunkedTransferEncoding: each flush is a chunk. Its size goes in front
 * of it, the line break behind it, and a chunk of size 0 ends the body. */
static bool
add_chunk_frame(struct handler *self)
{
    size_t size = buffer_length(self->body);
    char line[24], *front;
    size_t n = (size_t)snprintf(line, sizeof line, "%zx\r\n", size);
    bool ok = true;

    if (size > 0) {
        ok = buffer_append(&self->body, "\r\n", 2) &&
             (front = buffer_front(&self->body, n)) != NULL;
        if (ok)
            memcpy(front, line, n);
    }
    return ok && (!self->last || buffer_append(&self->body, "0\r\n\r\n", 5));
}

/* The first flush puts the head in front of the body: both are one block. */
void
handler_flush(struct handler *self, ioloop_callback *callback, void *arg)
{
    struct httprequest *r = self->request;
    struct httpframing *f = &self->framing; /* [25] */

    /* [24] Nothing can follow the last flush. */
    if (!still_open(self, BODY, "flush"))
        return;

    /* [25] After a failure the rest of the answer is dropped, because the part
     * before it is missing. handler_finish() sends the error page, or
     * resets the connection. */
    if (self->failed != 0 && !self->last) {
        buffer_release(&self->body);
        httprequest_write(r, "", 0, callback, arg);
        return;
    }

    self->flushed += buffer_length(self->body); /* [25] */

    /* [16] The head is about to be made. */
    if (!self->headers_written)
        settle_framing(self);

    /* [23] No body is sent: its bytes, if there are any, are dropped. */
    if (!self->sends_body)
        buffer_release(&self->body);

    /* [25] A body of unknown length is sent in chunks. */
    if (self->sends_body && f->chunked && !add_chunk_frame(self))
        handler_fail(self, 503, http_no_memory);

    if (!self->headers_written &&
        !httputil_prepend_head(&self->body, self->status, &self->headers,
                               &self->framing))
        handler_fail(self, 503, http_no_memory);
    self->headers_written = true;

    /* [25] The head has announced a length, and the body must have it. */
    if (self->failed == 0 && f->length_known && r->connection != NULL &&
        (self->flushed > f->length ||
         (self->last && self->sends_body && self->flushed < f->length)))
        handler_fail(self, 500, wrong_length);

    /* [21] If the answer has failed here, it is too late for an error page. */
    if (self->failed != 0 && r->connection != NULL) {
        log_mistake(self, "answer cut short", "");
        httprequest_abort(r);
    }

    size_t size = buffer_length(self->body);

    /* (15) The answer leaves the framework. */
    TOUR(15, httprequest_fd(r), "one block of %zu bytes", size);
    httprequest_write(r, size > 0 ? self->body->data + self->body->start : "",
                      size, callback, arg);
    buffer_release(&self->body);
}

/* [28] Only a body of known length goes to the stream without a copy, because a
 * chunk needs a frame. handler_flush() also handles an answer that has failed
 * or is too long. */
void
handler_flush_bytes(struct handler *self, const void *data, size_t size,
                    ioloop_callback *callback, void *arg)
{
    uint64_t flushed = self->flushed + buffer_length(self->body) + size;

    if (!self->framing.length_known || flushed > self->framing.length ||
        handler_client_gone(self)) {
        handler_write_bytes(self, data, size);
        handler_flush(self, callback, arg);
        return;
    }
    if (!self->headers_written || self->body != NULL)
        handler_flush(self, NULL, NULL);
    self->flushed = flushed;
    httprequest_write(self->request, data, self->sends_body ? size : 0,
                      callback, arg);
}

/* --- finish --------------------------------------------------------------- */

/* [23] Gives the answer an Etag, and makes it a 304 if the client has the same
 * body already. */
static void
add_etag(struct handler *self)
{
    int status;

    /* [29] A handler that sets an Etag also checks the conditions on it. */
    if (httpheaders_get_list(&self->headers, "Etag", 0) != NULL)
        return;

    conditional_etag(self->etag, self->body);
    if (!httpheaders_append(&self->headers,
                            (struct httpheader){"Etag", self->etag, 4,
                                                sizeof self->etag - 1}))
        handler_fail(self, 503, http_no_memory);
    status = conditional_check_tag(self->request, self->etag);
    if (status == 304)
        self->status = 304;

    /* [29] If-Match names another version of the page. */
    if (status == 412)
        self->failed = 412;
}

/* The first flush is also the last: now the length of the body is known. */
static void
settle_length(struct handler *self)
{
    struct httpframing *f = &self->framing; /* [25] */

    /* [25] A handler may answer HEAD with a length, and write no body. */
    if (self->method == METHOD_HEAD && self->failed == 0 && f->length_known &&
        buffer_length(self->body) == 0)
        return;

    /* [25] The body must have the length that the handler has given. */
    if (self->failed == 0 && f->length_known &&
        buffer_length(self->body) != f->length)
        handler_fail(self, 500, wrong_length);

    /* [23] The answer is complete, so its Etag is known, too. */
    if (self->failed == 0 && self->status == 200 &&
        self->method <= METHOD_HEAD)
        add_etag(self);

    /* An error page takes the place of all that was written, also of the
     * headers. */
    if (self->failed != 0) {
        int status = self->failed;

        self->failed = 0;
        handler_clear(self);

        /* [21] The Allow header names the methods that the client can use. */
        if (status == 405)
            handler_set_allow(self);

        handler_write_error(self, status, self->why);
    }

    self->framing.length = buffer_length(self->body);
    self->framing.length_known = true;
}

void
handler_finish(struct handler *self)
{
    struct httprequest *r = self->request;

    /* [24] An answer is completed only once. */
    if (!still_open(self, BODY, "finish"))
        return;

    if (!self->headers_written)
        settle_length(self);

    /* (14) The answer is complete. */
    TOUR(14, httprequest_fd(r), "finished with %d, %zu bytes to flush",
         self->status, buffer_length(self->body));
    self->last = true; /* [25] */
    handler_flush(self, NULL, NULL);
    self->finished = true;
    handler_log_request(self); /* [24] */
    httprequest_finish(r);
}

/* [23] The client sends its next request to `url`. */
void
handler_redirect(struct handler *self, const char *url, bool permanent)
{
    handler_set_status(self, permanent ? 301 : 302);
    handler_set_header(self, "Location", url);
    handler_finish(self);
}

void
handler_write_error(struct handler *self, int status, const char *detail)
{
    handler_set_status(self, status < 400 || status > 599 ? 500 : status);

    /* [24] After the last byte of an answer no more can be sent. */
    if (!still_open(self, BODY, "write_error"))
        return;

    if (!httputil_append_error_page(&self->body, self->status, detail))
        handler_fail(self, 503, http_no_memory);
}

/* handler_finish() makes the page. */
void
handler_send_error(struct handler *self, int status, const char *detail)
{
    /* [24] An answer is completed only once. */
    if (!still_open(self, BODY, "send_error"))
        return;

    /* [21] An earlier failure decides what the page says. */
    if (self->failed != 0) {
        status = self->failed;
        detail = self->why;
    }

    self->failed = status != 0 ? status : 500; /* 0 would be no failure */
    self->why = detail;
    handler_finish(self);
}

/* [25] --- the client leaves ----------------------------------------------- */

bool
handler_client_gone(struct handler *self)
{
    return self->failed != 0 || self->request->connection == NULL ||
           (self->headers_written && !self->sends_body);
}
