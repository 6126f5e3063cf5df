/* [27] httpchunked.c -- reads a body whose length is not known beforehand.
 *
 *     Tornado 2.0 does not support it; _read_chunked_body came in 4.0
 *     (tornado/http1connection.py).
 *
 *     6\r\n             the size of a chunk, in hexadecimal
 *     Hello,\r\n        that many bytes, and a line break
 *     6;why=not\r\n     a size may be followed by extensions
 *      world\r\n
 *     0\r\n             the last chunk has no bytes
 *     Checksum: 9\r\n   trailers: headers behind the body
 *     \r\n              the end (RFC 9112, section 7.1)
 *
 * If a proxy and a server read a size line or a trailer in two ways, they see
 * the end of the body in two places, and the bytes between these places are a
 * request for one of them. So every byte of these lines is checked, also the
 * line breaks, and after the first invalid byte nothing more is parsed. */
#include "httpchunked.h"

#include <string.h>

/* The limits of what does not belong to the body: the bytes of one size line;
 * the bytes of all size lines together, without their CR LF and one digit each
 * (twice the bytes of the body are allowed beside it); the bytes of all
 * trailers, and their number. */
enum { MAX_SIZE_LINE = 256, MAX_EXTRA = 16384 };
enum { MAX_TRAILER_BYTES = 8192, MAX_TRAILERS = 32 };

struct httpchunked {
    struct iostream *stream;
    struct httprequest *request;
    size_t max;
    size_t size;  /* of the chunk, without what has been read */
    size_t extra; /* see MAX_EXTRA */
    size_t trailer_bytes;
    struct httpheaders trailers;
    httpchunked_callback *callback;
    void *arg;
};

static void on_chunk(const char *data, size_t size, void *arg);
static void on_trailer(const char *line, size_t size, void *arg);

/* Reads a size line or a trailer of at most `max` bytes. */
static void
read_line(struct httpchunked *c, size_t max, iostream_callback *callback)
{
    iostream_read_until(c->stream, "\r\n", max + 2, callback, c);
}

/* --- the size ------------------------------------------------------------ */

/* Skips a token or a quoted string. Returns its end; NULL if there is
 * neither. */
static const char *
skip_word(const char *text)
{
    size_t n = httputil_span(text, HTTP_TOKEN);

    if (*text != '"')
        return n > 0 ? text + n : NULL;
    for (text++; *text != '"'; text++) {
        text += *text == '\\';
        if (!httputil_is_value(text, 1))
            return NULL;
    }
    return text + 1;
}

/* RFC 9112, section 7.1.1: ";" and a token, maybe "=" and a word, and blanks
 * around all of them. No extension has a meaning here. Returns the end of the
 * extension; NULL if it is not valid. */
static const char *
skip_extension(const char *text)
{
    static const char blanks[] = " \t";

    text += strspn(text, blanks);
    if (*text != ';')
        return NULL;
    text += 1 + strspn(text + 1, blanks);
    if (*text == '"' || (text = skip_word(text)) == NULL)
        return NULL;
    text += strspn(text, blanks);
    if (*text == '=')
        text = skip_word(text + 1 + strspn(text + 1, blanks));
    return text != NULL ? text + strspn(text, blanks) : NULL;
}

/* Returns NULL, or what is wrong with the line. The CR at its end stops every
 * loop. strtoul() would accept "+5", "-1" and "0x5", too; Tornado until 6.3.3
 * accepted what int() accepts, and a size of -1 kept it busy for ever. */
static const char *
parse_size_line(struct httpchunked *c, const char *line, size_t size)
{
    size_t length = buffer_length(c->request->body_buffer);
    const char *text = line, *end;

    if (size < 2 || memcmp(line + size - 2, "\r\n", 2) != 0)
        return "400 a chunk size that does not end with CR LF, or is too long";
    end = line + size - 2;
    if (!httputil_parse_digits(&text, 16, &c->size) ||
        (text != end && strchr("; \t", *text) == NULL))
        return "400 malformed chunk size";
    c->extra += size - 3;
    while (text != NULL && text < end)
        text = skip_extension(text);
    if (text != end)
        return "400 malformed chunk extension";
    if (c->extra > MAX_EXTRA + 2 * length)
        return "400 more chunk extensions than body";
    return c->size > c->max - length ? "413 body too long" : NULL;
}

static void
on_size_line(const char *line, size_t size, void *arg)
{
    struct httpchunked *c = arg;
    const char *wrong = parse_size_line(c, line, size);

    if (wrong != NULL)
        c->callback(wrong, c->arg);
    else if (c->size > 0)
        on_chunk("", 0, c);
    else
        read_line(c, MAX_TRAILER_BYTES, on_trailer);
}

/* --- the bytes ----------------------------------------------------------- */

/* The chunk must end with a line break where its size says. If it does not,
 * client and server have counted differently. */
static void
on_data_end(const char *data, size_t size, void *arg)
{
    struct httpchunked *c = arg;

    if (memcmp(data, "\r\n", size) != 0)
        c->callback("400 a chunk is longer than its size", c->arg);
    else
        read_line(c, MAX_SIZE_LINE, on_size_line);
}

/* A piece of a chunk, or none yet. */
static void
on_chunk(const char *data, size_t size, void *arg)
{
    struct httpchunked *c = arg;

    c->size -= size;
    c->request->body_size += size;
    if (!buffer_append(&c->request->body_buffer, data, size))
        c->callback(HTTP_NO_MEMORY, c->arg);
    else if (c->size > 0)
        iostream_read_bytes(c->stream,
                            c->size < HTTP_PIECE ? c->size : HTTP_PIECE,
                            on_chunk, c);
    else
        iostream_read_bytes(c->stream, 2, on_data_end, c);
}

/* --- the end ------------------------------------------------------------- */

/* Handles one line: a trailer, which is checked and dropped, or the empty line.
 * Trailers are not merged with the headers, because they could contradict what
 * the headers have decided already (RFC 9110, section 6.5.1). */
static void
on_trailer(const char *line, size_t size, void *arg)
{
    struct httpchunked *c = arg;
    char *copy = arena_copy(&c->request->arena, line, size);
    const char *wrong = HTTP_NO_MEMORY;

    if (size == 2 && memcmp(line, "\r\n", 2) == 0) {
        c->callback(NULL, c->arg);
        return;
    }
    c->trailer_bytes += size;
    if (copy != NULL)
        wrong = httpheaders_parse(&c->trailers, copy, copy + size);
    if (line[size - 1] != '\n' || c->trailer_bytes > MAX_TRAILER_BYTES ||
        c->trailers.n > MAX_TRAILERS)
        wrong = "431 trailers too long";
    if (wrong != NULL)
        c->callback(wrong, c->arg);
    else
        read_line(c, MAX_TRAILER_BYTES, on_trailer);
}

/* --- the beginning ------------------------------------------------------- */

void
httpchunked_read(struct iostream *stream, struct httprequest *r, size_t max,
                 httpchunked_callback *callback, void *arg)
{
    struct httpchunked *c = arena_alloc(&r->arena, sizeof *c);

    if (c == NULL) {
        callback(HTTP_NO_MEMORY, arg);
        return;
    }
    *c = (struct httpchunked){.stream = stream, .request = r, .max = max,
                              .callback = callback, .arg = arg};
    c->trailers.arena = &r->arena;
    read_line(c, MAX_SIZE_LINE, on_size_line);
}
