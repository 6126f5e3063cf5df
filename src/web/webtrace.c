/* [36] webtrace.c -- see webtrace.h.
 *
 * There is no open connection and no state: the page asks for the events after
 * the last one that it has. */
#include "webtrace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handler.h"
#include "system.h"
#include "trace.h"

/* --- access -------------------------------------------------------------- */

static char key[33]; /* "": there is no page */

const char *
trace_page_key(void)
{
    unsigned char bytes[16];

    if (getentropy(bytes, sizeof bytes) == -1)
        return NULL;
    httputil_encode_hex(key, bytes, sizeof bytes);
    return key;
}

/* True if `host` is `name`, with or without a port. An attacker can register a
 * name and let it lead to 127.0.0.1. Then a browser on this machine would let
 * the attacker's page read these answers. But the Host header has the name that
 * the browser has used. */
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

/* Behind a proxy on this machine every client seems to be here, too: the key
 * keeps them out, and the address that a trusted proxy names counts as well.
 * trace_read() has no events of these requests. Nor would it have those of the
 * next request on their connection, which may be one that the page should show,
 * so the connection is closed. */
void
trace_page_check(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    char ip[PEER_IP_SIZE];
    size_t size = 0;
    const char *text = handler_path_argument(self, 0, &size);

    handler_set_header(self, "Cache-Control", "no-store");
    handler_set_header(self, "Connection", "close");
    if (*key == '\0' || text == NULL || size != strlen(key) ||
        !equal_in_constant_time(text, key, size))
        handler_send_error(self, 404, NULL);
    else if (!is_loopback_ip(peer_ip(&r->peer, ip)) ||
             !is_loopback_ip(httprequest_remote_ip(r)) ||
             !(is_host(r->host, "localhost") || is_host(r->host, "127.0.0.1") ||
               is_host(r->host, "[::1]")))
        handler_send_error(self, 403, NULL);
    else
        trace_mute(httprequest_fd(r), true);
}

/* --- the events ----------------------------------------------------------- */

static void
events_get(struct handler *self)
{
    const char *since = handler_get_argument(self, "since", "0");

    handler_set_header(self, "Content-Type",
                       "text/tab-separated-values; charset=UTF-8");
    if (!trace_read(&self->body, strtoul(since, NULL, 10)))
        handler_fail(self, 503, http_no_memory);
}

const struct handler_class trace_events_handler = {
    .prepare = trace_page_check, .get = events_get,
};

/* --- the page, and the sources that it shows ------------------------------ */

/* The second group of the pattern is the path of a source. It has one dot only,
 * before its last letter, so it leads to no place outside src. The file is read
 * for each request: an author of the page only reloads it. */
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
    .prepare = trace_page_check, .get = page_get,
};
