/* [2] ioloop.c -- the event loop.
 *
 * Read ioloop_start() first, at the end of the file. There are three kinds of
 * work, and a turn of the loop does them in this order:
 *
 *     callbacks   work that was put off to this turn      (chapter 4)
 *     timeouts    work for a certain time                 (chapter 5)
 *     handlers    work for a descriptor that is ready     (chapter 2)
 *
 * In a turn the wait for the kernel comes directly before the handlers. */
#include "ioloop.h"

#include <errno.h>
#include <fcntl.h> /* [24] */
#include <limits.h> /* [5] */
#include <poll.h> /* [17] */
#include <stdlib.h>
#include <string.h>
#include <unistd.h> /* [17] */

#include "trace.h"
#include "system.h" /* [4] */

/* What the loop knows about a descriptor. */
struct entry {
    ioloop_handler *handler;
    void *arg;
    uint32_t events;   /* what the poller watches for; 0: no handler */
    unsigned added_at; /* the loop's poll_count when it was added */
};

/* [4] Work for the next turn. */
struct callback {
    ioloop_callback *callback;
    void *arg;
};

/* [5] Work for a certain time. It is due when `now` of the loop has reached
 * `deadline`. */
struct timeout {
    int64_t deadline;
    uint64_t number; /* orders timeouts with equal deadlines */
    size_t index;    /* its place in the heap */
    ioloop_callback *callback;
    void *arg;
};

struct ioloop {
    const struct poller *poller;
    void *poller_self;
    bool stopped; /* [17] */

    struct entry *entries; /* the index is the descriptor */
    size_t nentries, entries_size; /* used; allocated */
    unsigned poll_count; /* the number of waits */
    struct poller_event ready[MAX_READY]; /* what the last wait reported */

    /* [4] In the order in which they were added. */
    struct callback *callbacks;
    size_t ncallbacks, callbacks_size;

    /* [17] The waker: a pipe that signal handlers and other threads write
     * to. */
    const char *thread; /* identifies the loop's thread; see this_thread */
    int waker_read, waker_write;

    /* [5] A binary heap: timeouts[0] has the earliest deadline, and the
     * children of timeouts[i] are timeouts[2i + 1] and timeouts[2i + 2]. */
    struct timeout **timeouts;
    size_t ntimeouts, timeouts_size;
    uint64_t timeout_number;
    int64_t now; /* when the last wait ended, or the loop started */

    void (*wait_hook)(bool begins); /* [35] */
};

/* [17] What ioloop_instance() returns; in Tornado IOLoop._instance. */
static struct ioloop *instance;

/* [17] Each thread has a variable of its own with this name, so its address
 * tells which thread is running. */
static _Thread_local char this_thread;

static void add_waker(struct ioloop *loop); /* [17] */

/* --- a loop and its poller --------------------------------------------- */

/* The best poller comes first, as in Tornado: without a name ioloop_new() takes
 * the first one that this system has. */
static const struct poller *const pollers[] = {
    &poller_epoll, /* [3] */
    &poller_kqueue, /* [3] */
    &poller_select, NULL};

/* The `new` of a poller is NULL on a system that does not have this poller. */
struct ioloop *
ioloop_new(const char *name)
{
    const struct poller *const *p = pollers;
    struct ioloop *loop;

    while (*p != NULL && ((*p)->new == NULL ||
                          (name != NULL && strcmp(name, (*p)->name) != 0)))
        p++;
    errno = ENOTSUP;
    loop = *p != NULL ? calloc(1, sizeof *loop) : NULL;
    if (loop == NULL || (loop->poller_self = (*p)->new()) == NULL) {
        free(loop);
        return NULL;
    }
    loop->poller = *p;

    /* [17] From now on threads and signal handlers can wake the loop. */
    add_waker(loop);
    if (instance == NULL)
        instance = loop;

    return loop;
}

/* --- handlers ---------------------------------------------------------- */

