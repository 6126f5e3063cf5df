/* [3] memory.h -- buffers, and from chapter 10 on arenas, made of blocks.
 *
 *     Layer 0: it knows no other part.
 *
 * This memory holds the bytes that clients send and receive. Only the thread of
 * the loop may call these functions. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* A buffer or an arena starts with a block of this size. Thousands of freed
 * blocks are kept for the next use, so that a request normally needs neither
 * malloc() nor free(). */
enum { BLOCK_SIZE = 4096 };

/* [32] Returns freed memory to the system, the kept blocks included. */
void memory_give_back(void);

/* [27] --- the limit ---------------------------------------------------- */

/* All buffers and arenas of this process together have at most this number of
 * bytes: an allocation that would exceed it fails. Freed blocks that are kept
 * do not count. */
enum { MEMORY_MAX = 268435456 };

/* [32] True if buffers and arenas have occupied 4 MiB or more since the last
 * memory_give_back(). Then another call is useful, but not in every turn,
 * because the next turn may need as much again. */
bool memory_had_peak(void);

/* [36] The memory that all buffers and arenas occupy, with the room that is
 * still free in them. In bytes. */
size_t memory_in_use(void);

/* [36] After this call each allocation that leaves memory_in_use() above
 * `limit` calls `pressure`. This function must neither allocate nor free memory
 * of buffers and arenas; it may set a flag or add a callback. */
void memory_set_limit(size_t limit, void (*pressure)(void *arg), void *arg);

/* --- buffers ----------------------------------------------------------- */

/* Bytes in a row: they arrive at the end and leave at the start.
 *
 *     data:  |  gone  |  live bytes  |  room  |
 *            0        start          end      size
 *
 * The owner of a buffer has a pointer to it, which is NULL at first. Every
 * function below takes NULL for an empty buffer. */
struct buffer {
    size_t start, end, size;
    char data[];
};

/* The number of live bytes. */
size_t buffer_length(const struct buffer *b);

/* [36] The bytes that the buffer occupies. */
size_t buffer_memory(const struct buffer *b);

/* Makes room for `room` more bytes and returns the place for them. The caller
 * writes them there and adds their number to (*b)->end. The call may move the
 * live bytes. It returns NULL if there is no memory; the live bytes then stay
 * as they were. */
char *buffer_room(struct buffer **b, size_t room);

/* [15] Adds `room` bytes in front of the live bytes, and returns their place.
 * The caller fills them. The call may move the live bytes. It returns NULL if
 * there is no memory; the live bytes stay as they were. */
char *buffer_front(struct buffer **b, size_t room);

/* [6] Returns the number of live bytes up to and including the delimiter, or 0
 * if the live bytes do not contain it.
 * - A CR of the delimiter is optional in the live bytes.
 * - The search begins at *pos, counted from the first live byte. If it finds
 *   nothing, it sets *pos to the place where the next search, with more bytes,
 *   has to begin. So no search begins again at the first byte, as it does in
 *   Tornado. */
size_t buffer_find(const struct buffer *b, const char *delimiter, size_t *pos);

/* Copies `size` bytes to the end. Returns false, and adds nothing, if there is
 * no memory. */
bool buffer_append(struct buffer **b, const void *data, size_t size);

/* The owner calls this after it has taken bytes. Releases the buffer if it is
 * empty. From chapter 25 on it moves the live bytes to a smaller block if they
 * fill less than a quarter of this one. */
void buffer_trim(struct buffer **b);

/* Frees the buffer with all that it holds; *b is NULL afterwards. */
void buffer_release(struct buffer **b);

/* [28] Sends the live bytes on the socket `fd` and then, in the same call, as
 * many of the `size` bytes at *data as the kernel takes now. Returns how many
 * of these it has taken, and sets *data to the first byte that is left.
 * - 0 after an error, too: the next send() of the caller fails again.
 * - 0, and nothing is sent, if `size` is at most 4 KiB: to copy so few bytes is
 *   cheaper than a call, and later bytes can be sent in the same call. */
size_t buffer_send_with(struct buffer *b, int fd, const void **data,
                        size_t size);

/* [10] --- arenas -------------------------------------------------------- */

/* An arena is memory that is allocated in pieces and freed at once: all that
 * belongs to one request. `*a` is NULL while it is empty. The pieces are
 * aligned for every type. arena_alloc() returns NULL if there is no memory. */
struct arena;
void *arena_alloc(struct arena **a, size_t size);

/* Copies `size` bytes and appends a NUL. */
char *arena_copy(struct arena **a, const void *data, size_t size);

/* [11] Makes room for one more item in an array of `n` items of `item` bytes,
 * which has room for `*size` of them. Returns the array, which may have moved;
 * NULL if there is no memory. */
void *arena_more(struct arena **a, void *items, size_t n, size_t *size,
                 size_t item);

/* [36] The bytes that the arena occupies. */
size_t arena_memory(const struct arena *a);

/* Frees all pieces; *a is NULL afterwards. */
void arena_release(struct arena **a);

/* ----------------------------------------------------------------------- */

#endif
