/* [1] util.c -- see util.h for what these are for. */
#include "util.h"

#include <errno.h>
#include <fcntl.h> /* [2] */
#include <stdint.h> /* [5] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h> /* [2] */

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

/* The portable spelling needs five system calls for what accept4() does in
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

    if (fd != -1 && set_nonblocking(fd) == -1) {
        close(fd);
        return -1;
    }
    return fd;
}
#endif

/* [5] --- memory -------------------------------------------------------- */

/* At most so many blocks are kept: 4 MiB. What a crowd has needed beyond
 * that goes back to the system when the crowd has gone. */
enum { MAX_SPARE = 1024 };

/* A spare block holds nothing but the way to the next one. */
struct spare {
    struct spare *next;
};

static struct spare *spares;
static unsigned nspares;

void *
block_take(void)
{
    struct spare *block = spares;

    if (block == NULL)
        return malloc(BLOCK_SIZE);
    spares = block->next;
    nspares--;
    return block;
}

void
block_give(void *block)
{
    struct spare *spare = block;

    if (nspares == MAX_SPARE) {
        free(block);
        return;
    }
    spare->next = spares;
    spares = spare;
    nspares++;
}

void
blocks_free(void)
{
    while (spares != NULL) {
        struct spare *next = spares->next;

        free(spares);
        spares = next;
    }
    nspares = 0;
}

size_t
buffer_length(const struct buffer *b)
{
    return b == NULL ? 0 : b->end - b->start;
}

/* The first room is one block. A buffer that outgrows it moves to twice the
 * size, so that every byte is moved a bounded number of times however slowly
 * the bytes arrive. Moving the live bytes to the front is the cheaper way
 * out, but only when more has gone than is left, for the same reason. */
static bool
buffer_grow(struct buffer **b, size_t room)
{
    struct buffer *old = *b, *new;
    size_t length = buffer_length(old), size = BLOCK_SIZE - sizeof *new;

    if (old != NULL && old->start >= length && old->size - length >= room) {
        memmove(old->data, old->data + old->start, length);
        old->start = 0;
        old->end = length;
        return true;
    }
    while (size - length < room) {
        if (size > SIZE_MAX / 4)
            return false;
        size *= 2;
    }
    new = size + sizeof *new == BLOCK_SIZE ? block_take()
                                           : malloc(sizeof *new + size);
    if (new == NULL)
        return false;
    *new = (struct buffer){.end = length, .size = size};
    if (length > 0)
        memcpy(new->data, old->data + old->start, length);
    buffer_release(b);
    *b = new;
    return true;
}

char *
buffer_room(struct buffer **b, size_t room)
{
    if ((*b == NULL || (*b)->size - (*b)->end < room) && !buffer_grow(b, room))
        return NULL;
    return (*b)->data + (*b)->end;
}

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
    if (*b != NULL && (*b)->size + sizeof **b == BLOCK_SIZE)
        block_give(*b);
    else
        free(*b);
    *b = NULL;
}

/* [8] --- arenas -------------------------------------------------------- */

/* A chain of blocks. The first one is being filled; a piece that no block
 * could hold gets one of its own behind it. */
struct arena {
    struct arena *next;
    size_t used, size;
    max_align_t data[];
};

enum { ARENA_ROOM = BLOCK_SIZE - offsetof(struct arena, data) };

void *
arena_alloc(struct arena **a, size_t size)
{
    struct arena *block = *a;
    size_t align = sizeof(max_align_t);
    void *piece;

    if (size > SIZE_MAX - BLOCK_SIZE)
        return NULL;
    size = (size + align - 1) / align * align;
    if (size > ARENA_ROOM) {
        struct arena *own = malloc(offsetof(struct arena, data) + size);

        if (own == NULL || (block == NULL && arena_alloc(a, 0) == NULL)) {
            free(own);
            return NULL;
        }
        *own = (struct arena){(*a)->next, size, size};
        (*a)->next = own;
        return own->data;
    }
    if (block == NULL || block->size - block->used < size) {
        block = block_take();
        if (block == NULL)
            return NULL;
        *block = (struct arena){*a, 0, ARENA_ROOM};
        *a = block;
    }
    piece = (char *)block->data + block->used;
    block->used += size;
    return piece;
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
        struct arena *next = (*a)->next;

        if ((*a)->size == ARENA_ROOM)
            block_give(*a);
        else
            free(*a);
        *a = next;
    }
}

/* The old array stays behind when it has become too small. */
void *
arena_more(struct arena **arena, void *items, size_t n, size_t *size, size_t item)
{
    void *bigger;

    if (n < *size)
        return items;
    bigger = arena_alloc(arena, (*size > 0 ? 2 * *size : 16) * item);
    if (bigger == NULL)
        return NULL;
    if (n > 0)
        memcpy(bigger, items, n * item);
    *size = *size > 0 ? 2 * *size : 16;
    return bigger;
}