/* Makes room for `n` items of `item` bytes in an array that has room for
 * `*size`. An array that is too small gets room for 2 n items, so that the
 * items move rarely. `array` is the address of the pointer to the items: the
 * type of this pointer is not known here, so memcpy() copies it. */
static bool
reserve(void *array, size_t *size, size_t n, size_t item)
{
    void *items;

    if (n <= *size)
        return true;
    memcpy(&items, array, sizeof items);
    items = realloc(items, 2 * n * item);
    if (items == NULL)
        return false;
    memcpy(array, &items, sizeof items);
    *size = 2 * n;
    return true;
}

/* [27] The room that is reserved for the callbacks of one descriptor: eight
 * that run in this turn, and eight that they add. */
enum { CALLBACKS_PER_FD = 16 };

/* Makes the table long enough for `fd`; streams (chapter 6) call it, too. The
 * kernel gives out the lowest free number, so few entries stay unused. Only the
 * entries up to `fd` are set to 0: unwritten pages cost no memory. */
bool
ioloop_reserve(struct ioloop *loop, int fd)
{
    size_t n = (size_t)fd + 1;

    if ((size_t)fd < loop->nentries)
        return true;

    /* [24] A descriptor that is not open (EBADF) does not make the table
     * longer. */
    if (fcntl(fd, F_GETFD) == -1)
        return false;

    /* [27] Room for the callbacks of the descriptor's owner. */
    if (!reserve(&loop->callbacks, &loop->callbacks_size,
                 CALLBACKS_PER_FD * (n + 32), sizeof *loop->callbacks))
        return false;

    if (!reserve(&loop->entries, &loop->entries_size, n + 32,
                 sizeof *loop->entries))
        return false;
    memset(loop->entries + loop->nentries, 0,
           (n - loop->nentries) * sizeof *loop->entries);
    loop->nentries = n;
    return true;
}

/* As a size_t, the descriptor -1 is larger than every table. */
static bool
has_handler(const struct ioloop *loop, int fd)
{
    return (size_t)fd < loop->nentries && loop->entries[fd].events != 0;
}

/* Only this function changes what the poller watches. If the poller fails, the
 * entry stays as it was. A removal takes effect nevertheless: the handler must
 * not run any more, and its `arg` may be freed next. */
static int
watch(struct ioloop *loop, int fd, uint32_t events)
{
    int result = loop->poller->watch(loop->poller_self, fd,
                                     loop->entries[fd].events, events);

    if (result == 0 || events == 0)
        loop->entries[fd].events = events;
    return result;
}

int
ioloop_add_handler(struct ioloop *loop, int fd, ioloop_handler *handler,
                   void *arg, uint32_t events)
{
    errno = EEXIST;
    if (has_handler(loop, fd) || !ioloop_reserve(loop, fd))
        return -1;
    loop->entries[fd] = (struct entry){handler, arg, 0, loop->poll_count};
    return watch(loop, fd, events | IOLOOP_ERROR);
}

/* [3] As in Tornado, only the events change; the handler stays. */
int
ioloop_update_handler(struct ioloop *loop, int fd, uint32_t events)
{
    errno = ENOENT;
    return has_handler(loop, fd) ? watch(loop, fd, events | IOLOOP_ERROR) : -1;
}

void
ioloop_remove_handler(struct ioloop *loop, int fd)
{
    if (has_handler(loop, fd))
        watch(loop, fd, 0);
}

/* A handler may remove other descriptors than its own, and the last wait may
 * have reported events for them. When run_handlers() comes to such an event,
 * its descriptor may already belong to a new connection. So run_handlers()
 * skips an event if its handler was removed, or was added after the wait that
 * reported the event. The entry is copied because a handler may add a
 * descriptor, which can move the table. */
static void
run_handlers(struct ioloop *loop, int nready)
{
    for (int i = 0; i < nready; i++) {
        struct poller_event e = loop->ready[i];
        struct entry entry = loop->entries[e.fd];

        if (entry.events == 0 || entry.added_at == loop->poll_count)
            continue;

        /* (2) The kernel has reported this descriptor as ready. */
        TOUR(2, e.fd, "ready:%s%s%s", e.events & IOLOOP_READ ? " READ" : "",
             e.events & IOLOOP_WRITE ? " WRITE" : "",
             e.events & IOLOOP_ERROR ? " ERROR" : "");
        entry.handler(e.fd, e.events, entry.arg);
    }
}

