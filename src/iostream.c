/* [6] iostream.c -- a socket with a read buffer and (chapter 8) a write buffer.
 *
 * The program calls functions such as iostream_read_until(), which record in
 * struct iostream what is wanted. The loop calls stream_events() when the
 * socket is ready, and the callbacks that the stream has queued, such as
 * run_read_callback(). Read the fields of struct iostream first. */
#include "iostream.h"

#include <errno.h> /* [7] */
#include <stdlib.h>
#include <string.h> /* [7] */
#include <sys/socket.h>
#include <unistd.h>

#include "linger.h" /* [18] */
#include "memory.h"
#include "system.h" /* [7] */
#include "trace.h"

/* One event reads at most MAX_READ bytes, so that the loop serves other clients
 * in between. Before each recv() the buffer has room for at least READ_CHUNK
 * bytes. */
enum { MAX_READ = 65536, READ_CHUNK = 1024 };

struct iostream {
    struct ioloop *loop;
    int fd;         /* -1 after the close */
    uint32_t state; /* the events registered with the loop; 0: none yet */

    /* The pending read, and how far it has come. */
    iostream_callback *read_callback; /* NULL: no read is pending */
    void *read_arg;
    const char *delimiter; /* NULL: the size is known (chapter 11) */
    size_t wanted;         /* the limit of the read; once complete, its size */
    size_t scan_pos;       /* no delimiter begins before this byte */
    struct buffer *read_buffer;

    /* [7] Tells the owner of the stream that the stream is closed. */
    ioloop_callback *close_callback;
    void *owner; /* the arg of close_callback */

    /* [8] The unsent bytes, and the callback that runs when all are sent. */
    struct buffer *write_buffer;
    ioloop_callback *write_callback;
    void *write_arg;

    /* [19] Runs when bytes have come that do not complete the read, and when
     * the kernel has not taken all unsent bytes. */
    ioloop_callback *partial_callback;

    /* [17] Tells the creator of the stream that the stream is freed. */
    ioloop_callback *free_callback;
    void *free_arg;

    size_t received, written; /* [32] */

    struct iostream_filter *filter; /* [37] NULL: none */

    bool tried;         /* [9] try_read() has called handle_read() */
    bool read_complete; /* the read's callback is queued */
    bool eof;           /* [7] the peer will send no more */
    bool socket_empty;  /* the last recv() took all that the kernel had */
    bool write_queued;  /* [8] write_later() is queued */
    bool partial_queued; /* [19] run_partial_callback() is queued */
};

static void stream_events(int fd, uint32_t events, void *arg);

struct iostream *
iostream_new(struct ioloop *loop, int fd)
{
    struct iostream *s = malloc(sizeof *s);

    /* The memory that the loop needs for this stream (ioloop_reserve() says
     * for what) is allocated now, and not when it may be too late. */
    if (s == NULL || !ioloop_reserve(loop, fd)) {
        free(s);
        return NULL;
    }
    *s = (struct iostream){.loop = loop, .fd = fd};

    /* (4) The loop does not watch the socket yet; see set_io_state(). */
    TOUR(4, fd, "stream made; the loop does not know it yet");
    return s;
}

/* --- closing ----------------------------------------------------------- */

/* [7] Runs as a callback of the loop, after the close: iostream_close() has
 * queued it. (From chapter 18 on linger.c can queue it instead.) */
static void
iostream_free(void *arg)
{
    struct iostream *s = arg;

    if (s->close_callback != NULL)
        s->close_callback(s->owner);

    /* [17] Neither the owner nor the loop uses the stream any more. */
    if (s->free_callback != NULL)
        s->free_callback(s->free_arg);

    buffer_release(&s->read_buffer);
    buffer_release(&s->write_buffer); /* [8] */
    free(s);
}

/* Only the socket is closed at once. The stream stays in memory, because queued
 * callbacks still have a pointer to it. */
void
iostream_close(struct iostream *s)
{
    if (s->fd == -1)
        return;

    /* (20) The program cannot use the connection any more. */
    TOUR(20, s->fd, "closed");

    /* [37] The filter may have to send last bytes, such as close_notify. */
    if (s->filter != NULL)
        s->filter->close(s->filter, iostream_unsent(s) == 0);

    ioloop_remove_handler(s->loop, s->fd);
    close(s->fd);
    s->fd = -1;

    /* [7] The callbacks that are queued run first, and then iostream_free(). */
    ioloop_add_callback(s->loop, iostream_free, s);
}

