/* [2] trace.c -- one record for each event, printed as a line.
 *
 * Without --trace no event is recorded. */
#include "trace.h"

#include <fcntl.h> /* [26] */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h> /* [35] */
#include <time.h>
#include <unistd.h>

#include "memory.h" /* [36] */
#include "system.h"

enum { MAX_TRACED_FD = 65536, NOTE_SIZE = 160 };

/* What the trace knows about an event. */
struct record {
    unsigned long number;
    int64_t us; /* microseconds since the first event */
    unsigned turn, connection;
    int stop; /* 0: no stop of the tour */
    const char *file, *function;
    int line;
    char note[NOTE_SIZE];
};

bool trace_on;
unsigned trace_turn;

static unsigned long events; /* how many there were */
static unsigned connections[MAX_TRACED_FD]; /* by descriptor; 0: none */
#define MUTED (~0u) /* [36] in place of a number: it is not traced */

void
trace_connection(int fd)
{
    static unsigned last;

    if (trace_on && fd < MAX_TRACED_FD)
        connections[fd] = ++last;
}

/* Prints one event, and an empty line before the first event of a turn. The
 * columns begin at the same place in all lines; the line of a wait has none. */
static void
print_line(const struct record *r)
{
    static unsigned last_turn;
    const char *before = r->turn != last_turn ? "\n" : "";
    char stop[16] = "", connection[24] = "", where[96], line[512];
    int n;

    if (r->stop > 0)
        snprintf(stop, sizeof stop, "(%d)", r->stop);
    if (r->connection > 0)
        snprintf(connection, sizeof connection, "conn %u", r->connection);
    snprintf(where, sizeof where, "%s:%s", r->file, r->function);
    if (strncmp(r->note, "---", 3) == 0)
        n = snprintf(line, sizeof line, "%s%s\n", before, r->note);
    else
        n = snprintf(line, sizeof line, "%sturn %-4u %-4s  %-7s %-36s %s\n",
                     before, r->turn, stop, connection, where, r->note);
    last_turn = r->turn;
    write_stderr(line, (size_t)n);
}

/* [26] --- records --------------------------------------------------------- */

static int records = -1;

/* The header line. */
static const char columns[] =
    "seq\tus\tturn\tconn\tstop\tfile\tfunction\tline\tnote\n";
enum { RECORD_LINE = 512 };

/* A pipe takes the bytes of a short write whole or not at all, so no record is
 * cut. */
bool
trace_to_file(const char *path)
{
    records = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    return records != -1 && set_nonblocking(records) == 0 &&
           write(records, columns, strlen(columns)) != -1;
}

/* The columns, in the order of the header line. */
static int
format_record(char line[RECORD_LINE], const struct record *r)
{
    return snprintf(line, RECORD_LINE,
                    "%lu\t%lld\t%u\t%u\t%d\t%s\t%s\t%d\t%s\n", r->number,
                    (long long)r->us, r->turn, r->connection, r->stop, r->file,
                    r->function, r->line, r->note);
}

/* [36] --- the last ones --------------------------------------------------- */

/* A ring: the place of the n-th record is n modulo the size, so the newest
 * replaces the oldest. */
enum { MAX_KEPT = 1024 };
static struct record kept[MAX_KEPT];
static unsigned long oldest, next; /* n of the first one, and of the next */

/* The search ends at (19), the end of the earlier request: the next event of
 * the connection, (5), is the first one of the present request. The event (2)
 * of the listener, before the accept (3), belongs to the present request, too.
 */
void
trace_mute(int fd, bool past)
{
    if (fd < 0 || fd >= MAX_TRACED_FD)
        return;
    for (unsigned long i = next; past && i > oldest; i--) {
        struct record *r = &kept[(i - 1) % MAX_KEPT];
        const struct record *after = &kept[i % MAX_KEPT];

        if (r->connection == connections[fd] && r->stop == 19)
            break;
        if (r->connection == connections[fd] ||
            (r->stop == 2 && after->stop == 3 && after->connection == MUTED))
            r->connection = MUTED;
    }
    connections[fd] = MUTED;
}

/* True if no connection has caused the record, and it is not (1). */
static bool
is_idle(const struct record *r)
{
    return (r->connection == 0 || r->connection == MUTED) && r->stop != 1;
}