/* [17] --- waker -------------------------------------------------------- */

/* The callback itself is written to the pipe. A write of at most PIPE_BUF bytes
 * is atomic, so threads and signal handlers need no lock. (Tornado writes one
 * "x" and keeps the callbacks in a list; until 2.1 all threads changed this
 * list without a lock.) If the pipe is full, the call waits until there is
 * room; if `waits` is false, the callback is lost instead. */
static void
wake(struct ioloop *loop, ioloop_callback *callback, void *arg, bool waits)
{
    struct callback c = {callback, arg};
    struct pollfd room = {.fd = loop->waker_write, .events = POLLOUT};

    while (write(loop->waker_write, &c, sizeof c) == -1 && waits)
        poll(&room, 1, -1);
}

/* IOLoop._read_waker. If more callbacks are in the pipe, the next wait reports
 * the pipe again. */
static void
read_waker(int fd, uint32_t events, void *arg)
{
    struct ioloop *loop = arg;
    struct callback received[64];
    ssize_t n = read(fd, received, sizeof received);

    (void)events;
    for (ssize_t i = 0; i < n / (ssize_t)sizeof received[0]; i++) {
        TRACE(-1, "woken: a callback from outside is queued");
        ioloop_add_callback(loop, received[i].callback, received[i].arg);
    }
}

static void
add_waker(struct ioloop *loop)
{
    int ends[2];

    if (pipe(ends) == -1 || set_nonblocking(ends[0]) == -1 ||
        set_nonblocking(ends[1]) == -1 ||
        ioloop_add_handler(loop, ends[0], read_waker, loop, IOLOOP_READ) == -1)
        die("cannot make the waker of a loop");
    loop->thread = &this_thread;
    loop->waker_read = ends[0];
    loop->waker_write = ends[1];
}

void
ioloop_add_callback_from_signal(struct ioloop *loop, ioloop_callback *callback,
                                void *arg)
{
    int saved = errno;

    wake(loop, callback, arg, false);
    errno = saved;
}

/* [4] --- callbacks ----------------------------------------------------- */

void
ioloop_add_callback(struct ioloop *loop, ioloop_callback *callback, void *arg)
{
    /* [17] The queue belongs to the thread of the loop. */
    if (loop->thread != &this_thread) {
        wake(loop, callback, arg, true);
        return;
    }

    if (!reserve(&loop->callbacks, &loop->callbacks_size,
                 loop->ncallbacks + 1, sizeof *loop->callbacks))
        die("too many callbacks");
    loop->callbacks[loop->ncallbacks++] = (struct callback){callback, arg};
}

/* Runs the callbacks that are in the queue now. A callback that one of them
 * adds waits for the next call of this function. The last queued callback of
 * an object may free the object: its other callbacks have run before. */
static void
run_callbacks(struct ioloop *loop)
{
    size_t n = loop->ncallbacks;

    for (size_t i = 0; i < n; i++) {
        struct callback c = loop->callbacks[i];

        c.callback(c.arg);
    }
    loop->ncallbacks -= n;
    if (loop->ncallbacks > 0)
        memmove(loop->callbacks, loop->callbacks + n,
                loop->ncallbacks * sizeof *loop->callbacks);
}

/* [5] --- timeouts ------------------------------------------------------ */

/* Tornado 2.0 asks time.time(), which jumps when the clock is set. */
int64_t
ioloop_time(void)
{
    return microseconds();
}

/* [24] For callers that do not need the exact time: to read the clock takes
 * longer than to queue and call a callback. */
int64_t
ioloop_now(const struct ioloop *loop)
{
    return loop->now;
}

static bool
earlier(const struct timeout *a, const struct timeout *b)
{
    return a->deadline < b->deadline ||
           (a->deadline == b->deadline && a->number < b->number);
}

