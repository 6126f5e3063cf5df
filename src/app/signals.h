/* [11] signals.h -- SIGTERM and SIGINT stop the loop.
 *
 *     Layer 6. */
#ifndef SIGNALS_H
#define SIGNALS_H

/* From now on the signals wait until signals_release(). To be called before
 * another process can know that this one exists. SIGPIPE is ignored. */
void signals_hold(void);

/* From now on they stop the loop, ioloop_instance(). */
void signals_release(void);

/* The status to exit with after the loop: 128 + SIGINT after SIGINT. */
int signals_status(void);

/* For the end of main(): ends the process by SIGINT if that is what `status`
 * says, so that the shell sees a ^C; else returns `status`. All other signals
 * are ignored from now on. */
int signals_exit(int status);

#endif
