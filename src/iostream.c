/* [5] iostream.c -- a socket with a memory.
 *
 * Everything here happens in one of two places. Wishes come in from above
 * (iostream_read_until) and are noted down: what is wanted, whom to call.
 * Events come in from below (stream_events) and do the work.
 * The notes are the fields of struct iostream; read them first. */
#include "iostream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linger.h" /* [10] */
#include "trace.h"
#include "memory.h"
#include "system.h"

/* What one wake-up may read, and with what room it begins: however much one
 * client sends, the others get their turn. */
enum { MAX_READ = 65536, READ_CHUNK = 1024 };

/* [14] And what one of them may send of a file. */
enum { MAX_FILE_STEP = 1 << 20 };

struct iostream {
    struct ioloop *loop;
    int fd;         /* -1 once closed */
    uint32_t state; /* the events we are registered for; 0: for none yet */

    /* The one pending wish, and how far it has come. */
    iostream_callback *read_callback; /* NULL: nobody wishes for anything */
    void *read_arg;
    const char *delimiter; /* NULL: a number of bytes is wished for */
    size_t wanted;         /* that number, or the most that may be taken */
    size_t scan_pos;       /* no delimiter begins before this byte */
    size_t read_size;      /* what the wish has found, when it has */
    struct buffer *read_buffer;

    ioloop_callback *close_callback;
    void *close_arg;

    /* [6] What the peer is unsent, and who is told when it has everything. */
    struct buffer *write_buffer;
    ioloop_callback *write_callback;
    void *write_arg;

    /* [14] What is unsent behind that, out of a file. */
    int file;
    off_t file_offset;
    size_t file_left;

    /* [16] Who is told when there is something to wait for. */
    iostream_wait_callback *wait_callback;
    void *wait_arg;

    /* [7] Runs last: the server counts its streams. */
    ioloop_callback *free_callback;
    void *free_arg;

    bool tried;        /* the first look at the socket has been taken */
    bool read_complete;       /* the wish is fulfilled, its callback is queued */
    bool eof;          /* the peer will send no more */
    bool socket_empty;      /* the kernel had no more when it was last asked */
    bool write_queued; /* [6] a callback is queued that will send */
};

static void stream_events(int fd, uint32_t events, void *arg);

struct iostream *
iostream_new(struct ioloop *loop, int fd)
{
    struct iostream *s = calloc(1, sizeof *s);

    /* Everything that this stream will ever ask of the loop has room now, so
     * nothing that comes later can fail half-way. */
    if (s == NULL || !ioloop_reserve(loop, fd)) {
        free(s);
        return NULL;
    }
    s->loop = loop;
    s->fd = fd;
    TOUR(4, fd, "stream made; the loop does not know it yet");
    return s;
}

/* --- closing ----------------------------------------------------------- */

static void
iostream_free(void *arg)
{
    struct iostream *s = arg;

    if (s->close_callback != NULL)
        s->close_callback(s->close_arg);

    /* [7] Nothing else knows the stream now. */
    if (s->free_callback != NULL)
        s->free_callback(s->free_arg);

    buffer_release(&s->read_buffer);
    buffer_release(&s->write_buffer); /* [6] */
    free(s);
}

/* Close now, free later. Callbacks that were queued before this one still
 * hold a pointer to the stream, and they run first. */
void
iostream_close(struct iostream *s)
{
    if (s->fd == -1)
        return;
    TOUR(20, s->fd, "closed, to be freed in the next turn");
    if (s->state != 0)
        ioloop_remove_handler(s->loop, s->fd);
    close(s->fd);
    s->fd = -1;

    ioloop_add_callback(s->loop, iostream_free, s);
}

/* iostream_close() as a callback, for those who want everything that was
 * queued before to run first. */
static void
close_later(void *arg)
{
    struct iostream *s = arg;

    /* [6] An answer that has not come to its end must not look as if it had;
     * and whoever has no wish is busy answering. */
    if (iostream_unsent(s) > 0 || s->read_callback == NULL)
        iostream_abort(s);

    iostream_close(s);
}

int
iostream_fd(const struct iostream *s)
{
    return s->fd;
}

void
iostream_set_close_callback(struct iostream *s, ioloop_callback *callback,
                            void *arg)
{
    s->close_callback = callback;
    s->close_arg = arg;
}

/* [7] --- counting -------------------------------------------------------- */

