/* [1] util.c -- see util.h for what these are for. */
#include "util.h"

#include <errno.h>
#include <fcntl.h> /* [2] */
#include <stdint.h> /* [5] */
#include <netinet/in.h> /* [16] */
#include <netinet/tcp.h> /* [16] */
#include <poll.h> /* [2] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h> /* [14] */
#include <unistd.h> /* [2] */

#ifdef __linux__
#include <sys/sendfile.h> /* [14] */
#endif

#ifdef __APPLE__
#include <sys/random.h> /* [15] */
#endif

void
die(const char *what)
{
    fprintf(stderr, "dustdevil: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* [2] --- descriptors --------------------------------------------------- */

/* Add the flags, keep the others. */
int
set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
        return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* The portable spelling needs four system calls for what accept4() does in
 * one. SOCK_NONBLOCK is there exactly where accept4() is. */
#ifdef SOCK_NONBLOCK
int
accept_nonblocking(int listener, struct sockaddr *peer, socklen_t *size)
{
    return accept4(listener, peer, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
#else
int
accept_nonblocking(int listener, struct sockaddr *peer, socklen_t *size)
{
    int fd = accept(listener, peer, size);

    if (fd == -1 || set_nonblocking(fd) == 0)
        return fd;
    close(fd);
    return -1;
}
#endif

/* [16] --- what the kernel takes ----------------------------------------- */

/* Where there is no such option the kernel's own limits hold. */
#ifdef TCP_NOTSENT_LOWAT
void
keep_little_unsent(int listener)
{
    int size = 65536;

    setsockopt(listener, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &size, sizeof size);
}
#else
void
keep_little_unsent(int listener)
{
    (void)listener;
}
#endif

/* [14] --- files -------------------------------------------------------- */

#ifdef __APPLE__
long
modified_nanoseconds(const struct stat *st)
{
    return st->st_mtimespec.tv_nsec;
}
#else
long
modified_nanoseconds(const struct stat *st)
{
    return st->st_mtim.tv_nsec;
}
#endif

/* What sendfile() saves: two copies, and the memory for them. What the socket
 * does not take of a piece is read again next time. */
static ssize_t
copy_file(int to, int file, off_t *offset, size_t size)
{
    char piece[32768];
    ssize_t n = pread(file, piece, size < sizeof piece ? size : sizeof piece,
                      *offset);

    if (n > 0)
        n = send(to, piece, (size_t)n, SEND_FLAGS);
    if (n > 0)
        *offset += n;
    return n;
}

/* Each system that has a sendfile() has one of its own. Linux's does not work
 * from every file system. */
#ifdef __linux__
ssize_t
send_file(int to, int file, off_t *offset, size_t size)
{
    ssize_t n = sendfile(to, file, offset, size);

    if (n == -1 && (errno == EINVAL || errno == ENOSYS))
        return copy_file(to, file, offset, size);
    return n;
}
#else
ssize_t
send_file(int to, int file, off_t *offset, size_t size)
{
    return copy_file(to, file, offset, size);
}
#endif

/* [2] --- text ---------------------------------------------------------- */

/* Four bytes and the NUL must still fit, or the text ends before. A plain
 * char may be signed: the bytes from 0x80 on are then below ' ', and without
 * the cast %x would make eight digits of them. */
size_t
make_printable(char *to, size_t size, const char *from)
{
    size_t n = 0;

    for (; *from != '\0' && size - n > 4; from++)
        if (*from >= ' ' && *from <= '~' && *from != '\\')
            to[n++] = *from;
        else
            n += (size_t)snprintf(to + n, size - n, "\\x%02x",
                                  (unsigned char)*from);
    to[n] = '\0';
    return n;
}

/* O_NONBLOCK would be the other way, but it belongs to the open file and not
 * to us: the shell that has the same terminal would suddenly find its own
 * calls failing with EAGAIN. */
bool
write_stderr(const char *line, size_t size)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) != 0 &&
           write(STDERR_FILENO, line, size) == (ssize_t)size;
}

/* [5] --- delimiters ---------------------------------------------------- */

/* A CR of the delimiter asks for nothing; one in the data that stands before
 * another byte of the delimiter is passed over. */
ptrdiff_t
match_delimiter(const char *p, const char *end, const char *delimiter)
{
    const char *start = p;

    for (; *delimiter != '\0'; delimiter++) {
        if (*delimiter == '\r')
            continue;
        if (p > start && p < end && *p == '\r')
            p++;
        if (p == end)
            return -1;
        if (*p++ != *delimiter)
            return 0;
    }
    return p - start;
}

/* [15] --- chance ------------------------------------------------------- */

bool
random_bytes(void *to, size_t size)
{
    return getentropy(to, size) == 0;
}

/* [5] --- memory -------------------------------------------------------- */

/* At most so many blocks are kept: 1 MiB. What a crowd has needed beyond
 * that goes back to the system when the crowd has gone. */
enum { MAX_SPARE = 256 };

/* A stack: the block that was given back last is taken first, because it is
 * the likeliest to be in the processor's cache still. */
static void *spares[MAX_SPARE];
static size_t nspares;

static void *
take(size_t size)
{
    return size == BLOCK_SIZE && nspares > 0 ? spares[--nspares] : malloc(size);
}

static void
give(void *block, size_t size)
{
    if (size == BLOCK_SIZE && nspares < MAX_SPARE)
        spares[nspares++] = block;
    else
        free(block);
}

void
blocks_free(void)
{
    while (nspares > 0)
        free(spares[--nspares]);
}

size_t
buffer_length(const struct buffer *b)
{
    return b == NULL ? 0 : b->end - b->start;
}

/* The first room is one block. When it is used up, the live bytes move: to
 * twice the size, or to the same size again if more has gone than is left.
 * Either way they only move when about as many bytes have come or gone since
 * the last time. So a byte is moved a bounded number of times, however small
 * the pieces are; to make room for just what is asked would be quadratic. */
char *
buffer_room(struct buffer **b, size_t room)
{
    struct buffer *old = *b, *new;
    size_t length = buffer_length(old), size = BLOCK_SIZE - sizeof *new;

    if (old != NULL && old->size - old->end >= room)
        return old->data + old->end;
    if (old != NULL)
        size = old->start >= length ? old->size : 2 * old->size;
    for (; size - length < room; size *= 2)
        if (size > SIZE_MAX / 4)
            return NULL;
    new = take(sizeof *new + size);
    if (new == NULL)
        return NULL;
    *new = (struct buffer){.end = length, .size = size};
    if (length > 0)
        memcpy(new->data, old->data + old->start, length);
    buffer_release(b);
    *b = new;
    return new->data + length;
}

/* Neither memcpy() here nor those below may be given NULL, not even to copy
 * nothing: the compiler would conclude that the pointer is never NULL. */
bool
buffer_append(struct buffer **b, const void *data, size_t size)
{
    char *end = buffer_room(b, size);

    if (end == NULL)
        return false;
    if (size > 0)
        memcpy(end, data, size);
    (*b)->end += size;
    return true;
}

void
buffer_release(struct buffer **b)
{
    if (*b != NULL)
        give(*b, sizeof **b + (*b)->size);
    *b = NULL;
}

/* [8] --- arenas -------------------------------------------------------- */

/* A chain of blocks; the first one is being filled. max_align_t starts the
 * data where any type may start. */
struct arena {
    struct arena *next;
    size_t used, size;
    max_align_t data[];
};

enum { ARENA_ROOM = BLOCK_SIZE - sizeof(struct arena) };

/* When a piece does not fit a new block begins, and what was left of the one
 * before stays unused: to look for a gap would cost more than it saves. A
 * piece larger than a block gets one of its own size. */
void *
arena_alloc(struct arena **a, size_t size)
{
    struct arena *block = *a;
    size_t align = _Alignof(max_align_t);

    if (size > SIZE_MAX - BLOCK_SIZE)
        return NULL;
    size = (size + align - 1) / align * align;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > ARENA_ROOM ? size : ARENA_ROOM;

        block = take(sizeof *block + room);
        if (block == NULL)
            return NULL;
        *block = (struct arena){.next = *a, .size = room};
        *a = block;
    }
    block->used += size;
    return (char *)block->data + block->used - size;
}

char *
arena_copy(struct arena **a, const void *data, size_t size)
{
    char *copy = size < SIZE_MAX ? arena_alloc(a, size + 1) : NULL;

    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

void
arena_release(struct arena **a)
{
    while (*a != NULL) {
        struct arena *block = *a;

        *a = block->next;
        give(block, sizeof *block + block->size);
    }
}

/* The old array stays behind when it has become too small. */
void *
arena_more(struct arena **a, void *items, size_t n, size_t *size, size_t item)
{
    size_t room = *size > 0 ? 2 * *size : 16;
    void *bigger;

    if (n < *size)
        return items;
    bigger = arena_alloc(a, room * item);
    if (bigger == NULL)
        return NULL;
    if (n > 0)
        memcpy(bigger, items, n * item);
    *size = room;
    return bigger;
}
