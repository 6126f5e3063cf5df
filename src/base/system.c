/* [1] system.c -- see system.h. */
#include "system.h"

#include <errno.h>
#include <fcntl.h> /* [2] */
#include <netinet/in.h> /* [25] */
#include <netinet/tcp.h> /* [25] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h> /* [18] */
#include <unistd.h> /* [9] */

#ifdef __GLIBC__ /* [32] */
#include <malloc.h> /* [32] */
#endif /* [32] */

void
die(const char *what)
{
    fprintf(stderr, "dustdevil: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* [2] --- descriptors --------------------------------------------------- */

int
set_nonblocking(int fd)
{
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == -1)
        return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* [9] accept4() does with one system call what accept() and set_nonblocking()
 * do with four. Systems that have it define SOCK_NONBLOCK. */
int
accept_nonblocking(int listener, struct sockaddr *peer, socklen_t *size)
{
#ifdef SOCK_NONBLOCK
    return accept4(listener, peer, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    int fd = accept(listener, peer, size);

    if (fd == -1 || set_nonblocking(fd) == 0)
        return fd;
    close(fd);
    return -1;
#endif
}

/* [7] --- errors -------------------------------------------------------- */

/* POSIX lets EAGAIN and EWOULDBLOCK be two different numbers. */
bool
is_temporary(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* [25] --- options of a listener ------------------------------------------ */

/* Errors are ignored, because the server works without the options. */
void
set_tcp_options(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef TCP_NOTSENT_LOWAT /* [32] */
    int max = 65536; /* [32] */

    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &max, sizeof max); /* [32] */
#endif /* [32] */
#ifdef TCP_DEFER_ACCEPT /* [34] */
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on); /* [34] */
#endif /* [34] */
}

/* [18] --- acknowledged bytes -------------------------------------------- */

/* Linux and macOS have different calls for this number. SIOCOUTQ of tcp(7) is
 * the same as TIOCOUTQ, which needs no header of the kernel. If the call fails,
 * `n` stays -1. */
long
unacknowledged(int fd)
{
    int n = -1;

#if defined(__linux__)
    ioctl(fd, TIOCOUTQ, &n);
#elif defined(SO_NWRITE)
    socklen_t size = sizeof n;

    getsockopt(fd, SOL_SOCKET, SO_NWRITE, &n, &size);
#else
    (void)fd;
#endif
    return n;
}

/* [32] --- the time of the last send ------------------------------------- */

/* The kernel sends new data only while the peer has room for it. To send a lost
 * packet again counts, too. */
int64_t
time_since_sent(int fd)
{
#ifdef __linux__
    struct tcp_info info = {0};
    socklen_t size = sizeof info;

    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_last_data_sent * INT64_C(1000);
#else
    (void)fd;
    return 0;
#endif
}

/* [32] --- memory ------------------------------------------------------- */

/* Only glibc needs this call. Other C libraries return each large block to the
 * system when it is freed. */
void
trim_heap(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* [36] M_MMAP_THRESHOLD: a block of at least this size lies outside of the
 * heap, and free() returns it to the system. glibc would raise this limit to
 * the size of the largest such block that was freed; a fixed limit stays.
 * M_TRIM_THRESHOLD: up to 4 MiB at the end of the heap are kept. Otherwise a
 * busy loop would return this memory and ask for it again in every turn. */
void
prepare_heap(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 131072);
    mallopt(M_TRIM_THRESHOLD, 4194304);
#endif
}

/* [17] --- signals ------------------------------------------------------ */

void
watched_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);

    /* [33] The signals of a parent (process.c). */
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGCHLD);
    sigaddset(set, SIGALRM);
}

/* [30] --- secrets ------------------------------------------------------ */

/* The loop has no early exit: all bytes are compared before the result is used.
 * Without volatile the compiler could stop at the first difference. */
bool
equal_in_constant_time(const void *a, const void *b, size_t size)
{
    const volatile unsigned char *p = a, *q = b;
    unsigned char differ = 0;

    for (size_t i = 0; i < size; i++)
        differ |= p[i] ^ q[i];
    return differ == 0;
}