void
iostream_set_free_callback(struct iostream *s, ioloop_callback *callback,
                           void *arg)
{
    s->free_callback = callback;
    s->free_arg = arg;
}

/* [16] --- waiting -------------------------------------------------------- */

void
iostream_set_wait_callback(struct iostream *s,
                           iostream_wait_callback *callback, void *arg)
{
    s->wait_callback = callback;
    s->wait_arg = arg;
}

static void
tell_wait(struct iostream *s, uint32_t event)
{
    if (s->fd != -1 && s->wait_callback != NULL)
        s->wait_callback(event, s->wait_arg);
}

/* If its callback is queued already it will find that there is no wish. */
void
iostream_cancel_read(struct iostream *s)
{
    s->read_callback = NULL;
    s->read_complete = false;
}

/* --- what the loop watches --------------------------------------------- */

/* Asks for events that we are not registered for yet. The first such call
 * makes the stream known to the loop (as in Tornado since 2.1), so a client
 * who is served from its first packet and leaves costs no registration. */
static void
add_io_state(struct iostream *s, uint32_t events)
{
    uint32_t state = s->state | events | IOLOOP_ERROR;
    int result;

    s->socket_empty = false; /* will be long ago when the loop calls */
    if (s->fd == -1 || state == s->state)
        return;
    result = s->state != 0
                 ? ioloop_update_handler(s->loop, s->fd, state)
                 : ioloop_add_handler(s->loop, s->fd, stream_events, s, state);
    if (result == 0)
        s->state = state;
    else
        iostream_close(s);
}

void
iostream_watch(struct iostream *s)
{
    add_io_state(s, IOLOOP_ERROR);
}

/* Would bytes be welcome? */
static bool
wants_read(const struct iostream *s)
{
    if (s->eof)
        return false;

    /* [6] Not while too much is unsent. */
    if (iostream_unsent(s) >= IOSTREAM_MAX_UNSENT)
        return false;

    return s->read_callback != NULL && !s->read_complete;
}

/* Stops asking for what brought us here in vain: a loop that is told "you may
 * read" when nobody wants to never sleeps again. But an event that is not
 * wanted just now and has not come is left alone. The same client will be
 * read from again soon, and two system calls for each request, one to forget
 * and one to remember, would be a high price for tidiness. */
static void
drop_io_state(struct iostream *s, uint32_t unwanted)
{
    if ((s->state & unwanted) == 0)
        return;
    s->state &= ~unwanted;
    if (ioloop_update_handler(s->loop, s->fd, s->state) == -1)
        iostream_close(s);
}

/* --- reading ----------------------------------------------------------- */

/* Nothing is kept for those who are silent. */
static void
release_if_empty(struct iostream *s)
{
    if (buffer_length(s->read_buffer) == 0)
        buffer_release(&s->read_buffer);
}

/* The far end of every wish. It runs from the loop, so it may do anything with
 * the stream, also make the next wish or close it. */
static void
run_read_callback(void *arg)
{
    struct iostream *s = arg;
    iostream_callback *callback = s->read_callback;
    size_t size = s->read_size;
    const char *data = "";

    if (s->fd == -1 || callback == NULL)
        return;
    if (s->read_buffer != NULL) {
        data = s->read_buffer->data + s->read_buffer->start;
        s->read_buffer->start += size;
    }

    /* Clear the note before the call: the callback may write a new one. `data`
     * points into the read buffer. Receiving could move it, but nothing is
     * received before the callback has returned. */
    s->read_callback = NULL;
    s->read_complete = false;
    callback(data, size, s->read_arg);
    release_if_empty(s);
}

/* Does the delimiter stand at `p`? The number of bytes it takes there, CRs
 * included; 0 if it does not; -1 if the data ends before that is certain. A CR
 * of the delimiter is optional: one in the data that stands before another byte
 * of the delimiter is passed over. */
static ptrdiff_t
match_delimiter(const char *p, const char *end, const char *delimiter)
{
    const char *start = p;

    for (; *delimiter != '\0'; delimiter++) {
        if (*delimiter == '\r')
            continue;
        if (p > start && p < end && *p == '\r')
            p++;
        if (p == end)
            return -1;
        if (*p++ != *delimiter)
            return 0;
    }
    return p - start;
}

