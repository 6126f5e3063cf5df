/* [32] httplimits.c -- see httplimits.h.
 *
 * In reading order: what the limits know of a connection, the sweep over all
 * connections, and the observer. */
#include "httplimits.h"

#include <stdlib.h>
#include <string.h> /* [34] */

#include "log.h"
#include "memory.h"
#include "system.h"
#include "trace.h"

enum { SECOND = 1000000 };

/* A deadline that never comes. It is half of the maximum, so that a time can be
 * added without an overflow. */
#define NEVER (INT64_MAX / 2)

/* What is known of one connection. Its present limit is that of its state or,
 * if `sending` is set, that of an answer. */
struct watched {
    struct httpconnection *connection;
    struct iostream *stream;
    struct watched *next, **link;
    enum httpconnection_state state;
    bool sending; /* the limit is the one for unsent bytes */
    int64_t since; /* when this limit, or the present window of it, began */
    size_t mark;   /* progress() at that moment */
    int64_t since_before; /* [36] of the window before */
    size_t mark_before; /* [36] */
    double holding; /* [36] holding_time() when memory was short */
};

/* --- one connection ------------------------------------------------------ */

/* The bytes that the client has sent so far or, while an answer is measured,
 * the bytes of answers that it has acknowledged. */
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

/* A limit, or the next window of it, counts from `now` on. */
static void
restart(struct watched *w, bool sending, int64_t now)
{
    struct watched before = *w; /* [36] */

    w->sending = sending;
    w->since = now;
    w->mark = progress(w);

    /* [36] The first window of a limit has none before it. */
    if (sending != before.sending)
        before = *w;
    w->since_before = before.since;
    w->mark_before = before.mark;
}

/* The end of the present limit, or window. */
static int64_t
deadline(const struct httplimits *limits, const struct watched *w)
{
    return w->since + (w->sending             ? limits->timeouts[HTTP_BODY]
                       : w->state > HTTP_BODY ? NEVER
                                              : limits->timeouts[w->state]);
}

/* True if the client has sent, or acknowledged, enough bytes in the present
 * window. Only bodies and answers have windows. */
static bool
is_fast_enough(const struct httplimits *limits, const struct watched *w)
{
    return (w->sending || w->state == HTTP_BODY) &&
           progress(w) - w->mark >= (size_t)(limits->timeouts[HTTP_BODY] /
                                             SECOND * HTTP_MIN_RATE);
}

/* To be called when the deadline is over. Receives what the kernel already has.
 * True if the client was in time after all: the read is complete now, or a body
 * has enough bytes for its window, or an idle client has begun a request. (The
 * kernel counts what a client acknowledges even if the loop is late, so an
 * answer needs no such check.) */
static bool
loop_was_late(const struct httplimits *limits, struct watched *w)
{
    size_t before = iostream_received(w->stream);

    return !w->sending &&
           (iostream_try_read_now(w->stream) || is_fast_enough(limits, w) ||
            (w->state == HTTP_IDLE && iostream_received(w->stream) > before));
}

static bool
is_receiving(const struct watched *w)
{
    return w->state == HTTP_HEAD || w->state == HTTP_BODY;
}

/* A limit is exceeded. An unfinished answer ends with a reset, so that it does
 * not look complete. If the client has sent no byte of a request, the
 * connection is closed without an answer. */
static void
expire(struct watched *w, const char *wrong)
{
    if (iostream_unsent(w->stream) > 0 && (w->sending || !is_receiving(w))) {
        log_warning("%s: a client reads its answer too slowly", wrong + 4);
        iostream_abort(w->stream);
    } else if (w->state == HTTP_BODY ||
               (w->state == HTTP_HEAD && iostream_unread(w->stream) > 0)) {
        httpconnection_refuse(w->connection, wrong);
    } else {
        iostream_close(w->stream);
    }
}

/* Compares a connection with its limit. Returns the time of the next check. If
 * a window has enough bytes the next one begins: that of a body now, that of an
 * answer when the client last took bytes, if the system can tell that. */
static int64_t
check(const struct httplimits *limits, struct watched *w, int64_t now)
{
    if (iostream_fd(w->stream) == -1)
        return NEVER;
    if (w->sending && iostream_unsent(w->stream) == 0)
        restart(w, false, now);
    if (w->sending && now >= deadline(limits, w) && is_fast_enough(limits, w)) {
        int64_t last = now - time_since_sent(iostream_fd(w->stream));

        restart(w, true, last > w->since ? last : w->since);
    }
    if (now < deadline(limits, w))
        return deadline(limits, w);
    if (!loop_was_late(limits, w)) {
        expire(w, "408 the request took too long");
        return NEVER;
    }
    if (w->state == HTTP_BODY)
        restart(w, false, now);
    return now + SECOND;
}

