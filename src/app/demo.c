/* [11] demo.c -- an application: a few handlers, and a table of routes.
 *
 * This is what you would write. Each handler shows one thing that web.h can
 * do. The routes are those that the course's tests ask for. */
#include "demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ioloop.h"
#include "trace.h"
#include "webcookie.h" /* [15] */
#include "webstatic.h" /* [14] */
#include "webtrace.h" /* [18] */
#include "worker.h" /* [18] */

/* --- handlers: saying hello --------------------------------------------- */

static void
main_get(struct handler *self)
{
    handler_write(self, "Hello, world");
}

static const struct handler_class main_handler = {
    .get = main_get, .head = main_get,
};

static void
hello(struct handler *self, const char *name, size_t size)
{
    handler_write(self, "Hello, ");
    handler_write_escaped(self, name, size);
}

static void
hello_get(struct handler *self)
{
    size_t size = 0;
    const char *name = handler_path_argument(self, 0, &size);

    if (name == NULL)
        handler_send_error(self, 503);
    else
        hello(self, name, size);
}

static const struct handler_class hello_name_handler = {
    .get = hello_get, .head = hello_get,
};

/* Where the tour's request ends up. */
static void
hello_post(struct handler *self)
{
    const char *name = handler_get_argument(self, "name", NULL);

    TOUR(13, httprequest_fd(handler_request(self)), "your code runs");
    if (name != NULL)
        hello(self, name, strlen(name));
}

static const struct handler_class hello_handler = {
    .post = hello_post, .form = true,
};

/* --- handlers: what came in --------------------------------------------- */

static void
plain_text(struct handler *self)
{
    handler_set_header(self, "Content-Type", "text/plain; charset=UTF-8");
}

/* Two long names may differ in their last byte only; who compares each with
 * each wants to know sooner. */
static uint32_t
name_hash(const struct argument *a)
{
    uint32_t hash = 0x811c9dc5;

    for (size_t i = 0; i < a->name_size; i++)
        hash = (hash ^ (unsigned char)a->name[i]) * 0x01000193;
    return hash;
}

/* All values of a name stand together, where its first one stood. What has
 * been written is marked by taking its name away. */
static void
form_any(struct handler *self)
{
    struct arguments *all = &handler_request(self)->arguments;
    uint32_t hashes[HTTP_MAX_FIELDS + HTTP_MAX_PARTS];

    plain_text(self);
    for (size_t i = 0; i < all->n; i++)
        hashes[i] = name_hash(&all->items[i]);
    for (size_t i = 0; i < all->n; i++) {
        struct argument first = all->items[i];

        for (size_t k = i; k < all->n && first.name != NULL; k++) {
            struct argument *a = &all->items[k];

            if (a->name == NULL || hashes[k] != hashes[i] ||
                a->name_size != first.name_size ||
                memcmp(a->name, first.name, first.name_size) != 0)
                continue;
            handler_write_bytes(self, a->name, a->name_size);
            handler_write(self, "=");
            handler_write_bytes(self, a->value, a->size);
            handler_write(self, "\n");
            a->name = NULL;
        }
    }
}

static const struct handler_class form_handler = {
    .get = form_any, .post = form_any, .form = true,
};

static void
upload_post(struct handler *self)
{
    const struct arguments *all = &handler_request(self)->arguments;

    plain_text(self);
    for (size_t i = 0; i < all->nfiles; i++)
        handler_printf(self, "%s %s %s %zu\n", all->files[i].field,
                       all->files[i].filename, all->files[i].content_type,
                       all->files[i].size);
}

static const struct handler_class upload_handler = {
    .post = upload_post, .form = true,
};

static void
echo_any(struct handler *self)
{
    struct httprequest *request = handler_request(self);
    const char *type = httpheaders_get(&request->headers, "Content-Type");

    handler_set_header(self, "Content-Type",
                       type != NULL ? type : "application/octet-stream");
    handler_write_bytes(self, request->body, request->body_size);
}

static const struct handler_class echo_handler = {
    .post = echo_any, .put = echo_any,
};

static void
headers_get(struct handler *self)
{
    struct httpheaders *headers = &handler_request(self)->headers;

    plain_text(self);
    for (size_t i = 0; i < headers->n; i++) {
        char name[HTTP_MAX_LINE + 1];
        const char *value;
        size_t first = 0;

        while (strcasecmp(headers->items[first].name,
                          headers->items[i].name) != 0)
            first++;
        if (first < i)
            continue;
        httpheaders_normalize_name(name, headers->items[i].name);
        value = httpheaders_get(headers, name);
        handler_printf(self, "%s: %s\n", name, value != NULL ? value : "?");
    }
}

static const struct handler_class headers_handler = {.get = headers_get};

static void
whoami_get(struct handler *self)
{
    struct httprequest *request = handler_request(self);

    plain_text(self);
    handler_printf(self, "remote_ip: %s\nprotocol: %s\nhost: %s\n",
                   httprequest_remote_ip(request), request->protocol,
                   request->host);
}

