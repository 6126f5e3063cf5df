/* [11] main.c -- a server for the application in demo.c.
 *
 * The options first; main(), at the end, puts the floors of the house on top
 * of each other. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h> /* [16] */
#include <sys/select.h> /* [16] */
#include <unistd.h>

#include "watchdog.h" /* [18] */
#include "demo.h"
#include "httpserver.h"
#include "ioloop.h"
#include "log.h"
#include "options.h"
#include "process.h" /* [17] */
#include "proxy.h" /* [15] */
#include "trace.h"
#include "memory.h"
#include "system.h"
#include "web.h"
#include "webstatic.h" /* [14] */

/* --- options ------------------------------------------------------------- */

static long port = 8888, max_header_size = 32768, max_body_size = 16777216;
static const char *address = "127.0.0.1", *poller, *level = "info";
static const char *trace;
static bool no_keep_alive;
static const char default_static_path[] = "diagrams"; /* [14] */
static const char *static_path = default_static_path; /* [14] */
static const char *secret; /* [15] */
static bool xheaders; /* [15] */

/* [16] In seconds. */
static long header_timeout = 10, idle_timeout = 75, body_timeout = 30;
static long max_connections = 10000;

static long processes = 1; /* [17] */
static long stop_timeout = 5; /* [17] */
static long block_alarm; /* [18] */

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

    /* [17] How many of it there are. */
    {"processes", "0 is one for each CPU", &processes, OPTION_NUMBER, 0,
     MAX_PROCESSES, 0},
    {"stop-timeout", "seconds that the last requests have at the end",
     &stop_timeout, OPTION_NUMBER, 0, 3600, 0},

    /* [14] Files. */
    {"static-path", "document root of /static/", &static_path, OPTION_TEXT, 1,
     0, 0},

    /* [15] Whom it believes. */
    {"xheaders", "trust X-Real-Ip and its like; a proxy sets them",
     &xheaders, OPTION_BOOL, 0, 0, 0},
    {"secret", "key of signed cookies (a new one at each start)", &secret,
     OPTION_TEXT, 1, 0, 0},

    {.help = "What it takes"},
    {"max-header-size", "bytes of request line and headers", &max_header_size,
     OPTION_NUMBER, 64, 1L << 30, 0},
    {"max-body-size", "bytes of one request's body", &max_body_size,
     OPTION_NUMBER, 0, 1L << 30, 0},

    /* [16] And how long it waits for it. */
    {"max-connections", "at once; all others have to wait", &max_connections,
     OPTION_NUMBER, 1, 1000000, 0},
    {"header-timeout", "seconds for a whole head", &header_timeout,
     OPTION_NUMBER, 1, 86400, 0},
    {"idle-timeout", "seconds between two requests", &idle_timeout,
     OPTION_NUMBER, 1, 86400, 0},
    {"body-timeout", "seconds without a byte, in or out",
     &body_timeout, OPTION_NUMBER, 1, 86400, 0},

    {.help = "What it tells, on stderr"},
    {"log", "none, error, warning or info", &level, OPTION_TEXT, 0, 0,
     "none error warning info"},

    /* [18] And who is too slow. */
    {"block-alarm", "seconds a handler may hold up the others; 0: any",
     &block_alarm, OPTION_NUMBER, 0, 3600, 0},

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

/* [15] 32 bytes that nobody knows, in digits. Whoever restarts the server or
 * has two of them behind one name wants --secret, or the cookies of before and
 * next door are forgeries. */
