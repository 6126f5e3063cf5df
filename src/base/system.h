/* [1] system.h -- what every system does, and each in its own way.
 *
 *     Floor 0 of the house: it knows nobody. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <fcntl.h> /* [14] */
#include <signal.h> /* [11] */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h> /* [16] */
#include <sys/socket.h>
#include <sys/types.h> /* [14] */

/* Prints "dustdevil: WHAT: the reason in errno" on stderr and exits with
 * status 1. For what goes wrong before the server serves. */
_Noreturn void die(const char *what);

/* [2] --- descriptors --------------------------------------------------- */

/* From now on no call on `fd` may wait (it fails with EAGAIN instead), and
 * no program that we might start inherits it. 0, or -1 with errno. */
int set_nonblocking(int fd);

/* [16] The kernel shall take for a connection of this listening socket only a
 * little more than it can send at once. Otherwise each client that does not
 * read costs megabytes of its memory, and one that reads slowly seems to take
 * nothing for a minute: WRITE comes when a third of all that has left. */
void set_notsent_lowat(int listener);

/* [10] How many bytes that were sent on `fd`, a TCP socket, its peer's kernel
 * has not acknowledged yet; -1 where the system cannot tell. */
long unacknowledged(int fd);

/* [16] Microseconds since the system last sent data on `fd`, a TCP socket; 0
 * where it cannot tell. */
int64_t time_since_sent(int fd);

/* accept(), and the new descriptor is non-blocking and close-on-exec. Where
 * the system can do all of that in one call, it is one. -1 with errno. */
int accept_nonblocking(int listener, struct sockaddr *peer, socklen_t *size);

/* A send() to a peer that has gone raises SIGPIPE unless this flag is given.
 * Where it does not exist (macOS) the program has to ignore the signal. */
#ifdef MSG_NOSIGNAL
enum { SEND_FLAGS = MSG_NOSIGNAL };
#else
enum { SEND_FLAGS = 0 };
#endif

/* [17] The option that lets several sockets listen at one port, if the kernel
 * deals connections out among them; else 0. (The BSDs have an option of that
 * name, too, but there it does not mean that.) */
#ifdef __linux__
enum { SHARED_PORT = SO_REUSEPORT };
#else
enum { SHARED_PORT = 0 };
#endif

/* [16] --- memory ------------------------------------------------------- */

/* Returns freed memory to the system, as far as the C library keeps any. It
 * walks through the whole heap. */
void trim_heap(void);

/* [11] --- signals ------------------------------------------------------ */

/* The signals that tell a program of the course to end, or that tell its
 * parent process what to do. */
void watched_signals(sigset_t *set);

/* [14] --- files -------------------------------------------------------- */

/* Some file systems know when a file was changed to the nanosecond, and every
 * system calls that field by another name. */
struct stat;
long modified_nanoseconds(const struct stat *st);

/* For open(): a directory in which names can be looked up. Permission to search
 * it is enough; where the system has no such flag, it must be readable too. */
#if defined O_SEARCH
enum { SEARCH_ONLY = O_SEARCH };
#elif defined O_PATH
enum { SEARCH_ONLY = O_PATH };
#else
enum { SEARCH_ONLY = O_RDONLY };
#endif

/* Sends up to `size` bytes of `file`, from *offset on, which is moved on, to a
 * socket: where the system can, without a copy in our memory. As send(): how
 * many bytes it has taken, or -1 with errno. 0: the file has no more. (There
 * is no SEND_FLAGS here: the program has to ignore SIGPIPE.) */
ssize_t send_file(int to, int file, off_t *offset, size_t size);

/* For send(): more follows at once, do not send half a packet. Where it does
 * not exist the packet leaves, and nothing else is different. */
#ifdef MSG_MORE
enum { SEND_MORE = MSG_MORE };
#else
enum { SEND_MORE = 0 };
#endif

/* [2] --- text ---------------------------------------------------------- */

/* Copies `from` to `to`, which has room for `size` bytes, of which the NUL is
 * one, and answers how long it has become. All but printable ASCII becomes
 * \x0a and the like, and so does the backslash, or one could fake an escape:
 * a terminal obeys control bytes, and a newline would start a line that we
 * have never said. What has no room is left out. */
size_t make_printable(char *to, size_t size, const char *from);

/* Writes a line to stderr, unless nobody takes it now: false then, and the
 * line is lost. A pipe whose reader sleeps must not put the server to sleep.
 * Not more than PIPE_BUF bytes, or it may wait after all. */
bool write_stderr(const char *line, size_t size);

/* [15] --- randomness ------------------------------------------------------- */

/* Bytes that nobody can guess, from the kernel, at most 256: a fork cannot
 * make two processes have the same, and there is no state to steal. False if
 * the kernel has none to give. */
bool random_bytes(void *to, size_t size);

/* ----------------------------------------------------------------------- */

#endif
