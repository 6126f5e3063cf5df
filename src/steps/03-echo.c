/* [3] Step 3 -- an echo server: it sends back what it receives.
 *
 * A client that sends and does not read fills the buffers of the kernel. What
 * the kernel does not take stays in a struct buffer, and the loop watches for
 * WRITE until the kernel has room again. */
#include "memory.h"
#include "step.h"

/* With this many unsent bytes the server stops reading. */
enum { MAX_UNSENT = 65536 };

struct echo {
    struct ioloop *loop;
    struct buffer *unsent;
};

/* Takes what has arrived, and sends what the kernel takes. False: the
 * connection has ended. EAGAIN: there is nothing to read, or no room. */
static bool
transfer(struct echo *e, int fd, uint32_t events)
{
    char bytes[4096];
    ssize_t n = 1;

    if (events & ~IOLOOP_WRITE) {
        n = recv(fd, bytes, sizeof bytes, 0);
        if (n > 0 && !buffer_append(&e->unsent, bytes, (size_t)n))
            return false;
    }
    if (n > 0 && e->unsent != NULL) {
        n = send(fd, e->unsent->data + e->unsent->start,
                 buffer_length(e->unsent), SEND_FLAGS);
        e->unsent->start += n > 0 ? (size_t)n : 0;
        buffer_trim(&e->unsent);
    }
    return n > 0 || (n == -1 && errno == EAGAIN);
}

static void
on_event(int fd, uint32_t events, void *arg)
{
    struct echo *e = arg;

    if (transfer(e, fd, events)) {
        size_t unsent = buffer_length(e->unsent);

        TRACE(fd, "%zu bytes are unsent", unsent);
        ioloop_update_handler(e->loop, fd,
                              (unsent < MAX_UNSENT ? IOLOOP_READ : 0) |
                                  (unsent > 0 ? IOLOOP_WRITE : 0));
        return;
    }
    ioloop_remove_handler(e->loop, fd);
    close(fd);
    buffer_release(&e->unsent);
    free(e);
}

static void
on_connection(int listener, uint32_t events, void *arg)
{
    int fd = events & IOLOOP_READ ? accept(listener, NULL, NULL) : -1;
    struct echo *e = calloc(1, sizeof *e);

    if (fd == -1 || e == NULL || set_nonblocking(fd) == -1 ||
        ioloop_add_handler(arg, fd, on_event, e, IOLOOP_READ) == -1) {
        free(e);
        close(fd);
        return;
    }
    trace_connection(fd);
    e->loop = arg;
}

/* POLLER=select in the environment chooses another poller. */
int
main(int argc, char **argv)
{
    int listener = step_listen(argc, argv);
    struct ioloop *loop = ioloop_new(getenv("POLLER"));

    if (loop == NULL || set_nonblocking(listener) == -1 ||
        ioloop_add_handler(loop, listener, on_connection, loop,
                           IOLOOP_READ) == -1)
        die("event loop");
    ioloop_start(loop);
    die("cannot wait");
}