static const struct handler_class whoami_handler = {.get = whoami_get};

/* --- handlers: other answers than 200 ------------------------------------ */

static void
redirect_get(struct handler *self)
{
    handler_redirect(self, "/", false);
}

static const struct handler_class redirect_handler = {.get = redirect_get};

static void
error_get(struct handler *self)
{
    const char *status = handler_path_argument(self, 0, NULL);

    handler_send_error(self, status != NULL ? atoi(status) : 500);
}

static const struct handler_class error_handler = {.get = error_get};

/* "OPTIONS *": what the server as a whole can do (RFC 9110, 9.3.7). */
static void
server_options(struct handler *self)
{
    handler_set_status(self, 204);
    handler_set_header(self, "Allow", "GET, HEAD, POST, PUT, OPTIONS");
}

static const struct handler_class server_handler = {
    .options = server_options,
};

/* [12] --- handlers: answers that take their time -------------------------- */

/* The argument `name` as a number up to `max`. If it is something else, 400
 * has been answered. */
static bool
number_argument(struct handler *self, const char *name, const char *fallback,
                long max, long *number)
{
    const char *text = handler_get_argument(self, name, fallback);

    if (text == NULL)
        return false;
    *number = strlen(text) < 12 ? atol(text) : max + 1;
    if (*text != '\0' && text[strspn(text, "0123456789")] == '\0' &&
        *number <= max)
        return true;
    handler_send_error(self, 400);
    return false;
}

struct slow {
    long ms;
    struct timeout *timeout;
};

static void
slow_done(void *arg)
{
    struct handler *self = arg;
    struct slow *slow = handler_state(self);

    slow->timeout = NULL;
    plain_text(self);
    handler_printf(self, "slept %ld ms\n", slow->ms);
    handler_finish(self);
}

/* What happens meanwhile, happens to others. */
static void
slow_get(struct handler *self)
{
    struct slow *slow = handler_state(self);

    if (!number_argument(self, "ms", "1000", 60000, &slow->ms))
        return;
    slow->timeout = ioloop_add_timeout(ioloop_instance(),
                                       ioloop_time() + slow->ms * 1000,
                                       slow_done, self);
    if (slow->timeout == NULL)
        handler_send_error(self, 503);
}

/* Nobody is left to sleep for. */
static void
slow_closed(struct handler *self)
{
    struct slow *slow = handler_state(self);

    ioloop_remove_timeout(ioloop_instance(), slow->timeout);
    handler_finish(self);
}

static const struct handler_class slow_handler = {
    .get = slow_get, .asynchronous = true, .state_size = sizeof(struct slow),
    .on_connection_close = slow_closed,
};

struct progress {
    long done, all;
};

/* One line, and the next when the client has taken this one. */
static void
stream_more(void *arg)
{
    struct handler *self = arg;
    struct progress *lines = handler_state(self);

    if (lines->done == lines->all || handler_client_gone(self)) {
        handler_finish(self);
        return;
    }
    handler_printf(self, "line %ld\n", ++lines->done);
    handler_flush(self, stream_more, self);
}

static void
stream_get(struct handler *self)
{
    struct progress *lines = handler_state(self);

    if (!number_argument(self, "n", "10", 1000000000, &lines->all))
        return;
    plain_text(self);
    stream_more(self);
}

static const struct handler_class stream_handler = {
    .get = stream_get, .asynchronous = true,
    .state_size = sizeof(struct progress),
};

/* Memory does not grow with the answer: there is one piece of it at a time. */
static void
bytes_more(void *arg)
{
    static const char piece[65536];
    struct handler *self = arg;
    struct progress *bytes = handler_state(self);
    long left = bytes->all - bytes->done;
    long size = left < (long)sizeof piece ? left : (long)sizeof piece;

    if (left == 0 || handler_client_gone(self)) {
        handler_finish(self);
        return;
    }
    handler_write_bytes(self, piece, (size_t)size);
    bytes->done += size;
    handler_flush(self, bytes_more, self);
}

static void
bytes_get(struct handler *self)
{
    struct progress *bytes = handler_state(self);

    if (!number_argument(self, "n", "1024", 1L << 30, &bytes->all))
        return;
    handler_set_header(self, "Content-Type", "application/octet-stream");
    handler_set_content_length(self, (size_t)bytes->all);
    bytes_more(self);
}

static const struct handler_class bytes_handler = {
    .get = bytes_get, .asynchronous = true,
    .state_size = sizeof(struct progress),
};

/* [14] --- handlers: files ------------------------------------------------ */

int demo_static_root = -1;

static const struct handler_class static_handler = {
    .get = static_file_get, .head = static_file_get, .asynchronous = true,
    .state_size = STATIC_FILE_STATE_SIZE,
    .arg = &demo_static_root,
};

/* [15] --- handlers: who are you ------------------------------------------- */

