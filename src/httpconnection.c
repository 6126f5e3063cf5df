/* [8] httpconnection.c -- from bytes to a request, and back to bytes.
 *
 * A request passes these functions in this order:
 *
 *     httpconnection_handle_stream   the first wish: a head
 *     on_headers                     text becomes a request   (chapter 8)
 *     on_request_body                the second wish has come (chapter 9)
 *     handle_request                 the application's turn
 *     httprequest_write, _finish     the answer
 *     on_write_complete              the answer has left
 *     finish_request                 close, or (chapter 10) begin again
 *
 * Tornado 2.0 closes the connection without a word when it does not like a
 * request; here every error has an answer (Tornado since 5.0). */
#include "httpconnection.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watchdog.h" /* [18] */
#include "httpchunked.h" /* [13] */
#include "log.h"
#include "patience.h" /* [16] */
#include "trace.h"

enum { MAX_EMPTY_LINES = 8 };

struct httpconnection {
    struct iostream *stream; /* it owns us: we end in its close callback */
    struct httpconnection_settings *settings;
    struct httprequest *request; /* NULL between requests */
    union peer peer;
    unsigned char empty_lines; /* before the next request */
    bool request_finished;     /* the application has said so */
    bool refused; /* [10] what still comes in has no meaning any more */

    /* [16] What deadline() has to know: since when we are waiting, for what.
     * `begun`: for a head; the first begins with the accept. */
    bool begun;
    int64_t read_since, body_since;
    int64_t write_since; /* 0: not at all */
    struct patience patience;

    /* [17] All connections are in a list. */
    struct httpconnection *next, **link;
};

static void on_headers(const char *data, size_t size, void *arg);
static void on_write_complete(void *arg);

/* --- the ends ----------------------------------------------------------- */

/* Two may want to know: the one who has asked for it, and, unless that ended
 * the request, the one who waits for the answer to leave, which it never
 * will. */
static void
notify_closed(struct httprequest *r)
{
    if (r->close_callback != NULL)
        r->close_callback(r->close_arg);
    if (r->write_callback != NULL)
        ioloop_add_callback(ioloop_instance(), r->write_callback,
                            r->write_arg);
    r->write_callback = NULL;
}

/* The stream's last words. A request that the application has in its hands
 * stays there; it only learns that nobody waits for the answer any more. */
static void
on_close(void *arg)
{
    struct httpconnection *c = arg;
    struct httprequest *r = c->request;

    if (r != NULL) {
        r->connection = NULL;
        if (!r->handed_over || c->request_finished)
            ioloop_add_callback(ioloop_instance(), httprequest_free, r);
        else
            notify_closed(r);
    }

    /* [17] Out of the list. */
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;

    /* [16] There is room for another. */
    patience_end(&c->patience);
    if (c->settings->close_callback != NULL)
        c->settings->close_callback(c->settings->close_arg);

    free(c);
}

/* The last answer has left. */
static void
end_connection(void *arg)
{
    struct httpconnection *c = arg;

    c->write_since = 0; /* [16] */

    /* [10] If the client may still be talking, closing right away could cost
     * it the answer; see iostream_linger(). */
    if (c->refused || !iostream_socket_empty(c->stream)) {
        iostream_linger(c->stream);
        return;
    }

    iostream_close(c->stream);
}

/* The client has sent what we will not take: say why, and close, because
 * nobody knows where its next request would begin. */
static void
refuse(struct httpconnection *c, int status, const char *why)
{
    const char *reason = httputil_reason(status);
    bool head = c->request != NULL && c->request->method != NULL &&
                strcmp(c->request->method, "HEAD") == 0;
    char page[512], answer[1024], ip[PEER_IP_SIZE];
    int size, n;

    log_warning("%d malformed request from %s: %s", status,
                peer_ip(&c->peer, ip), why);
    size = snprintf(page, sizeof page,
                    "<html><title>%d: %s</title><body>%d: %s (%s)</body>"
                    "</html>", status, reason, status, reason, why);
    n = snprintf(answer, sizeof answer,
                 "HTTP/1.1 %d %s\r\nServer: " HTTP_SERVER "\r\nDate: %s\r\n"
                 "Content-Type: text/html; charset=UTF-8\r\n"
                 "Content-Length: %d\r\nConnection: close\r\n\r\n%s", status,
                 reason, httputil_date(), size, head ? "" : page);

    /* [16] The body may still be on its way. */
    iostream_cancel_read(c->stream);

    if (c->request != NULL)
        httprequest_free(c->request);
    c->request = NULL;
    c->refused = true; /* [10] */
    iostream_write(c->stream, answer, (size_t)n, end_connection, c);
}

