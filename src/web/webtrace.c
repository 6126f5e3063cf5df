/* [18] webtrace.c -- see webtrace.h.
 *
 * There is no live connection and no state: who asks says what he has seen
 * last. The page is written for every browser, and loads nothing else. */
#include "webtrace.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "trace.h"

/* --- who may see it ------------------------------------------------------- */

/* A name that a stranger has registered may lead to 127.0.0.1. Then his page,
 * in a browser on this machine, is a loopback peer, and from the same site. But
 * the browser says in Host what it believes to be talking to. */
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

/* Runs before the method. Through a proxy everybody is a loopback peer, so
 * whom the proxy names counts as well. */
static void
check(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    char ip[PEER_IP_SIZE];

    if (!trace_on)
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

/* What comes from strangers is put in as text, never as HTML. The page's own
 * connection is known by what it asks for, and is left out, or every look
 * would be something new to look at. */
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
    " turns of the loop: what stands together happened without anybody"
    " waiting.</p><table><tbody id=\"events\"></tbody></table>"
    "<script>\n"
    "'use strict';\n"
    "const body = document.getElementById('events'), own = new Set();\n"
    "let since = 0, last = -1;\n"
    "function show(turn, conn, stop, where, note) {\n"
    "  const row = body.insertRow();\n"
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
    "  const answer = await fetch('/trace/events?since=' + since);\n"
    "  for (const line of (await answer.text()).split('\\n').slice(1)) {\n"
    "    const [seq, us, turn, conn, stop, file, name, at, note] =\n"
    "      line.split('\\t');\n"
    "    if (!note) continue;\n"
    "    since = seq;\n"
    "    if (stop == 8 && note.startsWith('GET /trace')) forget(conn);\n"
    "    if (conn > 0 && !own.has(conn))\n"
    "      show(turn, conn, stop, file + ':' + name, note);\n"
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
