/* [37] ssl.h -- TLS: a filter for streams, made of OpenSSL.
 *
 *     Tornado 2.0: tornado/iostream.py, class SSLIOStream
 *     Layer 2: it knows streams and the loop.
 *
 * The library never touches the socket. It is given the bytes that the stream
 * has received, and it returns bytes that the stream has to send. So it never
 * waits for an event, and no event has to be translated for it.
 *
 * - TLS 1.2 and 1.3, with the algorithms (ciphers) of the library. From
 *   chapter 38 on ALPN: the handshake fails if a client names protocols, but
 *   not HTTP/1.1 or 1.0.
 * - A session that begins at one process continues at every other one.
 * - A program that is built without TLS=yes has no TLS: ssl_load() fails. */
#ifndef SSL_H
#define SSL_H

#include "iostream.h"

/* Reads a certificate chain and its key, both PEM files, for all streams that
 * begin from now on. Returns NULL, or a sentence without a newline that says
 * what is wrong; then the files that were read before stay in use. The sentence
 * is valid until the next call. To be called before the first fork(): all
 * processes share the keys of the session tickets. */
const char *ssl_load(const char *certfile, const char *keyfile);

/* Starts TLS on a new stream, as a server. Without memory for it the stream is
 * closed.
 * - The handshake takes place while the first read is pending, and has no
 *   deadline of its own.
 * - If the peer sends something that is not TLS, the stream closes after an
 *   alert or, for HTTP, after a short answer that is not encrypted.
 * - If the peer ends the connection, but not its TLS, while bytes are unsent or
 *   unread, the stream is aborted: bytes may have been cut off. */
void ssl_start(struct iostream *stream);

#endif
