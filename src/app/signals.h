/* [17] signals.h -- SIGTERM and SIGINT end the program.
 *
 *     Layer 6. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

#include "httplimits.h" /* [34] */
#include "httpserver.h" /* [34] */

/* - `hold` is true: the kernel keeps the signals back. Call it so before the
 *   program says that it listens, and again when the loop has stopped.
 * - False: from now on the signals stop the loop, ioloop_instance().
 * - Then the handlers are set, and SIGPIPE is ignored. The first call has to be
 *   one with true: no handler may run before there is a loop. */
void signals_hold(bool hold);

/* [34] What SIGTERM shuts down, before it stops the loop: the server accepts no
 * more connections, and the requests finish that have begun. The loop stops
 * when no connection is left, or after settings.stop_timeout seconds. */
void signals_set_shutdown(struct httpserver *server,
                          struct httplimits *limits);

/* [26] Ends the program with `status`. The signals must be blocked. If SIGINT
 * has come, or if `status` is 128 + SIGINT, the program ends by SIGINT, so that
 * the shell sees a ^C. */
_Noreturn void signals_exit(int status);

#endif