/* [7] Some messages end with the connection. If such a message is not complete,
 * the peer could not see that after an ordinary close. With the option
 * SO_LINGER and a time of 0, close() sends a reset, which is an error for the
 * peer. */
void
iostream_abort(struct iostream *s)
{
    const struct linger reset = {.l_onoff = 1};

    /* [37] The filter must not tell the peer that the end is an orderly
     * one. */
    if (s->fd != -1 && s->filter != NULL)
        s->filter->close(s->filter, false);

    if (s->fd != -1)
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    iostream_close(s);
}

/* [7] Closes the stream. When this callback runs, the callbacks that were
 * queued before it have run. */
static void
close_later(void *arg)
{
    struct iostream *s = arg;

    /* [18] An incomplete answer must not look complete. If no read is pending,
     * the program may still be making an answer. */
    if (iostream_unsent(s) > 0 || s->read_callback == NULL)
        iostream_abort(s);

    iostream_close(s);
}

int
iostream_fd(const struct iostream *s)
{
    return s->fd;
}

/* [12] For the layers above, which add callbacks of their own to the loop. */
struct ioloop *
iostream_loop(const struct iostream *s)
{
    return s->loop;
}

/* [7] The owner learns of the close, whatever its reason. */
void
iostream_set_close_callback(struct iostream *s, ioloop_callback *callback,
                            void *arg)
{
    s->close_callback = callback;
    s->owner = arg;
}

/* [17] For the server, which counts its streams. */
void
iostream_set_free_callback(struct iostream *s, ioloop_callback *callback,
                           void *arg)
{
    s->free_callback = callback;
    s->free_arg = arg;
}

/* --- what the loop watches --------------------------------------------- */

/* From now on the loop watches for these events. The first call registers the
 * stream with the loop (as in Tornado since 2.1). */
static void
set_io_state(struct iostream *s, uint32_t state)
{
    int result;

    if (s->fd == -1 || state == s->state)
        return;
    s->socket_empty = false; /* bytes may come while the stream waits */
    result = s->state != 0
                 ? ioloop_update_handler(s->loop, s->fd, state)
                 : ioloop_add_handler(s->loop, s->fd, stream_events, s, state);
    if (result == 0)
        s->state = state;

    /* [7] The stream would miss events, so it cannot go on. The reset tells the
     * peer that the answer may be incomplete. */
    if (result == -1)
        iostream_abort(s);
}

/* [24] Registers the stream for ERROR, even while it neither reads nor
 * writes. */
void
iostream_watch(struct iostream *s)
{
    set_io_state(s, s->state | IOLOOP_ERROR);
}

/* Should the stream receive bytes now? */
static bool
wants_read(const struct iostream *s)
{
    /* [7] Nothing more will come. */
    if (s->eof)
        return false;

    /* [19] At or above the high-water mark the stream does not receive. */
    if (iostream_unsent(s) >= IOSTREAM_MAX_UNSENT)
        return false;

    return s->fd != -1 && s->read_callback != NULL && !s->read_complete;
}

/* --- reading ----------------------------------------------------------- */

/* Delivers the result of a complete read. It runs from the loop, so the
 * callback may do anything with the stream. */
static void
run_read_callback(void *arg)
{
    struct iostream *s = arg;
    iostream_callback *callback = s->read_callback;
    const char *data = "";

    /* Since this call was queued the stream may have been closed; from chapter
     * 19 on its read may have been cancelled, and another one started. */
    if (s->fd == -1 || !s->read_complete)
        return;
    if (s->read_buffer != NULL) {
        data = s->read_buffer->data + s->read_buffer->start;
        s->read_buffer->start += s->wanted;
    }

    /* These two fields are cleared before the call, because the callback may
     * start the next read. The next read does not call recv() before the
     * callback has returned: recv() may need more room, and making room can
     * move the buffer, into which `data` points. */
    s->read_callback = NULL;
    s->read_complete = false;
    callback(data, s->wanted, s->read_arg);

    /* [7] An idle stream needs no buffer, so an empty one is freed. */
    buffer_trim(&s->read_buffer);
}

/* IOStream._read_from_buffer: if the buffer holds enough for the pending read,
 * completes the read, queues its callback, and returns true. */
