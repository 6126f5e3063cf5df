/* [11] settings.c -- see settings.h.
 *
 * First the table of options, then the parser, which knows none of them by
 * name: a new option is one new row, and --help cannot forget it. At the end,
 * what some options mean for the process. */
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h> /* [16] */
#include <sys/select.h> /* [16] */
#include <unistd.h>

#include "httputil.h" /* [15] */
#include "ioloop.h"
#include "log.h"
#include "process.h" /* [17] */
#include "system.h"
#include "trace.h"
#include "webstatic.h" /* [14] */
#include "webtrace.h" /* [18] */

static const char log_levels[] = "none error warning info"; /* LOG_NONE... */
static const char default_static_path[] = "diagrams"; /* [14] */

struct settings settings = {
    .port = 8888,
    .address = "127.0.0.1",
    .max_header_size = 32768,
    .max_body_size = 16777216,
    .log = "info",
    .static_path = default_static_path, /* [14] */
    .header_timeout = 10, /* [16] */
    .idle_timeout = 75, /* [16] */
    .body_timeout = 30, /* [16] */
    .max_connections = 10000, /* [16] */
    .processes = 1, /* [17] */
    .stop_timeout = 5, /* [17] */
};

enum option_kind {
    BOOL,   /* value is a bool */
    NUMBER, /* value is a long, from `min` to `max` */
    TEXT,   /* value is a const char *, not empty if `min` is 1; one of
               `choices` if not NULL */
    FILENAME /* a text that need not be given: NULL unless named, "" */
};

/* The variable at `value` holds the default. A row without a value is a heading
 * of --help, one without a help text ends the table. `choices` are separated by
 * blanks. */
struct option {
    const char *name, *help;
    void *value;
    enum option_kind kind;
    long min, max;
    const char *choices;
};

static const struct option options[] = {
    {.help = "Where it listens"},
    {"port", "the port; 0 is any free one", &settings.port, NUMBER, 0, 65535,
     0},
    {"address", "a number or a name; \"\" is all interfaces",
     &settings.address, TEXT, 0, 0, 0},
    {.help = "How it works"},
    {"poller", "epoll, kqueue or select (the best there is)",
     &settings.poller, TEXT, 0, 0, "epoll kqueue select"},
    {"no-keep-alive", "one request for each connection",
     &settings.no_keep_alive, BOOL, 0, 0, 0},

    /* [17] The number of processes. */
    {"processes", "0 is one for each CPU",
     &settings.processes, NUMBER, 0, MAX_PROCESSES, 0},
    {"stop-timeout", "seconds for the last requests after SIGTERM",
     &settings.stop_timeout, NUMBER, 0, 3600, 0},

    /* [14] Files. */
    {"static-path", "document root of /static/",
     &settings.static_path, TEXT, 1, 0, 0},

    /* [15] Trust. */
    {"xheaders", "trust X-Real-Ip and the like; a proxy sets them",
     &settings.xheaders, BOOL, 0, 0, 0},
    {"secret", "key of signed cookies, or @FILE (random at start)",
     &settings.secret, TEXT, 1, 0, 0},

    {.help = "Limits"},
    {"max-header-size", "bytes of request line and headers",
     &settings.max_header_size, NUMBER, 64, 1L << 30, 0},
    {"max-body-size", "bytes of one request's body",
     &settings.max_body_size, NUMBER, 0, 256L << 20, 0},

    /* [16] Limits of connections and of time. */
    {"max-connections", "at once; further ones wait",
     &settings.max_connections, NUMBER, 1, 1000000, 0},
    {"header-timeout", "seconds for a whole head",
     &settings.header_timeout, NUMBER, 1, 86400, 0},
    {"idle-timeout", "seconds between two requests",
     &settings.idle_timeout, NUMBER, 1, 86400, 0},
    {"body-timeout", "seconds; at least 500 bytes for each, in or out",
     &settings.body_timeout, NUMBER, 1, 86400, 0},

    {.help = "What it reports, on stderr"},
    {"log", "none, error, warning or info",
     &settings.log, TEXT, 0, 0, log_levels},

    /* [18] Handlers that take too long. */
    {"block-alarm", "seconds a handler may block the loop; 0: any",
     &settings.block_alarm, NUMBER, 0, 3600, 0},

    {"trace", "the tour of every request; to FILE, as records",
     &settings.trace, FILENAME, 0, 0, 0},
    {0},
};

