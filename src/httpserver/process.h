/* [33] process.h -- several processes, and a parent that supervises them.
 *
 *     Tornado 2.0: HTTPServer.start(num_processes); from 2.1 on
 *     tornado/process.py, fork_processes
 *     Layer 3.
 *
 * A process has one loop, and a loop keeps one CPU busy. So there is a process
 * for each CPU. They share no memory; their listening sockets exist before the
 * fork. The parent waits for the exit of a child, and for signals; it serves no
 * clients. */
#ifndef PROCESS_H
#define PROCESS_H

#include "ioloop.h"
#include "listen.h"

enum { MAX_PROCESSES = 256 };

/* Forks `n` children, and returns in each of them.
 * - *listeners are those of the caller before, those of the child after the
 *   call: child 0 keeps them, and for each other child listeners_bind_shared()
 *   makes a set at the same addresses.
 * - Before the call the caller blocks watched_signals(), and sets handlers for
 *   SIGHUP and SIGCHLD: some systems drop a blocked signal that would be
 *   ignored. There must be no loop: two processes must not share its
 *   descriptors.
 * - A child unblocks the signals when it is ready for them.
 * - If a listener or a pipe cannot be made, the program ends with a message.
 *
 * In the parent it does not return. When all children have ended it calls
 * `end`, which must not return either, with the exit status of the program: 0
 * after SIGTERM, 128 + SIGINT after SIGINT, 1 if all children have died without
 * such a signal. Until then:
 * - A child that ends without a signal of the parent is forked again; all
 *   children together at most 5 times a minute.
 * - SIGTERM and SIGINT are sent on, a second one as SIGINT.
 * - A child that is still there a second after `stop_timeout` seconds is
 *   killed.
 * - It keeps the listeners of a child open until there will be no child of that
 *   number any more; after SIGTERM and SIGINT it closes all of them before the
 *   children get the signal. */
void fork_processes(size_t n, unsigned stop_timeout,
                    struct listeners *listeners, void (*end)(int status));

/* When the parent of this process has ended, the process gets SIGTERM: no
 * process would restart it or tell it to end. Does nothing in a process that
 * fork_processes() has not made. */
void process_watch_parent(struct ioloop *loop);

/* [34] SIGHUP replaces the children, one after the other: a new one is forked,
 * then the old one gets SIGTERM. */

#endif
