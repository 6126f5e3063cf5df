/* [5] memory.c -- see memory.h. */
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* At most so many blocks are kept: 1 MiB. What a crowd has needed beyond
 * that goes back to the system when the crowd has gone. */
enum { MAX_SPARE = 256 };

/* A stack: the block that was given back last is taken first, because it is
 * the likeliest to be in the processor's cache still. */
static void *free_list[MAX_SPARE];
static size_t nfree;

static void *
block_alloc(size_t size)
{
    return size == BLOCK_SIZE && nfree > 0 ? free_list[--nfree] : malloc(size);
}

static void
block_free(void *block, size_t size)
{
    if (size == BLOCK_SIZE && nfree < MAX_SPARE)
        free_list[nfree++] = block;
    else
        free(block);
}

void
blocks_free(void)
{
    while (nfree > 0)
        free(free_list[--nfree]);
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
    new = block_alloc(sizeof *new + size);
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
        block_free(*b, sizeof **b + (*b)->size);
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

        block = block_alloc(sizeof *block + room);
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
        block_free(block, sizeof *block + block->size);
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
