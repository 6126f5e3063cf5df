/* models.c -- the data structures of the server beside naive models of them.
 *
 *     models NAME   (timeouts, callbacks, handlers, buffer, stream, routes,
 *                    headers)
 *
 * A model does the same as the real thing in the most simple way, however slow:
 * an array in place of a heap, a string in place of a buffer. The program does
 * random things with both, and after each of them both must be in the same
 * state. The seed is printed; the variable SEED repeats a run, and OPERATIONS
 * says how many things are done. */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "httputil.h"
#include "ioloop.h"
#include "iostream.h"
#include "memory.h"
#include "system.h"
#include "trace.h"
#include "urlspec.h"

static long operations = 20000, done;
static unsigned state; /* of the random numbers */

static void
check(bool condition, const char *message)
{
    if (condition)
        return;
    fprintf(stderr, "operation %ld: not true that %s\n", done, message);
    abort();
}

/* A random number below `n`. */
static size_t
below(size_t n)
{
    state = state * 1664525 + 1013904223;
    return (size_t)(((uint64_t)state * n) >> 32);
}

/* The clock that the loop reads; only this program moves it. */
static int64_t now = 1000000;

int
clock_gettime(clockid_t clock, struct timespec *t)
{
    (void)clock;
    t->tv_sec = (time_t)(now / 1000000);
    t->tv_nsec = (long)(now % 1000000 * 1000);
    return 0;
}

static struct ioloop *loop;

static struct ioloop *
new_loop(void)
{
    loop = ioloop_new(getenv("POLLER"));
    check(loop != NULL, "there is a loop");
    return loop;
}

/* --- timeouts: a heap, and an array ---------------------------------- */

enum { MAX_TIMEOUTS = 200 };

static struct planned {
    struct timeout *timeout; /* NULL: free */
    int64_t deadline;
    long number; /* of equal deadlines the lower number is first */
} planned[MAX_TIMEOUTS];
static long ntimeouts;

static void run_timeout(void *arg);

static void
add_timeout(void)
{
    struct planned *p = planned;
    int64_t deadline = ioloop_now(loop) - 20 + (int64_t)below(100);

    while (p < planned + MAX_TIMEOUTS && p->timeout != NULL)
        p++;
    if (p == planned + MAX_TIMEOUTS)
        return;
    p->timeout = ioloop_add_timeout(loop, deadline, run_timeout, p);
    p->deadline = deadline > ioloop_now(loop) ? deadline : ioloop_now(loop) + 1;
    p->number = ntimeouts++;
}

static void
remove_timeout(void)
{
    struct planned *p = &planned[below(MAX_TIMEOUTS)];

    ioloop_remove_timeout(loop, p->timeout);
    p->timeout = NULL;
}

static void
run_timeout(void *arg)
{
    struct planned *p = arg;

    check(p->timeout != NULL, "a timeout runs once, and not when removed");
    check(p->deadline <= ioloop_now(loop), "a timeout does not run early");
    for (struct planned *q = planned; q < planned + MAX_TIMEOUTS; q++)
        check(q->timeout == NULL || q->deadline > p->deadline ||
              (q->deadline == p->deadline && q->number >= p->number),
              "the first timeout runs first");
    p->timeout = NULL;
    if (below(4) == 0)
        add_timeout();
    if (below(4) == 0)
        remove_timeout();
}

/* Runs in every turn, so the loop never waits. The timeouts that were due in
 * the turn before must have run. */
static void
timeouts_turn(void *arg)
{
    static int64_t last;

    for (struct planned *p = planned; p < planned + MAX_TIMEOUTS; p++)
        check(p->timeout == NULL || p->deadline > last,
              "a timeout runs when it is due");
    last = ioloop_now(loop);
    for (size_t n = below(6); n > 0; n--, done++)
        below(3) > 0 ? add_timeout() : remove_timeout();
    now += (int64_t)below(40);
    if (done >= operations)
        ioloop_stop(loop);
    ioloop_add_callback(loop, timeouts_turn, arg);
}

static void
test_timeouts(void)
{
    ioloop_add_callback(new_loop(), timeouts_turn, NULL);
    ioloop_start(loop);
    ioloop_free(loop);
}

/* --- callbacks: a queue, and an array -------------------------------- */

static struct queued {
    unsigned turn; /* in which it was added */
} *queue;
static size_t first, last;

static void run_callback(void *arg);

static void
add_callback(void)
{
    queue[last] = (struct queued){trace_turn};
    ioloop_add_callback(loop, run_callback, &queue[last++]);
}

