/* [7] log.c -- one line at a time, and none that could block. */
#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LINE = 1024 };

int log_level = LOG_INFO;

/* A line being put together: what does not fit is left out. */
struct line {
    char text[MAX_LINE];
    size_t n;
};

static void
add(struct line *l, const char *text)
{
    size_t n = strlen(text), room = sizeof l->text - 1 - l->n;

    n = n < room ? n : room;
    memcpy(l->text + l->n, text, n);
    l->n += n;
}

/* A terminal obeys control bytes, and a newline would start a line that we
 * have never said. */
static void
add_escaped(struct line *l, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        char one[8] = {*text, '\0'};

        if (c < ' ' || c == 0x7f)
            snprintf(one, sizeof one, "\\x%02x", c);
        add(l, one);
    }
}

/* Blue, green, yellow, red in Tornado; only the bracket is coloured. */
static const char *
colour(int level)
{
    static int wanted = -1;
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

    if (wanted == -1)
        wanted = isatty(STDERR_FILENO) && (no == NULL || *no == '\0') &&
                 term != NULL && strcmp(term, "dumb") != 0;
    if (!wanted)
        return "";
    return level == LOG_ERROR ? "\033[31m"
                              : level == LOG_WARNING ? "\033[33m" : "\033[32m";
}

/* Files never keep us waiting; anything else is asked first. A pipe that is
 * ready takes 4096 bytes or more at once, a terminal a line. */
static bool
would_block(void)
{
    static int is_file = -1;
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    struct stat st;

    if (is_file == -1)
        is_file = fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);
    return !is_file && poll(&out, 1, 0) == 0;
}

static void
emit(const struct line *l)
{
    static unsigned long dropped;
    char note[64];
    int n;

    if (would_block()) {
        dropped++;
        return;
    }
    n = snprintf(note, sizeof note, "(%lu lines lost)\n", dropped);
    if (dropped > 0 && write(STDERR_FILENO, note, (size_t)n) == n)
        dropped = 0;
    if (write(STDERR_FILENO, l->text, l->n) == -1)
        dropped++;
}

/* Formatted anew only when the second has changed. */
static const char *
timestamp(void)
{
    static char text[sizeof "110621 22:28:35"];
    static time_t last;
    time_t now = time(NULL);
    struct tm tm;

    if (now != last && localtime_r(&now, &tm) != NULL)
        strftime(text, sizeof text, "%y%m%d %H:%M:%S", &tm);
    last = now;
    return text;
}

void
log_line(int level, const char *file, int line, const char *format, ...)
{
    const char *slash = strrchr(file, '/'), *paint = colour(level);
    struct line l = {.n = 0};
    char text[MAX_LINE];
    va_list ap;
    int n;

    file = slash != NULL ? slash + 1 : file;
    add(&l, paint);
    n = snprintf(text, sizeof text, "[%c %s %.*s:%d]", " EWI"[level],
                 timestamp(), (int)strcspn(file, "."), file, line);
    if (n > 0)
        add(&l, text);
    add(&l, *paint != '\0' ? "\033[0m " : " ");
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    add_escaped(&l, text);
    l.text[l.n++] = '\n';
    emit(&l);
}
