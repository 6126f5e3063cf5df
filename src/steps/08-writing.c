/* [8] Step 8 -- eight megabytes for each client, and none waits for another.
 *
 * No socket buffer holds eight megabytes. Try `curl --limit-rate 100k` in
 * one terminal while you use the server in another. */
#include "iostream.h"
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
    struct iostream *stream = arg;

    (void)data;
    TOUR(8, iostream_fd(stream), "called with %zu bytes", size);
    iostream_write(stream, head, strlen(head), NULL, NULL);
    iostream_write(stream, body, sizeof body, on_written, stream);
}

static void
on_connection(int listener, uint32_t events, void *arg)
{
    int fd = accept_nonblocking(listener, NULL, NULL);
    struct iostream *stream;

    (void)events;
    if (fd == -1)
        return;
    trace_connection(fd);
    TOUR(3, fd, "accepted, as descriptor %d", fd);
    stream = iostream_new(arg, fd);
    if (stream == NULL)
        close(fd);
    else
        iostream_read_until(stream, "\r\n\r\n", 32768, on_headers, stream);
}

int
main(int argc, char **argv)
{
    struct ioloop *loop = ioloop_new(NULL);
    int listener;

    memset(body, 'x', sizeof body);
    if (loop == NULL)
        die("event loop");
    step_catch_signals(loop);
    listener = step_listen(argc, argv);
    if (set_nonblocking(listener) == -1 ||
        ioloop_add_handler(loop, listener, on_connection, loop,
                           IOLOOP_READ) == -1)
        die("event loop");
    ioloop_start(loop);
    die("cannot wait");
}
