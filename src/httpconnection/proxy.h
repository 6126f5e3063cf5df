/* [34] proxy.h -- a request callback for a server behind a reverse proxy.
 *
 *     Tornado 2.0: HTTPRequest.__init__ with xheaders (tornado/httpserver.py)
 *     Layer 4: requests in, requests out.
 *
 * A proxy that ends TLS or spreads the load is the peer of every connection.
 * It says in headers of the request which client it speaks for. */
#ifndef PROXY_H
#define PROXY_H

#include "httpconnection.h"

/* The settings of proxy_call(); the owner keeps them as long as the server
 * runs.
 *
 *     trust   every peer is a proxy of ours. If it is false the headers are
 *             ignored, because any client can write them.
 *     next    the request callback that is called with next_arg. */
struct proxy {
    bool trust;
    httprequest_callback *next;
    void *next_arg;
    bool tls; /* [37] all streams are encrypted */
};

/* A request callback; `arg` is a struct proxy.
 *
 * - With `trust`, X-Real-Ip or else X-Forwarded-For sets the remote address,
 *   and X-Scheme or else X-Forwarded-Proto the protocol. The last element of
 *   the last line counts; an invalid address or scheme is ignored.
 * - A request for an https:// target that has not come by https is answered
 *   with 421 (RFC 9110, section 7.4), and its connection is closed.
 * - Every other request goes to `next`. */
void proxy_call(struct httprequest *request, void *arg);

#endif