/* [16] --- patience -------------------------------------------------------- */

/* A body that trickles is as good as none: so many bytes a second on average,
 * once it has had so many microseconds. And a line break, which some old
 * clients send behind a body, is not the beginning of a head. */
enum { MIN_BODY_RATE = 500, RATE_GRACE = 10 * 1000000, LINE_BREAK = 2 };

/* [17] How long a client that could ask again is waited for when the server
 * is about to leave: its next request may be on its way. */
enum { DRAIN_PATIENCE = 1000000 };

/* So much of the body has come; it is counted among all bodies. */
static void
count_body(struct httpconnection *c, size_t size)
{
    struct httprequest *r = c->request;

    r->all_bodies = &c->settings->all_bodies;
    *r->all_bodies += size - r->counted;
    r->counted = size;
}

/* A body has to go on coming, and not too slowly: the average is too low from
 * the moment on when so many bytes should have been more. When half of the
 * memory for bodies is taken, whoever is silent has to hurry. */
static int64_t
body_deadline(struct httpconnection *c)
{
    size_t all = c->settings->all_bodies;
    int64_t hurry = all > HTTP_MAX_ALL_BODIES / 2 ? 8 : 1, rate;
    int64_t silence = patience_after(c->read_since,
                                     c->settings->body_timeout / hurry);

    if (all > HTTP_MAX_ALL_BODIES)
        return 0;
    if (silence == PATIENCE_NEVER)
        return silence;
    rate = (int64_t)c->request->counted * 1000000 / MIN_BODY_RATE;
    rate = c->body_since + (rate > RATE_GRACE ? rate : RATE_GRACE);
    return rate < silence ? rate : silence;
}

/* When will it be too late, as things stand? */
static int64_t
deadline(void *arg)
{
    struct httpconnection *c = arg;

    if (c->write_since != 0)
        return patience_after(c->write_since, c->settings->body_timeout);
    if (c->refused)
        return PATIENCE_NEVER;

    /* [17] Nothing has begun, and soon nothing will. */
    if (c->settings->draining && c->request == NULL &&
        iostream_unread(c->stream) == 0)
        return c->read_since + DRAIN_PATIENCE;

    if (c->request == NULL)
        return patience_after(c->read_since,
                              c->begun ? c->settings->header_timeout
                                       : c->settings->idle_timeout);
    return c->request->handed_over ? PATIENCE_NEVER : body_deadline(c);
}

/* The stream has to wait. A head's time runs from its first byte on, however
 * many more come; all else is given time anew by every byte, but for a body's
 * average. */
static void
on_wait(uint32_t event, void *arg)
{
    struct httpconnection *c = arg;
    size_t unread = iostream_unread(c->stream);
    int64_t now = ioloop_time();

    if (event == IOLOOP_WRITE) {
        c->write_since = now;
    } else {
        if (iostream_unsent(c->stream) == 0)
            c->write_since = 0;
        if (c->request != NULL || !c->begun)
            c->read_since = now;
        if (c->request != NULL)
            count_body(c, unread + buffer_length(c->request->chunks));
        c->begun = c->begun || unread > LINE_BREAK;
    }
    if (!patience_check(&c->patience))
        iostream_close(c->stream);
}

/* It is too late. Who has not begun has nothing to be told; who does not read
 * would not hear it, and half an answer must not look like a whole one. */
static void
expired(void *arg)
{
    struct httpconnection *c = arg;
    bool full = c->settings->all_bodies > HTTP_MAX_ALL_BODIES;

    /* It may be we who are late, after a handler that took its time; or all
     * has been said, and the stream is on its way out. */
    if (c->write_since == 0 &&
        (c->refused || (!full && iostream_try_read_now(c->stream))))
        return;

    if (c->write_since != 0) {
        log_warning("a client takes no more of its answer");
        iostream_abort(c->stream);
    } else if (c->request == NULL && iostream_unread(c->stream) <= LINE_BREAK) {
        iostream_close(c->stream);
    } else if (c->request != NULL && full) {
        refuse(c, 503, "too many bodies at once");
    } else {
        refuse(c, 408, "the request took too long");
    }
}

