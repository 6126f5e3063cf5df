/* [2] trace.c -- one record per event, and a line for each.
 *
 * Nothing here is on the way of a request unless --trace is given. */
#include "trace.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h> /* [18] */
#include <string.h>
#include <time.h>

#include "memory.h" /* [18] */
#include "system.h"

enum { MAX_TRACED_FD = 65536, NOTE_SIZE = 160 };

/* All that is ever known about an event; what is printed is a view of it. */
struct record {
    unsigned long number;
    int64_t us; /* microseconds since the first event */
    unsigned turn, connection;
    int stop; /* 0: no stop of the tour, bookkeeping */
    const char *file, *function;
    int line;
    char note[NOTE_SIZE];
};

bool trace_on;
unsigned trace_turn;

static unsigned connections[MAX_TRACED_FD]; /* by descriptor; 0: none */

void
trace_connection(int fd)
{
    static unsigned last;

    if (trace_on && fd < MAX_TRACED_FD)
        connections[fd] = ++last;
}

/* For people: what happened in one turn stands together, and every column
 * begins at the same place, so that the eye can run down the functions. */
static void
print_line(const struct record *r)
{
    static unsigned last_turn;
    char stop[16] = "", connection[24] = "", where[96], line[512];
    int n;

    if (r->stop > 0)
        snprintf(stop, sizeof stop, "(%d)", r->stop);
    if (r->connection > 0)
        snprintf(connection, sizeof connection, "conn %u", r->connection);
    snprintf(where, sizeof where, "%s:%s", r->file, r->function);
    n = snprintf(line, sizeof line, "%sturn %-4u %-4s  %-7s %-36s %s\n",
                 r->turn != last_turn ? "\n" : "", r->turn, stop, connection,
                 where, r->note);
    last_turn = r->turn;
    write_stderr(line, (size_t)n);
}

/* [12] For programs: a column for each field of the record. */
static FILE *records;

/* [12] The first line, for people and for programs that look for names. */
static const char columns[] =
    "seq\tus\tturn\tconn\tstop\tfile\tfunction\tline\tnote\n";
enum { RECORD_LINE = 512 };

/* [12] Opened once, before the loop starts. Each line is written when it is
 * complete: whoever follows the file reads no half record, and a server that
 * crashed has told everything up to its last moment. */
bool
trace_to_file(const char *path)
{
    records = fopen(path, "w");
    if (records == NULL)
        return false;
    setvbuf(records, NULL, _IOLBF, BUFSIZ);
    fputs(columns, records);
    return true;
}

/* [12] The columns, in the order of the header line. */
static int
format_record(char line[RECORD_LINE], const struct record *r)
{
    return snprintf(line, RECORD_LINE,
                    "%lu\t%lld\t%u\t%u\t%d\t%s\t%s\t%d\t%s\n", r->number,
                    (long long)r->us, r->turn, r->connection, r->stop, r->file,
                    r->function, r->line, r->note);
}

/* [18] --- the last ones --------------------------------------------------- */

/* A ring: the place of a record is its number, modulo the size, and so the
 * oldest makes room for the newest. */
enum { MAX_KEPT = 1024 };

static struct record *kept;
static unsigned long newest;

bool
trace_keep(void)
{
    kept = calloc(MAX_KEPT, sizeof *kept);
    return kept != NULL;
}

bool
trace_read(struct buffer **to, unsigned long since)
{
    unsigned long oldest = newest > MAX_KEPT ? newest - MAX_KEPT : 0;
    bool ok = buffer_append(to, columns, strlen(columns));

    since = since < oldest ? oldest : since;
    while (ok && kept != NULL && since++ < newest) {
        char line[RECORD_LINE];
        int n = format_record(line, &kept[since % MAX_KEPT]);

        ok = buffer_append(to, line, (size_t)n);
    }
    return ok;
}

void
trace_end(void)
{
    trace_on = false;
    if (records != NULL)
        fclose(records);
    records = NULL;
    free(kept);
    kept = NULL;
}

/* --- events --------------------------------------------------------------- */

/* A request may hold anything, and so may a note about it: a newline in it
 * would look like an event that has never happened. */
void
trace_event(int stop, int fd, const char *file, const char *function,
            int line, const char *format, ...)
{
    static unsigned long events;
    static int64_t first;
    const char *slash = strrchr(file, '/');
    struct record r = {
        .number = ++events, .turn = trace_turn, .stop = stop,
        .connection = fd >= 0 && fd < MAX_TRACED_FD ? connections[fd] : 0,
        .file = slash != NULL ? slash + 1 : file,
        .function = function, .line = line,
    };
    struct timespec now;
    char raw[NOTE_SIZE] = "";
    va_list ap;

    clock_gettime(CLOCK_MONOTONIC, &now);
    r.us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    if (events == 1)
        first = r.us;
    r.us -= first;
    va_start(ap, format);
    vsnprintf(raw, sizeof raw, format, ap);
    va_end(ap);
    make_printable(r.note, sizeof r.note, raw);

    /* [18] For whoever asks later. */
    if (kept != NULL)
        kept[(newest = r.number) % MAX_KEPT] = r;

    /* [12] One view or the other. */
    if (records != NULL) {
        char text[RECORD_LINE];

        format_record(text, &r);
        fputs(text, records);
        return;
    }

    print_line(&r);
}