static bool
make_secret(void)
{
    static char digits[65];
    unsigned char bytes[32];

    if (!random_bytes(bytes, sizeof bytes)) {
        fprintf(stderr, "dustdevil: no randomness: %s\n", strerror(errno));
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
    secret = digits;
    return true;
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

    /* [18] For the page /trace. */
    if (trace_on && !trace_keep())
        return cannot("keep the trace for", "/trace");

    /* [12] Records for programs in place of lines for people. */
    if (trace != NULL && *trace != '\0' && !trace_to_file(trace))
        return cannot("write", trace);

    /* [14] The directory that is there by default need not be there. */
    demo_static_root = static_open_root(static_path);
    if (demo_static_root == -1 && static_path != default_static_path)
        return cannot("serve files from", static_path);

    /* [17] As many as can work at the same time. */
    if (processes == 0)
        processes = (long)cpu_count();

    /* [15] A key that nobody has given is made. */
    if (secret == NULL && !make_secret())
        return false;

    return true;
}

/* --- signals ------------------------------------------------------------- */

static struct httpserver *http_server;
static struct httpconnection_settings settings;
static struct proxy proxy; /* [15] */

static volatile sig_atomic_t interrupted;

static void
stop(void *arg)
{
    (void)arg;
    ioloop_stop(ioloop_instance());
}

/* [16] There may be room for another. */
static void
on_connection_closed(void *arg)
{
    (void)arg;
    httpserver_connection_closed(http_server);

    /* [17] The last one puts out the light. */
    if (settings.draining && httpserver_connections(http_server) == 0)
        stop(NULL);
}

/* [17] Nobody comes in any more, who is inside is served, and then we go; or
 * when the time is over; or at once, for who is told twice. (A child is told
 * twice by others; see stop_all() in process.c.) */
static void
begin_shutdown(void *arg)
{
    struct ioloop *loop = ioloop_instance();
    int64_t end = ioloop_time() + stop_timeout * INT64_C(1000000);

    (void)arg;
    if (settings.draining) {
        if (processes == 1)
            stop(NULL);
        return;
    }
    httpserver_drain(http_server);
    httpconnection_drain(&settings);
    if (httpserver_connections(http_server) == 0 ||
        ioloop_add_timeout(loop, end, stop, NULL) == NULL)
        stop(NULL);
}

/* Nothing but a note may be made here: anything at all may be half done. */
static void
on_signal(int signal_number)
{
    ioloop_callback *answer = stop;

    if (signal_number == SIGINT)
        interrupted = 1;

    /* [17] There are two ways to go. */
    if (signal_number == SIGTERM)
        answer = begin_shutdown;

    ioloop_add_callback_from_signal(ioloop_instance(), answer, NULL);
}

/* [17] For a parent this is news (see process.c); all others live on. */
static void
ignore_sighup(int signal_number)
{
    (void)signal_number;
}

static void
catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);

    /* [17] The terminal may hang up, the server need not. */
    signal(SIGHUP, ignore_sighup);
}

/* --- the door ------------------------------------------------------------ */

/* [16] Each connection takes a descriptor, and 32 are left for other things:
 * files, above all, of which each download takes one. What the system allows us
 * at once may be less than what it allows us to ask for, so we ask. select()
 * cannot count higher than FD_SETSIZE. */
static size_t
connection_limit(void)
{
    bool select = poller != NULL && strcmp(poller, "select") == 0;
    rlim_t others = 32, wanted = (rlim_t)max_connections + others;
    struct rlimit limit;

    wanted = select && wanted > FD_SETSIZE ? FD_SETSIZE : wanted;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return (size_t)max_connections;
    if (limit.rlim_cur < wanted || select) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    wanted = wanted < limit.rlim_cur ? wanted : limit.rlim_cur;
    wanted = wanted > 2 * others ? wanted - others : wanted / 2;
    return (size_t)(wanted < (rlim_t)max_connections
                        ? wanted : (rlim_t)max_connections);
}

static struct httpserver *
new_server(void)
{
    struct httpserver *server = httpserver_new(
        NULL, httpconnection_handle_stream, &settings);

    /* [16] on_connection_closed() counts them out again. */
    if (server != NULL)
        httpserver_set_max_connections(server, connection_limit());

    return server;
}

/* [17] More than that nobody means; the first that is not there is noticed. */
enum { MAX_INHERITED = 1000 };

/* [17] Whoever starts us may have opened the door already, as systemd does:
 * then LISTEN_FDS says how many listening sockets there are, from descriptor 3
 * on, and LISTEN_PID whom they are for. */
static int
inherited_listeners(void)
{
    const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    long n = fds != NULL ? strtol(fds, NULL, 10) : 0;

    if (pid != NULL && strtol(pid, NULL, 10) != (long)getpid())
        return 0;
    return n < 0 || n > MAX_INHERITED ? MAX_INHERITED : (int)n;
}

/* [17] As open_listeners(). */
static const char *
adopt_listeners(void)
{
    const char *error = NULL;
    int end = 3 + inherited_listeners();

    for (int fd = 3; error == NULL && fd < end; fd++)
        error = httpserver_adopt(http_server, fd);
    return error;
}

/* NULL, or what is wrong. */
static const char *
open_listeners(void)
{
    http_server = new_server();
    if (http_server == NULL)
        return "out of memory";

    /* [17] What is open is not opened a second time. */
    if (inherited_listeners() > 0)
        return adopt_listeners();

    return httpserver_bind(http_server, (int)port, address);
}

static void
announce(void)
{
    char url[128];

    for (size_t i = 0; httpserver_url(http_server, i, url, sizeof url) == 0;
         i++)
        printf("listening on %s\n", url);
    fflush(stdout);
}

/* [17] --- one becomes many ------------------------------------------------ */

static struct httpserver *listeners[MAX_PROCESSES]; /* one for each child */

/* The parent keeps all of them open: whoever is waiting at the door of a child
 * that dies waits for the next child, and does not notice. */
static const char *
open_child_listeners(void)
{
    const char *error = NULL;

    listeners[0] = http_server;
    for (long i = 1; error == NULL && i < processes; i++) {
        listeners[i] = new_server();
        error = listeners[i] == NULL ? "out of memory"
                                 : httpserver_bind_shared(listeners[i], listeners[0]);
    }
    return error;
}

