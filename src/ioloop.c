/* [2] ioloop.c -- the loop itself.
 *
 * Read ioloop_start() first, at the bottom: it is the whole program seen
 * from above. Everything before it only fills the containers that
 * ioloop_start() empties, over and over, in this order:
 *
 *     callbacks   work that asked to run on a clean stack    (chapter 3)
 *     timeouts    work that asked to run at a certain time   (chapter 4)
 *     handlers    descriptors that the kernel says are ready (chapter 2) */
#include "ioloop.h"

#include <errno.h>
#include <limits.h> /* [4] */
#include <poll.h> /* [3] */
#include <pthread.h> /* [3] */
#include <stdlib.h>
#include <string.h>
#include <time.h> /* [4] */
#include <unistd.h> /* [3] */

#include "trace.h"
#include "system.h"

enum { MAX_READY = 1024 }; /* all that select() can know: none is left out */

/* Who is called about a descriptor. */
struct entry {
    ioloop_handler *handler;
    void *arg;
    uint32_t events; /* what the poller watches for; 0: nobody is here */
    unsigned added_at;   /* the number of the wait after which it was added */
};

/* [3] A piece of work that was put off. */
struct callback {
    ioloop_callback *callback;
    void *arg;
};

/* [3] Such pieces in the order of their coming. */
struct queue {
    struct callback *items;
    size_t n, size;
};

/* [4] A piece of work with a date. */
struct timeout {
    int64_t deadline;
    uint64_t number; /* of equal deadlines the lower number is first */
    ioloop_callback *callback; /* NULL: removed */
    void *arg;
};

struct ioloop {
    const struct poller *poller;
    void *poller_self;
    bool stopped;

    struct entry *entries; /* indexed by descriptor */
    int nentries;
    unsigned poll_count;
    struct poller_event ready[MAX_READY]; /* what the last wait told us */

    /* [3] While one queue is being run the other collects what the running
     * callbacks add; they change places at the top of every turn. */
    struct queue callbacks, running_callbacks;
    unsigned turns_without_wait;

    /* [3] The waker: a pipe that others write callbacks into. */
    pthread_t thread;
    int waker_read, waker_write;

    /* [4] A binary heap: timeouts[0] has always the earliest deadline, and
     * the children of timeouts[i] are timeouts[2i + 1] and timeouts[2i + 2]. */
    struct timeout **timeouts;
    size_t ntimeouts, timeouts_size, nremoved;
    uint64_t timeout_number;
    int64_t now; /* when timeouts were looked at last */

    void (*wait_hook)(bool begins); /* [18] */
};

/* IOLoop._instance. */
static struct ioloop *instance;

/* [3] A loop is added_at with a waker and buried with it; see "waker". */
static int add_waker(struct ioloop *loop);

/* --- a loop and its poller --------------------------------------------- */

/* Best first, like Tornado's configurable_default(). */
enum { NPOLLERS = 3 };
static const struct poller *const pollers[NPOLLERS] = {
    &poller_epoll, &poller_kqueue, &poller_select};

struct ioloop *
ioloop_new(const char *name)
{
    struct ioloop *loop = calloc(1, sizeof *loop);
    size_t i = 0;

    while (i < NPOLLERS && (pollers[i]->new == NULL ||
                            (name && strcmp(name, pollers[i]->name) != 0)))
        i++;
    if (loop != NULL && i < NPOLLERS) {
        loop->poller = pollers[i];
        loop->poller_self = loop->poller->new();
    }
    if (loop == NULL || loop->poller_self == NULL) {
        free(loop);
        errno = i == NPOLLERS ? ENOTSUP : errno;
        return NULL;
    }

    /* [3] From now on others can wake it. */
    if (add_waker(loop) == -1) {
        int error = errno;

        ioloop_free(loop);
        errno = error;
        return NULL;
    }

    if (instance == NULL)
        instance = loop;
    return loop;
}

