/* [8] Step 8 -- eight megabytes for each client; no client waits for another.
 *
 * The kernel does not take eight megabytes at once. Run
 * `curl --limit-rate 100k` in one terminal, and use the server from another. */
#include "loop.h"
#include "step.h"

static char body[8 << 20];

static void
on_written(void *arg)
{
    iostream_close(arg);
}

static void
on_headers(const char *data, size_t size, void *arg)
{
    static const char head[] =
        "HTTP/1.0 200 OK\r\nContent-Length: 8388608\r\n\r\n";

    (void)data;
    TOUR(8, iostream_fd(arg), "called with %zu bytes", size);
    iostream_write(arg, head, strlen(head), NULL, NULL);
    iostream_write(arg, body, sizeof body, on_written, arg);
}

static void
on_connection(int listener, uint32_t events, void *arg)
{
    struct iostream *stream = step_accept(listener, arg);

    (void)events;
    if (stream != NULL)
        iostream_read_until(stream, "\r\n\r\n", 32768, on_headers, stream);
}

int
main(int argc, char **argv)
{
    memset(body, 'x', sizeof body);
    ioloop_start(step_loop(argc, argv, on_connection));
    die("cannot wait");
}
