/* [20] log.c -- see log.h.
 *
 * A write to a full pipe blocks until the pipe is read, and the whole server
 * would wait. So a line is written only if stderr accepts it at once. */
#include "log.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "trace.h"

/* A pipe takes up to PIPE_BUF bytes (4096 on Linux, at least 512) whole or not
 * at all, and does not mix them with the lines of other processes. */
enum { MAX_LINE = PIPE_BUF < 4096 ? PIPE_BUF : 4096 };

int log_level = LOG_INFO;

static unsigned long lost; /* lines, since the last one that was written */

/* Only the bracket is coloured, as in Tornado. The last byte of `text` is kept
 * for the newline. */
void
log_line(int level, const char *file, int line, const char *format, ...)
{
    static const char *const colours[] = {"", "\033[31m", "\033[33m",
                                          "\033[32m"};
    static int colour = -1; /* not known yet */
    const char *slash = strrchr(file, '/'), *no = getenv("NO_COLOR");
    char text[MAX_LINE], message[MAX_LINE] = "", note[48] = "", when[16];
    time_t now = time(NULL);
    struct tm tm = {0};
    size_t n;
    va_list ap;

    if (colour == -1)
        colour = isatty(STDERR_FILENO) && (no == NULL || *no == '\0');
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
