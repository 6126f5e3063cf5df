/* [12] httpconnection.c -- from bytes to a request, and back to bytes.
 *
 * The first request of a connection passes these functions, in the simplest
 * case in this order:
 *
 *     httpconnection_handle_stream   the first read: a head
 *     on_headers                     text becomes a request
 *     on_request_body                the body is complete, if there is one
 *     handle_request                 the application gets it
 *     httprequest_write, _finish     the answer
 *     on_write_complete              the answer has been sent
 *     finish_request                 close, or (chapter 16) read the next head
 *
 * If a request is invalid, Tornado 2.0 closes the connection without an answer;
 * here the answer says what is wrong (Tornado since 5.0). */
#include "httpconnection.h"

#include <stdlib.h>
#include <string.h>

#include "httpchunked.h" /* [27] */
#include "log.h" /* [20] */
#include "trace.h"

/* [19] At most this many empty lines before a request are skipped (RFC 9112,
 * section 2.2). */
enum { MAX_EMPTY_LINES = 8 };

struct httpconnection {
    struct iostream *stream; /* the connection ends in its close callback */
    const struct httpconnection_settings *settings;
    struct httprequest *request; /* from its head to its finish; else NULL */
    union peer peer;
    enum httpconnection_state state; /* [18] */
    unsigned char empty_lines; /* [19] before the next request */
    bool is_head; /* [23] HEAD: no body is sent, not even an error page */
    bool keep_alive; /* [16] of the last finished request */
    bool line_checked; /* [19] the first line has come and was checked */
    void *observed;    /* [32] belongs to the observer */
};

static void on_headers(const char *data, size_t size, void *arg);
static void on_write_complete(void *arg); /* [22] */

/* [18] Every change of state goes through here; connection.svg shows all of
 * them. */
static void
enter(struct httpconnection *c, enum httpconnection_state state)
{
    c->state = state;

    /* [32] The observer sets the deadline of the state (httplimits.c). */
    if (c->settings->observer != NULL)
        c->settings->observer(c, c->stream, state, &c->observed,
                              c->settings->observer_arg);
}

/* --- the end ------------------------------------------------------------- */

/* The request is freed in the next turn, because the caller may still use
 * it. */
static void
release_request(struct httpconnection *c)
{
    struct httprequest *r = c->request;

    if (r == NULL)
        return;
    c->request = NULL;
    r->connection = NULL;
    ioloop_add_callback(r->loop, httprequest_free, r);
}

/* [24] Tells the application that the client has gone. If its close callback
 * has not finished the request, the callback of the last write is queued,
 * although the bytes are never sent. */
static void
notify_closed(struct httpconnection *c)
{
    struct httprequest *r = c->request;

    c->request = NULL;
    r->connection = NULL;
    if (r->close_callback != NULL)
        r->close_callback(r->close_arg);
    if (r->write_callback != NULL)
        ioloop_add_callback(r->loop, r->write_callback, r->write_arg);
    r->write_callback = NULL;
}

/* The close callback of the stream. */
static void
on_close(void *arg)
{
    struct httpconnection *c = arg;

    /* [24] The application has not finished the request yet, so the request is
     * not freed here. */
    if (c->state >= HTTP_APPLICATION && c->request != NULL)
        notify_closed(c);

    release_request(c);
    enter(c, HTTP_CLOSED); /* [18] */
    free(c);
}

/* The last answer has been sent. */
static void
end_connection(void *arg)
{
    struct httpconnection *c = arg;

    /* [18] A client could lose the answer if the connection were closed while
     * the client still sends, or before it has received the whole answer. */
    iostream_linger(c->stream, c->state == HTTP_REFUSED);

    iostream_close(c->stream);
}

/* [21] Sends the error page. False if there is no memory for it. */
static bool
send_error_page(struct httpconnection *c, const char *wrong)
{
    struct httpheader type = {"Content-Type", HTTP_ERROR_TYPE, 12,
                              sizeof HTTP_ERROR_TYPE - 1};
    struct httpheaders headers = {.items = &type, .n = 1};
    struct httpframing framing = {.length_known = true, .connection = "close"};
    struct buffer *answer = NULL;
    int status = atoi(wrong);
    bool ok = httputil_append_error_page(&answer, status, wrong + 4);

    framing.length = buffer_length(answer);

    /* [23] The answer to HEAD has no body, even if it is an error. */
    if (c->is_head)
        buffer_release(&answer);

    ok = ok && httputil_prepend_head(&answer, status, &headers, &framing);
    if (ok)
        iostream_write(c->stream, answer->data + answer->start,
                       buffer_length(answer), end_connection, c);
    buffer_release(&answer);
    return ok;
}

/* If a head is invalid, or its body is not read, the server cannot know where
 * the next request begins. So this answer is the last one of the connection. */
