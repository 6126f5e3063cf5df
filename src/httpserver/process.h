/* [17] process.h -- several processes, and one that looks after them.
 *
 *     Tornado 2.0: HTTPServer.start(num_processes); from 2.1 on
 *     tornado/process.py, fork_processes
 *     Floor 2: it knows the clock of the loop, but must be called when there
 *     is no loop: two processes that share one would get each other's news.
 *
 * One process has one loop, and one loop keeps one CPU busy. So there is a
 * process for each, and they share nothing but the doors that were opened
 * before they were made. Their parent does nothing but wait: for a child that
 * dies, and for signals. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stddef.h>

enum { MAX_PROCESSES = 256 };

/* process.cpu_count. */
size_t cpu_count(void);

/* From now on SIGTERM, SIGINT, SIGHUP, SIGALRM and the news of children wait.
 * To be called before anybody can know that we are there, so that no signal is
 * lost; a child lets them through when it is ready for them. */
void process_block_signals(void);
void process_unblock_signals(void);

/* Makes `n` children and returns in each of them, with its number from 0 on;
 * *lifeline is a descriptor that is readable when the parent has gone.
 *
 * In the parent it returns PROCESS_PARENT when all children have ended, and
 * *status is the status to exit with. Until then
 * - a child that ends without having been told to by its parent is made anew,
 *   at most 5 times a minute;
 * - SIGTERM and SIGINT are handed on, a second one as SIGINT; *status is
 *   128 + SIGINT after a SIGINT;
 * - SIGHUP replaces the children, one after the other: first there is a new
 *   one, then the old one gets its SIGTERM;
 * - whoever was told to end and is still there a second after `stop_timeout`
 *   seconds is killed.
 * `lost` is called in the parent when there will be no child of that number
 * any more, before the child is told to end if it is told. */
enum { PROCESS_PARENT = -1 };
int fork_processes(size_t n, unsigned stop_timeout,
                   void (*on_child_exit)(size_t id), int *lifeline, int *status);

#endif