/* --- parser -------------------------------------------------------------- */

/* Ends the program. Prints one line, whatever the text contains: logs are read
 * line by line. */
static _Noreturn void
fail(int status, const char *text, const char *what)
{
    char printable[256];

    make_printable(printable, sizeof printable, text);
    fprintf(stderr, "dustdevil: %s: %s\n", printable, what);
    exit(status);
}

/* An option that has not been set yet still holds its default. */
static _Noreturn void
print_help(void)
{
    static const char *const shapes[] = {"", "=N", "=TEXT", "[=FILE]"};

    puts("Usage: dustdevil [--help] [--version] [OPTION]...\n"
         "A web server to read. It answers until SIGTERM or SIGINT.");
    for (const struct option *o = options; o->help != NULL; o++) {
        if (o->value == NULL)
            printf("\n%s:", o->help);
        else
            printf("  --%s%-*s %s", o->name, 22 - (int)strlen(o->name),
                   shapes[o->kind], o->help);
        if (o->kind == NUMBER)
            printf(" (%ld)", *(long *)o->value);
        if (o->kind == TEXT && *(const char **)o->value != NULL)
            printf(" (%s)", *(const char **)o->value);
        putchar('\n');
    }
    exit(0);
}

/* The place of `word` among the words of `list`, from 0 on; -1: none. */
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

/* Writes the name in `argument` as the table has it: "-max_body_size=9" becomes
 * "max-body-size". The result is not a name if `argument` does not begin with
 * one or two dashes, or is too long. */
static void
copy_name(char *name, size_t size, const char *argument)
{
    size_t dashes = strspn(argument, "-"), n = 0;

    argument += dashes;
    if (dashes == 1 || dashes == 2)
        for (; argument[n] != '=' && argument[n] != '\0' && n < size - 1; n++)
            name[n] = argument[n] == '_' ? '-' : argument[n];
    name[n] = '\0';
}

/* Sets the option to the text behind `equals` (NULL: no value is given).
 * Returns NULL, or what was expected; the variable is not valid then. strtol()
 * alone is not enough for a number: it skips blanks, takes a sign, and stops
 * within "8x". A number that is too large for it becomes the largest long. */
static const char *
set_option(const struct option *o, const char *equals)
{
    static char range[64];
    const char *text = equals != NULL ? equals + 1 : "";
    long number = strtol(text, NULL, 10);
    int word;

    switch (o->kind) {
    case BOOL:
        word = find_word("true false yes no on off 1 0",
                         equals != NULL ? text : "true");
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
        return o->kind == TEXT && (equals == NULL || (o->min && *text == '\0'))
                   ? "a value" : NULL;
    }
}

static void
parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct option *o = options;
        const char *expected = "a known option; try --help";
        char name[32], what[128];

        copy_name(name, sizeof name, argv[i]);
        if (strcmp(name, "help") == 0)
            print_help();
        if (strcmp(name, "version") == 0)
            exit(puts("DustDevil/1.0") == EOF);
        while (o->help != NULL &&
               (o->value == NULL || strcmp(o->name, name) != 0))
            o++;
        if (o->help != NULL)
            expected = set_option(o, strchr(argv[i], '='));
        if (expected == NULL)
            continue;
        snprintf(what, sizeof what, "expected: %s", expected);
        fail(2, argv[i], what);
    }
}

/* [15] --- secret --------------------------------------------------------- */

/* If no secret is given, it is 32 random bytes in hexadecimal digits. Then
 * cookies that were signed before a restart are not valid after it. */
static void
use_secret(void)
{
    static char secret[1024];
    const char *given = settings.secret;
    unsigned char bytes[32];
    FILE *file;

    if (given == NULL) {
        if (!random_bytes(bytes, sizeof bytes))
            fail(1, "no randomness", strerror(errno));
        httputil_encode_hex(secret, bytes, sizeof bytes);
    } else if (*given == '@') {
        file = fopen(given + 1, "r");
        if (file == NULL ||
            (fgets(secret, sizeof secret, file) == NULL && ferror(file)))
            fail(1, given + 1, strerror(errno));
        secret[strcspn(secret, "\r\n")] = '\0';
        fclose(file);
    }
    if (given == NULL || *given == '@')
        settings.secret = secret;
    if (strlen(settings.secret) < 16)
        fail(2, "--secret", "expected: at least 16 bytes");
}

