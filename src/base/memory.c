/* [3] memory.c -- see memory.h. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h> /* [28] */
#include <sys/uio.h> /* [28] */

#include "system.h" /* [28] */

/* [27] --- the limit ---------------------------------------------------- */

/* The last bytes below MEMORY_MAX are for single blocks only. */
enum { SINGLE_BLOCKS = 16 << 20 };

static size_t in_use;

/* An allocation that leaves `in_use` above this limit asks may_use(). */
static size_t pressure_limit = MEMORY_MAX - SINGLE_BLOCKS;

/* [32] --- the peak ------------------------------------------------------- */

/* Below this peak a walk through the heap costs more than it returns. */
enum { SMALL_PEAK = 4194304 };

static size_t peak;

bool
memory_had_peak(void)
{
    return peak >= SMALL_PEAK;
}

/* [36] --- pressure -------------------------------------------------------- */

static void (*on_pressure)(void *arg);
static void *pressure_arg;

size_t
memory_in_use(void)
{
    return in_use;
}

void
memory_set_limit(size_t limit, void (*pressure)(void *arg), void *arg)
{
    pressure_limit = limit;
    on_pressure = pressure;
    pressure_arg = arg;
    prepare_heap();
}

/* --- blocks ------------------------------------------------------------ */

/* Freed blocks stay in this list, and the next allocations use them. The list
 * is long, because a thousand requests may end in one turn of the loop. The
 * block that was freed last is used first: it is probably still in the
 * processor's cache. */
enum { MAX_FREE = 4096 };
static void *free_list[MAX_FREE];
static size_t nfree;

/* [27] May a block of `size` bytes be allocated, although `in_use` will
 * be `total`, which is above `pressure_limit`? Only single blocks may use the
 * last part of the memory, so that one large request does not make all small
 * ones fail. */
static bool
may_use(size_t total, size_t size)
{
    /* [36] `total` is above the limit of memory_set_limit(). */
    if (on_pressure != NULL)
        on_pressure(pressure_arg);

    return total <= MEMORY_MAX - (size > BLOCK_SIZE ? SINGLE_BLOCKS : 0);
}

/* Allocates a block (`before` is 0), or makes it larger. Like realloc() it may
 * move the block. */
static void *
block_resize(void *block, size_t before, size_t after)
{
    size_t total = in_use - before + after; /* [27] */

    /* [27] The limit of this process. */
    if (total > pressure_limit && !may_use(total, after))
        return NULL;

    if (before == 0 && after == BLOCK_SIZE && nfree > 0)
        block = free_list[--nfree];
    else
        block = realloc(block, after);

    /* [27] The block counts until it is freed. */
    if (block != NULL)
        in_use = total;

    /* [32] The highest value since the last memory_give_back(). */
    if (in_use > peak)
        peak = in_use;

    return block;
}

static void
block_free(void *block, size_t size)
{
    if (size == BLOCK_SIZE && nfree < MAX_FREE)
        free_list[nfree++] = block;
    else
        free(block);
    in_use -= size; /* [27] */
}

/* [32] free() returns memory to the system only at the end of the heap, and one
 * block that is in use there keeps all the memory below it. So trim_heap()
 * walks through the whole heap. */
void
memory_give_back(void)
{
    while (nfree > 0)
        free(free_list[--nfree]);
    trim_heap();
    peak = in_use;
}

/* --- buffers ----------------------------------------------------------- */

/* A new buffer has room for FIRST_SIZE bytes. A buffer of LARGE_SIZE bytes or
 * more grows by an eighth, a smaller one doubles; see buffer_grow(). */
enum { FIRST_SIZE = BLOCK_SIZE - sizeof(struct buffer), LARGE_SIZE = 1048576 };

size_t
buffer_length(const struct buffer *b)
{
    return b == NULL ? 0 : b->end - b->start;
}

/* [36] The struct in front of the bytes counts, too. */
size_t
buffer_memory(const struct buffer *b)
{
    return b == NULL ? 0 : sizeof *b + b->size;
}

/* Bytes may come and go in very small pieces; each byte must nevertheless be
 * moved only a few times. So the live bytes move to the start only if as many
 * bytes have left since the last move, or if the block grows. A block grows by
 * a part of its size: a small one doubles, a large one grows by an eighth,
 * which wastes less memory. */
static char *
buffer_grow(struct buffer **b, size_t room)
{
    struct buffer *buffer = *b;
    size_t length = buffer_length(buffer), size = buffer->size;
    size_t before = sizeof *buffer + size;
    bool grow = buffer->start < length || size - length < room;

    memmove(buffer->data, buffer->data + buffer->start, length);
    *buffer = (struct buffer){.end = length, .size = size};
    if (grow) {
        size += size < LARGE_SIZE ? size : size / 8;
        if (size - length < room)
            size = length + room;
        buffer = block_resize(buffer, before, sizeof *buffer + size);
        if (buffer == NULL)
            return NULL;
        buffer->size = size;
        *b = buffer;
    }
    return buffer->data + length;
}

