/* [16] httplimits.c -- see httplimits.h.
 *
 * In reading order: what the limits know of a connection, one look at one
 * connection, the sweep over all, and what happens when memory is short. */
#include "httplimits.h"

#include <math.h>
#include <stdlib.h>

#include "log.h"
#include "memory.h"
#include "system.h"
#include "trace.h"

enum { SECOND = 1000000 };

#define NEVER INT64_MAX

/* One connection. `since` is when its present limit began to count: with the
 * state, or with the present window of a body or an answer. */
struct watched {
    struct httpconnection *connection;
    struct iostream *stream;
    struct watched *next, **link;
    enum httpconnection_state state; /* the last that was observed */
    int64_t since;
    size_t mark;  /* progress() at that moment */
    bool sending; /* the limit is the one for unsent bytes */
};

/* --- the list ------------------------------------------------------------ */

static void
append(struct httplimits *limits, struct watched *w)
{
    w->next = NULL;
    w->link = limits->end;
    *limits->end = w;
    limits->end = &w->next;
}

static void
detach(struct httplimits *limits, struct watched *w)
{
    *w->link = w->next;
    if (w->next != NULL)
        w->next->link = w->link;
    else
        limits->end = w->link;
}

/* --- one connection ------------------------------------------------------ */

static bool
is_receiving(const struct watched *w)
{
    enum httpconnection_state state = httpconnection_state(w->connection);

    return state == HTTP_HEAD || state == HTTP_BODY;
}

/* What the client has done so far, in bytes: what it has sent, or what it has
 * acknowledged. */
static size_t
progress(const struct watched *w)
{
    long on_its_way;

    if (!w->sending)
        return iostream_received(w->stream);
    on_its_way = unacknowledged(iostream_fd(w->stream));
    return iostream_sent(w->stream) -
           (on_its_way > 0 ? (size_t)on_its_way : 0);
}

/* A new state, or a new window. */
static void
restart(struct watched *w, int64_t now, bool sending)
{
    w->sending = sending;
    w->since = now;
    w->mark = progress(w);
}

/* Has the present window seen its bytes? */
static bool
fast_enough(const struct httplimits *limits, const struct watched *w)
{
    return progress(w) - w->mark >=
           (size_t)(limits->body_timeout / SECOND) * HTTP_MIN_RATE;
}

/* The time is over. True if it was the loop that was late: the kernel had
 * something that the loop had not received, or room that it had not used. */
static bool
late_ourselves(const struct httplimits *limits, struct watched *w)
{
    size_t before = iostream_received(w->stream);

    if (w->sending)
        return iostream_try_write_now(w->stream);
    if (iostream_try_read_now(w->stream))
        return true;
    switch (httpconnection_state(w->connection)) {
    case HTTP_IDLE:
        return iostream_received(w->stream) > before;
    case HTTP_BODY:
        return fast_enough(limits, w);
    default:
        return false;
    }
}

/* The limit is exceeded. Half an answer must not look like a whole one, so it
 * ends in a reset. A client that has sent nothing is told nothing. */
static void
expire(struct watched *w)
{
    enum httpconnection_state state = httpconnection_state(w->connection);

    if (w->sending) {
        log_warning("a client reads its answer too slowly");
        iostream_abort(w->stream);
    } else if (state == HTTP_IDLE ||
               (state == HTTP_HEAD && iostream_unread(w->stream) == 0)) {
        iostream_close(w->stream);
    } else {
        httpconnection_refuse(w->connection, 408, "the request took too long");
    }
}

/* How long the present state may last; a window, for bodies and answers. */
static int64_t
allowed(const struct httplimits *limits, const struct watched *w)
{
    if (w->sending)
        return limits->body_timeout;
    switch (httpconnection_state(w->connection)) {
    case HTTP_IDLE:

        /* [17] A draining server waits for a request that is on its way. */
        if (limits->draining && iostream_unread(w->stream) == 0)
            return SECOND;

        return limits->idle_timeout;
    case HTTP_HEAD:
        return limits->header_timeout;
    case HTTP_BODY:
        return limits->body_timeout;
    default:
        return NEVER;
    }
}

/* The time of a window is over. True if it has seen its bytes: then the next
 * one begins where the last of them came, which may be a while ago. */
static bool
next_window(const struct httplimits *limits, struct watched *w, int64_t now)
{
    int fd = iostream_fd(w->stream);
    int64_t last = w->sending ? now - time_since_sent(fd) : now;

    if (!fast_enough(limits, w))
        return false;
    restart(w, last > w->since ? last : w->since, w->sending);
    return true;
}