/* The length of the data up to and including the delimiter, 0 if it is not
 * there. The search goes on where the last one stopped, so a client that
 * sends one byte at a time costs no more than one that sends all at once
 * (Tornado until 2.3 began again from the start every time). */
static size_t
find_delimiter(struct iostream *s)
{
    const char *data = s->read_buffer->data + s->read_buffer->start;
    const char *end = s->read_buffer->data + s->read_buffer->end;
    const char *p = data + s->scan_pos;
    char first = s->delimiter[strspn(s->delimiter, "\r")];

    while (p < end && (p = memchr(p, first, (size_t)(end - p))) != NULL) {
        ptrdiff_t n = match_delimiter(p, end, s->delimiter);

        if (n > 0)
            return (size_t)(p + n - data);
        s->scan_pos = (size_t)(p - data);
        if (n == -1)
            return 0;
        p++;
    }
    s->scan_pos = (size_t)(end - data);
    return 0;
}

/* Is what was wished for already here? Then its callback is queued. */
static bool
read_from_buffer(struct iostream *s)
{
    size_t length = buffer_length(s->read_buffer), size = s->wanted;

    if (s->delimiter != NULL && length > 0) {
        size_t n = find_delimiter(s);

        if (n > 0 && n < size)
            size = n;
    }
    if (length < size)
        return false;
    s->read_size = size;
    s->read_complete = true;
    if (s->delimiter != NULL)
        TOUR(7, s->fd, "found after %zu bytes, callback queued", size);
    else
        TRACE(s->fd, "all %zu bytes are here, callback queued", size);
    ioloop_add_callback(s->loop, run_read_callback, s);
    return true;
}

/* Moves bytes from the kernel to the buffer, at most `max`. The number moved;
 * 0 when there is nothing to be had, for whatever reason. */
static size_t
read_to_buffer(struct iostream *s, size_t max)
{
    char *room = buffer_room(&s->read_buffer, READ_CHUNK);
    size_t size;
    ssize_t n;

    if (room == NULL) {
        iostream_close(s);
        return 0;
    }
    size = s->read_buffer->size - s->read_buffer->end;
    size = size < max ? size : max;
    n = recv(s->fd, room, size, 0);
    s->socket_empty = n < (ssize_t)size;
    if (n > 0) {
        s->read_buffer->end += (size_t)n;
        TOUR(6, s->fd, "+%zd bytes, %zu held", n,
             buffer_length(s->read_buffer));
        return (size_t)n;
    }
    if (n == 0) {
        TRACE(s->fd, "the peer will send no more");
        s->eof = true;
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        TRACE(s->fd, "recv: %s", strerror(errno));
        iostream_close(s);
    }
    release_if_empty(s);
    return 0;
}

/* Reads until the wish is fulfilled, the kernel has no more, or it is
 * somebody else's turn. */
static void
handle_read(struct iostream *s)
{
    size_t left = MAX_READ, n = 1;

    s->socket_empty = false;
    while (wants_read(s) && n > 0 && left > 0 && !s->socket_empty) {
        n = read_to_buffer(s, left);
        left -= n;
        if (n > 0)
            read_from_buffer(s);
    }

    /* [16] What has come is not enough. */
    if (left < MAX_READ && s->read_callback != NULL && !s->read_complete)
        tell_wait(s, IOLOOP_READ);
}

/* [16] What is late may be the loop: then something lies in the kernel, or a
 * callback in the queue. */
bool
iostream_try_read_now(struct iostream *s)
{
    size_t before = buffer_length(s->read_buffer);

    if (s->fd != -1 && !s->read_complete)
        handle_read(s);
    return s->fd == -1 || buffer_length(s->read_buffer) > before || s->read_complete;
}

/* Can the wish come true? If not yet, bytes are asked for. */
static void
try_read(struct iostream *s)
{
    /* [6] handle_write() comes back here when enough has been fetched. */
    if (iostream_unsent(s) >= IOSTREAM_MAX_UNSENT)
        return;

    /* A client that sends two requests at once has put the second one in our
     * buffer already. No event will ever announce it. */
    if (read_from_buffer(s))
        return;

    /* The first wish: many clients speak at once, so it is worth a look before
     * we make the stream known to the loop. Later wishes are made in callbacks
     * whose `data` still stands in the read buffer: receiving would move it. */
    if (!s->tried) {
        s->tried = true;
        handle_read(s);
    }
    if (s->fd == -1 || s->read_complete)
        return;

    /* [6] A peer that will send no more may still be waiting for what it is
     * unsent; handle_write() comes back here when it has everything. */
    if (s->eof && iostream_unsent(s) > 0)
        return;

    /* The wish can not come true any more. */
    if (s->eof) {
        iostream_close(s);
        return;
    }
    add_io_state(s, IOLOOP_READ);

    /* [16] Not yet. */
    tell_wait(s, IOLOOP_READ);
}

