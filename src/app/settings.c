/* [26] settings.c -- see settings.h.
 *
 * First the table of options, then the parser, which knows none of them by
 * name: a new option is one new row, and --help cannot forget it. At the end,
 * what some options mean for the process. */
#include "settings.h"

#include <errno.h>
#include <fcntl.h> /* [28] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h> /* [34] */
#include <sys/select.h> /* [34] */
#include <time.h>
#include <unistd.h> /* [33] */

#include "httputil.h" /* [31] */
#include "ioloop.h" /* [33] */
#include "log.h"
#include "process.h" /* [33] */
#include "ssl.h" /* [37] */
#include "system.h"
#include "trace.h"
#include "webtrace.h" /* [36] */

static const char log_levels[] = "none error warning info"; /* from 0 on */
static const char default_static_path[] = "diagrams"; /* [28] */

struct settings settings;

/* The variable of an option is
 * - NUMBER: a long, from `min` to `max`;
 * - TEXT: a const char *; not empty if `min` is 1, and one of `choices`, if it
 *   is not NULL;
 * - FILENAME: a const char *, NULL without the option, "" without a value; a
 *   value that is given is not empty if `min` is 1;
 * - BOOL, from chapter 27 on: a bool, true if the option has no value. */
enum option_kind { NUMBER, TEXT, FILENAME, BOOL };

/* One row of the table. `standard` is the default; NULL: there is none, and the
 * variable stays zero. `value` points to the variable; NULL: the row is a
 * heading of --help. `help` is NULL only in the last row. `choices` are
 * separated by blanks. */
struct option {
    const char *name, *standard, *help;
    void *value;
    enum option_kind kind;
    long min, max;
    const char *choices;
};

static const struct option options[] = {
    {.help = "Where it listens"},
    {"port", "8888", "the port; 0 is any free one",
     &settings.port, NUMBER, 0, 65535, 0},
    {"address", "127.0.0.1", "a number or a name; \"\" is all interfaces",
     &settings.address, TEXT, 0, 0, 0},
    {.help = "How it works"},
    {"poller", NULL, "epoll, kqueue or select (the best there is)",
     &settings.poller, TEXT, 0, 0, "epoll kqueue select"},

    /* [27] Connections. */
    {"no-keep-alive", NULL, "one request for each connection",
     &settings.no_keep_alive, BOOL, 0, 0, 0},

    /* [37] TLS. */
    {"ssl-certfile", NULL, "serve https, with this PEM file (make TLS=yes)",
     &settings.ssl_certfile, TEXT, 1, 0, 0},
    {"ssl-keyfile", NULL, "its private key (the same file)",
     &settings.ssl_keyfile, TEXT, 1, 0, 0},

    /* [33] Processes and shutdown. */
    {"processes", "1", "0 is one for each CPU",
     &settings.processes, NUMBER, 0, MAX_PROCESSES, 0},
    {"stop-timeout", "5", "seconds for the last requests after SIGTERM",
     &settings.stop_timeout, NUMBER, 0, 3600, 0},

    /* [28] Files. */
    {"static-path", default_static_path, "document root of /static/",
     &settings.static_path, TEXT, 1, 0, 0},

    /* [34] A proxy in front. */
    {"xheaders", NULL, "trust X-Real-Ip and the like; a proxy sets them",
     &settings.xheaders, BOOL, 0, 0, 0},

    /* [31] Signatures. */
    {"secret", NULL, "key of signed cookies, or @FILE (random at start)",
     &settings.secret, TEXT, 1, 0, 0},

    {.help = "Limits"},
    {"max-header-size", "32768", "bytes of request line and headers",
     &settings.max_header_size, NUMBER, 64, 1L << 30, 0},
    {"max-body-size", "16777216", "bytes of one request's body",
     &settings.max_body_size, NUMBER, 0, 256L << 20, 0},

    /* [34] Connections. */
    {"max-connections", "10000", "at once; further ones wait",
     &settings.max_connections, NUMBER, 1, 1000000, 0},

    /* [32] Time. */
    {"header-timeout", "10", "seconds for a whole head",
     &settings.header_timeout, NUMBER, 1, 86400, 0},
    {"idle-timeout", "75", "seconds between two requests",
     &settings.idle_timeout, NUMBER, 1, 86400, 0},
    {"body-timeout", "30", "seconds; at least 500 bytes for each, in or out",
     &settings.body_timeout, NUMBER, 1, 86400, 0},

    {.help = "What it reports, on stderr"},
    {"log", "info", "none, error, warning or info",
     &settings.log, TEXT, 0, 0, log_levels},

    /* [35] Handlers that take too long. */
    {"block-alarm", "0", "seconds a handler may block the loop; 0: any",
     &settings.block_alarm, NUMBER, 0, 3600, 0},

    {"trace", NULL, "the tour of every request; to FILE, as records",
     &settings.trace, FILENAME, 1, 0, 0},
    {0},
};

/* --- parser -------------------------------------------------------------- */

