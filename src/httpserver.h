/* [9] httpserver.h -- accepts connections and makes streams of them.
 *
 *     Tornado 2.0: tornado/httpserver.py, class HTTPServer
 *     Layer 3: it knows streams and the loop, but not HTTP. It gives the
 *     stream of each new connection to a callback, as Tornado does from 2.1 on
 *     (TCPServer.handle_stream). */
#ifndef HTTPSERVER_H
#define HTTPSERVER_H

#include <sys/socket.h>

#include "iostream.h"
#include "listen.h"

struct httpserver;

/* Runs for each accepted connection, in the handler of the listening socket.
 * - The stream frees itself after it is closed; see iostream_new().
 * - `peer` is valid until the callback returns. */
typedef void httpserver_handle_stream(struct iostream *stream,
                                      const struct sockaddr *peer,
                                      socklen_t peer_size, void *arg);

/* Makes a server, which the caller owns. Returns NULL if there is no memory. */
struct httpserver *httpserver_new(struct ioloop *loop,
                                  httpserver_handle_stream *handle_stream,
                                  void *arg);

/* [17] Stops the server. Its streams stay open; the memory of the server is
 * freed when the last of them has been freed. */
void httpserver_free(struct httpserver *server);

/* [26] HTTPServer.listen: calls listeners_bind(), and registers the new
 * listeners with the loop. May be called several times. Returns NULL, or a
 * sentence that says what is wrong. */
const char *httpserver_listen(struct httpserver *server, int port,
                              const char *address);

/* HTTPServer.start, or TCPServer.add_sockets of Tornado 2.1: takes ownership of
 * the sockets, even if the call fails. Registers with the loop those that are
 * not registered yet. Returns 0, or -1 with errno. */
int httpserver_start(struct httpserver *server,
                     const struct listeners *listeners);

/* [17] HTTPServer.stop: closes the listeners. A second call does nothing. */
void httpserver_stop(struct httpserver *server);

/* [34] At most `max` streams exist at once, from their accept until they are
 * freed. Further connections wait in the kernel.
 * - `full` runs when a connection waits while `max` streams exist. If `full`
 *   closes a stream, there is room in the next turn. While there is no room and
 *   a connection waits, `full` runs every tenth of a second. */
void httpserver_set_limit(struct httpserver *server, size_t max,
                          ioloop_callback *full, void *arg);

/* [34] Accepts the connections that wait in the kernel, also above the limit
 * (at most 4096 for each listener), and stops. `empty` runs when no stream is
 * left, within this call if there is none. */
void httpserver_drain(struct httpserver *server, ioloop_callback *empty,
                      void *arg);

#endif
