/* [11] httpbody.h -- reads the body of a request.
 *
 *     Tornado 2.0: HTTPConnection._on_headers, where it calls read_bytes
 *     Layer 4: bytes of a stream in, a body out. */
#ifndef HTTPBODY_H
#define HTTPBODY_H

#include "httprequest.h"
#include "iostream.h"

/* Runs once. `wrong` is NULL when the body is complete. Otherwise it says what
 * is wrong (see httputil.h), and the start of the next request is unknown. */
typedef void httpbody_callback(const char *wrong, void *arg);

/* Reads `length` bytes, at least 1, into request->body_buffer.
 * - The buffer grows with the bytes that arrive, not with the announced length.
 * - The callback runs from the loop; if there is no memory, at once. It does
 *   not run if the stream closes first, or if (chapter 19) its pending read is
 *   cancelled. */
void httpbody_read(struct iostream *stream, struct httprequest *request,
                   size_t length, httpbody_callback *callback, void *arg);

/* [27] Reads a body in chunks into request->body_buffer.
 * - At most `max` bytes, else 413. Extensions and trailers have limits of their
 *   own; a byte that the grammar does not allow is 400.
 * - The buffer grows with the bytes that arrive, not with the announced sizes.
 *   The request's arena holds the trailers, which are checked and dropped.
 * - The callback runs as that of httpbody_read() does. */
void httpchunked_read(struct iostream *stream, struct httprequest *request,
                      size_t max, httpbody_callback *callback, void *arg);

/* What is left of a body, or (chapter 27) of a chunk. */
struct httpbody {
    struct iostream *stream;
    struct buffer **to;
    size_t left; /* bytes that have not come yet */
    httpbody_callback *callback;
    void *arg;
};

/* Reads these bytes, then calls the callback. */
void httpbody_read_left(struct httpbody *body);

#endif
