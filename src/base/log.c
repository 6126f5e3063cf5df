/* [7] log.c -- one line at a time, and none that could block.
 *
 * Whoever writes into a full pipe waits until somebody reads it, and in a
 * server with one thread everybody waits with him. So a line is written
 * only if somebody takes it, and is rather lost than waited for. */
#include "log.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

/* A pipe that poll() calls ready takes PIPE_BUF bytes at once (4096 on
 * Linux, 512 elsewhere) and does not promise more. A write of that size is
 * never mixed with another process's line, either. */
enum { MAX_LINE = PIPE_BUF < 1024 ? PIPE_BUF : 1024 };

int log_level = LOG_INFO;

static unsigned long lost; /* lines since the last that could be written */

/* Escape sequences in a file are in the way of whoever reads or greps it. */
static bool
colours_wanted(void)
{
    static int wanted = -1;
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

    if (wanted == -1)
        wanted = isatty(STDERR_FILENO) && (no == NULL || *no == '\0') &&
                 term != NULL && strcmp(term, "dumb") != 0;
    return wanted;
}

/* The last byte of `text` is kept for the newline, however long the message.
 * Only the bracket is coloured, as in Tornado. */
void
log_line(int level, const char *file, int line, const char *format, ...)
{
    static const char *const colours[] = {"", "\033[31m", "\033[33m",
                                          "\033[32m"};
    const char *slash = strrchr(file, '/');
    bool colour = colours_wanted();
    char text[MAX_LINE], message[MAX_LINE] = "", note[48] = "", when[16];
    time_t now = time(NULL);
    struct tm tm = {0};
    size_t n;
    va_list ap;

    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    localtime_r(&now, &tm);
    strftime(when, sizeof when, "%y%m%d %H:%M:%S", &tm);
    file = slash != NULL ? slash + 1 : file;
    if (lost > 0)
        snprintf(note, sizeof note, "(%lu lines lost)\n", lost);
    snprintf(text, sizeof text - 1, "%s%s[%c %s %.*s:%d]%s ", note,
             colour ? colours[level] : "", " EWI"[level], when,
             (int)strcspn(file, "."), file, line, colour ? "\033[0m" : "");
    n = strlen(text);
    n += make_printable(text + n, sizeof text - 1 - n, message);
    text[n++] = '\n';
    lost = write_stderr(text, n) ? 0 : lost + 1;
}
