/* [9] Step 9 -- answers each connection with one line, and closes it.
 *
 * The server (httpserver.c) accepts connections and gives this program a stream
 * for each. The program waits for the end of the request, and ignores what the
 * request says. */
#include "httpserver.h"
#include "step.h"

static void
on_written(void *arg)
{
    iostream_close(arg);
}

static void
on_headers(const char *data, size_t size, void *arg)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\n\r\ncome in\n";

    (void)data;
    (void)size;
    iostream_write(arg, answer, strlen(answer), on_written, arg);
}

static void
handle_stream(struct iostream *stream, const struct sockaddr *peer,
              socklen_t peer_size, void *arg)
{
    (void)peer;
    (void)peer_size;
    (void)arg;
    iostream_read_until(stream, "\r\n\r\n", 32768, on_headers, stream);
}

int
main(int argc, char **argv)
{
    step_serve(argc, argv, handle_stream, NULL);
}
