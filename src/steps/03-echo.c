/* [3] Step 3 -- an echo server: it sends back what it receives.
 *
 * A client that sends and does not read fills the buffers of the kernel. What
 * the kernel does not take stays in a struct buffer, and the loop watches for
 * WRITE until the kernel has room again. */
#include <errno.h>

#include "memory.h"
#include "step.h"

/* With this many unsent bytes the server stops reading. */
enum { MAX_UNSENT = 65536 };

static struct ioloop *loop;

/* Receives what has arrived, and sends what the kernel takes. Returns false
 * after the end of the connection, or if there is no memory. EAGAIN is no end:
 * it means that there is nothing to read, or no room. */
static bool
transfer(struct buffer **unsent, int fd, uint32_t events)
{
    char bytes[4096];
    ssize_t n = 1;

    if (events & (IOLOOP_READ | IOLOOP_ERROR)) {
        n = recv(fd, bytes, sizeof bytes, 0);
        if (n > 0 && !buffer_append(unsent, bytes, (size_t)n))
            return false;
    }
    if (n > 0 && *unsent != NULL) {
        n = send(fd, (*unsent)->data + (*unsent)->start,
                 buffer_length(*unsent), SEND_FLAGS);
        (*unsent)->start += n > 0 ? (size_t)n : 0;
    }
    return n > 0 || (n == -1 && errno == EAGAIN);
}

/* `arg` is the address of the pointer to the connection's unsent bytes. */
static void
on_event(int fd, uint32_t events, void *arg)
{
    struct buffer **unsent = arg;
    uint32_t next;

    if (!transfer(unsent, fd, events)) {
        ioloop_remove_handler(loop, fd);
        close(fd);
        buffer_release(unsent);
        free(unsent);
        return;
    }
    buffer_trim(unsent);
    next = (buffer_length(*unsent) < MAX_UNSENT ? IOLOOP_READ : 0) |
           (buffer_length(*unsent) > 0 ? IOLOOP_WRITE : 0);
    TRACE(fd, "%zu bytes are unsent: watch for%s%s", buffer_length(*unsent),
          next & IOLOOP_READ ? " READ" : "",
          next & IOLOOP_WRITE ? " WRITE" : "");
    ioloop_update_handler(loop, fd, next);
}

static void
on_connection(int listener, uint32_t events, void *arg)
{
    int fd = events & IOLOOP_READ ? accept(listener, NULL, NULL) : -1;
    struct buffer **unsent = calloc(1, sizeof *unsent);

    if (fd == -1 || unsent == NULL || set_nonblocking(fd) == -1 ||
        ioloop_add_handler(arg, fd, on_event, unsent, IOLOOP_READ) == -1) {
        free(unsent);
        close(fd);
        return;
    }
    trace_connection(fd);
}

/* POLLER=select in the environment chooses another poller. */
int
main(int argc, char **argv)
{
    int listener = step_listen(argc, argv);

    loop = ioloop_new(getenv("POLLER"));
    if (loop == NULL || set_nonblocking(listener) == -1 ||
        ioloop_add_handler(loop, listener, on_connection, loop,
                           IOLOOP_READ) == -1)
        die("event loop");
    ioloop_start(loop);
    die("cannot wait");
}