void
httpconnection_refuse(struct httpconnection *c, const char *wrong)
{
    static const char end[] = "\r\nConnection: close\r\n\r\n";

    release_request(c);
    enter(c, HTTP_REFUSED); /* [18] */

    /* [19] The read of the head may still be pending. */
    iostream_cancel_read(c->stream);

    /* [20] The operator learns which client got an error, and why. */
    char ip[PEER_IP_SIZE];
    int status = atoi(wrong);
    log_warning("%d %s to %s: %s", status, httputil_reason(status),
                peer_ip(&c->peer, ip), wrong + 4);

    /* [21] If there is no memory for an error page, the answer has no body. */
    if (send_error_page(c, wrong))
        return;

    iostream_write(c->stream, "HTTP/1.1 ", 9, NULL, NULL);
    iostream_write(c->stream, wrong, strlen(wrong), NULL, NULL);
    iostream_write(c->stream, end, sizeof end - 1, end_connection, c);
}

/* --- the application's part ----------------------------------------------- */

/* HTTPConnection.request_callback: from here on the request belongs to the
 * application, until httprequest_finish(). */
static void
handle_request(struct httpconnection *c)
{
    enter(c, HTTP_APPLICATION); /* [18] */
    c->settings->request_callback(c->request, c->settings->request_arg);
}

/* --- the body -------------------------------------------------------- */

/* HTTPConnection._on_request_body: the bytes of the body are there. The request
 * gets a copy: the stream needs its buffer for the next request. */
static void
on_request_body(const char *data, size_t size, void *arg)
{
    struct httpconnection *c = arg;
    struct httprequest *r = c->request;

    if (!buffer_append(&r->body_buffer, data, size)) {
        httpconnection_refuse(c, HTTP_NO_MEMORY);
        return;
    }

    /* [22] A large body is read in pieces. Otherwise it would be in memory
     * twice when it is complete, and the copying would block the loop. */
    size_t left = r->body_size - buffer_length(r->body_buffer);
    if (left > 0) {
        iostream_read_bytes(c->stream, left < HTTP_PIECE ? left : HTTP_PIECE,
                            on_request_body, c);
        return;
    }

    r->body = r->body_buffer->data + r->body_buffer->start;

    /* (10) The request is complete. */
    TOUR(10, iostream_fd(c->stream), "the body: %zu bytes", r->body_size);
    handle_request(c);
}

/* [27] All chunks are in the buffer of the request already, or `wrong` says why
 * they are not. An empty body has no buffer yet: the call makes one. */
static void
on_chunks(const char *wrong, void *arg)
{
    if (wrong != NULL)
        httpconnection_refuse(arg, wrong);
    else
        on_request_body("", 0, arg);
}

/* Returns false if there is no body: the caller goes on. Returns true if
 * on_request_body() goes on, or the request has been refused. */
static bool
read_body(struct httpconnection *c)
{
    struct httprequest *r = c->request;
    size_t max = c->settings->max_body_size, length = 0;
    const char *wrong = httprequest_body_length(r, max, &length);

    /* [22] Does the client wait for 100 Continue? */
    bool wants_continue = false;
    if (wrong == NULL)
        wrong = httprequest_expects_continue(r, &wants_continue);

    /* [14] The fields of the query come before those of the body. */
    if (wrong == NULL && *r->query != '\0')
        wrong = httpform_parse_qs(&r->arguments, r->query, strlen(r->query));

    if (wrong != NULL) {
        httpconnection_refuse(c, wrong);
        return true;
    }
    if (length == 0)
        return false;
    enter(c, HTTP_BODY); /* [18] */

    /* [22] Nothing is wrong with the head, so the client may send the body. */
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (wants_continue)
        iostream_write(c->stream, go_on, sizeof go_on - 1, on_write_complete,
                       c);

    /* [27] The length of a chunked body is known only at its end. */
    if (length == HTTP_LENGTH_UNKNOWN) {
        httpchunked_read(c->stream, r, max, on_chunks, c);
        return true;
    }

    r->body_size = length;

    /* [22] on_request_body() reads the other pieces. */
    if (length > HTTP_PIECE)
        length = HTTP_PIECE;

    iostream_read_bytes(c->stream, length, on_request_body, c);
    return true;
}

/* --- the head ----------------------------------------------------------- */

/* [19] Some old clients send an empty line after each body. Returns the number
 * of bytes that are empty lines at the start of `data`. If there are too many
 * empty lines, the function refuses the request and returns `size`. */
static size_t
skip_empty_lines(struct httpconnection *c, const char *data, size_t size)
{
    size_t n = 0;

    while (size - n >= 2 && memcmp(data + n, "\r\n", 2) == 0)
        n += 2;
    if (c->empty_lines + n / 2 <= MAX_EMPTY_LINES)
        return n;
    httpconnection_refuse(c, "400 too many empty lines");
    return size;
}

