/* [15] demo.c -- an application: a few handlers, and a table of routes.
 *
 * This is what you would write. Each handler shows one thing that web.h can
 * do. */
#include "demo.h"

#include <string.h> /* [16] */

#include "ioloop.h" /* [24] */
#include "settings.h" /* [28] */
#include "trace.h" /* [16] */
#include "webstatic.h" /* [28] */
#include "webtrace.h" /* [36] */

/* --- hello, world --------------------------------------------------------- */

static void
main_get(struct handler *self)
{
    handler_write(self, "Hello, world");
}

static const struct handler_class main_handler = {.get = main_get};

/* [16] --- hello, you ----------------------------------------------------- */

static void
hello(struct handler *self, const char *name, size_t size)
{
    handler_write(self, "Hello, ");
    handler_write_escaped(self, name, size);
}

/* (13) The handler of the tour's request. */
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

/* [23] The name is a part of the path. */
static void
hello_get(struct handler *self)
{
    size_t size = 0;
    const char *name = handler_path_argument(self, 0, &size);

    hello(self, name, size);
}

/* [23] The class of /hello/NAME. */
static const struct handler_class hello_name_handler = {.get = hello_get};

/* [24] --- answers that take their time ------------------------------------ */

struct slow {
    long ms;
    struct timeout *timeout;
};

static void
slow_done(void *arg)
{
    struct handler *self = arg;
    struct slow *slow = handler_state(self);

    plain_text(self);
    handler_printf(self, "slept %ld ms\n", slow->ms);
    handler_finish(self);
}

/* Returns at once. Until the timeout the loop serves other clients. */
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
        handler_send_error(self, 503, NULL);
}

/* The client has gone. */
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

/* [25] Sends one line, and the next one when the kernel has taken this one. */
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

/* [25] The first line. */
static void
stream_get(struct handler *self)
{
    struct progress *lines = handler_state(self);

    if (!number_argument(self, "n", "10", 1000000000, &lines->all))
        return;
    plain_text(self);
    stream_more(self);
}

/* [25] The state counts what has been written. */
static const struct handler_class stream_handler = {
    .get = stream_get, .asynchronous = true,
    .state_size = sizeof(struct progress),
};

/* [28] --- files ---------------------------------------------------------- */

static void
static_get(struct handler *self)
{
    static_file_get(self, settings.static_root);
}

static const struct handler_class static_handler = {
    .get = static_get, .asynchronous = true,
    .state_size = STATIC_FILE_STATE_SIZE,
};

/* --- routes -------------------------------------------------------------- */

const struct urlspec demo_routes[] = {
    {"/", &main_handler},
    {"/hello", &hello_handler}, /* [16] */
    {"/hello/([^/]+)", &hello_name_handler}, /* [23] */
    {"/slow", &slow_handler}, /* [24] */
    {"/stream", &stream_handler}, /* [25] */
    {"/static/(.*)", &static_handler}, /* [28] */
    {"/static", &static_handler}, /* [28] */

    /* [23] Other answers than 200. */
    {"/redirect", &redirect_handler},
    {"/error", &error_handler},
    {"/error/([45][0-9][0-9])", &error_handler},

    /* [22] The samples: only the course needs them. */
    {"/form", &form_handler},
    {"/upload", &upload_handler},
    {"/bytes", &bytes_handler}, /* [25] */
    {"/echo", &echo_handler}, /* [25] */
    {"/headers", &headers_handler}, /* [25] */
    {"/whoami", &whoami_handler}, /* [25] */
    {"\\*", &server_handler}, /* [25] */
    {"/cookie", &cookie_handler}, /* [30] */
    {"/cookie/set", &cookie_set_handler}, /* [30] */
    {"/visits", &visits_handler}, /* [31] */
    {"/xsrf", &xsrf_handler}, /* [30] */
    {"/work", &work_handler}, /* [35] */
    {"/trace/([^/]+)", &trace_page_handler}, /* [36] */
    {"/trace/([^/]+)/([a-z0-9_/]+\\.[ch])", &trace_page_handler}, /* [36] */
    {"/trace/([^/]+)/events", &trace_events_handler}, /* [36] */
    {"/trace/([^/]+)/send", &trace_send_handler}, /* [38] */

    {0},
};
