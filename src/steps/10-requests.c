/* [10] Steps 10 and 11 -- says what it has understood of each request.
 *
 * A struct client is here what a connection is from chapter 12 on. */
#include "httprequest.h"
#include "httpserver.h"
#include "step.h"

enum { MAX_HEAD = 32768 };
enum { MAX_BODY = 1048576 }; /* [11] */

struct client {
    struct iostream *stream;
    struct httprequest *request;
};

static void
on_close(void *arg)
{
    struct client *c = arg;

    if (c->request != NULL)
        httprequest_free(c->request);
    free(c);
}

static void
on_written(void *arg)
{
    struct client *c = arg;

    iostream_close(c->stream);
}

static void
say(struct client *c, const char *text)
{
    iostream_write(c->stream, text, strlen(text), on_written, c);
}

/* `wrong` is NULL, or what is wrong with the request. */
static void
answer(struct client *c, const char *wrong)
{
    struct httprequest *r = c->request;

    say(c, "HTTP/1.0 ");
    say(c, wrong != NULL ? wrong : "200 OK");
    say(c, "\r\n\r\n");
    if (wrong != NULL)
        return;
    say(c, "The method is ");
    say(c, r->method);
    say(c, ".\nThe path is ");
    say(c, r->path);
    say(c, ".\nThe query is ");
    say(c, r->query);
    say(c, ".\n");

    /* [11] One line for each header. */
    for (size_t i = 0; i < r->headers.n; i++) {
        say(c, r->headers.items[i].name);
        say(c, " is ");
        say(c, r->headers.items[i].value);
        say(c, ".\n");
    }
}

/* [11] The body is complete. It may contain any byte. */
static void
on_body(const char *data, size_t size, void *arg)
{
    struct client *c = arg;

    answer(c, NULL);
    iostream_write(c->stream, data, size, on_written, c);
}

static void
on_headers(const char *data, size_t size, void *arg)
{
    struct client *c = arg;
    const char *wrong = HTTP_NO_MEMORY;

    c->request = httprequest_new();
    if (c->request != NULL)
        wrong = httprequest_parse_head(c->request, data, size, MAX_HEAD);

    /* [11] The headers say how long the body is. */
    size_t length = 0;
    if (wrong == NULL)
        wrong = httprequest_body_length(c->request, MAX_BODY, &length);
    if (wrong == NULL && length > 0) {
        iostream_read_bytes(c->stream, length, on_body, c);
        return;
    }

    answer(c, wrong);
}

static void
handle_stream(struct iostream *stream, const struct sockaddr *peer,
              socklen_t peer_size, void *arg)
{
    struct client *c = calloc(1, sizeof *c);

    (void)peer;
    (void)peer_size;
    (void)arg;
    if (c == NULL) {
        iostream_close(stream);
        return;
    }
    c->stream = stream;
    iostream_set_close_callback(stream, on_close, c);
    iostream_read_until(stream, "\r\n\r\n", MAX_HEAD + 1, on_headers, c);
}

int
main(int argc, char **argv)
{
    step_serve(argc, argv, handle_stream, NULL);
}