/* Compares a connection with its limit. Returns when to look again. */
static int64_t
check(struct httplimits *limits, struct watched *w, int64_t now)
{
    bool window = false;
    int64_t most;

    if (iostream_fd(w->stream) == -1)
        return NEVER;
    if (w->sending && iostream_unsent(w->stream) == 0)
        restart(w, now, false);
    most = allowed(limits, w);
    if (most == NEVER)
        return NEVER;
    if (w->sending || httpconnection_state(w->connection) == HTTP_BODY)
        window = true;
    if (now - w->since >= most && window && next_window(limits, w, now))
        TRACE(iostream_fd(w->stream), "limits: the next window begins");
    if (now - w->since < most)
        return w->since + most;
    if (!late_ourselves(limits, w)) {
        expire(w);
        return NEVER;
    }
    if (window)
        restart(w, now, w->sending);
    return now + (window ? most : SECOND);
}

/* --- the sweep ----------------------------------------------------------- */

static void sweep(void *arg);

/* Sets the next sweep, or brings it forward. Without memory for a timeout the
 * limits would not be enforced; the next change of a state tries again. */
static void
schedule(struct httplimits *limits, int64_t when)
{
    if (when < limits->last_sweep + SECOND)
        when = limits->last_sweep + SECOND;
    if (limits->timeout != NULL && limits->sweep_at <= when)
        return;
    if (limits->timeout != NULL)
        ioloop_remove_timeout(limits->loop, limits->timeout);
    TRACE(-1, "limits: a sweep is set");
    limits->sweep_at = when;
    limits->timeout = ioloop_add_timeout(limits->loop, when, sweep, limits);
}

/* A connection that is closed or refused here leaves the list in a later turn
 * only, so the list does not change under the loop. */
static void
sweep(void *arg)
{
    struct httplimits *limits = arg;
    int64_t now = ioloop_time(), late = now - limits->sweep_at, next = NEVER;

    limits->timeout = NULL;
    limits->last_sweep = now;
    for (struct watched *w = limits->first; w != NULL; w = w->next) {
        int64_t when;

        if (late > SECOND)
            w->since += late;
        when = check(limits, w, now);
        next = when < next ? when : next;
    }
    TRACE(-1, "limits: every connection has been looked at");
    if (next != NEVER)
        schedule(limits, next);
}

/* --- memory -------------------------------------------------------------- */

static size_t
memory_of(const struct watched *w)
{
    struct httprequest *r = httpconnection_request(w->connection);

    return iostream_memory(w->stream) + (r != NULL ? httprequest_memory(r) : 0);
}

/* May the connection be ended to free its memory? Only the application can end
 * a request that it has. */
static bool
is_candidate(const struct watched *w)
{
    return iostream_fd(w->stream) != -1 &&
           (is_receiving(w) || iostream_unsent(w->stream) > 0);
}

/* Bytes a second since the present window began, which counts as a second at
 * least. An answer that is not measured yet is new: it is not slow. */
static double
speed(const struct watched *w, int64_t now)
{
    int64_t time = now - w->since < SECOND ? SECOND : now - w->since;

    if (!is_receiving(w) && !w->sending)
        return INFINITY;
    return (double)(progress(w) - w->mark) * SECOND / (double)time;
}

/* Of those that hold at least `least` bytes, the slowest unfinished request, or,
 * if `receiving` is false, the slowest reader. */
static struct watched *
slowest(const struct httplimits *limits, size_t least, bool receiving)
{
    struct watched *found = NULL;
    double slow = 0;
    int64_t now = ioloop_time();

    for (struct watched *w = limits->first; w != NULL; w = w->next)
        if (is_candidate(w) && is_receiving(w) == receiving &&
            memory_of(w) >= least &&
            (found == NULL || speed(w, now) < slow)) {
            found = w;
            slow = speed(w, now);
        }
    return found;
}

/* Ends one connection. Returns the bytes that will be free in the next turn, or
 * 0 if there is no candidate. */
static size_t
relieve_once(const struct httplimits *limits)
{
    struct watched *w;
    size_t most = 0, size;

    for (w = limits->first; w != NULL; w = w->next)
        if (is_candidate(w) && memory_of(w) > most)
            most = memory_of(w);
    w = slowest(limits, most / 2, true);
    if (w == NULL)
        w = slowest(limits, most / 2, false);
    if (w == NULL)
        return 0;
    size = memory_of(w);
    if (is_receiving(w)) {
        httpconnection_refuse(w->connection, 503, "no memory for the request");
    } else {
        log_warning("no memory for an answer that is read too slowly");
        iostream_abort(w->stream);
    }
    return size;
}