/* --- the head ----------------------------------------------------------- */

/* RFC 9112, section 2.2: empty lines before a request mean nothing, some old
 * clients send one behind each body. Returns how many bytes they take. */
static size_t
skip_empty_lines(struct httpconnection *c, const char *data, size_t size)
{
    size_t n = 0;

    while (size - n >= 2 && memcmp(data + n, "\r\n", 2) == 0 &&
           c->empty_lines <= MAX_EMPTY_LINES) {
        n += 2;
        c->empty_lines++;
    }
    return n;
}

static void
read_head(struct httpconnection *c)
{
    iostream_read_until(c->stream, "\r\n\r\n",
                        c->settings->max_header_size + 2 * MAX_EMPTY_LINES,
                        on_headers, c);
}

/* --- the application's turn ---------------------------------------------- */

/* From here on the request is the application's. */
static void
handle_request(struct httpconnection *c)
{
    c->request->handed_over = true;

    /* [17] The last one, unless another has come behind it already. */
    if (c->settings->draining && iostream_unread(c->stream) == 0)
        c->request->keep_alive = false;

    watchdog_current_request(c->request->uri); /* [18] */
    c->settings->request_callback(c->request, c->settings->request_arg);
    watchdog_current_request(NULL); /* [18] */
}

/* [9] --- the body -------------------------------------------------------- */

/* HTTPConnection._on_request_body. */
static void
on_request_body(const char *data, size_t size, void *arg)
{
    struct httpconnection *c = arg;
    struct httprequest *r = c->request;

    r->body = arena_copy(&r->arena, data, size);
    r->body_size = size;
    TOUR(10, iostream_fd(c->stream), "the body: %zu bytes", size);
    count_body(c, size); /* [16] */
    if (r->body == NULL)
        refuse(c, 503, http_no_memory);
    else
        handle_request(c);
}

/* The client is waiting for our word; see httprequest_expects_continue(). */
static void
send_continue(struct httpconnection *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

    iostream_write(c->stream, go_on, sizeof go_on - 1, on_write_complete, c);
}

/* [13] All chunks are here, or will never be. */
static void
on_chunked_body(int status, const char *why, void *arg)
{
    struct httpconnection *c = arg;
    struct httprequest *r = c->request;

    if (status != 0) {
        refuse(c, status, why);
        return;
    }
    r->body_size = buffer_length(r->chunks);
    r->body = r->body_size > 0 ? r->chunks->data + r->chunks->start : "";
    count_body(c, r->body_size); /* [16] */
    TRACE(iostream_fd(c->stream), "the body came in chunks: %zu bytes",
          r->body_size);
    handle_request(c);
}

/* [13] The other wish for a body. */
static void
wait_for_chunks(struct httpconnection *c)
{
    struct httprequest *r = c->request;

    if (!httpchunked_read(c->stream, &r->arena, &r->chunks,
                          c->settings->max_body_size, on_chunked_body, c))
        refuse(c, 503, http_no_memory);
}

/* True if the rest is a matter of on_request_body(), or of nobody. */
static bool
wait_for_body(struct httpconnection *c)
{
    struct httprequest *r = c->request;
    const char *why = NULL;
    bool wants_continue = false;
    size_t length = 0;
    int status = httprequest_body_length(r, c->settings->max_body_size,
                                         &length, &why);

    if (status == 0)
        status = httprequest_expects_continue(r, &wants_continue, &why);
    if (status == 0)
        status = httprequest_parse_query(r, &why);
    if (status != 0) {
        refuse(c, status, why);
        return true;
    }

    c->body_since = ioloop_time(); /* [16] */

    /* [13] Nobody knows how much is to come. */
    if (r->chunked) {
        if (wants_continue)
            send_continue(c);
        wait_for_chunks(c);
        return true;
    }

    if (length == 0)
        return false;
    if (wants_continue)
        send_continue(c);
    iostream_read_bytes(c->stream, length, on_request_body, c);
    return true;
}

/* --- the way in --------------------------------------------------------- */

