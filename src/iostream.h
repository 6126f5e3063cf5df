/* [5] iostream.h -- turns "the socket is ready" into "here is your data".
 *
 *     Tornado 2.0: tornado/iostream.py, class IOStream
 *     Floor 2: it knows the loop.
 *
 * The kernel gives us bytes when it pleases, in pieces of its own choosing.
 * A stream gathers the pieces until they are what somebody wished for.
 *
 * Three rules make it safe to use:
 * 1. No callback runs inside the call that asked for it. It is queued with
 *    ioloop_add_callback() and finds an empty stack, so it may do anything
 *    with the stream, also make the next wish or close it.
 * 2. Close now, free later. iostream_close() takes effect at once, but the
 *    stream itself ends in the next turn; until then every function below
 *    may still be called and does nothing.
 * 3. The close callback is the last that is heard of a stream. */
#ifndef IOSTREAM_H
#define IOSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h> /* [14] */

#include "ioloop.h"

struct iostream;

/* `data` belongs to the stream and is gone when the callback returns. */
typedef void iostream_callback(const char *data, size_t size, void *arg);

/* Takes over `fd`, a connected, non-blocking socket. The stream owns itself:
 * it ends by iostream_close(), by the peer, or by a failure, and then frees
 * itself. NULL when there is no memory left; `fd` is then still yours. */
struct iostream *iostream_new(struct ioloop *loop, int fd);

/* A wish: `callback` gets the bytes up to and including `delimiter`. The CRs
 * of `delimiter` are optional in the data (as Tornado's since 4.1: "\r?\n"),
 * and it must have another character; whoever insists on them can look. If
 * `max_bytes` bytes (at least one) have come without the delimiter, the wish
 * counts as fulfilled with those. `delimiter` is not copied. A stream has one
 * wish at a time. It is dropped when the stream closes. */
void iostream_read_until(struct iostream *stream, const char *delimiter,
                         size_t max_bytes, iostream_callback *callback,
                         void *arg);

/* A wish: `callback` gets exactly `size` bytes; none is a wish, too. A wish of
 * either kind that can not come true any more, because the peer has stopped
 * sending, closes the stream (once everything written before has left,
 * chapter 6: so write first, wish then). */
void iostream_read_bytes(struct iostream *stream, size_t size,
                         iostream_callback *callback, void *arg);

/* How many bytes have come that nobody has wished for yet. */
size_t iostream_unread(const struct iostream *stream);

/* Are there none, and had the kernel none either when it was asked, which was
 * not long ago? */
bool iostream_socket_empty(const struct iostream *stream);

/* Leaves the loop and closes the socket; what has not been sent is lost.
 * Safe anywhere, also twice. The close callback follows in the next turn. */
void iostream_close(struct iostream *stream);

/* The descriptor; -1 once the stream is closed. */
int iostream_fd(const struct iostream *stream);

/* Who is told the end, whoever brought it about. */
void iostream_set_close_callback(struct iostream *stream,
                                 ioloop_callback *callback, void *arg);

/* [7] `callback` runs once, after the close callback, when the stream is
 * freed. */
void iostream_set_free_callback(struct iostream *stream,
                                ioloop_callback *callback, void *arg);

/* The peer's end of the line is watched from now on even if nothing is
 * wished for: for those who answer later (chapter 12). That somebody will send
 * no more is not the end, he may be waiting for an answer. (Tornado 2.0 took
 * it for the end.) Only epoll knows of errors as such; with select and kqueue
 * the end is noticed when something is read or written. */
void iostream_watch(struct iostream *stream);

/* [16] Runs each time that the stream has to wait for its peer: READ, for more
 * of what is wished for; WRITE, for room for what is owed. At once, from
 * within whatever the stream is doing: take a note, or close it. */
typedef void iostream_wait_callback(uint32_t event, void *arg);
void iostream_set_wait_callback(struct iostream *stream,
                                iostream_wait_callback *callback, void *arg);

/* [16] For those who lose patience: looks whether something has come that the
 * loop has not seen yet. False if not, and the stream waits in vain. */
bool iostream_try_read_now(struct iostream *stream);

/* [16] Forgets the wish: its callback will not run. */
void iostream_cancel_read(struct iostream *stream);

/* [6] Never blocks and never writes less: `data` is copied, and offered to
 * the kernel in the next turn together with what else was written by then;
 * what the kernel does not take is kept and offered again. `callback`, if
 * not NULL, runs once when nothing is owed any more; a later write's callback
 * takes its place. Without memory for the copy the stream is aborted: better no
 * answer than half of one. There is no limit but that; see iostream_unsent(). */
void iostream_write(struct iostream *stream, const void *data, size_t size,
                    ioloop_callback *callback, void *arg);

/* [14] The same for `size` bytes of the file `fd`, from `offset` on: they are
 * taken from it when the peer has room for them, so they cost no memory. The
 * file stays open, and yours to close, until `callback` has run or the stream
 * has closed; nothing may be written before that. If the file ends too early
 * the stream is aborted. Counts as owed. */
void iostream_send_file(struct iostream *stream, int fd, off_t offset,
                        size_t size, ioloop_callback *callback, void *arg);

/* [6] Closes in a way that the peer notices: what he has got is not all. */
void iostream_abort(struct iostream *stream);

/* [6] How many bytes the peer is still owed. From IOSTREAM_MAX_UNSENT on the
 * stream neither reads nor fulfils wishes: who does not fetch what he asked
 * for is not asked what else he wants. */
size_t iostream_unsent(const struct iostream *stream);
enum { IOSTREAM_MAX_UNSENT = 65536 };

/* [10] The polite close, for a peer who may still be talking; see linger.h.
 * To be called when nothing is owed. From here on the stream is closed, but
 * the close callback runs only when the goodbye is over. */
void iostream_linger(struct iostream *stream);

#endif
