/* [7] httpserver.h -- the door: listening sockets, and who comes in.
 *
 *     Tornado 2.0: tornado/httpserver.py, class HTTPServer
 *     Floor 3: it knows streams and the loop, but not HTTP. Each new
 *     connection is handed to a callback, as Tornado did later
 *     (TCPServer.handle_stream). */
#ifndef HTTPSERVER_H
#define HTTPSERVER_H

#include <stddef.h>
#include <sys/socket.h>

#include "iostream.h"

struct httpserver;

/* Runs when somebody has come in, in the handler of the listening socket.
 * The stream owns itself; `peer` is gone when the callback returns. */
typedef void httpserver_handle_stream(struct iostream *stream,
                                      const struct sockaddr *peer,
                                      socklen_t peer_size, void *arg);

/* NULL when there is no memory. The caller owns it. */
struct httpserver *httpserver_new(struct ioloop *loop,
                                  httpserver_handle_stream *handle_stream,
                                  void *arg);

/* Stops, and frees. Connections that came in before are not touched. */
void httpserver_free(struct httpserver *server);

/* [16] At most so many connections at once; those who come then wait in the
 * kernel until one of them has ended. Whoever sets this has to see to it that
 * httpserver_connection_closed() is called, once for each stream, when it has
 * closed. In the form of a callback: `server` is a server. */
void httpserver_set_max_connections(struct httpserver *server, size_t max);
void httpserver_connection_closed(void *server);

/* HTTPServer.bind: `address` is a number or a name, IPv4 or IPv6; "" stands
 * for all interfaces of both. Port 0 is any free port, the same for all of
 * the addresses. May be called several times. NULL, or a sentence that says
 * what is wrong (the server's; good until the next call). Connections wait
 * in the kernel from now on. */
const char *httpserver_bind(struct httpserver *server, int port,
                            const char *address);

/* HTTPServer.start: the bound sockets join the loop. 0, or -1 with errno. */
int httpserver_start(struct httpserver *server);

/* HTTPServer.listen: bind and start, in one. As httpserver_bind(). */
const char *httpserver_listen(struct httpserver *server, int port,
                              const char *address);

/* Writes the URL of the i-th listening socket to `url`; 0, or -1 if there is
 * no such socket. */
int httpserver_url(const struct httpserver *server, size_t i, char *url,
                   size_t size);

/* HTTPServer.stop: nobody comes in any more; twice is no mistake. */
void httpserver_stop(struct httpserver *server);

#endif
