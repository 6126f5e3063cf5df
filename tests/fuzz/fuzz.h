/* fuzz.h -- what the harnesses of this folder share.
 *
 * A harness is a function, LLVMFuzzerTestOneInput(), that gives an input to a
 * part of the server and checks what the part makes of it. `make fuzz` lets
 * libFuzzer invent inputs; `make test` gives it the files of corpus/.
 *
 * check() ends the process if a condition does not hold. The first line of each
 * harness says which conditions these are. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iostream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with a message unless the condition, which the message says
 * in words, is true. */
void check(bool condition, const char *message);

/* A copy without a byte of room behind it, so that the address sanitizer
 * notices a read beyond the end. The caller frees it. */
char *exact_copy(const void *data, size_t size);

/* The same with a NUL behind it. */
char *string_copy(const void *data, size_t size);

/* The next number of a sequence that begins with the seed *state. */
unsigned next_random(unsigned *state);

/* --- a client -------------------------------------------------------- */

/* How the client cuts its bytes: not at all, in pieces of random sizes, or byte
 * by byte. The server has taken a piece, or waits, before the next one comes.
 * With PIECES and BYTES the kernel has little room for the answers, too. */
enum cut { WHOLE, PIECES, BYTES };

enum { TALK_MAX = 300000 };

/* Makes a stream of one end of a socket pair and calls start(). A client at the
 * other end sends the bytes, then the end of what it sends, and receives until
 * the server closes.
 * - Returns what the client has received, *n bytes and a NUL; the caller frees
 *   it.
 * - After TALK_MAX bytes the client leaves.
 * - `seed` begins the sequence of random sizes.
 * - When the function returns, no stream, no buffer, no arena and no descriptor
 *   is left that was not there before: this is checked. */
char *talk(void (*start)(struct iostream *stream), const char *bytes,
           size_t size, enum cut cut, unsigned seed, size_t *n);

#endif
