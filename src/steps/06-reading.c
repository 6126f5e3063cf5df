/* [6] Step 6 -- a message is everything up to an empty line.
 *
 * The client may send it in any number of pieces. This program does not look at
 * the result of send(), which may take only a part of the bytes (chapter 8). */
#include "loop.h"
#include "step.h"

static void
on_message(const char *data, size_t size, void *arg)
{
    static const char head[] = "HTTP/1.0 200 OK\r\n\r\nyou said:\n";
    int fd = iostream_fd(arg);

    TOUR(8, fd, "called with %zu bytes", size);
    send(fd, head, strlen(head), SEND_FLAGS);
    send(fd, data, size, SEND_FLAGS);
    iostream_close(arg);
}

static void
on_connection(int listener, uint32_t events, void *arg)
{
    struct iostream *stream = step_accept(listener, arg);

    (void)events;
    if (stream != NULL)
        iostream_read_until(stream, "\r\n\r\n", 32768, on_message, stream);
}

int
main(int argc, char **argv)
{
    ioloop_start(step_loop(argc, argv, on_connection));
    die("cannot wait");
}