/* The records behind the last one of a connection are dropped. Each look at the
 * trace causes some, and after many looks only these would be left. */
bool
trace_read(struct buffer **to, unsigned long since)
{
    char line[RECORD_LINE];
    bool ok = buffer_append(to, columns, strlen(columns));

    while (next > oldest && is_idle(&kept[(next - 1) % MAX_KEPT]))
        next--;
    for (unsigned long i = oldest; ok && i < next; i++) {
        const struct record *r = &kept[i % MAX_KEPT];

        if (r->number > since && r->connection != MUTED)
            ok = buffer_append(to, line, (size_t)format_record(line, r));
    }
    return ok;
}

/* --- events --------------------------------------------------------------- */

/* The note is made printable: a newline from a request would look like an
 * event that has not happened. */
void
trace_event(int stop, int fd, const char *file, const char *function,
            int line, const char *format, ...)
{
    static int64_t first;
    const char *slash = strrchr(file, '/');
    unsigned connection = fd >= 0 && fd < MAX_TRACED_FD ? connections[fd] : 0;

    /* [36] It is not traced any more. */
    if (connection == MUTED)
        return;

    struct record r = {
        .number = ++events, .us = microseconds(), .turn = trace_turn,
        .connection = connection, .stop = stop,
        .file = slash != NULL ? slash + 1 : file,
        .function = function, .line = line,
    };
    char raw[NOTE_SIZE] = "";
    va_list ap;

    if (events == 1)
        first = r.us;
    r.us -= first;
    va_start(ap, format);
    vsnprintf(raw, sizeof raw, format, ap);
    va_end(ap);
    make_printable(r.note, sizeof r.note, raw);

    /* [36] For trace_read(). */
    kept[next++ % MAX_KEPT] = r;
    if (next - oldest > MAX_KEPT)
        oldest++;

    /* [26] A record in place of the line. */
    if (records != -1) {
        char text[RECORD_LINE];
        size_t size = (size_t)format_record(text, &r);
        ssize_t written = write(records, text, size);

        (void)written; /* The numbers of the records show what is lost. */
        return;
    }

    print_line(&r);
}

/* --- the wait ------------------------------------------------------------- */

void
trace_wait(bool begins, const char *file, const char *function, int line)
{
    static int64_t began;
    int64_t now = microseconds();

    if (begins)
        began = now;
    else if (now - began >= 50000)
        trace_event(0, -1, file, function, line, "--- waited %.1f s ---",
                    (double)(now - began) / 1e6);
}

/* --- time ----------------------------------------------------------------- */

int64_t
microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- lines on stderr ------------------------------------------------------ */

/* The loop ends when an escape, which has four bytes, and the NUL might not fit
 * any more. A plain char may be signed: without the cast %x would print eight
 * digits for the bytes from 0x80 on. */
size_t
make_printable(char *to, size_t size, const char *from)
{
    size_t n = 0;

    for (; *from != '\0' && size - n > 4; from++)
        if (*from >= ' ' && *from <= '~' && *from != '\\')
            to[n++] = *from;
        else
            n += (size_t)snprintf(to + n, size - n, "\\x%02x",
                                  (unsigned char)*from);
    to[n] = '\0';
    return n;
}

static bool stderr_is_socket; /* [35] */

bool
write_stderr(const char *line, size_t size)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    /* [35] A single call on a socket can be non-blocking. */
    if (stderr_is_socket)
        return send(STDERR_FILENO, line, size, MSG_DONTWAIT | SEND_FLAGS) ==
               (ssize_t)size;

    return poll(&out, 1, 0) != 0 &&
           write(STDERR_FILENO, line, size) == (ssize_t)size;
}

/* [35] The flag O_NONBLOCK belongs to an open file and thereby to all processes
 * that have inherited it: the shell at the same terminal would see EAGAIN. On
 * Linux a pipe or terminal can be opened once more, with flags of its own.
 * (A regular file cannot: it would be written from its start. It never makes
 * a write wait, either.) */
void
unblock_stderr(void)
{
    struct stat st = {0};
    int fd = -1;

    fstat(STDERR_FILENO, &st);
    stderr_is_socket = S_ISSOCK(st.st_mode);
    if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
        fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY);
    if (fd != -1) {
        dup2(fd, STDERR_FILENO);
        close(fd);
    }
}
