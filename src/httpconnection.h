/* [12] httpconnection.h -- one client, and one request after the other.
 *
 *     Tornado 2.0: tornado/httpserver.py, class HTTPConnection
 *     Layer 4: it knows streams and requests, but no application.
 *
 * A connection reads a head, then the body if there is one, and passes the
 * request to a callback. The answer comes back through httprequest_write() and
 * httprequest_finish(), whenever it is ready. A request that is not valid
 * HTTP/1.x (RFC 9112) is answered here, and the callback does not run. */
#ifndef HTTPCONNECTION_H
#define HTTPCONNECTION_H

#include "httprequest.h"
#include "iostream.h"

struct httpconnection;

/* [18] What a connection does now; diagrams/connection.svg shows the
 * changes. */
enum httpconnection_state {
    HTTP_IDLE,        /* between two requests; chapter 19 says when it ends */
    HTTP_HEAD,        /* reads a head; every connection begins with this */
    HTTP_BODY,        /* reads a body */
    HTTP_APPLICATION, /* the application has the request */
    HTTP_ANSWER,      /* the application has begun to answer */
    HTTP_REFUSED,     /* an error is the last thing that is sent */
    HTTP_CLOSED
};

/* Runs when a request is complete, from the loop. */
typedef void httprequest_callback(struct httprequest *request, void *arg);

/* [32] Runs at once after every change of state; and again in the same state,
 * when a part of a body has come, and, while an answer is unsent, when bytes
 * have come or a write was partial.
 * - *own is NULL at first and belongs to the observer.
 * - The observer may close the stream, but must not refuse the request.
 * - CLOSED comes last, also if no other state came before. */
typedef void httpconnection_observer(struct httpconnection *connection,
                                     struct iostream *stream,
                                     enum httpconnection_state state,
                                     void **own, void *arg);

/* What all connections of a server share. The owner keeps it until the last
 * connection has ended. */
struct httpconnection_settings {
    httprequest_callback *request_callback;
    void *request_arg;
    size_t max_header_size; /* bytes of request line and headers */
    size_t max_body_size;   /* bytes */
    bool no_keep_alive;     /* [27] */
    httpconnection_observer *observer; /* [32] NULL: none */
    void *observer_arg; /* [32] */

    /* [37] Runs for each new stream, before the first read. It may set a
     * filter, such as TLS; if it fails, it closes the stream. NULL: none. */
    void (*prepare)(struct iostream *stream);
};

/* HTTPConnection.__init__, in the form that httpserver_new() wants; `arg` is
 * the settings. The connection ends with its stream. */
void httpconnection_handle_stream(struct iostream *stream,
                                  const struct sockaddr *peer,
                                  socklen_t peer_size, void *arg);

/* --- the answer ----------------------------------------------------------- */

/* HTTPRequest.write: appends bytes of the answer, as they go over the wire, to
 * what is unsent.
 * - `data` is copied.
 * - `callback`, if not NULL, runs when no byte is unsent any more, and from
 *   chapter 24 on also when the client has gone. The callback of a later write
 *   replaces it, also if that is NULL.
 * - After httprequest_finish(), or without a client, nothing is sent; until
 *   chapter 24 the function must not be called then. */
void httprequest_write(struct httprequest *request, const void *data,
                       size_t size, ioloop_callback *callback, void *arg);

/* HTTPRequest.finish: the answer is complete. The request ends in the next
 * turn; its memory must not be used after that. */
void httprequest_finish(struct httprequest *request);

/* [21] The answer cannot be completed: the connection is reset, so that half of
 * it does not look like all of it. The request must still be finished. */
void httprequest_abort(struct httprequest *request);

/* [24] `callback` runs if the connection ends before the request is finished.
 * It may finish the request. NULL: nothing runs. */
void httprequest_set_close_callback(struct httprequest *request,
                                    ioloop_callback *callback, void *arg);

/* [13] The descriptor, for the trace; -1 without a client, or when finished. */
int httprequest_fd(const struct httprequest *request);

/* --- the connection ------------------------------------------------------- */

/* Answers with what is `wrong` (see httputil.h), from chapter 21 on with an
 * error page, and closes the connection. The current request, if there is one,
 * is freed in the next turn. */
void httpconnection_refuse(struct httpconnection *connection,
                           const char *wrong);

/* [34] The request that is being read or answered; NULL if there is none. */
struct httprequest *httpconnection_request(struct httpconnection *connection);

/* ------------------------------------------------------------------------ */

#endif