static void
relieve(void *arg)
{
    struct httplimits *limits = arg;
    size_t freed = 0, size = 1;

    limits->relieving = false;
    while (size > 0 && memory_in_use() > HTTP_MEMORY_LIMIT + freed) {
        size = relieve_once(limits);
        freed += size;
    }
}

/* Called in the middle of an allocation: it only takes a note. */
static void
on_pressure(void *arg)
{
    struct httplimits *limits = arg;

    if (!limits->relieving)
        ioloop_add_callback(limits->loop, relieve, limits);
    limits->relieving = true;
}

/* --- the observer -------------------------------------------------------- */

/* The first state of a connection. */
static struct watched *
watch(struct httplimits *limits, struct httpconnection *c)
{
    struct watched *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->connection = c;
    w->stream = httpconnection_stream(c);
    w->state = HTTP_CLOSED;
    append(limits, w);
    return w;
}

/* A new state. A client that is slow to read stays under that limit while it
 * sends its next requests. */
static void
observe_state(struct httplimits *limits, struct watched *w)
{
    enum httpconnection_state state = httpconnection_state(w->connection);

    if (state == HTTP_IDLE) {
        detach(limits, w);
        append(limits, w);
    }
    if (state > HTTP_BODY || (w->sending && iostream_unsent(w->stream) > 0))
        return;
    restart(w, ioloop_time(), false);
    schedule(limits, w->since + allowed(limits, w));
}

/* The client has sent or taken a part. The first window of an answer begins
 * when the kernel takes no more of it. Every window ends early when it has seen
 * its bytes, so that they are not credited to the time after them. */
static void
observe_part(struct httplimits *limits, struct watched *w)
{
    bool sending = iostream_unsent(w->stream) > 0;

    if (!sending && httpconnection_state(w->connection) != HTTP_BODY)
        return;
    if (sending != w->sending || fast_enough(limits, w)) {
        restart(w, ioloop_time(), sending);
        schedule(limits, w->since + limits->body_timeout);
    }
}

void
httplimits_start(struct httplimits *limits, struct ioloop *loop)
{
    limits->loop = loop;
    limits->end = &limits->first;
    memory_set_limit(HTTP_MEMORY_LIMIT, on_pressure, limits);
}

void
httplimits_observe(struct httpconnection *c, void **own, void *arg)
{
    struct httplimits *limits = arg;
    struct watched *w = *own;

    if (httpconnection_state(c) == HTTP_CLOSED) {
        if (w != NULL)
            detach(limits, w);
        free(w);
        return;
    }
    if (w == NULL)
        w = *own = watch(limits, c);
    if (w == NULL) {
        iostream_close(httpconnection_stream(c));
        return;
    }
    if (httpconnection_state(c) == w->state)
        observe_part(limits, w);
    else
        observe_state(limits, w);
    w->state = httpconnection_state(c);

    /* [17] The last request, unless another one has come behind it. */
    if (httpconnection_state(c) == HTTP_APPLICATION && limits->draining &&
        iostream_unread(w->stream) == 0)
        httpconnection_request(c)->keep_alive = false;
}

/* One that has a byte of the next request waiting is not idle. */
void
httplimits_close_idlest(void *arg)
{
    struct httplimits *limits = arg;

    for (struct watched *w = limits->first; w != NULL; w = w->next) {
        if (httpconnection_state(w->connection) != HTTP_IDLE ||
            iostream_try_read_now(w->stream) ||
            iostream_unread(w->stream) > 0)
            continue;
        TRACE(iostream_fd(w->stream), "idle for longest, closed for others");
        iostream_close(w->stream);
        return;
    }
}

/* [17] Idle connections have a second, from now on, to ask again. */
void
httplimits_drain(struct httplimits *limits)
{
    int64_t now = ioloop_time();

    limits->draining = true;
    for (struct watched *w = limits->first; w != NULL; w = w->next) {
        enum httpconnection_state state = httpconnection_state(w->connection);

        if ((state == HTTP_BODY || state == HTTP_APPLICATION) &&
            iostream_unread(w->stream) == 0)
            httpconnection_request(w->connection)->keep_alive = false;
        if (state == HTTP_IDLE)
            restart(w, now, false);
    }
    schedule(limits, now + SECOND);
}