static bool
read_from_buffer(struct iostream *s)
{
    size_t length = buffer_length(s->read_buffer), n = 0;

    if (s->delimiter != NULL && length > 0)
        n = buffer_find(s->read_buffer, s->delimiter, &s->scan_pos);
    if (n > 0 && n < s->wanted)
        s->wanted = n;
    if (s->fd == -1 || length < s->wanted)
        return false;
    s->read_complete = true;

    /* (7) The callback will run in the next turn. */
    if (s->delimiter != NULL)
        TOUR(7, s->fd, "found after %zu bytes, callback queued", s->wanted);
    ioloop_add_callback(s->loop, run_read_callback, s);
    return true;
}

/* [19] Tells the owner that a read or a write was incomplete when this callback
 * was queued. */
static void
run_partial_callback(void *arg)
{
    struct iostream *s = arg;

    s->partial_queued = false;
    if (s->fd != -1)
        s->partial_callback(s->owner);
}

/* [19] Queues the partial callback, if there is one. Nothing is queued for a
 * closed stream: iostream_free() may be in the queue already, and would run
 * first. */
static void
notify_partial(struct iostream *s)
{
    if (s->fd == -1 || s->partial_callback == NULL || s->partial_queued)
        return;
    s->partial_queued = true;
    ioloop_add_callback(s->loop, run_partial_callback, s);
}

/* IOStream._read_to_buffer: receives at most `max` bytes into the buffer.
 * Returns their number: 0 if no byte has come, also at the end of file or after
 * an error. */
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
        s->received += (size_t)n; /* [32] */

        /* (6) The bytes are in the stream's buffer now. */
        TOUR(6, s->fd, "+%zd bytes, %zu in the buffer", n,
             buffer_length(s->read_buffer));

        /* [37] The filter replaces these bytes. If it returns false, the peer
         * will send no more. */
        if (s->filter != NULL &&
            !s->filter->receive(s->filter, &s->read_buffer, (size_t)n))
            s->eof = true;

        return (size_t)n;
    }

    /* [7] recv() returns 0 at the end of file: the peer will send no more. If
     * an earlier recv() of this handle_read() has brought bytes (then `max` is
     * below MAX_READ), the stream ignores the end of file for now, and the loop
     * reports it again in a later turn. From chapter 19 on the partial callback
     * can look at these bytes before the stream closes. */
    if (n == 0) {
        TRACE(s->fd, "the peer will send no more");
        s->eof = max == MAX_READ;

        /* [37] The filter did not expect this end, and may abort the stream. */
        if (s->eof && s->filter != NULL)
            s->filter->receive(s->filter, &s->read_buffer, 0);
    } else if (!is_temporary(errno)) {
        TRACE(s->fd, "recv: %s", strerror(errno));
        iostream_close(s);
    }
    buffer_trim(&s->read_buffer);

    return 0;
}

/* IOStream._handle_read: receives while the stream wants bytes and the kernel
 * has some, but at most MAX_READ bytes. */
static void
handle_read(struct iostream *s)
{
    size_t left = MAX_READ;

    s->socket_empty = false;
    while (wants_read(s) && left > 0 && !s->socket_empty) {
        left -= read_to_buffer(s, left);
        read_from_buffer(s);
    }

    /* [19] The bytes that have come do not complete the read. */
    if (left < MAX_READ && s->read_callback != NULL && !s->read_complete)
        notify_partial(s);
}

/* Completes the pending read from the buffer, if that is possible now. If not,
 * the read waits for events, unless no more bytes can come (chapter 7). */
static void
try_read(struct iostream *s)
{
    /* [9] While the loop is busy, the requests of new clients arrive before
     * their streams are made. So the first read of a stream tries recv() before
     * it waits for an event. A later read does not: it may be started in a read
     * callback, whose `data` points into the read buffer, and to receive bytes
     * could move the buffer. */
    if (!s->tried) {
        s->tried = true;
        handle_read(s);
        if (s->fd == -1 || s->read_complete)
            return;
    }

    /* [19] handle_write() calls this function again when enough has been
     * sent. */
    if (iostream_unsent(s) >= IOSTREAM_MAX_UNSENT)
        return;

    /* If a client sends two messages at once, the second one may be in the
     * buffer already. No event reports bytes that are in the buffer. */
    if (read_from_buffer(s))
        return;

    /* [19] The buffer may hold a part of the next message. */
    if (buffer_length(s->read_buffer) > 0)
        notify_partial(s);

    /* [19] A peer that will send no more may still wait for unsent bytes;
     * handle_write() calls this function again when they are sent. */
    if (s->eof && iostream_unsent(s) > 0)
        return;

    /* [7] The read cannot complete any more. */
    if (s->eof) {
        iostream_close(s);
        return;
    }

    set_io_state(s, s->state | IOLOOP_READ | IOLOOP_ERROR);
}

