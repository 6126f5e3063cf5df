/* [6] iostream.h -- turns "the socket is ready" into "here is your data".
 *
 *     Tornado 2.0: tornado/iostream.py, class IOStream
 *     Layer 2: it knows the loop.
 *
 * The kernel delivers bytes in pieces of any size. A stream collects the pieces
 * until the caller's read is complete.
 *
 * Three rules make it safe to use:
 * 1. No callback runs inside the call that asked for it. The stream queues it
 *    with ioloop_add_callback(), and the loop calls it. So a callback may do
 *    anything with the stream: it may start the next read or close the stream.
 * 2. Close now, free later (chapter 7). iostream_close() takes effect at once,
 *    but the memory of the stream is freed in the next turn. Until then the
 *    caller may still call every function below; those that read, write or
 *    close do nothing.
 * 3. The close callback (chapter 7) runs once, after all other callbacks of the
 *    stream. */
#ifndef IOSTREAM_H
#define IOSTREAM_H

#include <stddef.h>
#include <sys/socket.h> /* [38] */

#include "ioloop.h"

struct iostream;

/* `data` belongs to the stream and is valid until the callback returns. */
typedef void iostream_callback(const char *data, size_t size, void *arg);

/* Makes a stream of `fd`, a connected, non-blocking socket.
 * - The stream owns `fd`. From chapter 7 on the stream frees itself after the
 *   close, whatever was the reason: iostream_close(), its peer, or an error.
 * - Returns NULL if there is no memory; `fd` then still belongs to the
 *   caller. */
struct iostream *iostream_new(struct ioloop *loop, int fd);

/* IOStream.read_until: `callback` gets the bytes up to and including
 * `delimiter`.
 * - A CR in `delimiter` is optional in the data ("\r?\n", as in Tornado since
 *   4.0). A caller that requires the CRs checks the data.
 * - `delimiter` has at least one byte that is not a CR. It is not copied.
 * - If `max_bytes` bytes (at least 1) arrive without the delimiter, the
 *   callback gets these bytes.
 * - A stream has one pending read at a time; a second one is ignored.
 * - If the stream closes, the pending read is dropped.
 * - If the peer has sent its last byte and the pending read is not complete,
 *   the stream closes (chapter 7), but not before all unsent bytes have been
 *   sent (chapter 19). So a caller should write first, and then start the next
 *   read. */
void iostream_read_until(struct iostream *stream, const char *delimiter,
                         size_t max_bytes, iostream_callback *callback,
                         void *arg);

/* [11] IOStream.read_bytes: `callback` gets exactly `size` bytes; 0 is
 * allowed. */
void iostream_read_bytes(struct iostream *stream, size_t size,
                         iostream_callback *callback, void *arg);

/* [19] `callback` runs when bytes have arrived that do not complete the pending
 * read, and when the kernel has not taken all unsent bytes (chapter 8). Its
 * `arg` is that of the close callback. */
void iostream_set_partial_callback(struct iostream *stream,
                                   ioloop_callback *callback);

/* [19] Returns the bytes that no read has taken yet; they stay unread. The
 * pointer is valid until the caller returns to the loop or starts a read. */
const char *iostream_peek(const struct iostream *stream, size_t *size);

/* [19] Drops the pending read: its callback will not run. */
void iostream_cancel_read(struct iostream *stream);

/* [18] The number of bytes that have arrived and that no read has taken yet. */
size_t iostream_unread(const struct iostream *stream);

/* IOStream.close: removes the stream from the loop and closes the socket.
 * Unsent bytes are lost. A second call has no effect. The close callback runs
 * in the next turn (chapter 7). */
void iostream_close(struct iostream *stream);

/* [7] Closes the stream with a reset, so that the peer does not take a part of
 * the answer for the whole. */
void iostream_abort(struct iostream *stream);

/* Returns the descriptor, or -1 after the stream has been closed. */
int iostream_fd(const struct iostream *stream);

/* [12] The loop that the stream was made for. */
struct ioloop *iostream_loop(const struct iostream *stream);

/* [7] IOStream.set_close_callback: `callback` runs once, whatever closed the
 * stream. Neither `callback` nor any later code may use the stream. */
void iostream_set_close_callback(struct iostream *stream,
                                 ioloop_callback *callback, void *arg);

/* [17] `callback` runs once, after the close callback, when the stream is
 * freed. It is for the creator of the stream. */
void iostream_set_free_callback(struct iostream *stream,
                                ioloop_callback *callback, void *arg);

