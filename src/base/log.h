/* [20] log.h -- messages for the operator of the server, on stderr.
 *
 *     Tornado 2.0: tornado/options.py, class _LogFormatter
 *     Layer 0.
 *
 *     [W 110621 22:28:35 web:123] 404 GET /nowhere (127.0.0.1) 0.42ms
 *
 * The letter is the level; then come local time, file and line of the call.
 * - Control bytes in a message are escaped (make_printable() in trace.h).
 * - A line is cut at 4 KiB, or at the PIPE_BUF of the system if that is less.
 * - Lines that write_stderr() cannot write are lost; the next one says how
 *   many.
 * - Colours only on a terminal, and not if NO_COLOR is set. */
#ifndef LOG_H
#define LOG_H

enum { LOG_NONE, LOG_ERROR, LOG_WARNING, LOG_INFO };

/* Messages above this level are dropped. */
extern int log_level;

#define log_error(...) LOG_AT(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) LOG_AT(LOG_WARNING, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_INFO, __VA_ARGS__)
#define LOG_AT(level, ...) \
    (log_level >= (level) \
         ? log_line(level, __FILE__, __LINE__, __VA_ARGS__) : (void)0)

void log_line(int level, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