/* [10] Who may stay for another request (RFC 9112, section 9.3). Connection is
 * a list; Tornado 2.0 compares the whole header, and with care for case. */
static bool
wants_keep_alive(struct httpconnection *c)
{
    const struct httpheaders *headers = &c->request->headers;

    if (c->settings->no_keep_alive ||
        httpheaders_list_has(headers, "Connection", "close"))
        return false;
    return httprequest_supports_http_1_1(c->request) ||
           httpheaders_list_has(headers, "Connection", "keep-alive");
}

/* Either the first line is too long, or all of them together are. */
static void
refuse_long_head(struct httpconnection *c, const char *data, size_t size)
{
    const char *lf = memchr(data, '\n', size);

    if (lf == NULL || lf - data > HTTP_MAX_LINE + 1)
        refuse(c, 414, "request line too long");
    else
        refuse(c, 431, "headers too long");
}

/* HTTPConnection._on_headers: everything up to the empty line is here. */
static void
on_headers(const char *data, size_t size, void *arg)
{
    struct httpconnection *c = arg;
    size_t skip = skip_empty_lines(c, data, size);
    const char *why;
    int status;

    if (c->empty_lines > MAX_EMPTY_LINES) {
        refuse(c, 400, "too many empty lines");
        return;
    }
    if (skip == size) {
        read_head(c);
        return;
    }
    if (!httprequest_is_head(data, size) ||
        size - skip > c->settings->max_header_size) {
        refuse_long_head(c, data + skip, size - skip);
        return;
    }
    data += skip;
    size -= skip;
    c->request = httprequest_new(c, &c->peer);
    if (c->request == NULL) {
        refuse(c, 503, http_no_memory);
        return;
    }
    c->empty_lines = 0;
    status = httprequest_parse_head(c->request, data, size, &why);
    if (status != 0) {
        refuse(c, status, why);
        return;
    }
    TOUR(8, iostream_fd(c->stream), "%s %s, %zu headers", c->request->method,
         c->request->uri, c->request->headers.n);
    c->request->keep_alive = wants_keep_alive(c); /* [10] */

    /* [9] Not the end of the request if it has a body. */
    if (wait_for_body(c))
        return;

    handle_request(c);
}

/* HTTPConnection.__init__. */
void
httpconnection_handle_stream(struct iostream *stream,
                             const struct sockaddr *peer, socklen_t peer_size,
                             void *arg)
{
    struct httpconnection *c = calloc(1, sizeof *c);
    struct httpconnection_settings *settings = arg;

    if (c == NULL) {
        iostream_close(stream);

        /* [16] It has ended before it began. */
        if (settings->close_callback != NULL)
            settings->close_callback(settings->close_arg);

        return;
    }
    c->stream = stream;
    c->settings = settings;
    if (peer_size <= sizeof c->peer)
        memcpy(&c->peer, peer, peer_size);
    iostream_set_close_callback(stream, on_close, c);

    /* [16] The first head's time begins with the accept. */
    c->begun = true;
    c->read_since = ioloop_time();
    c->patience = (struct patience){.loop = ioloop_instance(), .arg = c,
                                    .deadline = deadline, .expired = expired};
    iostream_set_wait_callback(stream, on_wait, c);

    /* [17] Into the list. */
    c->next = settings->first;
    c->link = &settings->first;
    if (c->next != NULL)
        c->next->link = &c->next;
    settings->first = c;

    read_head(c);
}

/* [17] Answers that have not begun yet will say that they are the last. Whoever
 * has been told that he may stay has a second, from then on, to ask again. */
void
httpconnection_drain(struct httpconnection_settings *settings)
{
    settings->draining = true;
    for (struct httpconnection *c = settings->first; c != NULL; c = c->next) {
        if (c->request != NULL && !c->request->answered &&
            iostream_unread(c->stream) == 0)
            c->request->keep_alive = false;
        if (!patience_check(&c->patience))
            iostream_close(c->stream);
    }
}

/* --- the way out -------------------------------------------------------- */

/* HTTPConnection._finish_request: the request is over. Its memory is given
 * back in the next turn only: the application, which may have called us
 * through httprequest_finish(), still stands on it. */
