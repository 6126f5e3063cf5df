/* [1] system.h -- what differs between systems, and small helpers.
 *
 *     Layer 0: it knows no other part.
 *
 * Calls that fail set errno. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <fcntl.h> /* [28] */
#include <signal.h> /* [17] */
#include <stdbool.h> /* [7] */
#include <stddef.h>
#include <stdint.h> /* [32] */
#include <sys/socket.h>

/* Prints "dustdevil: WHAT: the reason in errno" on stderr and exits with
 * status 1. It is for errors after which the program cannot go on. */
_Noreturn void die(const char *what);

/* A send() to a broken connection raises SIGPIPE without this flag, and the
 * signal ends the program. On a system without the flag (macOS) the program
 * must ignore the signal. */
#ifdef MSG_NOSIGNAL
enum { SEND_FLAGS = MSG_NOSIGNAL };
#else
enum { SEND_FLAGS = 0 };
#endif

/* [2] --- descriptors --------------------------------------------------- */

/* Sets O_NONBLOCK: calls on `fd` fail with EAGAIN in place of waiting. Sets
 * close-on-exec, too: a program that is started with exec() does not get the
 * descriptor. Returns 0, or -1 with errno. */
int set_nonblocking(int fd);

/* [25] Sets the options of a listening TCP socket, which its connections
 * inherit. TCP_NODELAY: the kernel sends the last packet of a block at once. A
 * block is sent with one call, so the packet need not wait for more. */
void set_tcp_options(int fd);

/* [32] set_tcp_options() sets TCP_NOTSENT_LOWAT, too, where the system has it:
 * the kernel buffers at most 64 KiB of unsent bytes for each connection. The
 * default is megabytes for each client that does not read. */

/* [34] set_tcp_options() sets TCP_DEFER_ACCEPT, too, where the system has it:
 * the kernel reports a connection when its first bytes have come, or after a
 * second, so that the first recv() finds the request. */

/* [7] True if a call on a non-blocking socket that has failed with this errno
 * may be repeated. */
bool is_temporary(int error);

/* [18] Returns the number of bytes that were sent on the TCP socket `fd` and
 * that the peer's kernel has not acknowledged yet, or -1 if the system cannot
 * tell. */
long unacknowledged(int fd);

/* [32] Returns the microseconds since the kernel last sent data on the TCP
 * socket `fd`, or 0 if the system cannot tell. */
int64_t time_since_sent(int fd);

/* [9] Accepts a connection like accept(), and makes the new descriptor
 * non-blocking and close-on-exec. Returns the descriptor, or -1 with errno. */
int accept_nonblocking(int listener, struct sockaddr *peer, socklen_t *size);

/* [33] The option that lets several sockets listen at one port, if the kernel
 * distributes connections among them; else 0. (On the BSDs, SO_REUSEPORT
 * does not distribute them.) */
#ifdef __linux__
enum { SHARED_PORT = SO_REUSEPORT };
#else
enum { SHARED_PORT = 0 };
#endif

/* [32] --- memory ------------------------------------------------------- */

/* Returns freed memory to the system, as far as the C library keeps any. It
 * walks through the whole heap. */
void trim_heap(void);

/* [36] After this call large blocks lie outside of the heap: they grow without
 * a copy, and free() returns them to the system. The heap keeps up to 4 MiB of
 * free memory at its end. */
void prepare_heap(void);

/* [17] --- signals ------------------------------------------------------ */

/* Fills `set` with the signals that signals_hold() blocks: those that end the
 * program, and from chapter 33 on those of a parent process. */
void watched_signals(sigset_t *set);

/* [28] --- files -------------------------------------------------------- */

/* [29] The time of the last change has another name on macOS. */
#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

/* For open(): a directory in which names can be looked up. Permission to search
 * it is enough; where the system has no such flag, it must be readable too. */
#if defined O_SEARCH
enum { DIRECTORY = O_SEARCH | O_DIRECTORY };
#elif defined O_PATH
enum { DIRECTORY = O_PATH | O_DIRECTORY };
#else
enum { DIRECTORY = O_RDONLY | O_DIRECTORY };
#endif

/* [30] --- secrets ------------------------------------------------------ */

/* getentropy() gets up to 256 random bytes from the kernel, which no client can
 * guess. This needs no state, which two processes would share after a fork. */
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

/* _time_independent_equals: true if the bytes are equal. The time does not
 * depend on the result. memcmp() may stop at the first byte that differs; then
 * a client that measures the time can guess a secret byte by byte. */
bool equal_in_constant_time(const void *a, const void *b, size_t size);

/* ----------------------------------------------------------------------- */

#endif