/* The read may be three bytes longer than a head: one byte shows that a head is
 * too long, and two are for an empty line in front of it (chapter 19). */
static void
read_head(struct httpconnection *c)
{
    iostream_read_until(c->stream, "\r\n\r\n",
                        c->settings->max_header_size + 3, on_headers, c);
}

/* [16] May another request follow this one (RFC 9112, section 9.3)? The value
 * of Connection is a list of tokens. (Tornado 2.0 compares the whole value,
 * case-sensitively.) */
static bool
wants_keep_alive(struct httpconnection *c)
{
    const struct httpheaders *headers = &c->request->headers;

    /* [27] The operator can turn keep-alive off. */
    if (c->settings->no_keep_alive)
        return false;

    if (httpheaders_list_has(headers, "Connection", "close"))
        return false;
    return httprequest_supports_http_1_1(c->request) ||
           httpheaders_list_has(headers, "Connection", "keep-alive");
}

/* HTTPConnection._on_headers: `data` ends with the empty line after the head,
 * or is longer than a head may be. */
static void
on_headers(const char *data, size_t size, void *arg)
{
    struct httpconnection *c = arg;
    struct httprequest *r;
    const char *wrong = HTTP_NO_MEMORY;

    /* [19] Empty lines may stand before the head, or have come alone. */
    size_t skip = skip_empty_lines(c, data, size);
    if (skip == size) {
        c->empty_lines += (unsigned char)(skip / 2);
        if (c->state != HTTP_REFUSED)
            read_head(c);
        return;
    }
    data += skip;
    size -= skip;
    c->empty_lines = 0;
    c->line_checked = false;

    c->is_head = size >= 5 && memcmp(data, "HEAD ", 5) == 0; /* [23] */
    r = c->request = httprequest_new();
    if (r != NULL) {
        r->connection = c;
        r->loop = iostream_loop(c->stream);
        r->peer = c->peer; /* [24] */
        r->start_time = ioloop_now(r->loop); /* [24] */
        wrong = httprequest_parse_head(r, data, size,
                                       c->settings->max_header_size);
    }
    if (wrong != NULL) {
        httpconnection_refuse(c, wrong);
        return;
    }

    /* (8) The head has become a request. */
    TOUR(8, iostream_fd(c->stream), "%s %s, %zu headers", r->method, r->uri,
         r->headers.n);
    r->keep_alive = wants_keep_alive(c); /* [16] */

    if (!read_body(c))
        handle_request(c);
}

/* [19] --- a part of a head ----------------------------------------------- */

/* A part of a head has come. Its first byte ends the idle time. Bytes that can
 * never become a request, such as the first message of TLS, are refused now:
 * the rest of such a head may never come. */
static void
check_partial_head(struct httpconnection *c)
{
    size_t size, skip;
    const char *data = iostream_peek(c->stream, &size), *wrong;

    skip = skip_empty_lines(c, data, size);
    data += skip;
    size -= skip;
    if (size == 0 || (size == 1 && *data == '\r'))
        return;
    c->is_head = size >= 5 && memcmp(data, "HEAD ", 5) == 0; /* [23] */
    if (c->state == HTTP_IDLE)
        enter(c, HTTP_HEAD);
    c->line_checked = memchr(data, '\n', size) != NULL;
    wrong = httprequest_check_start(data, size);
    if (wrong != NULL)
        httpconnection_refuse(c, wrong);
}

/* The partial callback of the stream: a part of a request has come, or the
 * kernel has not taken the whole answer yet. HTTP_IDLE and HTTP_HEAD are the
 * states in which a head is read. */
static void
on_partial(void *arg)
{
    struct httpconnection *c = arg;

    if (c->state <= HTTP_HEAD && !c->line_checked)
        check_partial_head(c);

    /* [32] The observer measures the speed of the client. A head has a
     * deadline, but no minimum speed. */
    if (c->state == HTTP_BODY || iostream_unsent(c->stream) > 0)
        enter(c, c->state);
}

/* --- the beginning ------------------------------------------------------- */

/* HTTPConnection.__init__. */
void
httpconnection_handle_stream(struct iostream *stream,
                             const struct sockaddr *peer, socklen_t peer_size,
                             void *arg)
{
    struct httpconnection *c = calloc(1, sizeof *c);

    if (c == NULL) {
        iostream_close(stream);
        return;
    }
    c->stream = stream;
    c->settings = arg;

    /* [37] TLS has to begin before the first read (SSLIOStream in Tornado). */
    if (c->settings->prepare != NULL)
        c->settings->prepare(stream);

    if (peer_size <= sizeof c->peer)
        memcpy(&c->peer, peer, peer_size);
    iostream_set_close_callback(stream, on_close, c);
    iostream_set_partial_callback(stream, on_partial); /* [19] */
    enter(c, HTTP_HEAD); /* [18] */
    read_head(c);
}

