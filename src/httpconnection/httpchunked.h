/* [27] httpchunked.h -- a body whose length is not known beforehand.
 *
 *     Tornado 2.0 does not support it; _read_chunked_body came in 4.0
 *     (tornado/http1connection.py).
 *     Layer 4: bytes of a stream in, a body out.
 *
 *     6\r\n             the size of a chunk, in hexadecimal
 *     Hello,\r\n        that many bytes, and a line break
 *     6;why=not\r\n     a size may be followed by extensions
 *      world\r\n
 *     0\r\n             the last chunk has no bytes
 *     Checksum: 9\r\n   trailers: headers behind the body
 *     \r\n              the end (RFC 9112, section 7.1) */
#ifndef HTTPCHUNKED_H
#define HTTPCHUNKED_H

#include "httpbody.h"

/* Reads a body in chunks into request->body_buffer.
 * - At most `max` bytes, else 413. Extensions and trailers have limits of their
 *   own; a byte that the grammar does not allow is 400.
 * - The buffer grows with the bytes that arrive, not with the announced sizes.
 *   The request's arena holds the trailers, which are checked and dropped.
 * - The callback runs as that of httpbody_read() does. */
void httpchunked_read(struct iostream *stream, struct httprequest *request,
                      size_t max, httpbody_callback *callback, void *arg);

#endif
