/* mistakes.c -- an application that makes a mistake on each route.
 *
 * A test builds it with the components of the last step. Each mistake has to
 * end in a 500 or a cut connection, and none of them the process. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "demo.h"
#include "httpserver.h"
#include "ioloop.h"
#include "iostream.h"
#include "log.h"
#include "ssl.h"
#include "system.h"
#include "trace.h"
#include "web.h"
#include "webcookie.h"
#include "webstatic.h"
#include "webtrace.h"
#include "worker.h"

/* --- calls that can fail -------------------------------------------------- */

/* The test compiles the server with these names in place of malloc() and so on.
 * The next `good` of them succeed, then one fails, or each one. */
enum { ALL = 1 << 30 };
static int good = ALL;
static bool lasts, epoll_ctl_fails;
static int nfailed;

static bool
fails(void)
{
    if (good > 0) {
        good -= good < ALL;
        return false;
    }
    good = lasts ? 0 : ALL;
    nfailed++;
    errno = ENOMEM;
    return true;
}

static void
calm(void *arg)
{
    (void)arg;
    good = ALL;
}

#undef malloc
#undef calloc
#undef realloc
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *old, size_t size);

void *
scarce_malloc(size_t size)
{
    return fails() ? NULL : malloc(size);
}

void *
scarce_calloc(size_t n, size_t size)
{
    return fails() ? NULL : calloc(n, size);
}

void *
scarce_realloc(void *old, size_t size)
{
    return fails() ? NULL : realloc(old, size);
}

#ifdef __linux__
#undef epoll_ctl
int epoll_ctl(int e, int verb, int fd, struct epoll_event *event);

int
scarce_epoll_ctl(int e, int verb, int fd, struct epoll_event *event)
{
    if (verb != EPOLL_CTL_DEL && (epoll_ctl_fails || fails()))
        return -1;
    return epoll_ctl(e, verb, fd, event);
}
#endif

#undef pthread_create
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*start)(void *), void *arg);

int
scarce_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                      void *(*start)(void *), void *arg)
{
    return fails() ? EAGAIN : pthread_create(thread, attributes, start, arg);
}

#undef getentropy
int getentropy(void *to, size_t size);

int
scarce_getentropy(void *to, size_t size)
{
    return fails() ? -1 : getentropy(to, size);
}

/* --- mistakes ------------------------------------------------------------- */

/* A header that the application writes as well as the server: once, or more
 * than once. */
static void
set(struct handler *self, void (*function)(struct handler *, const char *,
                                           const char *), int times)
{
    const char *name = handler_get_argument(self, "name", NULL);
    const char *value = name != NULL
                            ? handler_get_argument(self, "value", NULL) : NULL;

    if (value == NULL)
        return;
    while (times-- > 0)
        function(self, name, value);
    handler_write(self, "12345");
}

static void
set_get(struct handler *self)
{
    set(self, handler_set_header, 1);
}

static void
add_get(struct handler *self)
{
    set(self, handler_add_header, 2);
}

static void
status_get(struct handler *self)
{
    handler_set_status(self, atoi(handler_get_argument(self, "s", "")));
    handler_write(self, "12345");
}

static void
error_get(struct handler *self)
{
    handler_write(self, "half of an answer");
    handler_send_error(self, atoi(handler_get_argument(self, "s", "")), NULL);
}

/* Everything once more after the end. */
static void
after_get(struct handler *self)
{
    handler_write(self, "12345");
    for (int i = 0; i < 2; i++) {
        handler_finish(self);
        handler_write(self, "more");
        handler_printf(self, "%d", 1);
        handler_write_escaped(self, "<", 1);
        handler_set_header(self, "A", "b");
        handler_set_status(self, 404);
        handler_set_content_length(self, 3);
        handler_flush(self, NULL, NULL);
        handler_send_error(self, 500, NULL);
        handler_write_error(self, 500, NULL);
        handler_redirect(self, "/", true);
        httprequest_write(handler_request(self), "x", 1, NULL, NULL);
        httprequest_finish(handler_request(self));
    }
}

/* A head cannot be changed when it has left. */
static void
late_get(struct handler *self)
{
    handler_write(self, "12345");
    handler_flush(self, NULL, NULL);
    handler_set_header(self, "A", "b");
}

static void
late_error_get(struct handler *self)
{
    handler_write(self, "12345");
    handler_flush(self, NULL, NULL);
    handler_send_error(self, 404, NULL);
}

/* Another length than promised. */
static void
length_get(struct handler *self)
{
    const char *n = handler_get_argument(self, "n", "5");

    handler_set_content_length(self, (uint64_t)atoi(n));
    handler_write(self, "12345");
}

