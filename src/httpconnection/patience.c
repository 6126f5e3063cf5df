/* [16] patience.c -- see patience.h. */
#include "patience.h"

#include "trace.h"

/* As far in the future as there is, if it is never too late. */
int64_t
patience_after(int64_t since, int64_t timeout)
{
    return timeout > 0 ? since + timeout : PATIENCE_NEVER;
}

/* Too early is the usual case: since the timeout was set, the client has done
 * something, and got another deadline for it. */
static void
ring(void *arg)
{
    struct patience *p = arg;

    p->timeout = NULL;
    if (p->deadline(p->arg) <= ioloop_time() || !patience_check(p))
        p->expired(p->arg);
}

/* An earlier deadline is the unusual case: half a head has come, or the kernel
 * takes no more for a client. Only then the heap of timeouts has work. */
bool
patience_check(struct patience *p)
{
    int64_t deadline = p->deadline(p->arg);

    if (deadline == PATIENCE_NEVER ||
        (p->timeout != NULL && p->rings <= deadline))
        return true;
    patience_end(p);
    p->rings = deadline;
    p->timeout = ioloop_add_timeout(p->loop, deadline, ring, p);
    TRACE(-1, "patience: a timeout is set");
    return p->timeout != NULL;
}

void
patience_end(struct patience *p)
{
    if (p->timeout != NULL)
        ioloop_remove_timeout(p->loop, p->timeout);
    p->timeout = NULL;
}