char *
buffer_room(struct buffer **b, size_t room)
{
    size_t size = room > FIRST_SIZE ? room : FIRST_SIZE;

    if (*b != NULL)
        return (*b)->size - (*b)->end >= room ? (*b)->data + (*b)->end
                                              : buffer_grow(b, room);
    *b = block_resize(NULL, 0, sizeof **b + size);
    if (*b == NULL)
        return NULL;
    **b = (struct buffer){.size = size};
    return (*b)->data;
}

/* [15] The head of an answer contains the length of the body. So it is made
 * after the body, and put in front of it. */
char *
buffer_front(struct buffer **b, size_t room)
{
    size_t length = buffer_length(*b), start = *b != NULL ? (*b)->start : 0;

    if (*b == NULL || start < room) {
        if (buffer_room(b, room) == NULL)
            return NULL;
        start = (*b)->start + room;
        memmove((*b)->data + start, (*b)->data + (*b)->start, length);
        (*b)->end = start + length;
    }
    (*b)->start = start - room;
    return (*b)->data + (*b)->start;
}

/* `data` may be NULL if `size` is 0. memcpy() must not get NULL, not even to
 * copy 0 bytes: the compiler would conclude that the pointer is never NULL. */
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

/* [6] memchr() finds the places where the delimiter may begin. The inner loop
 * compares the rest: it skips each CR of the delimiter, and in the buffer one
 * CR before each byte. */
size_t
buffer_find(const struct buffer *b, const char *delimiter, size_t *pos)
{
    size_t size = buffer_length(b);
    const char *data = size > 0 ? b->data + b->start : "";
    const char *p = data + *pos, *end = data + size;

    while (*delimiter == '\r')
        delimiter++;
    while (p < end && (p = memchr(p, *delimiter, (size_t)(end - p))) != NULL) {
        const char *q = p + 1, *d = delimiter + 1;

        for (; d += *d == '\r', *d != '\0'; d++, q++) {
            q += q < end && *q == '\r';
            if (q == end || *q != *d)
                break;
        }
        if (*d == '\0')
            return (size_t)(q - data);

        /* More bytes may complete the delimiter. */
        if (q == end)
            break;
        p++;
    }
    *pos = p != NULL ? (size_t)(p - data) : size;
    return 0;
}

void
buffer_trim(struct buffer **b)
{
    size_t length = buffer_length(*b);

    /* [25] Without memory for a smaller block the large one stays. */
    struct buffer *smaller = NULL;
    if (length > 0 && (*b)->size > FIRST_SIZE && length < (*b)->size / 4 &&
        buffer_append(&smaller, (*b)->data + (*b)->start, length)) {
        buffer_release(b);
        *b = smaller;
    }

    if (length == 0)
        buffer_release(b);
}

void
buffer_release(struct buffer **b)
{
    if (*b != NULL)
        block_free(*b, sizeof **b + (*b)->size);
    *b = NULL;
}

/* [28] --- sending ------------------------------------------------------- */

size_t
buffer_send_with(struct buffer *b, int fd, const void **data, size_t size)
{
    enum { SMALL = 4096 };
    size_t first = buffer_length(b), taken;
    struct iovec parts[] = {{NULL, first}, {(void *)*data, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n;

    if (size <= SMALL)
        return 0;
    if (first > 0)
        parts[0].iov_base = b->data + b->start;
    n = sendmsg(fd, &message, SEND_FLAGS);
    taken = n > 0 ? (size_t)n : 0;
    first = first < taken ? first : taken;
    if (first > 0)
        b->start += first;
    *data = (const char *)*data + (taken - first);
    return taken - first;
}

/* [10] --- arenas -------------------------------------------------------- */

/* A chain of blocks; the first one is being filled. max_align_t starts the
 * data where every type may start. */
struct arena {
    struct arena *next;
    size_t used, size;
    max_align_t data[];
};

enum { ARENA_ROOM = BLOCK_SIZE - sizeof(struct arena) };

/* A piece that does not fit begins a new block, of its own size if it is
 * larger than a block. The rest of the block before stays unused: to search it
 * for room would cost more than it saves. */
void *
arena_alloc(struct arena **a, size_t size)
{
    struct arena *block = *a;
    size_t align = _Alignof(max_align_t), room;

    size = (size + align - 1) / align * align;
    if (block == NULL || block->size - block->used < size) {
        room = size > ARENA_ROOM ? size : ARENA_ROOM;
        block = block_resize(NULL, 0, sizeof *block + room);
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
    char *copy = arena_alloc(a, size + 1);

    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

/* [11] The old array stays in the arena, unused, when it has become too
 * small. */
void *
arena_more(struct arena **a, void *items, size_t n, size_t *size, size_t item)
{
    size_t room = *size > 0 ? 2 * *size : 16;
    void *bigger;

    if (n < *size)
        return items;
    bigger = arena_alloc(a, room * item);
    if (bigger != NULL) {
        *size = room;
        if (n > 0)
            memcpy(bigger, items, n * item);
    }
    return bigger;
}

/* [36] The size of each block in the chain. */
size_t
arena_memory(const struct arena *a)
{
    size_t size = 0;

    for (; a != NULL; a = a->next)
        size += sizeof *a + a->size;
    return size;
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