/* --- the sweep ----------------------------------------------------------- */

static void sweep(void *arg);

/* Sets the next sweep, or brings it forward. Without memory for a timeout the
 * limits are not enforced until the next change of a state tries again. */
static void
schedule(struct httplimits *limits, int64_t when)
{
    if (when < limits->last_sweep + SECOND)
        when = limits->last_sweep + SECOND;
    if (when >= NEVER || (limits->sweep != NULL && limits->sweep_at <= when))
        return;
    ioloop_remove_timeout(limits->loop, limits->sweep);
    TRACE(-1, "limits: a sweep is set");
    limits->sweep_at = when;
    limits->sweep = ioloop_add_timeout(limits->loop, when, sweep, limits);
}

/* A connection that is closed or refused here leaves the list only in a later
 * turn, so the list does not change during the sweep. If the sweep is late, the
 * loop was late, and the delay does not count: each limit begins later by the
 * delay, but not later than now. */
static void
sweep(void *arg)
{
    struct httplimits *limits = arg;
    int64_t now = ioloop_time(), late = now - limits->sweep_at, next = NEVER;

    limits->sweep = NULL;
    limits->last_sweep = now;
    for (struct watched *w = limits->first; w != NULL; w = w->next) {
        int64_t when;

        if (late > SECOND / 4)
            w->since = w->since + late < now ? w->since + late : now;
        when = check(limits, w, now);
        next = when < next ? when : next;
    }
    if (memory_had_peak())
        memory_give_back();
    TRACE(-1, "limits: every connection has been checked");
    schedule(limits, next);
}

/* [36] --- memory --------------------------------------------------------- */

/* The memory that would be freed if the connection ended. The request does not
 * count while the application has it: only the application can end it. */
static size_t
memory_of(const struct watched *w)
{
    struct httprequest *r = httpconnection_request(w->connection);

    if (iostream_fd(w->stream) == -1 ||
        (!is_receiving(w) && iostream_unsent(w->stream) == 0))
        return 0;
    return iostream_memory(w->stream) +
           (is_receiving(w) && r != NULL ? httprequest_memory(r) : 0);
}

/* The time, in microseconds, that this client would need at its present speed
 * to move all the bytes that it holds in memory. A fast client begins a new
 * window with almost every packet, so the window before counts, too. If both
 * began less than a tenth of a second ago, or nothing is measured yet, the
 * speed counts as 1 GB/s. */
static double
holding_time(const struct watched *w, int64_t now)
{
    int64_t time = now - w->since_before;

    if (time < SECOND / 10 || (!is_receiving(w) && !w->sending))
        return (double)memory_of(w) / 1000;
    return (double)memory_of(w) * (double)time /
           (double)(progress(w) - w->mark_before + 1);
}

/* Ends connections until enough memory will be free in the next turn: first
 * those whose holding_time() is at least half of the longest one, then those
 * with a quarter of it, and so on.
 * - The connection of a client that fills memory and then waits ends before
 *   that of a fast new client, even if the new client holds more memory.
 * - To look for the slowest client again after each end would take too long
 *   with thousands of connections. */
static void
relieve(void *arg)
{
    struct httplimits *limits = arg;
    long excess = (long)memory_in_use() - HTTP_MEMORY_LIMIT;
    int64_t now = ioloop_time();
    double longest = 0;
    struct watched *w;

    for (w = limits->first; w != NULL && excess > 0; w = w->next) {
        w->holding = holding_time(w, now);
        longest = w->holding > longest ? w->holding : longest;
    }
    /* What holds less than a microsecond holds no memory worth a connection. */
    for (double least = longest / 2; excess > 0 && least >= 1; least /= 2)
        for (w = limits->first; w != NULL && excess > 0; w = w->next)
            if (w->holding >= least) {
                excess -= (long)memory_of(w);
                w->holding = 0;
                expire(w, "503 memory is short");
            }

    /* The error pages that this has allocated are no new pressure. */
    limits->relieving = false;
}

/* Called in the middle of an allocation, so it only sets a timeout. This is due
 * after the next wait of the loop: then the requests are free that finish in
 * this turn. */
