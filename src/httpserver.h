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

/* NULL when there is no memory. The caller owns it. `loop` may be NULL: then
 * it is the one that is ioloop_instance() when the server starts. */
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

/* [17] A socket beside each of those that `first` has bound, for another
 * process: where the kernel can deal the connections out to several sockets
 * (Linux), one with a queue of its own at the same port, else the same one. No
 * server keeps the other waiting. As httpserver_bind(). */
const char *httpserver_bind_shared(struct httpserver *server,
                                   const struct httpserver *first);

/* [17] Takes over a listening socket that somebody else has bound. As above. */
const char *httpserver_adopt(struct httpserver *server, int fd);

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

/* [17] The same, but whoever is in the kernel's queue by now is let in first,
 * as far as there is room: to him, we have opened already. */
void httpserver_drain(struct httpserver *server);

/* [17] How many are inside; see httpserver_set_max_connections(). */
size_t httpserver_connections(const struct httpserver *server);

#endif