static void
finish_request(struct httpconnection *c)
{
    struct httprequest *r = c->request;
    bool disconnect = true; /* until chapter 10 gives a reason to stay */

    /* [10] Unless the client wants to stay, and may. */
    if (r->keep_alive)
        disconnect = false;

    TOUR(19, iostream_fd(c->stream), "request finished: %s",
         disconnect ? "close" : "back to the first wish");
    c->request = NULL;
    c->request_finished = false;
    r->connection = NULL;
    ioloop_add_callback(ioloop_instance(), httprequest_free, r);
    if (disconnect) {
        end_connection(c);
        return;
    }

    c->begun = false; /* [16] */
    c->read_since = ioloop_time(); /* [16] */

    /* [10] The circle is closed. */
    read_head(c);
}

/* HTTPConnection._on_write_complete: nothing is owed any more. */
static void
on_write_complete(void *arg)
{
    struct httpconnection *c = arg;
    struct httprequest *r = c->request;
    ioloop_callback *callback;

    TOUR(18, iostream_fd(c->stream), "nothing is owed any more");

    /* [16] Who was busy reading could not be busy writing. */
    c->write_since = 0;
    if (r == NULL)
        c->read_since = ioloop_time();

    if (r == NULL || iostream_unsent(c->stream) > 0)
        return;
    callback = r->write_callback;
    r->write_callback = NULL;
    if (callback != NULL)
        callback(r->write_arg);

    /* The callback may have written more, and finished: then another
     * on_write_complete() is on its way (Tornado 2.1.1). */
    if (c->request == r && c->request_finished &&
        iostream_unsent(c->stream) == 0)
        finish_request(c);
}

/* Who wants to hear when it has left. Without a client that is now: the
 * connection, or NULL if there is none any more. */
static struct httpconnection *
note_callback(struct httprequest *r, ioloop_callback *callback, void *arg)
{
    struct httpconnection *c = r->connection;

    if (c == NULL && callback != NULL)
        ioloop_add_callback(ioloop_instance(), callback, arg);
    if (c == NULL)
        return NULL;
    assert(!c->request_finished); /* "Request closed" */
    r->write_callback = callback;
    r->write_arg = arg;
    r->answered = true; /* [17] */
    return c;
}

void
httprequest_write(struct httprequest *r, const void *data, size_t size,
                  ioloop_callback *callback, void *arg)
{
    struct httpconnection *c = note_callback(r, callback, arg);

    if (c != NULL)
        iostream_write(c->stream, data, size, on_write_complete, c);
}

/* [14] The other way to write. */
void
httprequest_send_file(struct httprequest *r, int fd, off_t offset,
                      size_t size, ioloop_callback *callback, void *arg)
{
    struct httpconnection *c = note_callback(r, callback, arg);

    if (c != NULL)
        iostream_send_file(c->stream, fd, offset, size, on_write_complete, c);
}

/* HTTPConnection.finish. */
void
httprequest_finish(struct httprequest *r)
{
    struct httpconnection *c = r->connection;

    r->write_callback = NULL; /* who has finished, waits for nothing */
    if (c == NULL) {
        ioloop_add_callback(ioloop_instance(), httprequest_free, r);
        return;
    }
    c->request_finished = true;
    if (iostream_unsent(c->stream) == 0) {
        finish_request(c);
        return;
    }

    /* [10] The next request is here already: its answer can leave together
     * with this one, so there is no need to wait until this one has left;
     * unless so much is owed that no other request is looked at anyway. */
    if (r->keep_alive && iostream_unread(c->stream) > 0 &&
        iostream_unsent(c->stream) < IOSTREAM_MAX_UNSENT)
        finish_request(c);
}

/* [15] For a callback that stands before the application. */
void
httprequest_refuse(struct httprequest *r, int status, const char *why)
{
    if (r->connection != NULL)
        refuse(r->connection, status, why);
    else
        httprequest_finish(r);
}

void
httprequest_abort(struct httprequest *r)
{
    if (r->connection != NULL)
        iostream_abort(r->connection->stream);
}

void
httprequest_set_close_callback(struct httprequest *r,
                               ioloop_callback *callback, void *arg)
{
    r->close_callback = callback;
    r->close_arg = arg;
    if (r->connection != NULL && callback != NULL)
        iostream_watch(r->connection->stream);
}

int
httprequest_fd(const struct httprequest *r)
{
    return r->connection != NULL ? iostream_fd(r->connection->stream) : -1;
}