static void
place(struct timeout **heap, size_t i, struct timeout *t)
{
    heap[i] = t;
    t->index = i;
}

/* Puts `t` into the heap, beginning at the free place `i`: parents with a later
 * deadline move down, then children with an earlier deadline move up. */
static void
sift(struct ioloop *loop, size_t i, struct timeout *t)
{
    struct timeout **heap = loop->timeouts;
    size_t child;

    for (; i > 0 && earlier(t, heap[(i - 1) / 2]); i = (i - 1) / 2)
        place(heap, i, heap[(i - 1) / 2]);
    while ((child = 2 * i + 1) < loop->ntimeouts) {
        if (child + 1 < loop->ntimeouts &&
            earlier(heap[child + 1], heap[child]))
            child++;
        if (earlier(t, heap[child]))
            break;
        place(heap, i, heap[child]);
        i = child;
    }
    place(heap, i, t);
}

/* The new timeout starts at the end of the heap (heapq.heappush in Tornado). A
 * deadline that `now` has reached already is replaced by the moment after
 * `now`, so the timeout is not due before `now` changes. Otherwise a timeout
 * that adds itself again could hold up the loop for ever (Tornado until
 * 4.0). */
struct timeout *
ioloop_add_timeout(struct ioloop *loop, int64_t deadline,
                   ioloop_callback *callback, void *arg)
{
    struct timeout *t = malloc(sizeof *t);

    if (t == NULL || !reserve(&loop->timeouts, &loop->timeouts_size,
                              loop->ntimeouts + 1, sizeof *loop->timeouts)) {
        free(t);
        return NULL;
    }
    *t = (struct timeout){
        .deadline = deadline > loop->now ? deadline : loop->now + 1,
        .number = loop->timeout_number++, .callback = callback, .arg = arg};
    sift(loop, loop->ntimeouts++, t);
    return t;
}

/* The last timeout of the heap moves to the free place. (In Tornado 2.0 a
 * removed timeout stays in the heap until its deadline.) */
void
ioloop_remove_timeout(struct ioloop *loop, struct timeout *timeout)
{
    struct timeout *last;

    if (timeout == NULL)
        return;
    last = loop->timeouts[--loop->ntimeouts];
    if (last != timeout)
        sift(loop, timeout->index, last);
    free(timeout);
}

/* Runs the timeouts that are due. `now` does not change meanwhile, however long
 * their callbacks take. */
static void
run_timeouts(struct ioloop *loop)
{
    while (loop->ntimeouts > 0 && loop->timeouts[0]->deadline <= loop->now) {
        struct timeout t = *loop->timeouts[0];

        ioloop_remove_timeout(loop, loop->timeouts[0]);
        TRACE(-1, "a timeout is due");
        t.callback(t.arg);
    }
}

/* The time until the first deadline in milliseconds. It is rounded up:
 * otherwise the last part of a millisecond would be a wait of 0, and the loop
 * would run empty turns until the deadline. The clock is read again, because
 * the handlers and callbacks since the last wait took time. */
static int
milliseconds_to_deadline(struct ioloop *loop)
{
    int64_t wait = loop->timeouts[0]->deadline - ioloop_time();

    wait = wait / 1000 + (wait % 1000 > 0);
    return wait < 0 ? 0 : wait < INT_MAX ? (int)wait : INT_MAX;
}

/* [17] --- the end ------------------------------------------------------ */

/* IOLoop.stop(). */
void
ioloop_stop(struct ioloop *loop)
{
    loop->stopped = true;
}

/* The timeouts that have not run are freed; their callbacks do not run. */
void
ioloop_free(struct ioloop *loop)
{
    for (size_t i = 0; i < loop->ntimeouts; i++)
        free(loop->timeouts[i]);
    close(loop->waker_read);
    close(loop->waker_write);
    loop->poller->free(loop->poller_self);
    free(loop->timeouts);
    free(loop->callbacks);
    free(loop->entries);
    if (instance == loop)
        instance = NULL;
    free(loop);
}

