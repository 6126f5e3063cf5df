/* [6] delimiter.c -- see delimiter.h. */
#include "delimiter.h"

#include <string.h>

/* memchr() finds the places where the delimiter may begin. The inner loop
 * compares the rest: it skips each CR of the delimiter, and in the data one CR
 * before any other byte. */
size_t
find_delimiter(const char *data, size_t size, const char *delimiter,
               size_t *pos)
{
    const char *p = data + *pos, *end = data + size;

    while (*delimiter == '\r')
        delimiter++;
    while (p < end && (p = memchr(p, *delimiter, (size_t)(end - p))) != NULL) {
        const char *q = p, *d = delimiter;

        while (*d != '\0' && q < end) {
            if (*d == '\r') {
                d++;
                continue;
            }
            if (*q != *d && (*q != '\r' || q[-1] == '\r'))
                break;
            d += *q == *d;
            q++;
        }
        if (*d == '\0')
            return (size_t)(q - data);
        *pos = (size_t)(p - data);

        /* More data may complete the delimiter. */
        if (q == end)
            return 0;
        p++;
    }
    *pos = size;
    return 0;
}