static void
start_read(struct iostream *s, const char *delimiter, size_t wanted,
          iostream_callback *callback, void *arg)
{
    if (s->fd == -1)
        return;
    assert(s->read_callback == NULL); /* Tornado: "Already reading" */
    s->delimiter = delimiter;
    s->wanted = wanted;
    s->scan_pos = 0;
    s->read_callback = callback;
    s->read_arg = arg;
    try_read(s);
}

void
iostream_read_until(struct iostream *s, const char *delimiter,
                    size_t max_bytes, iostream_callback *callback, void *arg)
{
    TOUR(5, s->fd, "wish: everything up to the delimiter");
    start_read(s, delimiter, max_bytes, callback, arg);
}

void
iostream_read_bytes(struct iostream *s, size_t size,
                    iostream_callback *callback, void *arg)
{
    /* [9] The wish of those who know how much is to come. */
    TOUR(9, s->fd, "wish: %zu bytes", size);

    start_read(s, NULL, size, callback, arg);
}

bool
iostream_socket_empty(const struct iostream *s)
{
    return s->socket_empty && buffer_length(s->read_buffer) == 0;
}

size_t
iostream_unread(const struct iostream *s)
{
    return buffer_length(s->read_buffer);
}

/* [6] --- writing -------------------------------------------------------- */

size_t
iostream_unsent(const struct iostream *s)
{
    size_t unsent = buffer_length(s->write_buffer);

    /* [14] And what is still in the file. */
    unsent += s->file_left;

    return unsent;
}

/* [14] One step of it. A megabyte at a time, for a fast reader could keep us
 * here until the file ends. False if that was the end of the stream. */
static bool
write_from_file(struct iostream *s)
{
    size_t size = s->file_left < MAX_FILE_STEP ? s->file_left : MAX_FILE_STEP;
    ssize_t n = send_file(s->fd, s->file, &s->file_offset, size);

    if (n == 0 || (n == -1 && errno != EAGAIN && errno != EWOULDBLOCK &&
                   errno != EINTR)) {
        TRACE(s->fd, "send_file: %s", n == 0 ? "no more" : strerror(errno));
        iostream_abort(s);
        return false;
    }
    s->file_left -= n > 0 ? (size_t)n : 0;
    TRACE(s->fd, "-%zd bytes of the file, %zu unsent", n > 0 ? n : 0,
          s->file_left);
    return true;
}

/* The kernel takes what fits into its own buffer. The rest stays in ours,
 * and we ask for WRITE, until it has room again. */
static void
handle_write(struct iostream *s)
{
    struct buffer *b = s->write_buffer;
    size_t unsent = buffer_length(b);

    if (unsent > 0) {
        int flags = SEND_FLAGS;
        ssize_t n;

        /* [14] The head of a file's answer goes with its first bytes. */
        if (s->file_left > 0)
            flags |= SEND_MORE;

        n = send(s->fd, b->data + b->start, unsent, flags);
        if (n == -1 && errno != EAGAIN && errno != EWOULDBLOCK &&
            errno != EINTR) {
            TRACE(s->fd, "send: %s", strerror(errno));
            iostream_abort(s);
            return;
        }
        b->start += n > 0 ? (size_t)n : 0;
        unsent = buffer_length(b);
        TOUR(17, s->fd, "-%zd bytes, %zu unsent", n > 0 ? n : 0, unsent);
    }

    /* [14] Behind it comes the file. */
    if (unsent == 0 && s->file_left > 0) {
        if (!write_from_file(s))
            return;
        unsent = s->file_left;
    }

    if (unsent > 0) {
        add_io_state(s, IOLOOP_WRITE);

        /* [16] It has not taken all, and perhaps nothing yet. */
        tell_wait(s, IOLOOP_WRITE);
    } else {
        buffer_release(&s->write_buffer);
        if (s->write_callback != NULL)
            ioloop_add_callback(s->loop, s->write_callback, s->write_arg);
        s->write_callback = NULL;
    }
    if (s->fd != -1 && s->read_callback != NULL && !s->read_complete)
        try_read(s);
}