static void
run_callback(void *arg)
{
    check(arg == &queue[first], "callbacks run in their order");
    check(queue[first].turn + 1 == trace_turn, "each runs in the next turn");
    first++;

    /* The queue grows and shrinks, and never ends. */
    for (size_t n = below(last - first < 300 ? 4 : 2); n > 0; n--)
        add_callback();
    if (first == last)
        add_callback();
    if (++done >= operations)
        ioloop_stop(loop);
}

static void
test_callbacks(void)
{
    queue = calloc((size_t)operations * 4 + 2000, sizeof *queue);
    new_loop();
    add_callback();
    ioloop_start(loop);
    ioloop_free(loop);
    free(queue);
}

/* --- handlers, and an array of flags ------------------------------------ */

static void
never_ready(int fd, uint32_t events, void *arg)
{
    (void)fd, (void)events, (void)arg;
    check(false, "this loop never waits");
}

/* Adds, changes or removes the handler of `fd`. `refused` is 0, or the reason
 * why no poller can watch it. */
static void
change_handler(struct ioloop *l, int fd, int refused, bool *watched)
{
    int wanted = *watched ? EEXIST : refused, result, what = (int)below(3);

    errno = 0;
    if (what == 0) {
        result = ioloop_add_handler(l, fd, never_ready, NULL, IOLOOP_READ);
        *watched = *watched || refused == 0;
    } else if (what == 1) {
        wanted = *watched ? 0 : ENOENT;
        result = ioloop_update_handler(l, fd, IOLOOP_WRITE);
    } else {
        ioloop_remove_handler(l, fd);
        *watched = false;
        return;
    }
    check(result == (wanted == 0 ? 0 : -1), "the call says whether it worked");
    check(wanted == 0 || errno == wanted, "errno is the reason");
}

static int
count_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 64; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

/* With each poller: a pipe, and three descriptors that are not open. The first
 * of these is lower than one that is open, so the loop has an entry for it. */
static void
test_handlers(void)
{
    static const char *const pollers[] = {NULL, "select"};
    int ends[2];

    check(pipe(ends) == 0, "there are descriptors");
    for (size_t i = 0; i < 2; i++) {
        int before = count_descriptors();
        struct ioloop *l = ioloop_new(pollers[i]);
        int closed = dup(ends[0]), higher = dup(ends[1]);
        const int fds[] = {ends[0], higher, closed, 999, -1};
        const int refused[] = {0, 0, EBADF, EBADF, EBADF};
        bool watched[5] = {false};

        check(l != NULL && closed < higher, "there is a loop");
        close(closed);
        for (done = 0; done < operations; done++) {
            size_t k = below(5);

            change_handler(l, fds[k], refused[k], &watched[k]);
        }
#ifdef __linux__
        /* epoll refuses a file, because a file is always ready. */
        FILE *file = tmpfile();
        check(file != NULL, "there are files");
        if (i == 0)
            check(ioloop_add_handler(l, fileno(file), never_ready, NULL,
                                     IOLOOP_READ) == -1 && errno == EPERM,
                  "a file is not watched");
        fclose(file);
#endif
        close(higher);
        ioloop_free(l);
        check(count_descriptors() == before,
              "a freed loop leaves no descriptor open");
    }
}

/* --- a buffer, and a string ------------------------------------------ */

enum { MAX_STRING = 100000 };

static char string[MAX_STRING];
static size_t length;

static size_t
fill(char *to, size_t max)
{
    size_t n = below(below(4) == 0 ? max : max / 50);

    for (size_t i = 0; i < n; i++)
        to[i] = "ab\r\n\n"[below(5)];
    return n;
}

/* The first bytes that a socket takes are those of the buffer. It has less room
 * than some buffers need. */
static void
send_with(struct buffer *b, const char *text, size_t n)
{
    static int ends[2];
    static char got[MAX_STRING];
    const void *rest = text;
    size_t before = buffer_length(b), sent, all;
    int room = 16384;

    if (ends[1] == 0)
        check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 &&
                  setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room,
                             sizeof room) == 0 &&
                  set_nonblocking(ends[0]) == 0,
              "there are sockets");
    sent = buffer_send_with(b, ends[0], &rest, n);
    all = before - buffer_length(b) + sent;
    check(rest == text + sent, "the rest is what was not sent");
    check(sent == 0 || buffer_length(b) == 0, "the buffer is sent first");
    check(all == 0 || recv(ends[1], got, all, MSG_WAITALL) == (ssize_t)all,
          "as many bytes arrive as were sent");
    memcpy(string + length, text, sent);
    check(memcmp(got, string, all) == 0, "the bytes are sent in their order");
    length -= all - sent;
    memmove(string, string + all - sent, length);
}

