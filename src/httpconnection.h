/* [8] httpconnection.h -- one client, and one request after the other.
 *
 *     Tornado 2.0: tornado/httpserver.py, class HTTPConnection
 *     Floor 4: it knows streams and requests, but no application.
 *
 * A connection reads a head, then the body if there is one, and hands the
 * request to a callback. The answer comes back through httprequest_write()
 * and httprequest_finish(), whenever it is ready. What is not HTTP/1.x as RFC
 * 9112 wants it is answered here, with what is wrong; the callback never
 * sees it. */
#ifndef HTTPCONNECTION_H
#define HTTPCONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "httprequest.h"
#include "iostream.h"

/* Runs when a request is complete, from the loop. */
typedef void httprequest_callback(struct httprequest *request, void *arg);

/* What all connections of a server share. The owner keeps it alive as long as
 * there are connections. */
struct httpconnection_settings {
    httprequest_callback *request_callback;
    void *request_arg;
    size_t max_header_size; /* bytes of request line and headers */
    size_t max_body_size;   /* [9] */
    bool no_keep_alive;     /* [10] */

    /* [16] In microseconds; 0: for ever. For a whole head, from the accept or
     * its first byte on; between two requests; and without a byte of a body,
     * or without a byte taken of an answer. */
    int64_t header_timeout, idle_timeout, body_timeout;

    /* [16] Runs whenever a connection has ended, if not NULL. */
    ioloop_callback *close_callback;
    void *close_arg;

    /* [16] Kept by the connections: what all bodies take up together. */
    size_t all_bodies;

    /* [17] Kept by them, too. */
    struct httpconnection *first;
    bool draining;
};

/* [16] The bytes of all bodies together; who needs more is told to come back
 * later. (What has come is counted; memory for it is asked for in advance, and
 * for the moment of a copy twice.) */
enum { HTTP_MAX_ALL_BODIES = 256 << 20 };

/* HTTPConnection.__init__, in the form that httpserver_new() wants: `arg` is
 * the settings. The connection ends with its stream. */
void httpconnection_handle_stream(struct iostream *stream,
                                  const struct sockaddr *peer,
                                  socklen_t peer_size, void *arg);

/* [17] From now on every connection is on its way out: what has begun is
 * finished, answers say so, and who is between two requests may begin another
 * until a second after the last. Returns at once. */
void httpconnection_drain(struct httpconnection_settings *settings);

/* HTTPRequest.write: bytes of the answer, as they go over the wire. Copied.
 * `callback`, if not NULL, runs when nothing is owed to the client any more,
 * or when the client has gone; a later write's callback takes its place. */
void httprequest_write(struct httprequest *request, const void *data,
                       size_t size, ioloop_callback *callback, void *arg);

/* [14] The same for a part of a file; see iostream_send_file(). The file is
 * yours to close when `callback` runs, which it does in any case. */
void httprequest_send_file(struct httprequest *request, int fd, off_t offset,
                           size_t size, ioloop_callback *callback, void *arg);

/* HTTPRequest.finish: the answer is complete. The request ends in the next
 * turn or later, when the answer has left; do not touch it after that. */
void httprequest_finish(struct httprequest *request);

/* [15] An error page with this status and reason is the answer, and the
 * connection is closed after it. Only before anything has been written; the
 * caller does not touch the request after that. */
void httprequest_refuse(struct httprequest *request, int status,
                        const char *why);

/* The answer cannot be completed: the connection is cut, so that nobody
 * takes half of it for all. The request has to be finished all the same. */
void httprequest_abort(struct httprequest *request);

/* Runs `callback` if the client leaves before the request is finished. It
 * may finish the request there, and must not wait for anything else. */
void httprequest_set_close_callback(struct httprequest *request,
                                    ioloop_callback *callback, void *arg);

/* The descriptor, for the trace; -1 when the client has gone. */
int httprequest_fd(const struct httprequest *request);

#endif