void
ioloop_free(struct ioloop *loop)
{
    /* [4] Nobody will ever call these now. */
    for (size_t i = 0; i < loop->ntimeouts; i++)
        free(loop->timeouts[i]);

    close(loop->waker_read); /* [3] */
    close(loop->waker_write); /* [3] */
    loop->poller->free(loop->poller_self);
    free(loop->timeouts); /* [4] */
    free(loop->callbacks.items); /* [3] */
    free(loop->running_callbacks.items); /* [3] */
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

/* --- handlers ---------------------------------------------------------- */

/* Descriptors are small integers that the kernel hands out lowest first, so
 * an array indexed by them is the densest map there is. */
static bool
reserve_entries(struct ioloop *loop, int fd)
{
    int want = 2 * loop->nentries > fd ? 2 * loop->nentries : fd + 64;
    struct entry *entries;

    if (fd < loop->nentries)
        return true;
    entries = realloc(loop->entries, (size_t)want * sizeof *entries);
    if (entries == NULL)
        return false;
    memset(entries + loop->nentries, 0,
           (size_t)(want - loop->nentries) * sizeof *entries);
    loop->entries = entries;
    loop->nentries = want;
    return true;
}

int
ioloop_add_handler(struct ioloop *loop, int fd, ioloop_handler *handler,
                   void *arg, uint32_t events)
{
    if (!ioloop_reserve(loop, fd)) {
        errno = ENOMEM;
        return -1;
    }
    loop->entries[fd] = (struct entry){handler, arg, 0, loop->poll_count};
    return ioloop_update_handler(loop, fd, events);
}

/* Everything that the poller hears of a descriptor goes through here. */
static int
watch(struct ioloop *loop, int fd, uint32_t events)
{
    struct entry *entry = &loop->entries[fd];
    int result = 0;

    if (events != entry->events)
        result = loop->poller->watch(loop->poller_self, fd, entry->events,
                                     events);
    if (result == 0 || events == 0)
        entry->events = events;
    return result;
}

int
ioloop_update_handler(struct ioloop *loop, int fd, uint32_t events)
{
    return watch(loop, fd, events | IOLOOP_ERROR);
}

/* A failure of the poller is of no use to anybody here: the descriptor is
 * about to be closed, and no event for it finds a handler any more. */
void
ioloop_remove_handler(struct ioloop *loop, int fd)
{
    watch(loop, fd, 0);
}

/* A handler may remove any descriptor, not only its own, and the kernel may
 * already have told us that that one is ready too. By the time we come to
 * the news the number can even belong to a new connection, which it is not
 * meant for. So news is for handlers only that were there before the wait
 * that brought it. The entry is copied before the call: the handler may add
 * a descriptor, and that may move the table under our feet. */
static void
run_handlers(struct ioloop *loop, int nready)
{
    for (int i = 0; i < nready; i++) {
        struct poller_event e = loop->ready[i];
        struct entry entry = loop->entries[e.fd];

        if (entry.events == 0 || entry.added_at == loop->poll_count)
            continue;
        TOUR(2, e.fd, "ready:%s%s%s", e.events & IOLOOP_READ ? " READ" : "",
             e.events & IOLOOP_WRITE ? " WRITE" : "",
             e.events & IOLOOP_ERROR ? " ERROR" : "");
        entry.handler(e.fd, e.events, entry.arg);
    }
}

/* [3] --- callbacks ----------------------------------------------------- */

/* While callbacks breed callbacks the kernel is not asked for news, but
 * never for longer than this: the sockets must not starve. */
enum { MAX_TURNS_WITHOUT_WAIT = 32 };

/* How many callbacks a descriptor may have waiting without asking. */
enum { CALLBACKS_PER_FD = 8 };

static bool
reserve_queue(struct queue *queue, size_t size)
{
    struct callback *items = queue->items;

    if (size > queue->size)
        items = realloc(queue->items, size * sizeof *items);
    if (items == NULL)
        return false;
    queue->items = items;
    queue->size = size > queue->size ? size : queue->size;
    return true;
}

/* There is room: ioloop_reserve() saw to it. Only a program that adds
 * callbacks without end and without descriptors can get beyond. */
static void
queue_add(struct queue *queue, ioloop_callback *callback, void *arg)
{
    if (queue->n == queue->size && !reserve_queue(queue, 2 * queue->size + 64))
        die("too many callbacks");
    queue->items[queue->n++] = (struct callback){callback, arg};
}

/* Both queues must be able to hold what is waiting, because they change
 * places. 256 more: a descriptor can be closed and given out again in one
 * turn, and the closed one's last callbacks still wait. */
static bool
reserve_callbacks(struct ioloop *loop)
{
    size_t size = CALLBACKS_PER_FD * (size_t)loop->nentries + 256;

    return reserve_queue(&loop->callbacks, size) &&
           reserve_queue(&loop->running_callbacks, size);
}

/* Takes the whole queue first and runs it then: what these callbacks add
 * waits for the next turn. Half of this program leans on that and on the
 * order being kept: it is what makes "free it later" safe. */
static void
run_callbacks(struct ioloop *loop)
{
    struct queue *running = &loop->running_callbacks, empty = *running;

    *running = loop->callbacks;
    loop->callbacks = empty;
    for (size_t i = 0; i < running->n; i++)
        running->items[i].callback(running->items[i].arg);
    running->n = 0;
}

/* [3] --- waker --------------------------------------------------------- */

/* A callback from outside is written into the pipe as it is. Sixteen bytes
 * go into a pipe whole or not at all, from whatever thread or signal handler
 * and in between whatever else: the kernel is the lock. Tornado writes one
 * "x" here and keeps the callbacks in a list that both sides touch, which
 * was a race until 2.1. */
static bool
wake(struct ioloop *loop, ioloop_callback *callback, void *arg)
{
    struct callback c = {callback, arg};

    return write(loop->waker_write, &c, sizeof c) == (ssize_t)sizeof c;
}

/* IOLoop._read_waker. */
static void
read_waker(int fd, uint32_t events, void *arg)
{
    struct ioloop *loop = arg;
    struct callback received[64];
    ssize_t n = read(fd, received, sizeof received);

    (void)events;
    for (ssize_t i = 0; i < n / (ssize_t)sizeof received[0]; i++) {
        TRACE(-1, "woken: a callback from outside is queued");
        queue_add(&loop->callbacks, received[i].callback, received[i].arg);
    }
}

static int
add_waker(struct ioloop *loop)
{
    int ends[2] = {-1, -1};
    int result = pipe(ends);

    loop->thread = pthread_self();
    loop->waker_read = ends[0];
    loop->waker_write = ends[1];
    if (result == -1 || set_nonblocking(ends[0]) == -1 ||
        set_nonblocking(ends[1]) == -1)
        return -1;
    return ioloop_add_handler(loop, ends[0], read_waker, loop, IOLOOP_READ);
}

void
ioloop_add_callback_from_signal(struct ioloop *loop, ioloop_callback *callback,
                                void *arg)
{
    int saved = errno;

    wake(loop, callback, arg);
    errno = saved;
}

void
ioloop_add_callback(struct ioloop *loop, ioloop_callback *callback, void *arg)
{
    struct pollfd room = {.fd = loop->waker_write, .events = POLLOUT};

    if (pthread_equal(pthread_self(), loop->thread)) {
        queue_add(&loop->callbacks, callback, arg);
        return;
    }
    while (!wake(loop, callback, arg))
        poll(&room, 1, -1);
}

/* [4] --- timeouts ------------------------------------------------------ */

/* Tornado 2.0 asks time.time(), which jumps when somebody sets the
 * clock. A deadline wants a clock that only ever goes forward. */
int64_t
ioloop_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool
earlier(const struct timeout *a, const struct timeout *b)
{
    return a->deadline < b->deadline ||
           (a->deadline == b->deadline && a->number < b->number);
}

/* `t` starts at the open place `i`; children that are earlier move up. */
static void
sift_down(struct ioloop *loop, size_t i, struct timeout *t)
{
    struct timeout **heap = loop->timeouts;
    size_t child;

    while ((child = 2 * i + 1) < loop->ntimeouts) {
        if (child + 1 < loop->ntimeouts &&
            earlier(heap[child + 1], heap[child]))
            child++;
        if (earlier(t, heap[child]))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = t;
}

/* heapq.heappop: the last one takes the place of the first, then sinks. */
static struct timeout *
pop_timeout(struct ioloop *loop)
{
    struct timeout *first = loop->timeouts[0];
    struct timeout *last = loop->timeouts[--loop->ntimeouts];

    if (loop->ntimeouts > 0)
        sift_down(loop, 0, last);
    return first;
}

/* heapq.heappush: the new one starts at the end, and parents that are later
 * move down. What was due long ago is due now: it may not push in before those
 * that are waiting already. */
struct timeout *
ioloop_add_timeout(struct ioloop *loop, int64_t deadline,
                   ioloop_callback *callback, void *arg)
{
    struct timeout *t = malloc(sizeof *t), **heap = loop->timeouts;
    size_t i = loop->ntimeouts, size = 2 * loop->timeouts_size + 16;

    if (i == loop->timeouts_size) {
        heap = realloc(loop->timeouts, size * sizeof *heap);
        loop->timeouts = heap != NULL ? heap : loop->timeouts;
        loop->timeouts_size = heap != NULL ? size : i;
    }
    if (t == NULL || heap == NULL) {
        free(t);
        return NULL;
    }
    if (deadline < loop->now)
        deadline = loop->now;
    *t = (struct timeout){deadline, loop->timeout_number++, callback, arg};
    loop->ntimeouts++;
    for (; i > 0 && earlier(t, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = t;
    return t;
}

/* Throws the removed ones away and makes a heap of the rest (heapify). */
static void
sweep_timeouts(struct ioloop *loop)
{
    size_t n = 0;

    for (size_t i = 0; i < loop->ntimeouts; i++) {
        if (loop->timeouts[i]->callback != NULL)
            loop->timeouts[n++] = loop->timeouts[i];
        else
            free(loop->timeouts[i]);
    }
    loop->ntimeouts = n;
    loop->nremoved = 0;
    for (size_t i = n / 2; i-- > 0;)
        sift_down(loop, i, loop->timeouts[i]);
}

/* Taking something out of the middle of a heap is hard; making it do
 * nothing is easy. It is thrown away when it comes to the top, or together
 * with the others when more than half of the heap is dead (Tornado 3.1: a
 * server that sets and removes a timeout for each request would otherwise
 * keep all of them until their time has come). */
void
ioloop_remove_timeout(struct ioloop *loop, struct timeout *timeout)
{
    timeout->callback = NULL;
    loop->nremoved++;
    if (loop->nremoved > 512 && loop->nremoved > loop->ntimeouts / 2)
        sweep_timeouts(loop);
}

/* Only the timeouts that are due at this moment become callbacks of this
 * turn: one that is added meanwhile, even for "now", waits for the next
 * turn, or a timeout that renews itself would never let us go (Tornado
 * until 4.0). The number tells the old from the new. */
static void
run_timeouts(struct ioloop *loop)
{
    uint64_t newest = loop->timeout_number;

    if (loop->ntimeouts == 0)
        return;
    loop->now = ioloop_time();
    while (loop->ntimeouts > 0) {
        struct timeout *t = loop->timeouts[0];
        ioloop_callback *callback = t->callback;
        void *arg = t->arg;

        if (callback != NULL &&
            (t->deadline > loop->now || t->number >= newest))
            return;
        free(pop_timeout(loop));
        if (callback == NULL) {
            loop->nremoved--;
            continue;
        }
        TRACE(-1, "a timeout is due");
        callback(arg);
    }
}

/* How long the next wait may take, in milliseconds, rounded up: a wait that
 * ends too early would spin until the deadline is really there. */
static int
milliseconds_to_deadline(struct ioloop *loop)
{
    int64_t wait = loop->timeouts[0]->deadline - ioloop_time();

    if (wait <= 0)
        return 0;
    return wait / 1000 < INT_MAX - 1 ? (int)((wait + 999) / 1000) : INT_MAX;
}

/* [4] --- periodic callbacks -------------------------------------------- */

struct periodic_callback {
    struct ioloop *loop;
    struct timeout *timeout;
    int64_t period, next;
    ioloop_callback *callback;
    void *arg;
};

/* PeriodicCallback._run, but on a grid: the next beat is counted from the
 * last, not from when the callback returned, so it does not drift (Tornado
 * 2.1). Without memory for the next timeout the beat ends. */
static void
run_periodic(void *arg)
{
    struct periodic_callback *p = arg;
    int64_t missed = (ioloop_time() - p->next) / p->period;

    p->next += (missed + 1) * p->period;
    p->timeout = ioloop_add_timeout(p->loop, p->next, run_periodic, p);
    p->callback(p->arg);
}

struct periodic_callback *
periodic_callback_start(struct ioloop *loop, int64_t period,
                        ioloop_callback *callback, void *arg)
{
    struct periodic_callback *p = malloc(sizeof *p);

    if (p == NULL)
        return NULL;
    period = period < 1 ? 1 : period;
    *p = (struct periodic_callback){loop, NULL, period, ioloop_time() + period,
                                    callback, arg};
    p->timeout = ioloop_add_timeout(loop, p->next, run_periodic, p);
    if (p->timeout != NULL)
        return p;
    free(p);
    return NULL;
}

void
periodic_callback_stop(struct periodic_callback *periodic)
{
    if (periodic->timeout != NULL)
        ioloop_remove_timeout(periodic->loop, periodic->timeout);
    free(periodic);
}

/* [5] --- the end ------------------------------------------------------- */

/* IOLoop.close(all_fds=True) of Tornado 2.1. What the handlers put off in
 * answer, above all the freeing of what they have closed, is run as well. */
void
ioloop_close_all(struct ioloop *loop)
{
    bool found;

    /* More than once: who was on his way in may arrive only now. */
    do {
        /* [18] Threads may have handed something back. */
        read_waker(loop->waker_read, IOLOOP_READ, loop);

        found = loop->callbacks.n > 0;
        for (int fd = 0; fd < loop->nentries; fd++) {
            struct entry entry = loop->entries[fd];

            if (entry.events == 0 || fd == loop->waker_read)
                continue;
            entry.handler(fd, IOLOOP_ERROR, entry.arg);
            found = true;
        }
        while (loop->callbacks.n > 0)
            run_callbacks(loop);
    } while (found);
}

/* [18] --- the wait hook ------------------------------------------------ */

void
ioloop_set_wait_hook(struct ioloop *loop, void (*hook)(bool begins))
{
    loop->wait_hook = hook;
}

static void
call_wait_hook(struct ioloop *loop, bool begins)
{
    if (loop->wait_hook != NULL)
        loop->wait_hook(begins);
}

/* --- the loop ---------------------------------------------------------- */

bool
ioloop_reserve(struct ioloop *loop, int fd)
{
    if (!reserve_entries(loop, fd))
        return false;

    /* [3] Whoever has a descriptor will put something off. */
    if (!reserve_callbacks(loop))
        return false;

    return true;
}

/* One turn of this loop is one heartbeat of the server. Read it beside
 * IOLoop.start() in Tornado 2.0. */
int
ioloop_start(struct ioloop *loop)
{
    for (;;) {
        int nready, poll_timeout = -1; /* for ever: somebody will come */

        trace_turn++;

        /* [3] First the work that was put off. */
        run_callbacks(loop);

        /* [4] Then the work whose time has come. */
        run_timeouts(loop);

        if (loop->stopped)
            break;

        /* [4] No longer than until the next deadline. */
        if (loop->ntimeouts > 0)
            poll_timeout = milliseconds_to_deadline(loop);

        /* [3] If any of it put off more, there is nothing to wait for. */
        if (loop->callbacks.n > 0) {
            if (++loop->turns_without_wait < MAX_TURNS_WITHOUT_WAIT)
                continue;
            poll_timeout = 0;
        }

        loop->turns_without_wait = 0; /* [3] */
        call_wait_hook(loop, true); /* [18] */

        /* The only line in this server that waits for anything. */
        nready = loop->poller->poll(loop->poller_self, loop->ready, MAX_READY,
                                    poll_timeout);
        loop->poll_count++;
        if (nready == -1 && errno != EINTR)
            return -1;
        call_wait_hook(loop, false); /* [18] */
        run_handlers(loop, nready);
    }
    call_wait_hook(loop, true); /* [18] */
    loop->stopped = false;
    return 0;
}

/* IOLoop.stop(). */
void
ioloop_stop(struct ioloop *loop)
{
    loop->stopped = true;
}