static void
change_buffer(struct buffer **b)
{
    char text[10000], *place;
    size_t n = fill(text, sizeof text);

    if (length + n > sizeof string)
        n = 0;
    switch (below(7)) {
    case 0:
        check(buffer_append(b, text, n), "there is memory");
        memcpy(string + length, text, n);
        break;
    case 1:
        place = buffer_room(b, n);
        memcpy(place, text, n);
        (*b)->end += n;
        memcpy(string + length, text, n);
        break;
    case 2:
        memcpy(buffer_front(b, n), text, n);
        memmove(string + n, string, length);
        memcpy(string, text, n);
        break;
    case 3:
        send_with(*b, text, n);
        return;
    default:
        n = below(3) > 0 ? below(length + 1) : length;
        if (*b != NULL)
            (*b)->start += n;
        memmove(string, string + n, length - n);
        length -= n;
        if (below(2) > 0) {
            buffer_trim(b);
            check(length > 0 || *b == NULL, "an empty buffer is released");
        }
        return;
    }
    length += n;
}

static void
test_buffer(void)
{
    struct buffer *b = NULL;

    for (; done < operations; done++) {
        change_buffer(&b);
        check(buffer_length(b) == length, "they have one length");
        check(length == 0 || memcmp(b->data + b->start, string, length) == 0,
              "they have the same bytes");
        check(b == NULL || b->end <= b->size, "the bytes are in the block");
        check(memory_in_use() == buffer_memory(b), "the block is counted");
    }
    buffer_release(&b);
    check(memory_in_use() == 0, "all memory has been freed");
}

/* --- a stream, and two strings --------------------------------------- */

/* What has been written and not read yet: by the peer, and by the stream. */
static struct text {
    char bytes[MAX_STRING];
    size_t n;
} coming, going;

static struct iostream *stream;
static int peer;
static bool closed;

static struct {
    bool pending;
    const char *delimiter; /* NULL: `size` bytes */
    size_t size;
} reading;

static void
drop(struct text *t, size_t n)
{
    t->n -= n;
    memmove(t->bytes, t->bytes + n, t->n);
}

/* The size of the result of the pending read, when enough bytes have come. A CR
 * of the delimiter may be missing. */
static size_t
expected_size(void)
{
    const char *lf = coming.bytes, *end = coming.bytes + coming.n;

    if (reading.delimiter == NULL)
        return reading.size;
    while ((lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL) {
        const char *next = ++lf;

        if (strlen(reading.delimiter) == 4) {
            next += next < end && *next == '\r';
            if (next == end || *next++ != '\n')
                continue;
        }
        return (size_t)(next - coming.bytes) < reading.size
                   ? (size_t)(next - coming.bytes) : reading.size;
    }
    return reading.size;
}

static void
on_read(const char *data, size_t size, void *arg)
{
    (void)arg;
    check(reading.pending, "a read ends once, and not when cancelled");
    check(size == expected_size(), "a read ends at its delimiter or size");
    check(size <= coming.n && memcmp(data, coming.bytes, size) == 0,
          "a read has the bytes that were sent");
    drop(&coming, size);
    reading.pending = false;
}

static void
start_read(void)
{
    static const char *const delimiters[] = {NULL, "\r\n", "\r\n\r\n"};

    if (reading.pending)
        return;
    reading.pending = true;
    reading.delimiter = delimiters[below(3)];
    reading.size = below(below(4) == 0 ? 20000 : 100);
    if (reading.delimiter == NULL) {
        iostream_read_bytes(stream, reading.size, on_read, NULL);
    } else {
        reading.size++;
        iostream_read_until(stream, reading.delimiter, reading.size, on_read,
                            NULL);
    }
}

static void
peer_sends(void)
{
    char text[10000];
    size_t n = fill(text, sizeof text);
    ssize_t sent;

    if (coming.n + n > sizeof coming.bytes)
        return;
    sent = send(peer, text, n, SEND_FLAGS);
    memcpy(coming.bytes + coming.n, text, n);
    coming.n += sent > 0 ? (size_t)sent : 0;
}

static void
peer_receives(void)
{
    char text[20000];
    ssize_t n = recv(peer, text, 1 + below(sizeof text), 0);

    if (n <= 0)
        return;
    check((size_t)n <= going.n && memcmp(text, going.bytes, (size_t)n) == 0,
          "the peer receives the bytes that were written");
    drop(&going, (size_t)n);
}

static void
write_some(void)
{
    char text[10000];
    size_t n = fill(text, sizeof text);

    if (going.n + n > sizeof going.bytes)
        return;
    memcpy(going.bytes + going.n, text, n);
    going.n += n;
    iostream_write(stream, text, n, NULL, NULL);
}

static void
stream_turn(void *arg)
{
    for (size_t n = below(4); n > 0; n--, done++) {
        switch (below(9)) {
        case 0: case 1: case 2: peer_sends(); break;
        case 3: case 4: peer_receives(); break;
        case 5: write_some(); break;
        case 6:
            if (below(4) == 0) {
                iostream_cancel_read(stream);
                reading.pending = false;
            }
            break;
        default: start_read();
        }
        check(iostream_unread(stream) <= coming.n &&
              iostream_unsent(stream) <= going.n, "no byte is counted twice");
    }
    if (done < operations)
        ioloop_add_callback(loop, stream_turn, arg);
    else
        iostream_close(stream);
}

static void
on_close(void *arg)
{
    (void)arg;
    check(!closed, "a stream closes once");
    closed = true;
    ioloop_stop(loop);
}

static void
test_stream(void)
{
    int ends[2];

    new_loop();
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "there are sockets");
    set_nonblocking(ends[0]);
    set_nonblocking(ends[1]);
    peer = ends[0];
    stream = iostream_new(loop, ends[1]);
    iostream_set_close_callback(stream, on_close, NULL);
    stream_turn(NULL);
    ioloop_start(loop);
    ioloop_close_all(loop);
    check(closed && memory_in_use() == 0, "nothing is left");
    ioloop_free(loop);
    close(peer);
}