/* --- the process --------------------------------------------------------- */

void
settings_read(int argc, char **argv)
{
    struct ioloop *loop;
    char poller[32];
    int fd;

    parse(argc, argv);

    /* A program may be started with its standard descriptors closed. The first
     * connections would get their numbers, and one client would get the log. */
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);

    unblock_stderr();
    log_level = find_word(log_levels, settings.log);
    trace_on = settings.trace != NULL;

    /* [12] Records for programs in place of lines for people. */
    if (trace_on && *settings.trace != '\0' && !trace_to_file(settings.trace))
        fail(1, settings.trace, strerror(errno));

    /* [14] The default directory need not exist. */
    settings.static_root = static_open_root(settings.static_path);
    if (settings.static_root == -1 &&
        settings.static_path != default_static_path)
        fail(1, settings.static_path, strerror(errno));

    use_secret(); /* [15] */

    /* [17] One process for each CPU. */
    if (settings.processes == 0)
        settings.processes = (long)cpu_count();

    /* Not every poller of the table exists on every system. */
    snprintf(poller, sizeof poller, "--poller=%s",
             settings.poller != NULL ? settings.poller : "(best)");
    loop = ioloop_new(settings.poller);
    if (loop == NULL)
        fail(errno == ENOTSUP ? 2 : 1, poller, strerror(errno));
    ioloop_free(loop);
}

/* --- listeners ----------------------------------------------------------- */

static const char *
open_listeners(struct listeners *listeners)
{
    /* [17] Inherited listeners take the place of the options. */
    const char *error = listeners_inherit(listeners);
    if (error != NULL || listeners_fd(listeners, 0) != -1)
        return error;

    return listeners_bind(listeners, (int)settings.port, settings.address);
}

void
settings_listen(struct listeners *listeners)
{
    const char *error = open_listeners(listeners);

    if (error == NULL)
        return;
    fprintf(stderr, "dustdevil: %s\n", error);
    exit(1);
}

/* [18] The page shows the events of one process, at a name of this machine. */
static void
announce_trace_page(const struct listeners *listeners)
{
    char url[256];
    const char *key = settings.processes == 1 ? trace_page_key() : NULL;
    const char *port;

    if (settings.processes > 1)
        fputs("dustdevil: no trace page: it needs --processes=1\n", stderr);
    if (key == NULL || listeners_url(listeners, 0, url, sizeof url) == -1)
        return;
    port = strrchr(url, ':');
    if (strstr(url, "//127.") != NULL || strstr(url, "//[::1]") != NULL)
        fprintf(stderr, "trace page: %s/trace/%s\n", url, key);
    else if (port != NULL)
        fprintf(stderr, "trace page: http://localhost%s/trace/%s\n", port, key);
}

void
settings_announce(const struct listeners *listeners)
{
    char url[256];

    /* [18] The URL goes to stderr: a reader of stderr may read the trace,
     * too. */
    if (trace_on)
        announce_trace_page(listeners);

    for (size_t i = 0; listeners_url(listeners, i, url, sizeof url) == 0; i++)
        printf("listening on %s\n", url);
    fflush(stdout);
}

/* [16] --- descriptors ----------------------------------------------------- */

/* A connection that serves a file has two descriptors, and two more are open
 * while the path of one file is walked. The soft limit is raised as far as the
 * system allows; with select() to FD_SETSIZE at most, because select() cannot
 * watch larger descriptors. */
size_t
settings_max_connections(void)
{
    bool select = settings.poller != NULL &&
                  strcmp(settings.poller, "select") == 0;
    int lowest_free = fcntl(STDIN_FILENO, F_DUPFD, 0);
    rlim_t max = (rlim_t)settings.max_connections;
    rlim_t others = (rlim_t)(lowest_free + 2), wanted = others + 2 * max;
    struct rlimit limit;

    if (lowest_free == -1 || getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return 1;
    close(lowest_free);
    wanted = select && wanted > FD_SETSIZE ? FD_SETSIZE : wanted;
    if (limit.rlim_cur < wanted || select) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < others + 2)
        return 1;
    limit.rlim_cur = (limit.rlim_cur - others) / 2;
    return limit.rlim_cur < max ? limit.rlim_cur : max;
}
