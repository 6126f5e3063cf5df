/* fixed.h -- a time() and a getentropy() that are always the same.
 *
 * A program that includes it once gets the same answers in each run: their
 * dates and their signed values do not change. GETENTROPY_RESULT is what
 * getentropy() returns, if it is not always 0. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef GETENTROPY_RESULT
#define GETENTROPY_RESULT 0
#endif

enum { NOW = 1577934245 };

time_t
time(time_t *to)
{
    return to != NULL ? (*to = NOW) : NOW;
}

int
getentropy(void *to, size_t size)
{
    memset(to, 7, size);
    return GETENTROPY_RESULT;
}