/* The same after a flush. */
static void
long_get(struct handler *self)
{
    handler_set_content_length(self, 3);
    handler_flush(self, NULL, NULL);
    handler_write(self, "12345");
}

/* Bytes that are sent without a copy, more of them than promised. */
static void
long_bytes_get(struct handler *self)
{
    handler_set_content_length(self, 3);
    handler_flush_bytes(self, "12345", 5, NULL, NULL);
}

/* This application has no secret. */
static void
unsigned_get(struct handler *self)
{
    handler_write(self, handler_set_secure_cookie(self, "a", "b", 1)
                            ? "signed" : "not signed");
}

static void
short_get(struct handler *self)
{
    handler_set_content_length(self, 10);
    handler_write(self, "12345");
    handler_flush(self, NULL, NULL);
}

/* Want of memory is never an answer about something else. */
static void
fail_get(struct handler *self)
{
    handler_fail(self, 503, http_no_memory);
    handler_send_error(self, 404, NULL);
}

static void
group_get(struct handler *self)
{
    const char *group = handler_path_argument(self, 0, NULL);

    handler_write(self, group != NULL ? group : "no group");
}

static void
second_get(struct handler *self)
{
    const char *group = handler_path_argument(self, 1, NULL);

    handler_write(self, group != NULL ? group : "no group");
}

/* Then no block of more than one page is left; the server says so itself. */
static void
starve(struct handler *self)
{
    struct arena **arena = &handler_request(self)->arena;

    while (arena_alloc(arena, 65536) != NULL ||
           arena_alloc(arena, 5000) != NULL)
        ;
}

/* No memory can be had for the text of a long group. */
static void
escape_get(struct handler *self)
{
    size_t size = 0;
    const char *group;

    starve(self);
    group = handler_path_argument(self, 0, &size);
    handler_write_escaped(self, group, size);
}

/* No memory can be had for it. */
static const struct handler_class huge = {
    .get = group_get, .state_size = (size_t)300 << 20,
};

/* The folder that the program was started in, at every path that is left. */
static int root;

static void
file_get(struct handler *self)
{
    static_file_get(self, root);
}

static const struct handler_class everything = {
    .get = file_get, .asynchronous = true,
    .state_size = STATIC_FILE_STATE_SIZE,
};

static const struct handler_class starved_file = {
    .prepare = starve, .get = file_get,
    .asynchronous = true, .state_size = STATIC_FILE_STATE_SIZE,
};

/* --- memory that ends in a handler ---------------------------------------- */

/* First the answer gets n headers. Then nothing that was freed is left, the
 * request's arena has room for about `room` bytes, and of the next allocations
 * the one with the number k fails; k=0: none. */
static void
scarce(struct handler *self)
{
    struct arena **arena = &handler_request(self)->arena;
    int k = atoi(handler_get_argument(self, "k", "0"));
    int n = atoi(handler_get_argument(self, "n", "0"));
    int room = atoi(handler_get_argument(self, "room", "0"));

    while (n-- > 0)
        handler_add_header(self, "A", "b");
    ioloop_add_callback(ioloop_instance(), calm, NULL);
    lasts = true;
    good = 0;
    while (arena_alloc(arena, BLOCK_SIZE / 2) != NULL)
        continue;
    while (arena_alloc(arena, 1) != NULL)
        continue;
    lasts = false;
    good = ALL;
    if (room > 0)
        arena_alloc(arena, (size_t)(BLOCK_SIZE - 64 - room));
    good = k > 0 ? k - 1 : ALL;
}

/* The answer gets an Etag, too. */
static void
etag_get(struct handler *self)
{
    handler_write(self, "12345");
    scarce(self);
}

static void
cookies_get(struct handler *self)
{
    scarce(self);
    if (httprequest_parse_cookies(handler_request(self)) != NULL)
        handler_fail(self, 503, http_no_memory);
    handler_write(self, "12345");
}

static const struct handler_class scarce_file = {
    .prepare = scarce, .get = file_get,
    .asynchronous = true, .state_size = STATIC_FILE_STATE_SIZE,
};

static void
events_get(struct handler *self)
{
    trace_events_handler.get(self);
}

static const struct handler_class scarce_events = {
    .prepare = scarce, .get = events_get,
};

/* --- requests to a server that has stopped -------------------------------- */

static struct httpserver *main_server;

static void
stop_and_send_post(struct handler *self)
{
    httpserver_stop(main_server);
    trace_send_handler.post(self);
}

static const struct handler_class stop_and_send = {.post = stop_and_send_post};

/* --- answers that end in another way -------------------------------------- */

/* No byte is sent. */
static void
nothing_get(struct handler *self)
{
    httprequest_finish(handler_request(self));
}

/* The callback writes when the first bytes have been sent, but before the
 * connection has heard that. */
static char many[10000000];

