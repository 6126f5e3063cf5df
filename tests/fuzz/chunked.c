/* chunked.c -- a body in chunks, from a client.
 *
 * - However the bytes are cut, the server reads the same body, or refuses it
 *   for the same reason.
 * - A body that it accepts is the one that a plain decoder reads.
 * - It accepts each body that this program has cut into chunks itself, and
 *   leaves the bytes behind the body for the next request.
 *
 * The first byte of the input seeds the random sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "httpchunked.h"

enum { MAX_BODY = 1000, MAX_INPUT = 8192 };

/* What the server has made of the bytes. */
static struct result {
    bool called;       /* the body is complete, or refused */
    const char *wrong; /* NULL: it is complete */
    char body[MAX_BODY];
    size_t size;
    char next[4]; /* the bytes behind it, if there are so many */
} result;

static struct httprequest *request;
static struct iostream *stream;

static void
on_close(void *arg)
{
    (void)arg;
    httprequest_free(request);
}

static void
on_next(const char *data, size_t size, void *arg)
{
    (void)arg;
    memcpy(result.next, data, size);
    iostream_close(stream);
}

static void
on_body(const char *wrong, void *arg)
{
    (void)arg;
    check(!result.called, "the callback runs once");
    result.called = true;
    result.wrong = wrong;
    if (wrong != NULL) {
        iostream_close(stream);
        return;
    }
    result.size = buffer_length(request->body_buffer);
    check(result.size <= MAX_BODY, "a body is not longer than allowed");
    if (result.size > 0)
        memcpy(result.body, request->body_buffer->data +
                                request->body_buffer->start, result.size);
    iostream_read_bytes(stream, sizeof result.next, on_next, NULL);
}

static void
start(struct iostream *new_stream)
{
    stream = new_stream;
    request = httprequest_new();
    iostream_set_close_callback(stream, on_close, NULL);
    httpchunked_read(stream, request, MAX_BODY, on_body, NULL);
}

static struct result
read_body(const char *bytes, size_t size, enum cut cut, unsigned seed)
{
    size_t n;

    result = (struct result){0};
    free(talk(start, bytes, size, cut, seed, &n));
    return result;
}

/* --- plain ----------------------------------------------------------- */

/* Decodes a body that the server has accepted. */
static size_t
decode(char *to, const char *from)
{
    char *start = to, *end;
    size_t size;

    while ((size = strtoul(from, &end, 16)) > 0) {
        from = strstr(from, "\r\n") + 2;
        memcpy(to, from, size);
        to += size;
        check(memcmp(from + size, "\r\n", 2) == 0, "CR LF ends a chunk");
        from += size + 2;
    }
    return (size_t)(to - start);
}

/* Cuts `from` into chunks. Behind them something else begins. */
static size_t
encode(char *to, const char *from, size_t size, unsigned seed)
{
    char *start = to;

    while (size > 0) {
        size_t n = 1 + next_random(&seed) % size;

        to += sprintf(to, next_random(&seed) % 2 ? "%zx\r\n"
                                                 : "0%zX;a=\"b\"\r\n", n);
        memcpy(to, from, n);
        to = (char *)memcpy(to + n, "\r\n", 2) + 2;
        from += n;
        size -= n;
    }
    to += sprintf(to, next_random(&seed) % 2 ? "0\r\n\r\nnext"
                                            : "0\r\nA: b\r\n\r\nnext");
    return (size_t)(to - start);
}

/* --- the harness ----------------------------------------------------- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char chunks[40 * MAX_BODY], plain[MAX_INPUT];
    unsigned seed = size > 0 ? data[0] : 0;
    const char *bytes = (const char *)data + (size > 0);
    struct result whole, other;
    size_t n;
    char *copy;

    size -= size > 0;
    if (size > MAX_INPUT)
        return 0;
    whole = read_body(bytes, size, WHOLE, seed);
    for (enum cut cut = PIECES; cut <= (size < 300 ? BYTES : PIECES); cut++) {
        other = read_body(bytes, size, cut, seed);
        check(whole.called == other.called && whole.wrong == other.wrong,
              "the cuts do not change the verdict");
        check(whole.size == other.size &&
              memcmp(whole.body, other.body, whole.size) == 0,
              "the cuts do not change the body");
    }
    if (whole.called && whole.wrong == NULL) {
        copy = string_copy(bytes, size);
        n = decode(plain, copy);
        check(n == whole.size && memcmp(plain, whole.body, n) == 0,
              "a plain decoder reads the same body");
        free(copy);
    }

    n = size < MAX_BODY ? size : MAX_BODY;
    other = read_body(chunks, encode(chunks, bytes, n, seed), WHOLE, seed);
    check(other.called && other.wrong == NULL, "chunks are accepted");
    check(other.size == n && memcmp(other.body, bytes, n) == 0,
          "chunks are the body that was cut");
    check(memcmp(other.next, "next", 4) == 0, "what follows is left");
    return 0;
}
