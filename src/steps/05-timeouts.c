/* [5] Step 5 -- a second later.
 *
 * The program sends each answer one second after its request. If ten clients
 * ask at the same time, all ten have their answer after one second, not after
 * ten. Every five seconds the program prints how many it has answered. */
#include "loop.h"
#include "step.h"

static unsigned answered;

static void
answer(void *arg)
{
    static const char text[] = "HTTP/1.0 200 OK\r\n\r\nhello, a second later\n";
    int fd = (int)(intptr_t)arg;

    send(fd, text, strlen(text), SEND_FLAGS);
    close(fd);
    answered++;
}

static void
on_readable(int fd, uint32_t events, void *arg)
{
    struct ioloop *loop = arg;
    char request[4096];

    (void)events;
    ioloop_remove_handler(loop, fd);
    if (recv(fd, request, sizeof request, 0) <= 0 ||
        ioloop_add_timeout(loop, ioloop_time() + 1000000, answer,
                           (void *)(intptr_t)fd) == NULL)
        close(fd);
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

/* A timeout runs once; this one adds itself again. */
static void
count(void *arg)
{
    struct ioloop *loop = arg;

    fprintf(stderr, "%u answered so far\n", answered);
    ioloop_add_timeout(loop, ioloop_time() + 5000000, count, loop);
}

int
main(int argc, char **argv)
{
    struct ioloop *loop = step_loop(argc, argv, on_connection);

    if (ioloop_add_timeout(loop, ioloop_time() + 5000000, count,
                           loop) == NULL)
        die("event loop");
    ioloop_start(loop);
    die("cannot wait");
}