static void
finish(void *arg)
{
    handler_finish(arg);
}

static void
write_many(void *arg)
{
    handler_write_bytes(arg, many, sizeof many);
    handler_flush(arg, finish, arg);
}

static void
one_turn_later(void *arg)
{
    ioloop_add_callback(ioloop_instance(), write_many, arg);
}

static void
twice_get(struct handler *self)
{
    memset(many, 'x', sizeof many);
    ioloop_add_callback(ioloop_instance(), one_turn_later, self);
    handler_write(self, "12345");
    handler_flush(self, NULL, NULL);
}

/* The client has gone, and the handler goes on. */
static void
go_on(void *arg)
{
    log_error("the handler has gone on");
    handler_finish(arg);
}

static void
on_gone(struct handler *self)
{
    httprequest_write(handler_request(self), "x", 1, go_on, self);
}

static void
wait_get(struct handler *self)
{
    handler_write(self, "12345");
    handler_flush(self, NULL, NULL);
}

/* --- a connection that cannot be accepted --------------------------------- */

static struct want {
    bool watch; /* the loop cannot watch a listener */
    int fd;
    struct sockaddr_storage at;
    socklen_t size;
    struct rlimit descriptors;
} want;

static void
want_ends(void *arg)
{
    (void)arg;
    setrlimit(RLIMIT_NOFILE, &want.descriptors);
    epoll_ctl_fails = false;
    good = ALL;
    close(want.fd);
}

/* A connection waits, but there is no descriptor for it, and no memory for the
 * timeout of a pause; or the loop cannot watch the listener after the pause. A
 * quarter of a second later all is well. */
static void
want_begins(void *arg)
{
    struct rlimit none;

    ioloop_add_timeout(ioloop_instance(), ioloop_time() + 250000, want_ends,
                       arg);
    want.fd = socket(AF_INET, SOCK_STREAM, 0);
    connect(want.fd, (struct sockaddr *)&want.at, want.size);
    send(want.fd, "G", 1, 0); /* there may be TCP_DEFER_ACCEPT */
    getrlimit(RLIMIT_NOFILE, &want.descriptors);
    none = want.descriptors;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    epoll_ctl_fails = want.watch;
    lasts = true;
    good = want.watch ? ALL : 0;
}

/* It begins after this answer. */
static void
want_get(struct handler *self)
{
    want.watch = *handler_get_argument(self, "what", "") == 'w';
    want.size = sizeof want.at;
    getsockname(httprequest_fd(handler_request(self)),
                (struct sockaddr *)&want.at, &want.size);
    ioloop_add_timeout(ioloop_instance(), ioloop_time() + 20000, want_begins,
                       NULL);
    handler_write(self, "12345");
}

#define LATER(path, function, gone) {path, &(const struct handler_class){ \
    .get = function##_get, .asynchronous = true, .on_connection_close = gone}}

/* --- routes --------------------------------------------------------------- */

#define ROUTE(path, function) {path, &(const struct handler_class){ \
                                         .get = function##_get}}

static const struct urlspec routes[] = {
    ROUTE("/set", set), ROUTE("/add", add), ROUTE("/status", status),
    ROUTE("/error", error), ROUTE("/after", after), ROUTE("/late", late),
    ROUTE("/late-error", late_error), ROUTE("/long", long),
    ROUTE("/length", length), ROUTE("/long-bytes", long_bytes),
    ROUTE("/unsigned", unsigned),
    ROUTE("/short", short), ROUTE("/fail", fail),

    /* The first pattern matches the start of the path, with a group. */
    ROUTE("/a(b)", group), ROUTE("/abc", group),
    ROUTE("/a(bcd|x)*", group), ROUTE("/x|/yz*", group),
    ROUTE("/two/(a)(b)", second), ROUTE("/two/(.*)", second),

    /* A path without special characters does not depend on its place. */
    ROUTE("/(literal.*)", group), ROUTE("/literal", group),

    ROUTE("/escape/(.*)", escape), {"/starved/(.*)", &starved_file},
    ROUTE("/etag", etag), ROUTE("/cookies", cookies),
    {"/scarce/(.*)", &scarce_file},
    {"/scarce-events", &scarce_events},
    {"/stop-and-send", &stop_and_send},
    ROUTE("/want", want), LATER("/nothing", nothing, NULL),
    LATER("/twice", twice, NULL),
    LATER("/wait", wait, on_gone),
    {"/huge", &huge}, {"/[^a](.*)", &everything}, {0},
};

static const struct urlspec invalid[] = {ROUTE("/(", group), {0}};

/* --- a start without memory ----------------------------------------------- */

/* No connection comes about: there is no memory, the loop cannot watch it, or
 * there is no such family of addresses. */
