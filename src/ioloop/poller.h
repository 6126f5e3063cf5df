/* [2] poller.h -- what the loop asks of the kernel, in four verbs.
 *
 *     Tornado 2.0: tornado/ioloop.py, classes _EPoll, _KQueue and _Select
 *
 * Every system can wait for many descriptors at once, and none does it like
 * another. The three ways stand in poller_epoll.c, poller_kqueue.c and
 * poller_select.c behind this one table; the loop does not know which it
 * is using. All of them are level-triggered: what is still true is told
 * again. */
#ifndef POLLER_H
#define POLLER_H

#include <stdint.h>

/* What a descriptor can be ready for. As in Tornado the numbers are epoll's,
 * so that with epoll nothing has to be translated. */
enum {
    IOLOOP_READ = 0x001,
    IOLOOP_WRITE = 0x004,
    IOLOOP_ERROR = 0x008 | 0x010 /* failed, or hung up in both directions */
};

struct poller_event {
    int fd;
    uint32_t events;
};

/* `self` is what new() returned. watch() says what is wanted of a descriptor
 * from now on: it was `before` until now (0: it is new) and is to be `after`
 * (0: forget it); Tornado has three verbs for that, register, modify and
 * unregister. poll() writes up to `max` events to `ready` and answers how
 * many; it waits for the first up to `timeout` milliseconds, -1 for ever.
 * Both answer -1 with errno when it can not be done. A system without this
 * poller has a table with new == NULL. */
struct poller {
    const char *name;
    void *(*new)(void);
    void (*free)(void *self);
    int (*watch)(void *self, int fd, uint32_t before, uint32_t after);
    int (*poll)(void *self, struct poller_event *ready, int max, int timeout);
};

extern const struct poller poller_epoll, poller_kqueue, poller_select;

#endif
