/* [5] delimiter.c -- see delimiter.h. */
#include "delimiter.h"

#include <string.h>

/* Does the delimiter begin at `p`? Returns its length there, CRs included; 0 if
 * it does not begin there; -1 if the data ends before that is certain. */
static ptrdiff_t
match(const char *p, const char *end, const char *delimiter)
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

/* memchr() searches for the first byte of the delimiter that is not a CR. */
size_t
find_delimiter(const char *data, size_t size, const char *delimiter,
               size_t *pos)
{
    const char *p = data + *pos, *end = data + size;

    while (*delimiter == '\r')
        delimiter++;
    while (p < end && (p = memchr(p, *delimiter, (size_t)(end - p))) != NULL) {
        ptrdiff_t n = match(p, end, delimiter);

        if (n > 0)
            return (size_t)(p + n - data);
        *pos = (size_t)(p - data);
        if (n == -1)
            return 0;
        p++;
    }
    *pos = size;
    return 0;
}