struct ioloop *
ioloop_instance(void)
{
    if (instance == NULL && ioloop_new(NULL) == NULL)
        die("cannot make an event loop");
    return instance;
}

/* IOLoop.close(all_fds=True) of Tornado 2.1. A callback may add a handler, and
 * a handler may add a callback, so both are called until none is left. Only the
 * waker stays: ioloop_free() closes it. */
void
ioloop_close_all(struct ioloop *loop)
{
    bool found = true;

    while (found) {
        /* [35] Threads may have added callbacks. */
        read_waker(loop->waker_read, IOLOOP_READ, loop);

        found = loop->ncallbacks > 0;
        for (int fd = 0; (size_t)fd < loop->nentries; fd++) {
            struct entry entry = loop->entries[fd];

            if (entry.events != 0 && fd != loop->waker_read) {
                entry.handler(fd, IOLOOP_ERROR, entry.arg);
                found = true;
            }
        }
        while (loop->ncallbacks > 0)
            run_callbacks(loop);
    }
}

/* [35] --- the wait hook ------------------------------------------------ */

void
ioloop_set_wait_hook(struct ioloop *loop, void (*hook)(bool begins))
{
    loop->wait_hook = hook;
}

/* --- the loop ---------------------------------------------------------- */

/* [36] While callbacks are queued, the loop polls only if this many have run
 * since the last poll. Without this limit, callbacks that add callbacks would
 * keep the loop from the sockets for ever. The callbacks of one usual request
 * are fewer, so they run without a poll in between. */
enum { MAX_CALLBACKS_WITHOUT_WAIT = 64 };

/* Each round of this `for` is one turn. Compare it with IOLoop.start() of
 * Tornado 2.0. */
int
ioloop_start(struct ioloop *loop)
{
    size_t ran = 0; /* [36] callbacks since the last wait */

    loop->now = ioloop_time(); /* [5] */

    for (;;) {
        int nready, poll_timeout = -1; /* no limit */

        trace_turn++;

        ran += loop->ncallbacks; /* [36] */

        /* [4] First the callbacks that were added before this turn. */
        run_callbacks(loop);

        /* [5] Then the timeouts that are due. */
        run_timeouts(loop);

        /* [17] ioloop_stop() was called. */
        if (loop->stopped)
            break;

        /* [36] A poll costs more than a few callbacks, so it is put off. */
        if (loop->ncallbacks > 0 && ran < MAX_CALLBACKS_WITHOUT_WAIT)
            continue;

        /* [5] The wait ends when the first deadline is due, or earlier. */
        if (loop->ntimeouts > 0)
            poll_timeout = milliseconds_to_deadline(loop);

        /* [4] If a callback is queued, the poll must return at once. */
        if (loop->ncallbacks > 0)
            poll_timeout = 0;

        /* [35] The hook may measure the time between two waits. */
        if (loop->wait_hook != NULL)
            loop->wait_hook(true);

        TRACE_WAIT(true);

        /* The loop waits for events only here. */
        nready = loop->poller->poll(loop->poller_self, loop->ready,
                                    poll_timeout);
        loop->poll_count++;
        ran = 0; /* [36] */

        /* [20] The kernel had no memory for the wait. The loop sleeps for a
         * millisecond; the next wait tries again. */
        if (nready == -1 && errno == ENOMEM)
            nready = poll(NULL, 0, 1);

        /* EINTR: a signal ended the wait, and no event was reported. */
        if (nready == -1 && errno != EINTR)
            return -1;
        loop->now = ioloop_time(); /* [5] */
        TRACE_WAIT(false);

        /* [35] The hook learns that the wait is over. */
        if (loop->wait_hook != NULL)
            loop->wait_hook(false);

        run_handlers(loop, nready);
    }

    /* [35] The loop stops: for the hook this is like the start of a wait. */
    if (loop->wait_hook != NULL)
        loop->wait_hook(true);

    /* [17] The loop may be started again. */
    loop->stopped = false;
    return 0;
}
