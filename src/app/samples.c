/* [22] samples.c -- the handlers that only the course needs. */
#include "demo.h"

#include <ctype.h> /* [25] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ioloop.h" /* [35] */
#include "webcookie.h" /* [30] */
#include "worker.h" /* [35] */

/* --- helpers ------------------------------------------------------------- */

void
plain_text(struct handler *self)
{
    handler_set_header(self, "Content-Type", "text/plain; charset=UTF-8");
}

/* --- what a request contains --------------------------------------------- */

/* 0 for equal names. Any order is good enough for sorting. */
static int
name_order(const struct httpheader *a, const struct httpheader *b)
{
    int order = (a->name_size > b->name_size) - (a->name_size < b->name_size);

    return order != 0 ? order : memcmp(a->name, b->name, a->name_size);
}

/* For qsort(): by name, and by position among those of one name. */
static int
compare_names(const void *a, const void *b)
{
    const struct httpheader *x = *(const struct httpheader *const *)a;
    const struct httpheader *y = *(const struct httpheader *const *)b;
    int order = name_order(x, y);

    return order != 0 ? order : (x > y) - (x < y);
}

/* All values of a name are printed together, where the first one is. Sorting is
 * fast whatever the names are. In a hash table without a secret seed a client
 * could choose names that collide. */
static void
form_any(struct handler *self)
{
    const struct httpheaders *all = &handler_request(self)->arguments.list;
    const struct httpheader *sorted[HTTP_MAX_FIELDS + HTTP_MAX_PARTS], **p;

    plain_text(self);
    for (size_t i = 0; i < all->n; i++)
        sorted[i] = &all->items[i];
    qsort(sorted, all->n, sizeof sorted[0], compare_names);
    for (size_t i = 0; i < all->n; i++) {
        const struct httpheader *a = &all->items[i];

        p = bsearch(&a, sorted, all->n, sizeof sorted[0], compare_names);
        if (p > sorted && name_order(p[-1], a) == 0)
            continue;
        for (; p < sorted + all->n && name_order(*p, a) == 0; p++) {
            handler_write_bytes(self, (*p)->name, (*p)->name_size);
            handler_write(self, "=");
            handler_write_bytes(self, (*p)->value, (*p)->value_size);
            handler_write(self, "\n");
        }
    }
}

