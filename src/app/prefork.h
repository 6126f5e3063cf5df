/* [17] prefork.h -- several processes, and the shutdown of each.
 *
 *     Tornado 2.0: HTTPServer.start(num_processes)
 *     Layer 6: it connects process.c with the server.
 *
 * In the order of the calls: */
#ifndef PREFORK_H
#define PREFORK_H

#include <stdbool.h>

#include "httplimits.h"
#include "httpserver.h"

/* Makes a set of listeners for each child; the first child gets `first`. The
 * sets belong to prefork.c. Ends the program if it fails. */
void prefork_listen(struct listeners *first);

/* Forks settings.processes children. Returns in each child, with the listeners
 * of that child. In the parent it returns NULL when all of them have ended;
 * *status is the status to exit with. No loop may exist yet. */
struct listeners *prefork(int *status);

/* Sets the loop and the server of this process, which shuts down when the
 * parent has ended. */
void prefork_serve(struct ioloop *loop, struct httpserver *server,
                   struct httplimits *limits);

/* SIGTERM: accepts no more connections, finishes the requests that have begun,
 * and stops the loop: when no connection is left, or after
 * settings.stop_timeout seconds. False: the caller stops the loop now, because
 * the only process is shutting down already, or there is no memory. */
bool begin_shutdown(void);

#endif