void
iostream_read_until(struct iostream *s, const char *delimiter,
                    size_t max_bytes, iostream_callback *callback, void *arg)
{
    /* (5) The caller wants the bytes up to the delimiter. */
    if (delimiter != NULL)
        TOUR(5, s->fd, "read: everything up to the delimiter");

    if (s->fd == -1 || s->read_callback != NULL)
        return;
    s->delimiter = delimiter;
    s->wanted = max_bytes;
    s->scan_pos = 0;
    s->read_callback = callback;
    s->read_arg = arg;
    try_read(s);
}

/* [11] (9) Without a delimiter the read is complete when `size` bytes have
 * come: the caller knows the size of what it reads. */
void
iostream_read_bytes(struct iostream *s, size_t size,
                    iostream_callback *callback, void *arg)
{
    TOUR(9, s->fd, "read: %zu bytes", size);

    iostream_read_until(s, NULL, size, callback, arg);
}

/* [18] If there are unread bytes, the peer may still be sending, or they
 * begin its next request (chapter 19). */
size_t
iostream_unread(const struct iostream *s)
{
    return buffer_length(s->read_buffer);
}

/* [19] --- reading in part ------------------------------------------------- */

/* If run_read_callback() is queued, it does not deliver the cancelled read. */
void
iostream_cancel_read(struct iostream *s)
{
    s->read_callback = NULL;
    s->read_complete = false;
}

void
iostream_set_partial_callback(struct iostream *s, ioloop_callback *callback)
{
    s->partial_callback = callback;
}

const char *
iostream_peek(const struct iostream *s, size_t *size)
{
    *size = buffer_length(s->read_buffer);
    return *size > 0 ? s->read_buffer->data + s->read_buffer->start : "";
}

/* [8] --- writing -------------------------------------------------------- */

size_t
iostream_unsent(const struct iostream *s)
{
    return buffer_length(s->write_buffer);
}

/* IOStream._handle_write: the kernel takes what fits into its own buffer. The
 * rest stays in the write buffer, and the loop watches for WRITE: the kernel
 * reports it when it has room again. */
static void
handle_write(struct iostream *s)
{
    struct buffer *b = s->write_buffer;

    if (buffer_length(b) > 0) {
        ssize_t n = send(s->fd, b->data + b->start, buffer_length(b),
                         SEND_FLAGS);

        if (n == -1 && !is_temporary(errno)) {
            TRACE(s->fd, "send: %s", strerror(errno));
            iostream_abort(s);
            return;
        }
        b->start += n > 0 ? (size_t)n : 0;

        /* (17) The kernel has taken what it has room for. That does not mean
         * that the peer has these bytes. */
        TOUR(17, s->fd, "-%zd bytes, %zu unsent", n > 0 ? n : 0,
             buffer_length(b));
    }
    buffer_trim(&s->write_buffer);
    if (iostream_unsent(s) > 0) {
        set_io_state(s, s->state | IOLOOP_WRITE | IOLOOP_ERROR);

        /* [19] The kernel has not taken all bytes. */
        notify_partial(s);
    } else {
        if (s->write_callback != NULL)
            ioloop_add_callback(s->loop, s->write_callback, s->write_arg);
        s->write_callback = NULL;
    }

    /* [19] A pending read may have waited for the unsent bytes to be sent. */
    if (s->fd != -1 && s->read_callback != NULL && !s->read_complete)
        try_read(s);
}

/* Runs as a callback, after the write: so one send() can take the bytes of many
 * small writes, which saves system calls and packets. */
static void
write_later(void *arg)
{
    struct iostream *s = arg;

    if (s->fd == -1)
        return;

    /* [19] If the next request is complete already, its answer may be ready in
     * the next turn, and one send() can carry both. So requests that came
     * together can be answered together. The waiting ends when no complete
     * request is left, at the latest at the high-water mark. */
    if (s->read_complete && iostream_unsent(s) < IOSTREAM_MAX_UNSENT) {
        ioloop_add_callback(s->loop, write_later, s);
        return;
    }

    s->write_queued = false;
    handle_write(s);
}

/* The bytes go into the buffer now and to the kernel later, mostly in the next
 * turn (from chapter 28 on a large block goes there at once). While the loop
 * watches for WRITE, write_later() is not queued: the WRITE event will call
 * handle_write(). */
