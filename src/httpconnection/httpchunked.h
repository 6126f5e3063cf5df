/* [27] httpchunked.h -- reads a body whose length is not known beforehand.
 *
 *     Layer 4: bytes of a stream in, a body out. */
#ifndef HTTPCHUNKED_H
#define HTTPCHUNKED_H

#include "httprequest.h"
#include "iostream.h"

/* Runs once. `wrong` is NULL when the body is complete. Otherwise it says what
 * is wrong (see httputil.h), and the start of the next request is unknown. */
typedef void httpchunked_callback(const char *wrong, void *arg);

/* Reads a body in chunks into request->body_buffer.
 * - At most `max` bytes, else 413. Extensions and trailers have limits of their
 *   own; a byte that the grammar does not allow is 400.
 * - The buffer grows with the bytes that arrive, not with the announced sizes.
 *   The request's arena holds the trailers, which are checked and dropped.
 * - The callback runs from the loop; if there is no memory, at once. It does
 *   not run if the stream closes first, or if its pending read is cancelled. */
void httpchunked_read(struct iostream *stream, struct httprequest *request,
                      size_t max, httpchunked_callback *callback, void *arg);

#endif
