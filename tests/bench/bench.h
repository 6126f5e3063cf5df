/* bench.h -- which sockets are ready: epoll on Linux, kqueue elsewhere.
 *
 * For floor.c and load.c only. A socket is always watched for reading, and for
 * writing while `out` is true. Level-triggered: what has not been read or
 * written is reported again. Costs nothing beyond the system call. */
#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#ifdef __linux__
#include <sys/epoll.h>

typedef struct epoll_event event;

static inline int
events_new(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

static inline int
events_control(int queue, int operation, int fd, bool out, void *arg)
{
    event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = arg};

    return epoll_ctl(queue, operation, fd, &e);
}

static inline int
events_add(int queue, int fd, bool out, void *arg)
{
    return events_control(queue, EPOLL_CTL_ADD, fd, out, arg);
}

static inline int
events_set(int queue, int fd, bool out, void *arg)
{
    return events_control(queue, EPOLL_CTL_MOD, fd, out, arg);
}

static inline int
events_wait(int queue, event *events, int n, int ms)
{
    return epoll_wait(queue, events, n, ms);
}

static inline void *
event_arg(const event *e)
{
    return e->data.ptr;
}

static inline bool
event_out(const event *e)
{
    return e->events & EPOLLOUT;
}

#else
#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>

typedef struct kevent event;

static inline int
events_new(void)
{
    return kqueue();
}

/* Deleting a filter that is not there is an error without consequence. */
static inline int
events_set(int queue, int fd, bool out, void *arg)
{
    event e;

    EV_SET(&e, fd, EVFILT_WRITE, out ? EV_ADD : EV_DELETE, 0, 0, arg);
    return kevent(queue, &e, 1, NULL, 0, NULL) == -1 && out ? -1 : 0;
}

static inline int
events_add(int queue, int fd, bool out, void *arg)
{
    event e;

    EV_SET(&e, fd, EVFILT_READ, EV_ADD, 0, 0, arg);
    if (kevent(queue, &e, 1, NULL, 0, NULL) == -1)
        return -1;
    return out ? events_set(queue, fd, true, arg) : 0;
}

static inline int
events_wait(int queue, event *events, int n, int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    return kevent(queue, NULL, 0, events, n, ms < 0 ? NULL : &t);
}

static inline void *
event_arg(const event *e)
{
    return e->udata;
}

static inline bool
event_out(const event *e)
{
    return e->filter == EVFILT_WRITE;
}
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: SIGPIPE is ignored */
#endif

static inline void
set_option(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof value);
}

static inline size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* 127.0.0.1, where all of this happens. */
static inline struct sockaddr_in
loopback(int port)
{
    struct sockaddr_in a;

    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons((unsigned short)port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

#endif
