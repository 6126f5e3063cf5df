/* conversation.c -- the whole server and a client: what the client sends may be
 * anything, cut in any way.
 *
 * - However the bytes are cut, the client receives the same.
 * - It receives answers that are well-formed: a status line, headers, and a
 *   body as long as the head says; as many as there were requests, and one more
 *   if the server has refused what came last. After "Connection: close" nothing
 *   comes.
 * - A client that receives too much leaves.
 * - At the end nothing is left: no buffer, no arena, no descriptor, no
 *   connection that the limits watch.
 *
 * The first byte of the input seeds the random sizes. In the others a byte 0xff
 * stands for 1000 letters, so that a short input can reach a limit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "fuzz.h"
#include "httplimits.h"
#include "httputil.h"
#include "log.h"
#include "settings.h"

enum { MAX_REQUESTS = 10000, MAX_INPUT = 1 << 20 };

static struct application *application;
static struct httplimits limits;
static struct httpconnection_settings connections;

/* What the application has been asked in this conversation. */
static size_t nrequests;
static bool is_head[MAX_REQUESTS];

static void
on_request(struct httprequest *request, void *arg)
{
    check(nrequests < MAX_REQUESTS, "there are not so many requests");
    is_head[nrequests++] = strcmp(request->method, "HEAD") == 0;
    application_call(request, arg);
}

/* The routes of the demo whose answers do not depend on the time. */
static void
start(void)
{
    static struct urlspec routes[64];
    static const char *const others[] = {"/slow", "/work", "/trace"};
    size_t n = 0;

    for (const struct urlspec *s = demo_routes; s->pattern != NULL; s++) {
        bool other = false;

        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
            other |= strncmp(s->pattern, others[i], strlen(others[i])) == 0;
        if (!other)
            routes[n++] = *s;
    }
    log_level = LOG_NONE;
    settings.static_root = -1;
    application = application_new(routes);
    application_set_cookie_secret(application, "secret");
    limits.timeouts[HTTP_IDLE] = limits.timeouts[HTTP_HEAD] =
        limits.timeouts[HTTP_BODY] = INT64_C(1000) * 1000000;
    connections = (struct httpconnection_settings){
        .request_callback = on_request,
        .request_arg = application,
        .max_header_size = 10000,
        .max_body_size = 20000,
        .observer = httplimits_observe,
        .observer_arg = &limits,
    };
}

static void
handle_stream(struct iostream *stream)
{
    const struct sockaddr peer = {.sa_family = AF_UNIX};

    if (limits.loop == NULL)
        httplimits_start(&limits, iostream_loop(stream));
    httpconnection_handle_stream(stream, &peer, sizeof peer, &connections);
}

/* --- what an answer looks like --------------------------------------- */

struct answer {
    size_t length; /* of the body */
    bool has_length, chunked, closes;
};

/* One line of the head, without its CR LF. */
static void
check_header(struct answer *a, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    size_t name = colon != NULL ? (size_t)(colon - line) : 0;
    char copy[80];

    check(name > 0 && httputil_span(line, HTTP_TOKEN) == name &&
          colon[1] == ' ' && httputil_is_value(colon + 1, size - name - 1),
          "each line of a head has a name and a value");
    snprintf(copy, sizeof copy, "%.*s", (int)size, line);
    if (strncmp(copy, "Content-Length: ", 16) == 0) {
        check(!a->has_length, "an answer has one length");
        a->has_length = true;
        a->length = strtoull(copy + 16, NULL, 10);
    }
    a->chunked |= strcmp(copy, "Transfer-Encoding: chunked") == 0;
    a->closes |= strcmp(copy, "Connection: close") == 0;
}

/* Returns where the head ends. */
static const char *
check_head(struct answer *a, const char *p, const char *end, int *status)
{
    const char *stop;

    check(end - p > 17 && memcmp(p, "HTTP/1.1 ", 9) == 0 && p[12] == ' ',
          "an answer begins with a status line");
    *status = atoi(p + 9);
    check(*status >= 100 && *status <= 599, "a status is from 100 to 599");
    for (bool first = true;; first = false) {
        stop = memmem(p, (size_t)(end - p), "\r\n", 2);
        check(stop != NULL, "a head ends with an empty line");
        if (stop == p)
            return p + 2;
        if (!first)
            check_header(a, p, (size_t)(stop - p));
        p = stop + 2;
    }
}

/* Returns where the chunks end. */
static const char *
check_chunks(const char *p, const char *end)
{
    char *digits_end;
    size_t size = 1;

    while (size > 0) {
        size = strtoull(p, &digits_end, 16);
        p = digits_end + 2;
        check(p <= end && memcmp(p - 2, "\r\n", 2) == 0 &&
              size <= (size_t)(end - p) && end - p - (ptrdiff_t)size >= 2 &&
              memcmp(p + size, "\r\n", 2) == 0,
              "a chunk has the size that it says");
        p += size + 2;
    }
    return p;
}

/* The answers, in `answers`, which has a NUL behind it. */
static void
check_answers(const char *p, const char *end)
{
    size_t n = 0;

    while (p < end) {
        struct answer a = {0};
        int status;
        bool refused = n >= nrequests;

        p = check_head(&a, p, end, &status);
        if (status == 100)
            continue;
        check(n++ <= nrequests, "there are no more answers than requests");
        check(!a.chunked || !a.has_length, "a body has one kind of length");
        check(!refused || a.closes, "after an error the connection closes");
        if (status == 204 || status == 304) {
            check(!a.chunked && !a.has_length, "no body has no length");
        } else if (refused ? p == end : is_head[n - 1]) {
            /* The server may have refused a HEAD. */
        } else if (a.chunked) {
            p = check_chunks(p, end);
        } else {
            check(a.has_length || a.closes, "a body has an end");
            if (!a.has_length)
                a.length = (size_t)(end - p);
            check(a.length <= (size_t)(end - p), "a body is complete");
            p += a.length;
        }
        check(!a.closes || p == end, "after the last answer nothing comes");
    }
    check(n >= nrequests, "each request has an answer");
}

/* --- the harness ----------------------------------------------------- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[MAX_INPUT];
    size_t n = 0, sizes[3];
    char *answers[3];

    if (application == NULL)
        start();
    for (size_t i = 1; i < size && n < sizeof bytes - 1000; i++) {
        size_t times = data[i] == 0xff ? 1000 : 1;

        memset(bytes + n, data[i] == 0xff ? 'a' : data[i], times);
        n += times;
    }

    /* Byte by byte only what is short, because it takes long. */
    for (enum cut cut = WHOLE; cut <= (n < 500 ? BYTES : PIECES); cut++) {
        nrequests = 0;
        answers[cut] = talk(handle_stream, bytes, n, cut,
                            size > 0 ? data[0] : 0, &sizes[cut]);
        check(limits.first == NULL, "no connection is left");
        if (sizes[cut] < TALK_MAX)
            check_answers(answers[cut], answers[cut] + sizes[cut]);
        check(sizes[0] >= TALK_MAX || strcmp(answers[0], answers[cut]) == 0,
              "the cuts do not change what the client receives");
        if (cut != WHOLE)
            free(answers[cut]);
    }
    free(answers[0]);
    return 0;
}