/* [24] From now on a reset closes the stream even while no read is pending. The
 * end of what the peer sends does not: the peer may still wait for an answer.
 * (Tornado 2.0 closed the stream in both cases.) */
void iostream_watch(struct iostream *stream);

/* [8] IOStream.write: appends a copy of `data` to the unsent bytes.
 * - It never blocks. The stream gives the bytes to the kernel later, mostly in
 *   the next turn, together with what is written until then. Bytes that
 *   the kernel does not take are sent when the socket has room again.
 * - `callback` runs once when no byte is unsent any more. A later write with a
 *   callback replaces it.
 * - If there is no memory for the copy, the stream is aborted: the peer must
 *   not take a part of the answer for the whole.
 * - The stream does not limit the unsent bytes; the caller can do that with
 *   iostream_unsent(). */
void iostream_write(struct iostream *stream, const void *data, size_t size,
                    ioloop_callback *callback, void *arg);

/* [28] iostream_write() sends a block of more than 4 KiB at once, behind the
 * bytes that were unsent before. Only the part that the kernel does not take is
 * copied. */

/* [8] The number of unsent bytes in the stream. */
size_t iostream_unsent(const struct iostream *stream);

/* [19] The high-water mark: from this number of unsent bytes on, the stream
 * neither receives nor completes reads. A client that does not read its answers
 * cannot ask for more of them. */
enum { IOSTREAM_MAX_UNSENT = 65536 };

/* [18] Starts the lingering close (see linger.h) if the peer could lose bytes
 * by an ordinary close.
 * - Call it when no byte is unsent, and then call iostream_close(), which
 *   closes a stream that does not have to linger.
 * - A stream that has got EOF does not linger: the peer sends no more bytes
 *   that could cause a reset. Any other has to if the peer may still be sending
 *   (`expects_more`, or there are unread bytes), or has not acknowledged all
 *   bytes, or the system cannot tell.
 * - A lingering stream counts as closed; the close callback runs when the
 *   lingering is over. */
void iostream_linger(struct iostream *stream, bool expects_more);

/* [32] --- for observers of a stream --------------------------------------- */

/* Bytes that the kernel has given to the stream, and taken from it, since the
 * stream was made. */
size_t iostream_received(const struct iostream *stream);
size_t iostream_sent(const struct iostream *stream);

/* [36] Bytes of memory that the buffers of the stream occupy. */
size_t iostream_memory(const struct iostream *stream);

/* Receives what the kernel already has for the pending read. Returns true if
 * that read is complete now, or the stream is closed. */
bool iostream_try_read_now(struct iostream *stream);

/* [37] --- a filter -------------------------------------------------------- */

/* A filter stands between the buffers of a stream and the kernel: what the
 * kernel sends and receives is not what the program writes and reads. TLS is a
 * filter (ssl.h).
 *
 * - receive: the last `size` bytes of *buffer have just been received. The
 *   filter replaces them by all bytes that result, also by none: it keeps no
 *   byte back that could be read now. False: the peer will send no more. If
 *   `size` is 0 the connection has ended, and the filter did not expect it.
 * - send: returns the bytes to be sent in place of the *size bytes of `data`,
 *   valid until the next call, and their number.
 * - close: the stream is about to be closed, and if it ends as it should
 *   (`orderly`) the filter may tell the peer. The stream may call it again in
 *   the same turn, which has no effect; after this turn it calls no function of
 *   the filter.
 * - Each of them may close the stream. */
struct buffer;
struct iostream_filter {
    bool (*receive)(struct iostream_filter *filter, struct buffer **buffer,
                    size_t size);
    const void *(*send)(struct iostream_filter *filter, const void *data,
                        size_t *size);
    void (*close)(struct iostream_filter *filter, bool orderly);
};

/* To be called before anything is read or written. The stream does not own the
 * filter. */
void iostream_set_filter(struct iostream *stream,
                         struct iostream_filter *filter);

/* [38] --- the stream of a client ------------------------------------------ */

/* Runs once, from the loop. `stream` is NULL if there is no connection. */
typedef void iostream_connect_callback(struct iostream *stream, void *arg);

/* IOStream.connect: opens a TCP connection to `address`, and makes a stream of
 * it.
 * - It never blocks. The loop calls `callback` later, when the connection is
 *   established or has failed. If the peer does not answer at all, the kernel
 *   tries for about two minutes.
 * - Returns the descriptor of the stream, or -1 with errno; then `callback`
 *   will not run. */
int iostream_connect(struct ioloop *loop, const struct sockaddr *address,
                     socklen_t size, iostream_connect_callback *callback,
                     void *arg);

/* ------------------------------------------------------------------------ */

#endif
