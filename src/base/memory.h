/* [5] memory.h -- buffers and arenas, made of blocks.
 *
 *     Layer 0: it knows no other file. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

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

#endif
