/* [36] webtrace.c -- see webtrace.h.
 *
 * There is no open connection and no state: the page asks for the events after
 * the last one that it has. (From chapter 38 on there are the connections that
 * it has asked for.) */
#include "webtrace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connect.h" /* [38] */
#include "handler.h"
#include "system.h"
#include "trace.h"

/* --- access -------------------------------------------------------------- */

static char key[33]; /* "": there is no page */

const char *
trace_page_key(void)
{
    unsigned char bytes[16];

    if (!random_bytes(bytes, sizeof bytes))
        return NULL;
    httputil_encode_hex(key, bytes, sizeof bytes);
    return key;
}

/* True if `host` is `name`, with or without a port. An attacker can register a
 * name and let it lead to 127.0.0.1. Then the attacker's page, in a browser on
 * this machine, is a loopback peer of the same origin. But the Host header has
 * the name that the browser has used. */
static bool
is_host(const char *host, const char *name)
{
    size_t n = strlen(name);

    return strncasecmp(host, name, n) == 0 && strchr(":", host[n]) != NULL;
}

static bool
is_loopback_ip(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

/* Runs before the method. Behind a proxy every client is a loopback peer: the
 * key keeps them out, and the address that a trusted proxy names counts, too.
 * The page's own requests leave no events. */
static void
check(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    char ip[PEER_IP_SIZE];
    size_t size = 0;
    const char *text = handler_path_argument(self, 0, &size);

    if (*key == '\0' || text == NULL || size != strlen(key) ||
        !equal_in_constant_time(text, key, size))
        handler_send_error(self, 404, NULL);
    else if (!is_loopback_ip(peer_ip(&r->peer, ip)) ||
             !is_loopback_ip(httprequest_remote_ip(r)) ||
             !(is_host(r->host, "localhost") || is_host(r->host, "127.0.0.1") ||
               is_host(r->host, "[::1]")))
        handler_send_error(self, 403, NULL);
    else
        handler_set_header(self, "Cache-Control", "no-store");
    if (!self->finished)
        trace_mute(httprequest_fd(r), true);
}

/* --- the events ----------------------------------------------------------- */

/* The connection is closed, because it is not traced any more: the browser
 * might use it for a request that the page should show. */
static void
events_get(struct handler *self)
{
    const char *since = handler_get_argument(self, "since", "0");

    handler_set_header(self, "Content-Type",
                       "text/tab-separated-values; charset=UTF-8");
    handler_set_header(self, "Connection", "close");
    if (since != NULL && !trace_read(&self->body, strtoul(since, NULL, 10)))
        handler_fail(self, 503, http_no_memory);
}

const struct handler_class trace_events_handler = {
    .prepare = check, .get = events_get,
};

/* --- the page, and the sources that it shows ------------------------------ */

/* The second group of the pattern is the path of a source: letters and slashes,
 * and one dot, so it leads to no place outside src. The file is read for each
 * request: an author of the page only reloads it. */
static void
page_get(struct handler *self)
{
    size_t n = 0;
    const char *source = handler_path_argument(self, 1, &n);
    char path[128] = "diagrams/trace.html", piece[4096];
    FILE *file;

    if (source != NULL) {
        snprintf(path, sizeof path, "src/%.*s", (int)n, source);
        handler_set_header(self, "Content-Type", "text/plain; charset=UTF-8");
    }
    file = fopen(path, "r");
    if (file == NULL) {
        handler_send_error(self, 503, "no diagrams/trace.html or src: "
                           "start the server in its source tree");
        return;
    }
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        handler_write_bytes(self, piece, n);
    fclose(file);
}

const struct handler_class trace_page_handler = {
    .prepare = check, .get = page_get,
};

/* [38] --- requests of the server to itself -------------------------------- */

enum { MAX_SENDERS = 8, MAX_SENT = 8192 };
enum { SEND_TIME = 10 * 1000000 }; /* microseconds */

/* A client stream, and what it has to send. */
struct sender {
    struct ioloop *loop;
    struct iostream *stream;
    struct timeout *timeout;
    int64_t gap, end; /* the time between two ticks; the latest time to close */
    size_t split, read, sent, size, received;
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
    size_t left = s->size - s->sent, before = s->received;
    size_t n = left < s->split ? left : s->split;

    s->timeout = NULL;
    s->received = iostream_received(s->stream);
    if (n > 0)
        iostream_write(s->stream, s->bytes + s->sent, n, NULL, NULL);
    s->sent += n;
    iostream_read_bytes(s->stream, s->read, drop, NULL);
    if ((left > 0 || before == 0 || before < s->received) &&
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

/* The value of an argument, or the nearest one that is allowed. */
static long
number(struct handler *self, const char *name, const char *fallback, long least,
       long most)
{
    const char *text = handler_get_argument(self, name, fallback);
    long n = text != NULL ? strtol(text, NULL, 10) : 0;

    return n < least ? least : n > most ? most : n;
}

/* Connects to the address at which the request itself has arrived. The client's
 * side is not traced. */
static void
send_post(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    struct sender *s = senders < MAX_SENDERS ? malloc(sizeof *s) : NULL;
    struct sockaddr_storage address;
    struct sockaddr *to = (struct sockaddr *)&address;
    socklen_t size = sizeof address;
    int fd = -1, status = 503;

    handler_set_header(self, "Connection", "close");
    if (strcmp(r->protocol, "https") == 0)
        status = 501;
    else if (r->body_size > MAX_SENT)
        status = 413;
    else if (s != NULL && getsockname(httprequest_fd(r), to, &size) == 0)
        fd = iostream_connect(r->loop, to, size, sender_on_connect, s);
    if (fd == -1) {
        free(s);
        handler_send_error(self, status);
        return;
    }
    trace_mute(fd, false);
    senders++;
    *s = (struct sender){
        .loop = r->loop, .end = ioloop_time() + SEND_TIME,
        .gap = number(self, "gap", "500", 50, 2000) * 1000,
        .split = (size_t)number(self, "split", "8192", 1, MAX_SENT),
        .read = (size_t)number(self, "read", "1000000", 1, 1000000),
        .size = r->body_size};
    memcpy(s->bytes, r->body, r->body_size);
    handler_set_status(self, 202);
}

const struct handler_class trace_send_handler = {
    .prepare = check, .post = send_post,
};
