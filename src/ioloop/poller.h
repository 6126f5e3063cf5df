/* [2] poller.h -- what the loop needs of the kernel, in a few functions.
 *
 *     Tornado 2.0: tornado/ioloop.py, classes _EPoll, _KQueue and _Select
 *
 * Every system can wait for many descriptors at once, and each does it in its
 * own way: select() everywhere, epoll on Linux, kqueue on macOS and the BSDs
 * (chapter 3). The loop knows only the table of functions below. All pollers
 * are level-triggered: what is still true is reported again by the next poll.
 *
 * - A poller reports READ when recv() would not wait: bytes have arrived, the
 *   peer has ended what it sends, or the connection is broken.
 * - It reports WRITE when the kernel has room for bytes to send.
 * - ERROR is always watched. epoll and kqueue report it when the connection is
 *   broken. select() reports READ and WRITE then, if they are watched. If only
 *   ERROR is watched, select() reports nothing: from step 24 on
 *   poller_select.c tries such sockets itself, at least once a second. */
#ifndef POLLER_H
#define POLLER_H

#include <stdint.h>

/* What a descriptor can be ready for. ERROR means that the descriptor has
 * failed, or that both directions of its connection are closed. As in Tornado
 * the numbers are those of epoll, so poller_epoll.c need not translate them. */
enum { IOLOOP_READ = 0x001, IOLOOP_WRITE = 0x004, IOLOOP_ERROR = 0x018 };

/* The most events that one wait can report. On most systems select() cannot
 * watch more descriptors than this. */
enum { MAX_READY = 1024 };

struct poller_event {
    int fd;
    uint32_t events;
};

/* - new() returns the pointer that the other functions get as `self`, or NULL
 *   with errno.
 * - watch() replaces the events of a descriptor: `before` are those until now
 *   (0: none), `after` those from now on (0: none). Tornado has three functions
 *   for that: register, modify, unregister. 0, or -1 with errno; from chapter
 *   24 on EBADF if it is not open.
 * - poll() waits up to `timeout` milliseconds (-1: no limit), writes up to
 *   MAX_READY events to `ready`, and returns their number, or -1 with errno.
 * - On a system that does not have the poller, `new` is NULL. */
struct poller {
    const char *name;
    void *(*new)(void);
    int (*watch)(void *self, int fd, uint32_t before, uint32_t after);
    int (*poll)(void *self, struct poller_event *ready, int timeout);
    void (*free)(void *self); /* [17] */
};

extern const struct poller poller_select;
extern const struct poller poller_epoll, poller_kqueue; /* [3] */

#endif
