/* [6] delimiter.c -- see delimiter.h. */
#include "delimiter.h"

#include <string.h>

/* memchr() finds the places where the delimiter may begin. The inner loop
 * compares the rest: it skips each CR of the delimiter, and in the data one CR
 * before each byte. */
size_t
find_delimiter(const char *data, size_t size, const char *delimiter,
               size_t *pos)
{
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

        /* More data may complete the delimiter. */
        if (q == end)
            break;
        p++;
    }
    *pos = p != NULL ? (size_t)(p - data) : size;
    return 0;
}