/* Ends the program with one line about `text`. Line breaks in `text` are
 * escaped, because logs are read line by line. `expected` says what is valid;
 * if it is NULL, the reason is in errno. */
static _Noreturn void
fail(const char *text, const char *expected)
{
    char printable[256];

    make_printable(printable, sizeof printable, text);
    if (expected == NULL)
        die(printable);
    fprintf(stderr, "dustdevil: %s: expected: %s\n", printable, expected);
    exit(2);
}

/* Ends the program with the line `error`, but does nothing if it is NULL. */
static void
exit_on_error(const char *error)
{
    if (error == NULL)
        return;
    fprintf(stderr, "dustdevil: %s\n", error);
    exit(1);
}

static _Noreturn void
print_help(void)
{
    /* How a value is written, for each kind of option. */
    static const char *const shapes[] = {"=N", "=TEXT", "[=FILE]", ""};

    puts("Usage: dustdevil [--help] [--version] [OPTION]...\n"
         "A web server to read. It answers until SIGTERM or SIGINT.");
    for (const struct option *o = options; o->help != NULL; o++) {
        if (o->value == NULL)
            printf("\n%s:", o->help);
        else
            printf("  --%s%-*s %s", o->name, 22 - (int)strlen(o->name),
                   shapes[o->kind], o->help);
        if (o->standard != NULL)
            printf(" (%s)", o->standard);
        putchar('\n');
    }
    exit(0);
}

/* The place of `word` among the words of `list`, from 0 on; -1 if it is not
 * there. */
static int
find_word(const char *list, const char *word)
{
    size_t n;

    for (int i = 0; *list != '\0'; i++, list += n + strspn(list + n, " ")) {
        n = strcspn(list, " ");
        if (n == strlen(word) && strncmp(list, word, n) == 0)
            return i;
    }
    return -1;
}

/* Is `argument` the option `name`, with one dash or two, with or without a
 * value? '_' is as good as '-'. */
static bool
is_named(const char *argument, const char *name)
{
    size_t dashes = strspn(argument, "-");

    for (argument += dashes; *name != '\0'; name++, argument++)
        if (*argument != *name && (*argument != '_' || *name != '-'))
            return false;
    return (dashes == 1 || dashes == 2) &&
           (*argument == '\0' || *argument == '=');
}

/* Sets the option to `given` (NULL: no value is given). Returns NULL, or what
 * was expected; the variable is not valid then. strtol() alone is not enough
 * for a number: it skips blanks, takes a sign, and stops within "8x". A number
 * that is too large for it becomes the largest long. */
static const char *
set_option(const struct option *o, const char *given)
{
    static char range[64];
    const char *text = given != NULL ? given : "";
    long number = strtol(text, NULL, 10);
    int word; /* [27] */

    switch (o->kind) {
    /* [27] The words for true stand at even places. */
    case BOOL:
        word = find_word("true false yes no on off 1 0",
                         given != NULL ? text : "true");
        *(bool *)o->value = word % 2 == 0;
        return word == -1 ? "true or false" : NULL;

    case NUMBER:
        *(long *)o->value = number;
        if (*text != '\0' && text[strspn(text, "0123456789")] == '\0' &&
            number >= o->min && number <= o->max)
            return NULL;
        snprintf(range, sizeof range, "a number, %ld to %ld", o->min, o->max);
        return range;
    default:
        *(const char **)o->value = text;
        if (o->choices != NULL)
            return find_word(o->choices, text) == -1 ? o->choices : NULL;
        return (given == NULL ? o->kind == TEXT : o->min && *text == '\0')
                   ? "a value" : NULL;
    }
}

static void
parse(int argc, char **argv)
{
    const struct option *o;

    for (o = options; o->help != NULL; o++)
        if (o->standard != NULL)
            set_option(o, o->standard);
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        const char *expected = "a known option; try --help";

        if (equals == NULL && is_named(argv[i], "help"))
            print_help();
        if (equals == NULL && is_named(argv[i], "version"))
            exit(puts("DustDevil/1.0") == EOF);
        for (o = options; o->help != NULL; o++)
            if (o->value != NULL && is_named(argv[i], o->name))
                expected = set_option(o, equals != NULL ? equals + 1 : NULL);
        if (expected != NULL)
            fail(argv[i], expected);
    }
}

/* [31] --- secret --------------------------------------------------------- */

/* If no secret is given, it is 32 random bytes in hexadecimal digits. Then
 * cookies that were signed before a restart are not valid after it. */
static void
use_secret(void)
{
    static char secret[1024];
    const char *given = settings.secret;
    unsigned char bytes[32];
    FILE *file;
    size_t size;

    if (given == NULL) {
        if (getentropy(bytes, sizeof bytes) == -1)
            fail("no randomness", NULL);
        httputil_encode_hex(secret, bytes, sizeof bytes);
        settings.secret = secret;
    } else if (*given == '@') {
        settings.secret = secret;
        file = fopen(given + 1, "r");
        if (file == NULL ||
            (fgets(secret, sizeof secret, file) == NULL && ferror(file)))
            fail(given + 1, NULL);
        secret[strcspn(secret, "\r\n")] = '\0';
        fclose(file);
    }
    size = strlen(settings.secret);
    if (size < 16 || size > sizeof secret - 2)
        fail("--secret", "at least 16 bytes, and at most 1,022");
}