void
iostream_write(struct iostream *s, const void *data, size_t size,
               ioloop_callback *callback, void *arg)
{
    /* [37] The filter has other bytes to send in place of these. If it fails,
     * it closes the stream. */
    if (s->filter != NULL && s->fd != -1)
        data = s->filter->send(s->filter, data, &size);

    if (s->fd == -1)
        return;
    s->written += size; /* [32] */

    /* [28] A large block is sent now; only the part that is left is copied. */
    size -= buffer_send_with(s->write_buffer, s->fd, &data, size);

    if (!buffer_append(&s->write_buffer, data, size)) {
        iostream_abort(s);
        return;
    }

    /* (16) `size` bytes are now in the buffer, and not yet in the kernel. */
    TOUR(16, s->fd, "+%zu bytes, %zu unsent", size, iostream_unsent(s));

    if (callback != NULL) {
        s->write_callback = callback;
        s->write_arg = arg;
    }
    if (s->write_queued || (s->state & IOLOOP_WRITE))
        return;
    s->write_queued = true;
    ioloop_add_callback(s->loop, write_later, s);
}

/* [18] --- the lingering close -------------------------------------------- */

/* If an ordinary close could lose bytes, linger.c takes over the descriptor,
 * closes it later, and then queues iostream_free(). */
void
iostream_linger(struct iostream *s, bool expects_more)
{
    int fd = s->fd;

    if (fd == -1 || s->eof ||
        (!expects_more && s->socket_empty && iostream_unread(s) == 0 &&
         unacknowledged(fd) == 0))
        return;

    /* [37] The filter may have to send last bytes. linger_start() calls
     * shutdown(), after which nothing can be sent. */
    if (s->filter != NULL)
        s->filter->close(s->filter, iostream_unsent(s) == 0);

    ioloop_remove_handler(s->loop, fd);
    if (linger_start(s->loop, fd, iostream_free, s))
        s->fd = -1;
    buffer_release(&s->read_buffer);
}

/* [32] --- for observers of a stream --------------------------------------- */

size_t
iostream_received(const struct iostream *s)
{
    return s->received;
}

size_t
iostream_sent(const struct iostream *s)
{
    return s->written - iostream_unsent(s);
}

/* [36] For the limit on the memory of all connections. */
size_t
iostream_memory(const struct iostream *s)
{
    return buffer_memory(s->read_buffer) + buffer_memory(s->write_buffer);
}

bool
iostream_try_read_now(struct iostream *s)
{
    handle_read(s);
    return s->fd == -1 || s->read_complete;
}

/* [37] --- a filter -------------------------------------------------------- */

void
iostream_set_filter(struct iostream *s, struct iostream_filter *filter)
{
    s->filter = filter;
}

/* --- events from the loop ----------------------------------------------- */

/* IOStream._handle_events: the handler that the loop calls when the socket is
 * ready. The functions that it calls may close the stream, but never free it,
 * so `s` stays valid to the end. */
static void
stream_events(int fd, uint32_t events, void *arg)
{
    struct iostream *s = arg;
    bool wanted = wants_read(s); /* [8] */

    (void)fd;
    if (events & IOLOOP_READ)
        handle_read(s);

    /* [7] The peer will send no more; try_read() decides what that means for
     * the pending read. */
    if (s->fd != -1 && s->eof && s->read_callback != NULL && !s->read_complete)
        try_read(s);

    /* [8] As in Tornado, a stream first reads, and then writes. */
    if (s->fd != -1 && (events & IOLOOP_WRITE))
        handle_write(s);

    /* [7] One of these calls may have closed the stream. */
    if (s->fd == -1)
        return;

    /* [7] iostream_close() would be too early here: the bytes that were just
     * read may have queued a callback, which must run first. */
    if (events & IOLOOP_ERROR)
        ioloop_add_callback(s->loop, close_later, s);

    /* [8] The stream removes an event that it does not need: otherwise every
     * wait would report it at once. READ is removed if the peer will send no
     * more, or if the kernel reports it while no read wants bytes. It is not
     * removed earlier: usually the next read starts before more bytes come, and
     * to remove and add READ would cost two system calls. */
    if ((events & IOLOOP_READ) &&
        (s->eof || (!wanted && !wants_read(s))))
        set_io_state(s, s->state & ~(uint32_t)IOLOOP_READ);

    /* [8] WRITE is not needed when nothing is unsent. */
    if ((events & IOLOOP_WRITE) && iostream_unsent(s) == 0)
        set_io_state(s, s->state & ~(uint32_t)IOLOOP_WRITE);
}