/* --- routes: a table, and one pattern after the other ---------------- */

static const char *const patterns[] = {
    "/", "/a", "/ab", "/abc", "/b/a", "/(.*)", "/a(b)", "/a(bc|b)", "/a|/b",
    "/a*", "/[ab]+", "/a/(.*)", "/a/([^/]+)", "/(a)(b*)", "/a?(b)", "/a.c",
    "(.*)", "/\\*", "/ab*(c)", "/b/(a+)/?(c*)", "/abc?", "/ab+/(.*)",
};
enum { PATTERNS = sizeof patterns / sizeof patterns[0], MAX_ROUTES = 8 };

/* The pattern between "^(" and ")$": it matches the whole path or not. */
static regex_t anchored[PATTERNS];

/* The first route that matches; -1: there is none. `groups` are those of its
 * pattern, with the whole path before them. */
static int
naive_find(const size_t *table, size_t n, const char *path, regmatch_t *groups)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(patterns[table[i]], path) == 0 &&
            strpbrk(path, ".[]()*+?{}|^$\\") == NULL) {
            memset(groups, -1, (URLSPEC_GROUPS + 1) * sizeof *groups);
            return (int)i;
        }
    for (size_t i = 0; i < n; i++)
        if (strpbrk(patterns[table[i]], ".[]()*+?{}|^$\\") != NULL &&
            regexec(&anchored[table[i]], path, URLSPEC_GROUPS + 1, groups,
                    0) == 0)
            return (int)i;
    return -1;
}

static void
check_path(struct urlspecs *all, const struct urlspec *specs,
           const size_t *table, size_t n)
{
    const struct handler_class *class;
    regmatch_t groups[URLSPEC_GROUPS], naive[URLSPEC_GROUPS + 1];
    char path[8] = "/";
    int i, status;

    for (size_t k = below(20) > 0, size = below(7); k < size; k++)
        path[k] = "/abc*"[below(5)];
    class = urlspec_find(specs, path);
    memset(groups, -1, sizeof groups);
    status = class != NULL ? 0 : urlspecs_match(all, path, groups, &class);
    i = naive_find(table, n, path, naive);
    check(status == (i == -1 ? 404 : 0), "a path has a route or none");
    if (i == -1)
        return;
    check(class == specs[i].handler, "the right route is found");
    for (size_t k = 1; k < URLSPEC_GROUPS; k++)
        check(groups[k].rm_so == naive[k + 1].rm_so &&
              (groups[k].rm_so == -1 || groups[k].rm_eo == naive[k + 1].rm_eo),
              "the groups are in the same places");
}

