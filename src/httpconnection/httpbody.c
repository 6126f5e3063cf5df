/* [11] httpbody.c -- see httpbody.h.
 *
 * A large body does not go through the stream's buffer as one read: that buffer
 * would grow to its size, and then all of it would be copied. It is read piece
 * by piece, and each piece is appended to the request's own buffer. */
#include "httpbody.h"

enum { PIECE = 65536 };

static void
on_piece(const char *data, size_t size, void *arg)
{
    struct httpbody *b = arg;

    b->left -= size;
    if (buffer_append(b->to, data, size))
        httpbody_read_left(b);
    else
        b->callback(HTTP_NO_MEMORY, b->arg);
}

void
httpbody_read_left(struct httpbody *b)
{
    if (b->left > 0)
        iostream_read_bytes(b->stream, b->left < PIECE ? b->left : PIECE,
                            on_piece, b);
    else
        b->callback(NULL, b->arg);
}

void
httpbody_read(struct iostream *stream, struct httprequest *r, size_t length,
              httpbody_callback *callback, void *arg)
{
    struct httpbody *b = arena_alloc(&r->arena, sizeof *b);

    if (b == NULL) {
        callback(HTTP_NO_MEMORY, arg);
        return;
    }
    *b = (struct httpbody){stream, &r->body_buffer, length, callback, arg};
    httpbody_read_left(b);
}