static void
cookie_get(struct handler *self)
{
    const struct httprequest *request = handler_request(self);

    plain_text(self);
    for (size_t i = 0; i < request->ncookies; i++)
        handler_printf(self, "%s=%s\n", request->cookies[i].name,
                       request->cookies[i].value);
}

static const struct handler_class cookie_handler = {.get = cookie_get};

static void
cookie_set_get(struct handler *self)
{
    const char *name = handler_get_argument(self, "name", NULL), *value;

    value = name != NULL ? handler_get_argument(self, "value", NULL) : NULL;
    if (value == NULL)
        return;
    plain_text(self);
    if (handler_set_cookie(self, name, value, 0, 0))
        handler_printf(self, "%s=%s\n", name, value);
    else
        handler_send_error(self, 400);
}

static const struct handler_class cookie_set_handler = {
    .get = cookie_set_get,
};

/* The client keeps the count for us, and cannot change it. */
static void
visits_get(struct handler *self)
{
    const char *before = handler_get_secure_cookie(self, "visits", 31);
    char now[24];

    snprintf(now, sizeof now, "%ld", (before ? atol(before) : 0) + 1);
    plain_text(self);
    if (handler_set_secure_cookie(self, "visits", now, 30))
        handler_printf(self, "visits: %s\n", now);
    else
        handler_send_error(self, 503);
}

static const struct handler_class visits_handler = {.get = visits_get};

static void
xsrf_get(struct handler *self)
{
    handler_write(self, "<form action=\"/xsrf\" method=\"post\">");
    handler_xsrf_form_html(self);
    handler_write(self, "<input type=\"submit\"/></form>");
}

static void
xsrf_post(struct handler *self)
{
    if (handler_check_xsrf_cookie(self))
        handler_write(self, "The form was ours.");
}

static const struct handler_class xsrf_handler = {
    .get = xsrf_get, .post = xsrf_post, .form = true,
};

/* [18] --- handlers: work ------------------------------------------------- */

static struct worker *worker; /* made by the first who has work */

struct count {
    struct job job;
    long below, primes;
};

/* In a thread, so it may take as long as it likes; and look at nothing that it
 * was not given. */
static void
count_primes(struct job *job)
{
    struct count *count = (struct count *)job;

    for (long n = 2; n < count->below && !job->cancelled; n++) {
        long d = 2;

        while (d * d <= n && n % d != 0)
            d++;
        count->primes += d * d > n;
    }
}

/* Back on the loop, in any case. If the client has gone, and the work was cut
 * short, this goes nowhere; it has to be said all the same, see web.h. */
static void
work_done(void *arg)
{
    struct handler *self = arg;
    struct count *count = handler_state(self);

    plain_text(self);
    handler_printf(self, "%ld primes below %ld\n", count->primes,
                   count->below);
    handler_finish(self);
}

static void
work_get(struct handler *self)
{
    struct count *count = handler_state(self);

    if (!number_argument(self, "n", "100000", 100000000, &count->below))
        return;
    count->job.work = count_primes;
    count->job.done = work_done;
    count->job.arg = self;
    if (worker == NULL)
        worker = worker_new(ioloop_instance());
    if (worker == NULL || !worker_submit(worker, &count->job))
        handler_send_error(self, 503);
}

/* What the thread holds stays until it lets go: work_done() finishes. */
static void
work_closed(struct handler *self)
{
    struct count *count = handler_state(self);

    worker_cancel(&count->job);
}

static const struct handler_class work_handler = {
    .get = work_get, .asynchronous = true, .state_size = sizeof(struct count),
    .on_connection_close = work_closed,
};

void
demo_end(void)
{
    if (worker != NULL)
        worker_free(worker);
    worker = NULL;
}

/* --- routes -------------------------------------------------------------- */

const struct urlspec demo_routes[] = {
    {"/", &main_handler},
    {"/hello", &hello_handler},
    {"/hello/([^/]+)", &hello_name_handler},
    {"/form", &form_handler},
    {"/upload", &upload_handler},
    {"/echo", &echo_handler},
    {"/headers", &headers_handler},
    {"/whoami", &whoami_handler},
    {"/redirect", &redirect_handler},
    {"/error", &error_handler},
    {"/error/([45][0-9][0-9])", &error_handler},
    {"\\*", &server_handler},
    {"/slow", &slow_handler}, /* [12] */
    {"/stream", &stream_handler}, /* [12] */
    {"/bytes", &bytes_handler}, /* [12] */
    {"/static/(.*)", &static_handler}, /* [14] */
    {"/cookie", &cookie_handler}, /* [15] */
    {"/cookie/set", &cookie_set_handler}, /* [15] */
    {"/visits", &visits_handler}, /* [15] */
    {"/xsrf", &xsrf_handler}, /* [15] */
    {"/work", &work_handler}, /* [18] */
    {"/trace", &trace_page_handler}, /* [18] */
    {"/trace/events", &trace_events_handler}, /* [18] */
    {0},
};
