/* [7] Step 7 -- a room: each line that a client sends goes to all clients.
 *
 * The program allocates a struct member for each stream. The close callback of
 * the stream frees it, whatever has closed the stream. */
#include "loop.h"
#include "step.h"

struct member {
    struct iostream *stream;
    struct member *next;
};

static struct member *members;

/* This ignores the result of send(), which may take only a part of the bytes
 * (chapter 8). */
static void
tell(const struct member *m, const char *data, size_t size)
{
    send(iostream_fd(m->stream), data, size, SEND_FLAGS);
}

static void
on_line(const char *data, size_t size, void *arg)
{
    struct member *speaker = arg;

    if (strncmp(data, "bye", 3) == 0) {
        iostream_close(speaker->stream);
        return;
    }
    for (const struct member *m = members; m != NULL; m = m->next)
        tell(m, data, size);
    iostream_read_until(speaker->stream, "\n", 1024, on_line, speaker);
}

static void
on_close(void *arg)
{
    struct member **link = &members;

    while (*link != arg)
        link = &(*link)->next;
    *link = (*link)->next;
    free(arg);
    TRACE(-1, "a member is freed");
    for (const struct member *m = members; m != NULL; m = m->next)
        tell(m, "one left\n", 9);
}

static void
on_connection(int listener, uint32_t events, void *arg)
{
    struct iostream *stream = step_accept(listener, arg);
    struct member *m;

    (void)events;
    if (stream == NULL)
        return;
    m = malloc(sizeof *m);
    if (m == NULL) {
        iostream_abort(stream);
        return;
    }
    *m = (struct member){stream, members};
    members = m;
    iostream_set_close_callback(stream, on_close, m);
    iostream_read_until(stream, "\n", 1024, on_line, m);
}

int
main(int argc, char **argv)
{
    ioloop_start(step_loop(argc, argv, on_connection));
    die("cannot wait");
}
