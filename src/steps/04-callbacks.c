/* [4] Step 4 -- callbacks: in the next turn.
 *
 * The handler does not send the answer. It adds a callback that sends it in the
 * next turn of the loop, after the other handlers of this turn. */
#include "loop.h"
#include "step.h"

/* `arg` is the descriptor: this callback needs nothing else. */
static void
answer(void *arg)
{
    static const char text[] = "HTTP/1.0 200 OK\r\n\r\nhello, next turn\n";
    int fd = (int)(intptr_t)arg;

    TRACE(fd, "the answer leaves");
    send(fd, text, strlen(text), SEND_FLAGS);
    close(fd);
}

static void
on_readable(int fd, uint32_t events, void *arg)
{
    struct ioloop *loop = arg;
    char request[4096];

    (void)events;
    ioloop_remove_handler(loop, fd);
    if (recv(fd, request, sizeof request, 0) <= 0) {
        close(fd);
        return;
    }
    TRACE(fd, "the request is here, the answer is put off");
    ioloop_add_callback(loop, answer, (void *)(intptr_t)fd);
}

static void
on_connection(int listener, uint32_t events, void *arg)
{
    int fd = events & IOLOOP_READ ? accept(listener, NULL, NULL) : -1;

    if (fd == -1)
        return;
    trace_connection(fd);
    if (set_nonblocking(fd) == -1 ||
        ioloop_add_handler(arg, fd, on_readable, arg, IOLOOP_READ) == -1)
        close(fd);
}

int
main(int argc, char **argv)
{
    ioloop_start(step_loop(argc, argv, on_connection));
    die("cannot wait");
}