static void
test_routes(void)
{
    for (size_t i = 0; i < PATTERNS; i++) {
        char pattern[80];

        snprintf(pattern, sizeof pattern, "^(%s)$", patterns[i]);
        check(regcomp(&anchored[i], pattern, REG_EXTENDED) == 0, "it is valid");
    }
    while (done < operations) {
        struct urlspec specs[MAX_ROUTES + 1] = {0};
        size_t table[MAX_ROUTES], n = 1 + below(MAX_ROUTES);
        struct urlspecs *all;

        for (size_t i = 0; i < n; i++) {
            table[i] = below(PATTERNS);
            specs[i].pattern = patterns[table[i]];

            /* No class is looked at, so any address will do. */
            specs[i].handler = (const struct handler_class *)&specs[i];
        }
        all = urlspecs_new(specs);
        for (int k = 0; k < 50; k++, done++)
            check_path(all, specs, table, n);
        urlspecs_free(all);
    }
    for (size_t i = 0; i < PATTERNS; i++)
        regfree(&anchored[i]);
}

/* --- headers: a list with bits, and an array ------------------------- */

static const char *const names[] = {
    "Host", "host", "HOST", "Cookie", "cookie", "Content-Type", "content-type",
    "Content-Length", "Connection", "CONNECTION", "X-A", "x-a", "X-B", "A", "a",
};
static const char *const values[] = {"close", "a, Close ,b", "x", "", "close x",
                                     ",,close,", "closed", "clos"};
static const bool has_close[] = {true, true, false, false, false, true, false,
                                 false};
enum { NAMES = sizeof names / sizeof names[0], MAX_ENTRIES = 40 };

static struct {
    const char *name;
    size_t value;
} entries[MAX_ENTRIES];
static size_t nentries;

static void
change_headers(struct httpheaders *headers)
{
    const char *name = names[below(NAMES)];
    size_t kept = 0;

    if (below(6) > 0 && nentries < MAX_ENTRIES) {
        entries[nentries].name = name;
        entries[nentries].value = below(8);
        httpheaders_add(headers, name, values[entries[nentries++].value]);
        return;
    }
    httpheaders_del(headers, name);
    for (size_t i = 0; i < nentries; i++)
        if (strcasecmp(entries[i].name, name) != 0)
            entries[kept++] = entries[i];
    nentries = kept;
}

static void
look_up(const struct httpheaders *headers, const char *name)
{
    const char *value = NULL;
    bool close_is_there = false;
    size_t n = 0;

    for (size_t i = 0; i < nentries; i++)
        if (strcasecmp(entries[i].name, name) == 0) {
            value = values[entries[i].value];
            close_is_there |= has_close[entries[i].value];
            check(httpheaders_get_list(headers, name, n++) == value,
                  "the values of a name are in their order");
        }
    check(httpheaders_get_list(headers, name, n) == NULL, "there are no more");
    check(httpheaders_get(headers, name) == (n == 1 ? value : NULL),
          "only a single value is the value");
    check(httpheaders_list_has(headers, name, "close") == close_is_there,
          "a list has an element or not");
}

static void
test_headers(void)
{
    struct arena *arena = NULL;
    struct httpheaders headers = {.arena = &arena};

    for (; done < operations; done++) {
        change_headers(&headers);
        look_up(&headers, names[below(NAMES)]);
        check(arena_memory(arena) == memory_in_use(), "the blocks are counted");

        /* A new list now and then, because the bits of a list stay set. */
        if (below(100) == 0) {
            arena_release(&arena);
            headers = (struct httpheaders){.arena = &arena};
            nentries = 0;
        }
    }
    arena_release(&arena);
    check(memory_in_use() == 0, "all memory has been freed");
}

/* ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*test)(void);
} tests[] = {{"timeouts", test_timeouts}, {"callbacks", test_callbacks},
             {"handlers", test_handlers}, {"buffer", test_buffer},
             {"stream", test_stream},     {"routes", test_routes},
             {"headers", test_headers}};

int
main(int argc, char **argv)
{
    const char *s = getenv("SEED"), *n = getenv("OPERATIONS");

    state = s != NULL ? (unsigned)strtoul(s, NULL, 10)
                      : (unsigned)time(NULL) * 31 + (unsigned)getpid();
    if (n != NULL)
        operations = atol(n);
    for (size_t i = 0; argc > 1 && i < sizeof tests / sizeof tests[0]; i++)
        if (strcmp(tests[i].name, argv[1]) == 0) {
            printf("SEED=%u\n", state);
            fflush(stdout);
            tests[i].test();
            printf("%ld operations, and then %u\n", done, state);
            return 0;
        }
    return 2;
}
