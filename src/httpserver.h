/* [7] httpserver.h -- accepts connections and makes streams of them.
 *
 *     Tornado 2.0: tornado/httpserver.py, class HTTPServer
 *     Layer 3: it knows streams and the loop, but not HTTP. Each new
 *     connection is handed to a callback, as Tornado did later
 *     (TCPServer.handle_stream). */
#ifndef HTTPSERVER_H
#define HTTPSERVER_H

#include <stddef.h>
#include <sys/socket.h>

#include "iostream.h"
#include "listen.h"

struct httpserver;

/* Runs for each accepted connection, in the handler of the listening socket.
 * - The stream owns itself; see iostream_new().
 * - `peer` is gone when the callback returns. */
typedef void httpserver_handle_stream(struct iostream *stream,
                                      const struct sockaddr *peer,
                                      socklen_t peer_size, void *arg);

/* NULL: no memory. The caller owns the server. */
struct httpserver *httpserver_new(struct ioloop *loop,
                                  httpserver_handle_stream *handle_stream,
                                  void *arg);

/* Stops the server, and frees it, or what is left of it with its last stream:
 * its streams stay as they are. */
void httpserver_free(struct httpserver *server);

/* HTTPServer.listen: listeners_bind(), and the new listeners join the loop.
 * May be called several times. NULL, or a sentence that says what is wrong. */
const char *httpserver_listen(struct httpserver *server, int port,
                              const char *address);

/* HTTPServer.start, or TCPServer.add_sockets of Tornado 2.1: takes over the
 * listeners, also when it fails, and those that have not joined the loop yet
 * join it. 0, or -1 with errno. */
int httpserver_start(struct httpserver *server, struct listeners *listeners);

/* As listeners_url(), for the i-th listener of the server. */
int httpserver_url(const struct httpserver *server, size_t i, char *url,
                   size_t size);

/* HTTPServer.stop: closes the listeners. A second call does nothing. */
void httpserver_stop(struct httpserver *server);

/* [16] At most `max` streams exist at once, from their accept until they are
 * freed. Further connections wait in the kernel.
 * - `full` runs when a connection waits while `max` streams exist, at most ten
 *   times a second. If it closes a stream, there is room in the next turn. */
void httpserver_set_limit(struct httpserver *server, size_t max,
                          ioloop_callback *full, void *arg);

/* [17] Accepts the connections that wait in the kernel, as far as the limit
 * allows, and stops. `empty` runs when no stream is left, within this call if
 * there is none. */
void httpserver_drain(struct httpserver *server, ioloop_callback *empty,
                      void *arg);

#endif
