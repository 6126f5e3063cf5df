/* [33] prefork.h -- several processes, each with listeners of its own.
 *
 *     Tornado 2.0: HTTPServer.start(num_processes)
 *     Layer 6: it connects process.c with the listeners.
 *
 * In the order of the calls: */
#ifndef PREFORK_H
#define PREFORK_H

#include "ioloop.h"
#include "listen.h"

/* Makes a set of listeners for each process; the first one gets `first`. The
 * sets belong to prefork.c. Ends the program if it fails. */
void prefork_listen(struct listeners *first);

/* Forks settings.processes children, unless that is 1. Returns in each process
 * that serves; the caller owns the returned listeners of that process. The
 * parent ends in this call, when all children have ended. No loop may exist
 * yet. */
struct listeners *prefork(void);

/* When the parent of this process has ended, the process gets SIGTERM. */
void prefork_watch_parent(struct ioloop *loop);

#endif
