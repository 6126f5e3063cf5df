/* [6] delimiter.h -- finds the end of a message.
 *
 *     Tornado 2.0: IOStream._read_from_buffer, which calls find()
 *     Layer 2: it knows no other part. */
#ifndef DELIMITER_H
#define DELIMITER_H

#include <stddef.h>

/* Returns the length of the data up to and including the delimiter, or 0 if the
 * data do not contain it.
 * - A CR of the delimiter is optional in the data.
 * - The search begins at *pos. If it finds nothing, it sets *pos to the place
 *   where the next search, with more data, has to begin. So no search begins
 *   again at the first byte, as it did in Tornado until 2.3. */
size_t find_delimiter(const char *data, size_t size, const char *delimiter,
                      size_t *pos);

#endif
