/* [32] httplimits.h -- limits for all connections.
 *
 *     Tornado 2.0 has none (idle_connection_timeout, body_timeout: 4.0).
 *     Layer 4: connections do not know it; it observes them.
 *
 * The limits of a connection depend on its state:
 *
 *     IDLE          timeouts[HTTP_IDLE], then it is closed
 *     HEAD          timeouts[HTTP_HEAD] for the whole head, then 408; a client
 *                   that has sent nothing is closed without an answer
 *     BODY          at least HTTP_MIN_RATE bytes a second on average in each
 *                   window of timeouts[HTTP_BODY], then 408
 *     APPLICATION   no limit
 *     any           while bytes of answers are unsent: the same rate, in bytes
 *                   that the client acknowledges; then the connection is reset
 *
 * - One sweep compares all connections with their limits: at most once a
 *   second, and not before the earliest deadline that is known. So a limit may
 *   be enforced up to a second late, and is never enforced early.
 * - Before a sweep ends a connection because bytes are missing, it receives
 *   what the kernel already has for the stream. Time in which the loop itself
 *   was late does not count. */
#ifndef HTTPLIMITS_H
#define HTTPLIMITS_H

#include "httpconnection.h"

enum { HTTP_MIN_RATE = 500 };

/* [36] When all buffers and arenas together occupy more than this, connections
 * end.
 * - For each client the time is computed that it would need, at its present
 *   speed, to move the bytes that it holds in memory. First the connections end
 *   whose clients would need at least half of the longest time.
 * - An unfinished request gets 503, an unfinished answer a reset.
 * - The memory from here to MEMORY_MAX is for the requests that are not
 *   ended. */
enum { HTTP_MEMORY_LIMIT = 184 << 20 };

/* The owner fills in the timeouts, in microseconds; the other fields are zero
 * at first. The struct must live as long as the connections. */
struct httplimits {
    int64_t timeouts[HTTP_BODY + 1];

    struct ioloop *loop;
    struct watched *first;
    struct timeout *sweep; /* NULL: none is set */
    int64_t sweep_at, last_sweep;
    bool draining; /* [34] */
    bool relieving; /* [36] a timeout will call relieve() */
};

/* To be called before the first connection is made. */
void httplimits_start(struct httplimits *limits, struct ioloop *loop);

/* An observer of connections; `arg` is a struct httplimits. */
void httplimits_observe(struct httpconnection *connection,
                        struct iostream *stream,
                        enum httpconnection_state state, void **own,
                        void *arg);

/* [34] Closes the connection that has been idle longest, if one is idle. A
 * callback for httpserver_set_limit(); `arg` is a struct httplimits. */
void httplimits_close_idlest(void *arg);

/* [34] From now on a connection may be idle for one second. An answer that has
 * not begun gets "Connection: close", unless the next request has already
 * arrived behind its own. Returns at once. */
void httplimits_drain(struct httplimits *limits);

#endif