/* A reset, for those who take the end of the connection for the end of the
 * message: an ordinary close would look like success. */
void
iostream_abort(struct iostream *s)
{
    const struct linger reset = {.l_onoff = 1};

    if (s->fd != -1)
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    iostream_close(s);
}

/* The answer to one request is ready. If the next request is already here
 * and found, its answer will be ready by the next turn, and one send can
 * carry both: sixteen requests that came in one packet are answered in one.
 * This ends, for every turn of waiting uses up one more request. */
static void
write_later(void *arg)
{
    struct iostream *s = arg;

    s->write_queued = false;
    if (s->fd == -1)
        return;
    if (s->read_complete && iostream_unsent(s) < IOSTREAM_MAX_UNSENT) {
        s->write_queued = true;
        ioloop_add_callback(s->loop, write_later, s);
        return;
    }
    handle_write(s);
}

/* Only a note, as promised at the top: the bytes go into the buffer, and
 * sending them is put off to the next turn. If we are waiting for WRITE, the
 * kernel is full, and the event will come when it is not. */
static void
queue_write(struct iostream *s, ioloop_callback *callback, void *arg)
{
    s->write_callback = callback;
    s->write_arg = arg;
    if (s->write_queued || (s->state & IOLOOP_WRITE))
        return;
    s->write_queued = true;
    ioloop_add_callback(s->loop, write_later, s);
}

void
iostream_write(struct iostream *s, const void *data, size_t size,
               ioloop_callback *callback, void *arg)
{
    if (s->fd == -1)
        return;

    /* [14] It would overtake the file. */
    assert(s->file_left == 0);

    if (!buffer_append(&s->write_buffer, data, size)) {
        iostream_abort(s);
        return;
    }
    TOUR(16, s->fd, "+%zu bytes, %zu unsent", size, iostream_unsent(s));
    queue_write(s, callback, arg);
}

/* [14] The note about a file; write_from_file() does the rest. */
void
iostream_send_file(struct iostream *s, int fd, off_t offset, size_t size,
                   ioloop_callback *callback, void *arg)
{
    if (s->fd == -1)
        return;
    assert(s->file_left == 0);
    s->file = fd;
    s->file_offset = offset;
    s->file_left = size;
    queue_write(s, callback, arg);
}

/* [10] --- the polite close ---------------------------------------------- */

/* The descriptor goes on its last way alone; the stream ends when it does. */
void
iostream_linger(struct iostream *s)
{
    int fd = s->fd;

    if (fd == -1)
        return;
    if (s->state != 0)
        ioloop_remove_handler(s->loop, fd);
    s->state = 0;
    if (s->eof || !linger_start(s->loop, fd, iostream_free, s)) {
        iostream_close(s);
        return;
    }
    s->fd = -1;
    buffer_release(&s->read_buffer);
}

/* --- events from below -------------------------------------------------- */

/* The loop calls this, and nothing else in this file. It may close the
 * stream, but it never frees it: that is why `s` stays valid to the end. */
static void
stream_events(int fd, uint32_t events, void *arg)
{
    struct iostream *s = arg;
    bool wanted = wants_read(s);

    (void)fd;

    if (events & IOLOOP_READ)
        handle_read(s);
    if (s->fd != -1 && s->eof && s->read_callback != NULL && !s->read_complete)
        try_read(s);

    /* [6] Reading comes first: what was just read may be worth answering. */
    if (s->fd != -1 && (events & IOLOOP_WRITE))
        handle_write(s);

    if (s->fd == -1)
        return;

    /* Not iostream_close(): what was just read may have queued a callback,
     * and it deserves to run first. */
    if (events & IOLOOP_ERROR) {
        ioloop_add_callback(s->loop, close_later, s);
        return;
    }

    /* READ is in vain when nobody wanted it, and for ever after the end. */
    if ((events & IOLOOP_READ) &&
        (s->eof || (!wanted && !wants_read(s))))
        drop_io_state(s, IOLOOP_READ);

    /* [6] WRITE is in vain when nothing is unsent. */
    if (s->fd != -1 && iostream_unsent(s) == 0)
        drop_io_state(s, IOLOOP_WRITE);
}
