/* [6] delimiter.h -- finds the end of a message.
 *
 *     Tornado 2.0: IOStream._read_from_buffer, which calls find()
 *     Layer 2: text in, a number out. */
#ifndef DELIMITER_H
#define DELIMITER_H

#include <stddef.h>

/* The length of the data up to and including the delimiter; 0 if it is not
 * there.
 * - A CR of the delimiter is optional in the data.
 * - *pos is where the search begins and, afterwards, where it has to resume
 *   when more data has come. So a client that sends one byte at a time costs no
 *   more than one that sends all at once (Tornado until 2.3 searched from the
 *   start every time). */
size_t find_delimiter(const char *data, size_t size, const char *delimiter,
                      size_t *pos);

#endif
