/* [13] httpchunked.h -- a body that does not say beforehand how long it is.
 *
 *     Tornado 2.0 refuses to know such requests; _read_chunked_body came in
 *     4.0 (tornado/http1connection.py).
 *     Floor 4: bytes of a stream in, a body out.
 *
 *     6\r\n             the size of a chunk, in hexadecimal
 *     Hello,\r\n        so many bytes, and a line break
 *     6;why=not\r\n     a size may be followed by extensions
 *      world\r\n
 *     0\r\n             the last chunk has no bytes
 *     Checksum: 9\r\n   trailers: headers that come too late
 *     \r\n              the end (RFC 9112, section 7.1) */
#ifndef HTTPCHUNKED_H
#define HTTPCHUNKED_H

#include <stddef.h>

#include "httpbody.h"
#include "iostream.h"
#include "memory.h"

/* Reads a body of up to `max` bytes from the stream into *body, which the
 * caller owns; it grows with what has come, not with what is promised. Notes
 * are kept in the arena, and trailers are checked there, and forgotten. If
 * the stream closes first, or somebody else makes it forget its wish, the
 * callback is not called. False when there is no memory left. */
bool httpchunked_read(struct iostream *stream, struct arena **arena,
                      struct buffer **body, size_t max,
                      httpbody_callback *callback, void *arg);

#endif