static void
on_pressure(void *arg)
{
    struct httplimits *limits = arg;

    if (!limits->relieving)
        limits->relieving = ioloop_add_timeout(limits->loop, 0, relieve,
                                               limits) != NULL;
}

/* --- the observer -------------------------------------------------------- */

void
httplimits_start(struct httplimits *limits, struct ioloop *loop)
{
    limits->loop = loop;

    /* [36] The limit of all connections together. */
    memory_set_limit(HTTP_MEMORY_LIMIT, on_pressure, limits);
}

/* Makes the record of a new connection. NULL: no memory, and the connection is
 * closed. */
static struct watched *
watch(struct httplimits *limits, struct httpconnection *c,
      struct iostream *stream)
{
    struct watched *w = calloc(1, sizeof *w);

    if (w == NULL) {
        iostream_close(stream);
        return NULL;
    }
    *w = (struct watched){.connection = c, .stream = stream,
                          .state = HTTP_CLOSED,
                          .next = limits->first, .link = &limits->first};
    limits->first = w;
    if (w->next != NULL)
        w->next->link = &w->next;
    return w;
}

/* The limit of a state counts from the start of the state. The first window of
 * an answer begins when the kernel takes no more bytes of it, and continues
 * through the client's next requests. A window ends early when it has enough
 * bytes, so that these bytes do not make up for silence later. */
void
httplimits_observe(struct httpconnection *c, struct iostream *stream,
                   enum httpconnection_state state, void **own, void *arg)
{
    struct httplimits *limits = arg;
    struct watched *w = *own;

    if (w == NULL && state != HTTP_CLOSED)
        w = *own = watch(limits, c, stream);
    if (w == NULL)
        return;

    /* A request has ended, and its memory is free in the next turn. A sweep
     * returns it to the system. */
    if ((state == HTTP_IDLE || state == HTTP_CLOSED) && memory_had_peak())
        schedule(limits, ioloop_time() + SECOND);

    if (state == HTTP_CLOSED) {
        *w->link = w->next;
        if (w->next != NULL)
            w->next->link = w->link;
        free(w);
        return;
    }
    bool same = state == w->state, unsent = iostream_unsent(w->stream) > 0;

    w->state = state;
    if (same ? unsent > w->sending || is_fast_enough(limits, w)
             : state <= HTTP_BODY && !(w->sending && unsent)) {
        restart(w, same && unsent, ioloop_time());
        schedule(limits, deadline(limits, w));
    }

    /* [34] While the server drains, this request is the last of its
     * connection, unless another one has arrived behind it. */
    if (state == HTTP_APPLICATION && limits->draining &&
        iostream_unread(w->stream) == 0)
        httpconnection_request(c)->keep_alive = false;
}

/* [34] --- idle connections ------------------------------------------------ */

/* True if the connection is between two requests: no byte of the next request
 * has arrived, and no byte of an answer is unsent. Empty lines do not count as
 * a request: otherwise a client could send one, and would never be idle. */
static bool
is_idle(const struct watched *w)
{
    size_t size;
    const char *data = iostream_peek(w->stream, &size);

    while (size > 0 && memchr("\r\n", data[size - 1], 2) != NULL)
        size--;
    return w->state == HTTP_IDLE && iostream_fd(w->stream) != -1 && size == 0 &&
           iostream_unsent(w->stream) == 0;
}

void
httplimits_close_idlest(void *arg)
{
    struct httplimits *limits = arg;
    struct watched *idlest = NULL;

    for (struct watched *w = limits->first; w != NULL; w = w->next)
        if (is_idle(w) && (idlest == NULL || w->since < idlest->since))
            idlest = w;
    if (idlest == NULL || iostream_try_read_now(idlest->stream) ||
        !is_idle(idlest))
        return;
    TRACE(iostream_fd(idlest->stream), "idle longest, closed for another");
    iostream_close(idlest->stream);
}

/* Idle connections have one second, from now on, for another
 * request. */
void
httplimits_drain(struct httplimits *limits)
{
    int64_t now = ioloop_time();

    limits->draining = true;
    limits->timeouts[HTTP_IDLE] = SECOND;
    for (struct watched *w = limits->first; w != NULL; w = w->next)
        if (w->state == HTTP_IDLE && iostream_unsent(w->stream) == 0)
            restart(w, false, now);
        else if (w->state == HTTP_APPLICATION &&
                 iostream_unread(w->stream) == 0)
            httpconnection_request(w->connection)->keep_alive = false;
    schedule(limits, now + SECOND);
}
