/* [6] Step 6 -- a request is whatever ends in an empty line.
 *
 * It no longer matters in how many pieces the client sends it. The answer is
 * still naive: send() may take less than it is given (chapter 8). */
#include "iostream.h"
#include "step.h"

static void
on_headers(const char *data, size_t size, void *arg)
{
    static const char head[] = "HTTP/1.0 200 OK\r\n\r\nyou said:\n";
    struct iostream *stream = arg;

    TOUR(8, iostream_fd(stream), "called with %zu bytes", size);
    send(iostream_fd(stream), head, strlen(head), SEND_FLAGS);
    send(iostream_fd(stream), data, size, SEND_FLAGS);
    iostream_close(stream);
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