const struct handler_class form_handler = {
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

const struct handler_class upload_handler = {.post = upload_post, .form = true};

/* [23] --- other answers than 200 ------------------------------------------ */

static void
redirect_get(struct handler *self)
{
    handler_redirect(self, "/", false);
}

const struct handler_class redirect_handler = {.get = redirect_get};

static void
error_get(struct handler *self)
{
    const char *status = handler_path_argument(self, 0, NULL);

    handler_send_error(self, status != NULL ? atoi(status) : 500, NULL);
}

const struct handler_class error_handler = {.get = error_get};

/* [25] --- what a client can find out ------------------------------------- */

static void
echo_any(struct handler *self)
{
    struct httprequest *request = handler_request(self);
    const char *type = httpheaders_get(&request->headers, "Content-Type");

    handler_set_header(self, "Content-Type",
                       type != NULL ? type : "application/octet-stream");
    handler_write_bytes(self, request->body, request->body_size);
}

const struct handler_class echo_handler = {.post = echo_any, .put = echo_any};

static void
headers_get(struct handler *self)
{
    struct httpheaders *headers = &handler_request(self)->headers;

    plain_text(self);
    for (size_t i = 0; i < headers->n; i++) {
        char *name = (char *)headers->items[i].name;
        const char *value = headers->items[i].value;

        /* All values are printed where the first one is. */
        if (httpheaders_get_list(headers, name, 0) != value)
            continue;

        /* HTTPHeaders._normalize_name: "content-TYPE" to "Content-Type". */
        for (char *c = name; *c != '\0'; c++)
            *c = (char)(c == name || c[-1] == '-' ? toupper(*c) : tolower(*c));
        handler_printf(self, "%s:", name);
        for (size_t k = 0;
             (value = httpheaders_get_list(headers, name, k)) != NULL; k++)
            handler_printf(self, "%c%s", k > 0 ? ',' : ' ', value);
        handler_write(self, "\n");
    }
}

const struct handler_class headers_handler = {.get = headers_get};

static void
whoami_get(struct handler *self)
{
    struct httprequest *request = handler_request(self);

    plain_text(self);
    handler_printf(self, "remote_ip: %s\nprotocol: %s\nhost: %s\n",
                   httprequest_remote_ip(request), request->protocol,
                   request->host);
}

const struct handler_class whoami_handler = {.get = whoami_get};

/* "OPTIONS *": what the server as a whole can do (RFC 9110, 9.3.7). */
static void
server_options(struct handler *self)
{
    handler_set_status(self, 204);
    handler_set_header(self, "Allow", "GET, HEAD, POST, PUT, OPTIONS");
}

const struct handler_class server_handler = {.options = server_options};

/* [24] --- numbers of the client ------------------------------------------- */

bool
number_argument(struct handler *self, const char *name, const char *fallback,
                long max, long *number)
{
    const char *text = handler_get_argument(self, name, fallback);
    char why[80];

    *number = strtol(text, NULL, 10);
    if (*text != '\0' && text[strspn(text, "0123456789")] == '\0' &&
        *number <= max)
        return true;
    snprintf(why, sizeof why, "%s is not a number from 0 to %ld", name, max);
    handler_send_error(self, 400, why);
    return false;
}

/* [25] --- long answers ---------------------------------------------------- */

/* Sends one piece, and the next one when the kernel has taken this one, so that
 * memory does not grow with the answer. */
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

/* The first piece. */
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

/* The state counts what has been written. */
const struct handler_class bytes_handler = {
    .get = bytes_get, .asynchronous = true,
    .state_size = sizeof(struct progress),
};

/* [30] --- cookies --------------------------------------------------------- */

static void
cookie_get(struct handler *self)
{
    const struct httpheaders *cookies = &handler_request(self)->cookies;
    const char *wrong = httprequest_parse_cookies(handler_request(self));

    if (wrong != NULL) {
        handler_send_error(self, atoi(wrong), wrong + 4);
        return;
    }
    plain_text(self);
    for (size_t i = 0; i < cookies->n; i++)
        handler_printf(self, "%s=%s\n", cookies->items[i].name,
                       cookies->items[i].value);
}

const struct handler_class cookie_handler = {.get = cookie_get};

static void
cookie_set_get(struct handler *self)
{
    const char *name = handler_get_argument(self, "name", NULL);
    const char *value = name ? handler_get_argument(self, "value", NULL) : NULL;

    if (value == NULL)
        return;
    plain_text(self);
    if (handler_set_cookie(self, name, value, 0, 0))
        handler_printf(self, "%s=%s\n", name, value);
    else
        handler_send_error(self, 400, "not a valid cookie");
}

const struct handler_class cookie_set_handler = {.get = cookie_set_get};

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

const struct handler_class xsrf_handler = {
    .get = xsrf_get, .post = xsrf_post, .form = true,
};

/* [31] --- signed cookies -------------------------------------------------- */

/* The client stores the count, and cannot change it without the secret. An
 * unsigned count has no overflow, whatever number has been signed. */
static void
visits_get(struct handler *self)
{
    const char *before = handler_get_secure_cookie(self, "visits", 31);
    char now[24];

    sprintf(now, "%lu", before ? strtoul(before, NULL, 10) + 1 : 1UL);
    plain_text(self);
    handler_set_secure_cookie(self, "visits", now, 30);
    handler_printf(self, "visits: %s\n", now);
}

const struct handler_class visits_handler = {.get = visits_get};

/* [35] --- work ----------------------------------------------------------- */

struct count {
    struct job job;
    long below, primes;
};

/* Runs in a worker thread, so it may take long. It may use only the job: all
 * other data belongs to the thread of the loop. */
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

/* Runs on the loop. If the client has gone the answer is dropped, but the
 * handler must still finish; see web.h. */
static void
work_done(void *arg)
{
    struct handler *self = arg;
    struct count *count = handler_state(self);

    /* Too many jobs wait, or there is no thread for this one. */
    if (count->job.cancelled && !handler_client_gone(self)) {
        handler_send_error(self, 503, NULL);
        return;
    }
    plain_text(self);
    handler_printf(self, "%ld primes below %ld\n", count->primes,
                   count->below);
    handler_finish(self);
}

static void
work_get(struct handler *self)
{
    struct count *count = handler_state(self);

    if (!number_argument(self, "n", "100000", 5000000, &count->below))
        return;
    count->job.work = count_primes;
    count->job.done = work_done;
    count->job.arg = self;
    worker_submit(ioloop_instance(), &count->job);
}

/* The thread may still use the job: work_done() finishes the handler. */
static void
work_closed(struct handler *self)
{
    struct count *count = handler_state(self);

    worker_cancel(&count->job);
}

const struct handler_class work_handler = {
    .get = work_get, .asynchronous = true, .state_size = sizeof(struct count),
    .on_connection_close = work_closed,
};
