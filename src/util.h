/* [1] util.h -- the few things that every other file would repeat.
 *
 *     Floor 0 of the house: it knows nobody. */
#ifndef UTIL_H
#define UTIL_H

#include <stdbool.h>
#include <stddef.h>
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
void keep_little_unsent(int listener);

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

/* [14] --- files -------------------------------------------------------- */

/* Some file systems know when a file was changed to the nanosecond, and every
 * system calls that field by another name. */
struct stat;
long modified_nanoseconds(const struct stat *st);

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

/* [5] --- delimiters ---------------------------------------------------- */

/* Does the delimiter stand at `p`? The number of bytes it takes there, CRs
 * included; 0 if it does not; and -1 if the data ends before it is certain. */
ptrdiff_t match_delimiter(const char *p, const char *end,
                          const char *delimiter);

/* [15] --- chance ------------------------------------------------------- */

/* Bytes that nobody can guess, from the kernel, at most 256: a fork cannot
 * make two processes have the same, and there is no state to steal. False if
 * the kernel has none to give. */
bool random_bytes(void *to, size_t size);

/* [5] --- memory -------------------------------------------------------- */

/* Buffers (and arenas, from chapter 8 on) are made of blocks of one size. A
 * block that is given back is kept for the next who asks, so a server that has
 * found its rhythm does not call malloc() any more. Only the loop's own thread
 * may use them. */
enum { BLOCK_SIZE = 4096 };

/* Gives the kept blocks back to the system: the last call of a program. */
void blocks_free(void);

/* Bytes in a row: they arrive at the end and leave at the start.
 *
 *     data:  |  gone  |  live bytes  |  room  |
 *            0        start          end      size
 *
 * A buffer is always reached through a pointer that is NULL while there is
 * nothing to hold; every function below takes NULL for an empty buffer. */
struct buffer {
    size_t start, end, size;
    char data[];
};

size_t buffer_length(const struct buffer *b);

/* Makes room for `room` more bytes and returns where they go; the caller
 * writes them and adds their number to (*b)->end. May move the live bytes.
 * NULL when there is no memory left; the live bytes are then as before. */
char *buffer_room(struct buffer **b, size_t room);

/* Copies `size` bytes to the end. False when there is no memory left. */
bool buffer_append(struct buffer **b, const void *data, size_t size);

/* Ends the buffer, whatever it holds; *b is NULL afterwards. */
void buffer_release(struct buffer **b);

/* [8] An arena is memory that is asked for in pieces and given back in one:
 * all that belongs to one request. `*a` is NULL as long as it is empty. The
 * pieces are aligned for any type and hold anything. NULL: no memory left. */
struct arena;
void *arena_alloc(struct arena **a, size_t size);

/* [8] `size` bytes copied, and a NUL behind them. */
char *arena_copy(struct arena **a, const void *data, size_t size);

/* [8] Room for one more in an array of `n` items of `item` bytes, of which
 * `*size` have room: the array, maybe moved. NULL: no memory left. */
void *arena_more(struct arena **a, void *items, size_t n, size_t *size,
                 size_t item);

/* [8] Ends every piece at once; *a is NULL afterwards. */
void arena_release(struct arena **a);

/* ----------------------------------------------------------------------- */

#endif
