/* [33] prefork.h -- several processes, each with listeners of its own.
 *
 *     Tornado 2.0: HTTPServer.start(num_processes)
 *     Layer 6: it connects process.c with the listeners.
 *
 * main.c calls these functions in this order. */
#ifndef PREFORK_H
#define PREFORK_H

#include "ioloop.h"
#include "listen.h"

/* Makes a set of listeners for each process; the first one gets `first`. The
 * sets belong to prefork.c. An error ends the program. */
void prefork_listen(const struct listeners *first);

/* Forks settings.processes children; with one process it does not fork.
 * - Returns in each process that serves clients. *own are the listeners of that
 *   process, which the caller owns; until then, those of the first one.
 * - The parent does not return: it exits when all children have ended.
 * - To be called before a loop exists. */
void prefork(struct listeners *own);

/* When the parent of this process has ended, the process gets SIGTERM. */
void prefork_watch_parent(struct ioloop *loop);

#endif
