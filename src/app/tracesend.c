/* [38] tracesend.c -- requests that the server sends to itself, for the page of
 * webtrace.h.
 *
 *     Tornado has nothing like it.
 *     Layer 6: it knows handlers, and streams, too. */
#include "demo.h"

#include <stdlib.h>
#include <string.h>

#include "iostream.h"
#include "trace.h"
#include "webtrace.h"

/* The time is in microseconds. */
enum { MAX_SENDERS = 8, MAX_SENT = 8192, SEND_TIME = 10 * 1000000 };

/* A client stream, and what it has to send. */
struct sender {
    struct ioloop *loop;
    struct iostream *stream;
    struct timeout *timeout;
    int64_t gap, end; /* the time between two ticks; the latest time to close */
    size_t split, read, sent, size;
    size_t moved; /* the bytes that were received, plus those that were taken */
    char bytes[MAX_SENT];
};

static unsigned senders; /* how many there are */

static void
sender_free(void *arg)
{
    struct sender *s = arg;

    ioloop_remove_timeout(s->loop, s->timeout);
    free(s);
    senders--;
}

static void
drop(const char *data, size_t size, void *arg)
{
    (void)data, (void)size, (void)arg;
}

/* Sends the next piece, receives, and comes again after the gap. A client that
 * does not know HTTP cannot see where an answer ends: it takes silence for the
 * end. */
static void
sender_tick(void *arg)
{
    struct sender *s = arg;
    size_t left = s->size - s->sent, before = s->moved;
    size_t n = left < s->split ? left : s->split, unread;

    s->timeout = NULL;
    if (n > 0)
        iostream_write(s->stream, s->bytes + s->sent, n, NULL, NULL);
    s->sent += n;
    iostream_peek(s->stream, &unread);
    s->moved = 2 * iostream_received(s->stream) - unread;
    iostream_read_bytes(s->stream, s->read, drop, NULL);
    if ((left > 0 || before == 0 || before < s->moved) &&
        ioloop_time() < s->end)
        s->timeout = ioloop_add_timeout(s->loop, ioloop_time() + s->gap,
                                        sender_tick, s);
    if (s->timeout == NULL)
        iostream_close(s->stream);
}

static void
sender_on_connect(struct iostream *stream, void *arg)
{
    struct sender *s = arg;

    s->stream = stream;
    if (stream == NULL) {
        sender_free(s);
        return;
    }
    iostream_set_close_callback(stream, sender_free, s);
    sender_tick(s);
}

/* Connects to the address at which the request itself has arrived. The client's
 * side is not traced. */
static void
send_post(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    struct sender *s;
    struct sockaddr_storage address;
    struct sockaddr *to = (struct sockaddr *)&address;
    socklen_t size = sizeof address;
    long gap, split, read;
    int fd = -1, status = 503;

    if (!number_argument(self, "gap", "500", 2000, &gap) ||
        !number_argument(self, "split", "8192", MAX_SENT, &split) ||
        !number_argument(self, "read", "1000000", 1000000, &read))
        return;
    s = senders < MAX_SENDERS ? malloc(sizeof *s) : NULL;
    if (strcmp(r->protocol, "https") == 0)
        status = 501;
    else if (r->body_size > MAX_SENT)
        status = 413;
    else if (s != NULL && getsockname(httprequest_fd(r), to, &size) == 0)
        fd = iostream_connect(r->loop, to, size, sender_on_connect, s);
    if (fd == -1) {
        free(s);
        handler_send_error(self, status, NULL);
        return;
    }
    trace_mute(fd, false);
    senders++;
    *s = (struct sender){
        .loop = r->loop, .end = ioloop_time() + SEND_TIME,
        .gap = (gap > 50 ? gap : 50) * 1000, .split = (size_t)split,
        .read = read > 0 ? (size_t)read : 1, .size = r->body_size};
    memcpy(s->bytes, r->body, r->body_size);
    handler_set_status(self, 202);
}

const struct handler_class trace_send_handler = {
    .prepare = trace_page_check, .post = send_post,
};
