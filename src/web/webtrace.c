/* [18] webtrace.c -- see webtrace.h.
 *
 * There is no open connection and no state: the page asks for the events after
 * the last one that it has. It is written for every browser, and loads nothing
 * else. */
#include "webtrace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sha256.h"
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
    for (size_t i = 0; i < sizeof bytes; i++)
        sprintf(key + 2 * i, "%02x", bytes[i]);
    return key;
}

static bool
is_key(const char *text, size_t size)
{
    return *key != '\0' && text != NULL && size == strlen(key) &&
           equal_in_constant_time(text, key, size);
}

/* A name that an attacker has registered may lead to 127.0.0.1. Then the
 * attacker's page, in a browser on this machine, is a loopback peer, and from
 * the same site. But Host says which name the browser has used. */
static bool
is_loopback_host(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i]);

        if (strncasecmp(host, names[i], n) == 0 &&
            (host[n] == '\0' || host[n] == ':'))
            return true;
    }
    return false;
}

static bool
is_loopback_ip(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

/* Runs before the method. Behind a proxy every client is a loopback peer: the
 * key keeps them out, and the address that a trusted proxy names counts,
 * too. */
static void
check(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    char ip[PEER_IP_SIZE];
    size_t size = 0;
    const char *text = handler_path_argument(self, 0, &size);

    if (!is_key(text, size))
        handler_send_error(self, 404);
    else if (!is_loopback_ip(peer_ip(&r->peer, ip)) ||
             !is_loopback_ip(httprequest_remote_ip(r)) ||
             !is_loopback_host(r->host))
        handler_send_error(self, 403);
    else
        handler_set_header(self, "Cache-Control", "no-store");
}

/* --- the events ----------------------------------------------------------- */

static void
events_get(struct handler *self)
{
    const char *since = handler_get_argument(self, "since", "0");
    struct buffer *text = NULL;

    if (since == NULL)
        return;
    handler_set_header(self, "Content-Type",
                       "text/tab-separated-values; charset=UTF-8");
    if (trace_read(&text, strtoul(since, NULL, 10)))
        handler_write_bytes(self, text->data + text->start,
                            buffer_length(text));
    else
        handler_send_error(self, 503);
    buffer_release(&text);
}

const struct handler_class trace_events_handler = {
    .prepare = check, .get = events_get,
};

/* --- the page ------------------------------------------------------------- */

/* What clients have sent is put in as text, never as HTML. The page's own
 * connection is known by what it asks for, and is left out, or every request
 * for events would be an event. A wait is shown with the event that ends it. */
static const char page[] =
    "<!doctype html><html lang=\"en\"><title>Follow one request</title>"
    "<style>body{font:14px system-ui,sans-serif;margin:2em}"
    "td{padding:.1em .8em .1em 0;white-space:nowrap}"
    "td{font-family:monospace}"
    "tr.new td{border-top:1px solid #999}"
    "@media(prefers-color-scheme:dark)"
    "{body{background:#12161e;color:#eceff5}}</style>"
    "<h1>Follow one request</h1>"
    "<p>Ask this server for something; it will appear here. A line parts two"
    " turns of the loop, and where the loop has waited for the kernel a row says"
    " so: what stands together happened without waiting.</p>"
    "<table><tbody id=\"events\"></tbody></table>"
    "<script>\n"
    "'use strict';\n"
    "const body = document.getElementById('events'), own = new Set();\n"
    "let since = 0, last = -1, shown = 0, waited = false;\n"
    "function show(us, turn, conn, stop, where, note) {\n"
    "  if (waited && shown > 0)\n"
    "    body.insertRow().insertCell().textContent =\n"
    "      '--- waited ' + ((us - shown) / 1e6).toFixed(1) + ' s ---';\n"
    "  const row = body.insertRow();\n"
    "  waited = false;\n"
    "  shown = us;\n"
    "  row.className = turn != last ? 'new' : '';\n"
    "  row.dataset.conn = conn;\n"
    "  last = turn;\n"
    "  for (const text of ['turn ' + turn, stop > 0 ? '(' + stop + ')' : '',\n"
    "                      'conn ' + conn, where, note])\n"
    "    row.insertCell().textContent = text;\n"
    "}\n"
    "function forget(conn) {\n"
    "  own.add(conn);\n"
    "  for (const row of [...body.rows])\n"
    "    if (row.dataset.conn == conn) row.remove();\n"
    "}\n"
    "async function look() {\n"
    "  const answer = await fetch(location.pathname + '/events?since=' +\n"
    "                             since);\n"
    "  for (const line of (await answer.text()).split('\\n').slice(1)) {\n"
    "    const [seq, us, turn, conn, stop, file, name, at, note] =\n"
    "      line.split('\\t');\n"
    "    if (!note) continue;\n"
    "    since = seq;\n"
    "    waited ||= note.startsWith('--- waited');\n"
    "    if (stop == 8 && note.startsWith('GET /trace')) forget(conn);\n"
    "    if (conn > 0 && !own.has(conn))\n"
    "      show(us, turn, conn, stop, file + ':' + name, note);\n"
    "  }\n"
    "}\n"
    "(async () => { for (;;) {\n"
    "  try { await look(); } catch (e) { since = 0; }\n"
    "  await new Promise(done => setTimeout(done, 500));\n"
    "} })();\n"
    "</script></html>\n";

static void
page_get(struct handler *self)
{
    handler_write(self, page);
}

const struct handler_class trace_page_handler = {
    .prepare = check, .get = page_get,
};
