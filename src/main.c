/* [11] main.c -- an application: a few handlers, a table of routes, a server.
 *
 * This is what you would write. Each handler shows one thing that web.h can
 * do; main() at the end puts the floors of the house on top of each other.
 * The routes and options are those that the course's tests ask for. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "httpserver.h"
#include "ioloop.h"
#include "log.h"
#include "options.h"
#include "trace.h"
#include "util.h"
#include "web.h"
#include "webstatic.h" /* [14] */

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

static int static_root = -1; /* what --static-path names */

static const struct handler_class static_handler = {
    .get = static_file_get, .head = static_file_get, .asynchronous = true,
    .state_size = STATIC_FILE_STATE_SIZE, .arg = &static_root,
};

/* --- routes -------------------------------------------------------------- */

static const struct urlspec routes[] = {
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
    {0},
};

/* --- options ------------------------------------------------------------- */

static long port = 8888, max_header_size = 32768, max_body_size = 16777216;
static const char *address = "127.0.0.1", *poller, *level = "info";
static const char *trace;
static bool no_keep_alive;
static const char default_static_path[] = "diagrams"; /* [14] */
static const char *static_path = default_static_path; /* [14] */

static const struct option options[] = {
    {.help = "Where it listens"},
    {"port", "the port; 0 is any free one", &port, OPTION_NUMBER, 0, 65535, 0},
    {"address", "a number or a name; \"\" is everywhere", &address,
     OPTION_TEXT, 0, 0, 0},
    {.help = "How it works"},
    {"poller", "epoll, kqueue or select (the best there is)", &poller,
     OPTION_TEXT, 0, 0, "epoll kqueue select"},
    {"no-keep-alive", "one request a connection", &no_keep_alive, OPTION_BOOL,
     0, 0, 0},

    /* [14] Files. */
    {"static-path", "document root of /static/", &static_path, OPTION_TEXT, 0,
     0, 0},

    {.help = "What it takes"},
    {"max-header-size", "bytes of request line and headers", &max_header_size,
     OPTION_NUMBER, 64, 1L << 30, 0},
    {"max-body-size", "bytes of one request's body", &max_body_size,
     OPTION_NUMBER, 0, 1L << 30, 0},
    {.help = "What it tells, on stderr"},
    {"log", "none, error, warning or info", &level, OPTION_TEXT, 0, 0,
     "none error warning info"},
    {"trace", "the tour of every request; to FILE, as records", &trace,
     OPTION_SWITCH, 0, 0, 0},
    {0},
};

/* [12] A word on stderr about a path; false, for those who return it. */
static bool
cannot(const char *what, const char *path)
{
    int error = errno;
    char printable[256];

    make_printable(printable, sizeof printable, path);
    fprintf(stderr, "dustdevil: cannot %s %s: %s\n", what, printable,
            strerror(error));
    return false;
}

/* Switches on what was asked for; false, with a word, if that is impossible. */
static bool
use_options(void)
{
    static const char *const levels[] = {"none", "error", "warning", "info"};

    for (int i = LOG_NONE; i <= LOG_INFO; i++)
        if (strcmp(level, levels[i]) == 0)
            log_level = i;
    trace_on = trace != NULL;

    /* [12] Records for programs in place of lines for people. */
    if (trace != NULL && *trace != '\0' && !trace_to_file(trace))
        return cannot("write", trace);

    /* [14] The directory that is there by default need not be there. */
    static_root = static_open_root(static_path);
    if (static_root == -1 && static_path != default_static_path)
        return cannot("serve files from", static_path);

    return true;
}

/* --- main ---------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void
stop(void *arg)
{
    (void)arg;
    ioloop_stop(ioloop_instance());
}

/* Nothing but a note may be made here: anything at all may be half done. */
static void
on_signal(int signal_number)
{
    if (signal_number == SIGINT)
        interrupted = 1;
    ioloop_add_callback_from_signal(ioloop_instance(), stop, NULL);
}

static void
catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void
announce(const struct httpserver *server)
{
    char url[128];

    for (size_t i = 0; httpserver_url(server, i, url, sizeof url) == 0; i++)
        printf("listening on %s\n", url);
    fflush(stdout);
}

/* Serves until it is told to stop; 0, or 1 after a word on stderr. */
static int
serve(struct ioloop *loop, struct application *application)
{
    struct httpconnection_settings settings = {
        .request_callback = application_call,
        .request_arg = application,
        .max_header_size = (size_t)max_header_size,
        .max_body_size = (size_t)max_body_size,
        .no_keep_alive = no_keep_alive,
    };
    struct httpserver *http_server;
    const char *error = "out of memory";

    http_server = httpserver_new(loop, httpconnection_handle_stream,
                                 &settings);
    if (http_server != NULL)
        error = httpserver_listen(http_server, (int)port, address);
    if (error == NULL) {
        announce(http_server);
        if (ioloop_start(loop) == -1)
            error = strerror(errno);
    }
    if (error != NULL)
        fprintf(stderr, "dustdevil: %s\n", error);
    if (http_server != NULL)
        httpserver_free(http_server);
    ioloop_hang_up(loop);
    return error != NULL;
}

/* A program may be started with its standard descriptors closed. The first
 * ones that we open would take their numbers, and our log would be written
 * into somebody's connection. */
static void
fill_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

int
main(int argc, char **argv)
{
    int status = options_parse(options, argc, argv);
    struct application *application;
    struct ioloop *loop;

    if (status != -1)
        return status;
    fill_standard_descriptors();
    if (!use_options())
        return 1;
    loop = ioloop_new(poller);
    if (loop == NULL) {
        status = errno == ENOTSUP ? 2 : 1;
        fprintf(stderr, "dustdevil: --poller=%s: %s\n",
                poller != NULL ? poller : "(best)", strerror(errno));
        return status;
    }
    application = application_new(routes);
    if (application == NULL)
        return 1;
    catch_signals();
    status = serve(loop, application);
    signal(SIGTERM, SIG_IGN); /* on_signal() needs a loop, and it is going */
    signal(SIGINT, SIG_IGN);
    application_free(application);
    close(static_root); /* [14] */
    ioloop_free(loop);
    blocks_free();

    /* Whoever pressed ^C shall see that it was that. */
    if (interrupted) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    return status;
}