static void
close_child_listeners(size_t id)
{
    httpserver_free(listeners[id]);
    listeners[id] = NULL;
}

/* Nobody would look after us any more, nor tell us to end. */
static void
on_parent_gone(int fd, uint32_t events, void *arg)
{
    (void)events;
    ioloop_remove_handler(ioloop_instance(), fd);
    close(fd);
    begin_shutdown(arg);
}

/* True in each child, which has a door and a loop of its own. False in the
 * parent, when all of them have ended. */
static bool
prefork(int *status)
{
    int lifeline, id;

    ioloop_free(ioloop_instance());
    id = fork_processes((size_t)processes, (unsigned)stop_timeout, close_child_listeners,
                        &lifeline, status);
    if (id == PROCESS_PARENT) {
        signal(SIGTERM, SIG_IGN);
        signal(SIGINT, SIG_IGN);
        interrupted = *status == 128 + SIGINT;
        return false;
    }
    for (size_t i = 0; i < MAX_PROCESSES; i++)
        if (listeners[i] != NULL && i != (size_t)id)
            close_child_listeners(i);
    http_server = listeners[id];
    set_nonblocking(lifeline);
    if (ioloop_new(poller) == NULL ||
        ioloop_add_handler(ioloop_instance(), lifeline, on_parent_gone, NULL,
                           IOLOOP_READ) == -1)
        die("cannot make an event loop");
    return true;
}

/* --- main ---------------------------------------------------------------- */

/* One process's life; NULL, or what is wrong. */
static const char *
run(void)
{
    if (httpserver_start(http_server) == -1)
        return strerror(errno);

    process_unblock_signals(); /* [17] */

    /* [18] From now on nobody may hold it up unnoticed. */
    set_blocking_log_threshold(ioloop_instance(), (unsigned)block_alarm);

    return ioloop_start(ioloop_instance()) == -1 ? strerror(errno) : NULL;
}

/* Whoever is inside has to go. A signal that comes now has no loop to go to. */
static void
clean_up(void)
{
    if (http_server != NULL)
        httpserver_stop(http_server);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    ioloop_close_all(ioloop_instance());

    /* [18] The threads hand back what they have, and it is let go. */
    demo_end();
    ioloop_close_all(ioloop_instance());

    if (http_server != NULL)
        httpserver_free(http_server);
    ioloop_free(ioloop_instance());
}

/* Serves until it is told to stop; 0, or 1 after a word on stderr. */
static int
serve(struct application *application)
{
    const char *error;
    int status = 0;

    settings = (struct httpconnection_settings){
        .request_callback = application_call,
        .request_arg = application,
        .max_header_size = (size_t)max_header_size,
        .max_body_size = (size_t)max_body_size,
        .no_keep_alive = no_keep_alive,
        .header_timeout = header_timeout * INT64_C(1000000), /* [16] */
        .idle_timeout = idle_timeout * INT64_C(1000000), /* [16] */
        .body_timeout = body_timeout * INT64_C(1000000), /* [16] */
        .close_callback = on_connection_closed, /* [16] */
    };

    /* [15] Around the application: what a proxy says of the client. */
    proxy = (struct proxy){xheaders, settings.request_callback,
                           settings.request_arg};
    settings.request_callback = proxy_call;
    settings.request_arg = &proxy;

    error = open_listeners();

    /* [17] All of them, before anybody knocks. */
    if (error == NULL)
        error = open_child_listeners();

    if (error == NULL) {
        announce();

        /* [17] The parent comes back when all is over. */
        if (processes > 1 && !prefork(&status))
            return status;

        error = run();
    }
    if (error != NULL) {
        fprintf(stderr, "dustdevil: %s\n", error);
        status = 1;
    }
    clean_up();
    return status;
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

    if (status != -1)
        return status;
    fill_standard_descriptors();
    if (!use_options())
        return 1;
    if (ioloop_new(poller) == NULL) {
        status = errno == ENOTSUP ? 2 : 1;
        fprintf(stderr, "dustdevil: --poller=%s: %s\n",
                poller != NULL ? poller : "(best)", strerror(errno));
        return status;
    }
    application = application_new(demo_routes);
    if (application == NULL) {
        fprintf(stderr, "dustdevil: cannot make the application\n");
        return 1;
    }
    application_set_cookie_secret(application, secret); /* [15] */
    process_block_signals(); /* [17] run() lets them through again */
    catch_signals();
    status = serve(application);
    application_free(application);
    close(demo_static_root); /* [14] */
    memory_give_back();
    trace_end(); /* [18] */
    process_unblock_signals(); /* [17] */

    /* Whoever pressed ^C shall see that it was that. */
    if (interrupted) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    return status;
}