/* --- the answer --------------------------------------------------------- */

/* HTTPConnection._finish_request: the answer has been sent. From chapter 19 on
 * it may still be unsent if bytes of the next request have arrived. */
static void
finish_request(struct httpconnection *c)
{
    /* (19) The connection closes, or (chapter 16) reads the next request. */
    TOUR(19, iostream_fd(c->stream), "request finished");

    /* [16] The client may send another request, or has sent it already. */
    if (c->keep_alive) {
        c->is_head = false; /* [23] */
        enter(c, HTTP_IDLE); /* [18] */
        read_head(c);
        return;
    }

    end_connection(c);
}

/* HTTPConnection._on_write_complete: the stream queues this callback when no
 * byte is unsent any more. */
static void
on_write_complete(void *arg)
{
    struct httpconnection *c = arg;
    struct httprequest *r = c->request;
    ioloop_callback *callback = r != NULL ? r->write_callback : NULL;

    /* [19] More bytes may have been written since the last one was sent. When
     * they are sent, their own callback will run (Tornado since 2.1.1). */
    if (iostream_unsent(c->stream) > 0)
        return;

    /* (18) The application may write more, or has finished. */
    TOUR(18, iostream_fd(c->stream), "nothing is unsent any more");

    /* [19] The connection reads the next request already, or ends. */
    if (r == NULL && c->state != HTTP_ANSWER)
        return;

    if (callback != NULL) {
        r->write_callback = NULL;
        callback(r->write_arg);
    } else if (r == NULL) {
        finish_request(c);
    }
}

/* HTTPRequest.write, and HTTPConnection.write. */
void
httprequest_write(struct httprequest *r, const void *data, size_t size,
                  ioloop_callback *callback, void *arg)
{
    struct httpconnection *c = r->connection;

    /* [24] The client has gone, or the request is finished: nothing is sent.
     * If the client has gone, the callback still runs, so that the handler
     * goes on. */
    if (c == NULL) {
        if (callback != NULL && !r->finished)
            ioloop_add_callback(r->loop, callback, arg);
        return;
    }

    r->write_callback = callback;
    r->write_arg = arg;

    /* [18] The first bytes of the answer. */
    if (c->state == HTTP_APPLICATION)
        enter(c, HTTP_ANSWER);

    iostream_write(c->stream, data, size, on_write_complete, c);
}

/* HTTPRequest.finish, and HTTPConnection.finish. The application will write no
 * more, so the request is released now, before a slow client has received the
 * answer. */
void
httprequest_finish(struct httprequest *r)
{
    struct httpconnection *c = r->connection;

    /* [24] A second call does nothing. If the client has gone, there is no
     * connection. */
    if (r->finished)
        return;
    r->finished = true;
    r->write_callback = NULL;
    if (c == NULL) {
        ioloop_add_callback(r->loop, httprequest_free, r);
        return;
    }

    c->keep_alive = r->keep_alive; /* [16] */
    release_request(c);

    /* [24] An answer that is empty, or has been sent already, ends here. */
    if (c->state == HTTP_APPLICATION)
        enter(c, HTTP_ANSWER);
    if (iostream_unsent(c->stream) == 0) {
        finish_request(c);
        return;
    }

    /* [19] Bytes of the next request have arrived. Its answer can be sent
     * together with this one, so the request is read before this answer is
     * sent, unless the high-water mark stops the stream from reading. */
    if (c->keep_alive && iostream_unread(c->stream) > 0 &&
        iostream_unsent(c->stream) < IOSTREAM_MAX_UNSENT)
        finish_request(c);
}

/* [21] For handlers that cannot go on. */
void
httprequest_abort(struct httprequest *r)
{
    if (r->connection != NULL)
        iostream_abort(r->connection->stream);
}

/* [24] The stream notices a reset, even if it neither reads nor writes. */
void
httprequest_set_close_callback(struct httprequest *r,
                               ioloop_callback *callback, void *arg)
{
    r->close_callback = callback;
    r->close_arg = arg;
    if (r->connection != NULL && callback != NULL)
        iostream_watch(r->connection->stream);
}

/* [13] For the trace. */
int
httprequest_fd(const struct httprequest *r)
{
    return r->connection != NULL ? iostream_fd(r->connection->stream) : -1;
}

/* [34] --- for the observer ----------------------------------------------- */

/* While the server drains, the observer turns off the keep-alive of this
 * request. */
struct httprequest *
httpconnection_request(struct httpconnection *c)
{
    return c->request;
}