/* [37] --- certificate ----------------------------------------------------- */

void
settings_use_certificate(bool again)
{
    const char *file = settings.ssl_certfile, *key = settings.ssl_keyfile;
    const char *error;

    if (file == NULL && key != NULL)
        fail("--ssl-keyfile", "--ssl-certfile, too");
    if (file == NULL)
        return;
    error = ssl_load(file, key != NULL ? key : file);
    if (!again)
        exit_on_error(error);
    if (error != NULL)
        log_error("%s; the old certificate stays", error);
}

/* --- the process --------------------------------------------------------- */

void
settings_read(int argc, char **argv)
{
    parse(argc, argv);

    /* [33] The program may have been started with its standard descriptors
     * closed. The first connections would get their numbers, and one client
     * would get the log. */
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);

    unblock_stderr(); /* [35] */
    log_level = find_word(log_levels, settings.log);
    tzset(); /* for the log; later there may be no memory for it */
    trace_on = settings.trace != NULL;

    /* Records for programs in place of lines for people. */
    if (trace_on && *settings.trace != '\0' && !trace_to_file(settings.trace))
        fail(settings.trace, NULL);

    /* [28] The default directory need not exist. */
    settings.static_root = open(settings.static_path, DIRECTORY | O_CLOEXEC);
    if (settings.static_root == -1 &&
        settings.static_path != default_static_path)
        fail(settings.static_path, NULL);

    use_secret(); /* [31] */
    settings_use_certificate(false); /* [37] */

    /* [33] One process for each CPU. */
    if (settings.processes == 0)
        settings.processes = sysconf(_SC_NPROCESSORS_ONLN);
    if (settings.processes > MAX_PROCESSES)
        settings.processes = MAX_PROCESSES;

    /* [33] Not every poller of the table exists on every system. To find this
     * out in each process would be too late. */
    struct ioloop *loop = ioloop_new(settings.poller);
    if (loop == NULL)
        fail("--poller",
             errno == ENOTSUP ? "a poller that this system has" : NULL);
    ioloop_free(loop);
}

/* --- listeners ----------------------------------------------------------- */

void
settings_listen(struct listeners *listeners)
{
    listeners->tls = settings.ssl_certfile != NULL; /* [37] */

    /* [34] Inherited listeners take the place of the options. */
    exit_on_error(listeners_inherit(listeners));
    if (listeners->n > 0)
        return;

    exit_on_error(listeners_bind(listeners, (int)settings.port,
                                 settings.address));
}

/* [36] Prints the URL of the trace page. The page wants "localhost", 127.0.0.1
 * or [::1] as its Host, so the URL has one of these in place of the address of
 * the listener. With several processes there is no page, because it shows
 * the events of one process. */
static void
announce_trace_page(const struct listeners *listeners)
{
    char url[256];
    const char *port, *key = settings.processes > 1 ? NULL : trace_page_key();

    if (settings.processes > 1)
        fputs("dustdevil: no trace page: it needs --processes=1\n", stderr);
    if (key == NULL || listeners_url(listeners, 0, url, sizeof url) == -1)
        return;
    port = strrchr(url, ':');
    if (strstr(url, "//127.") != NULL || strstr(url, "//[::1]") != NULL)
        fprintf(stderr, "trace page: %s/trace/%s\n", url, key);
    else if (port != NULL)
        fprintf(stderr, "trace page: %.*s//localhost%s/trace/%s\n",
                (int)strcspn(url, "/"), url, port, key);
}

void
settings_announce(const struct listeners *listeners)
{
    char url[256];

    /* [36] The URL has the key, so it goes to stderr: a user who can read
     * stderr can read the trace there, too. */
    if (trace_on)
        announce_trace_page(listeners);

    for (size_t i = 0; listeners_url(listeners, i, url, sizeof url) == 0; i++)
        printf("listening on %s\n", url);
    fflush(stdout);
}

/* [34] --- descriptors ----------------------------------------------------- */

/* A connection that serves a file has two descriptors, and two more are open
 * while the path of one file is walked. The limit is raised as far as the
 * system allows; but select() cannot watch descriptors from FD_SETSIZE on. */
size_t
settings_max_connections(void)
{
    bool select = settings.poller != NULL &&
                  strcmp(settings.poller, "select") == 0;
    int lowest_free = dup(STDIN_FILENO);
    rlim_t others = (rlim_t)(lowest_free + 2);
    rlim_t max = (rlim_t)settings.max_connections;
    struct rlimit limit;

    close(lowest_free);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (select && limit.rlim_cur > FD_SETSIZE)
        limit.rlim_cur = FD_SETSIZE;
    while (max > 1 && others + 2 * max > limit.rlim_cur)
        max--;
    return max;
}