static void
on_connect(struct iostream *stream, void *arg)
{
    (void)stream;
    (void)arg;
    puts("wrong");
}

static void
connect_without(int allocations, int family)
{
    struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
    struct ioloop *loop = ioloop_new(NULL);

    lasts = true;
    good = allocations;
    if (iostream_connect(loop, (struct sockaddr *)&address,
                         sizeof(struct sockaddr_in), on_connect, NULL) == -1)
        puts("no connection");
    good = ALL;
    ioloop_free(loop);
}

static void
count_calls(void *arg)
{
    ++*(int *)arg;
}

/* The k-th allocation of an application's start fails, for each k. */
static int
start_again_and_again(void)
{
    int k = 0;

    do {
        struct ioloop *loop = ioloop_new(NULL);
        struct application *application;
        const char *error = NULL;

        nfailed = 0;
        good = k++;
        application = application_new(routes);
        if (application != NULL)
            error = application_listen(application, loop, 0, "127.0.0.1");
        good = ALL;
        if (nfailed > 0)
            printf("%d: %s\n", k, application == NULL ? "no application"
                                 : error == NULL     ? "no matter" : error);
        if (application != NULL)
            application_free(application);
        ioloop_free(loop);
    } while (nfailed > 0);
    return 0;
}

/* --- jobs without threads ------------------------------------------------- */

static atomic_bool hold_jobs;
static int jobs_left;

static void
wait_for_release(struct job *job)
{
    (void)job;
    while (hold_jobs)
        usleep(1000);
}

static void
print_end(void *arg)
{
    struct job *job = arg;

    puts(job->cancelled ? "cancelled" : "worked");
    if (--jobs_left == 0)
        ioloop_stop(ioloop_instance());
}

/* Two jobs. A thread can be made for the first one, not for the second one, and
 * if `later` is false, not when the first one is over either. */
static void
work_without_threads(bool later)
{
    struct job first = {wait_for_release, print_end, &first};
    struct job second = {wait_for_release, print_end, &second};

    hold_jobs = true;
    jobs_left = 2;
    worker_submit(ioloop_instance(), &first);
    good = 0;
    worker_submit(ioloop_instance(), &second);
    good = later ? ALL : 0;
    hold_jobs = false;
    ioloop_start(ioloop_instance());
    good = ALL;
}

/* These end the process, with a message. */
static int
end_without_memory(const char *what)
{
    struct job alone = {wait_for_release, print_end, &alone};
    int n = 0;

    if (strcmp(what, "instance") == 0) {
        good = 0;
        ioloop_instance();
    }
    ioloop_instance();
    if (strcmp(what, "others") == 0) {
        connect_without(0, AF_INET);
        connect_without(1, AF_INET);
        connect_without(ALL, 9999);
        lasts = true;
        good = 0;
        trace_mute(-1, true);
        trace_mute(1 << 20, true);
        if (trace_page_key() == NULL)
            puts("no key");
        lasts = false;
        jobs_left = 1;
        worker_submit(ioloop_instance(), &alone);
        ioloop_start(ioloop_instance());
        work_without_threads(true);
        work_without_threads(false);
        return 0;
    }
    good = 0;
    for (int i = 0; i < 1000000; i++)
        ioloop_add_callback(ioloop_instance(), count_calls, &n);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "start") == 0)
        return start_again_and_again();
    if (argc > 1 && strncmp(argv[1], "--", 2) != 0)
        return end_without_memory(argv[1]);

    struct httpconnection_settings settings = {
        .request_callback = application_call,
        .request_arg = application_new(routes),
        .max_header_size = 32768,
        .max_body_size = 1000,
    }, encrypted;
    struct httpserver *server = httpserver_new(
        ioloop_instance(), httpconnection_handle_stream, &settings);
    struct listeners listeners = {0}, others = {0};
    char url[128];

    if (application_new(invalid) != NULL)
        return 1;
    root = open(".", DIRECTORY | O_CLOEXEC);
    if (listeners_bind(&listeners, 0, "127.0.0.1") != NULL ||
        httpserver_start(server, &listeners) == -1)
        return 1;
    main_server = server;
    listeners_url(&listeners, 0, url, sizeof url);
    printf("listening on %s\n", url);

    /* Another one, for which the program has no certificate. */
    encrypted = settings;
    encrypted.prepare = ssl_start;
    server = httpserver_new(ioloop_instance(), httpconnection_handle_stream,
                            &encrypted);
    if (listeners_bind(&others, 0, "127.0.0.1") != NULL ||
        httpserver_start(server, &others) == -1)
        return 1;
    listeners_url(&others, 0, url, sizeof url);
    printf("without a certificate on %s\n", url);
    fflush(stdout);
    ioloop_start(ioloop_instance());
}
