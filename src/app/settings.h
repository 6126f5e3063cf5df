/* [26] settings.h -- the command line, and what follows from it.
 *
 *     Tornado 2.0: tornado/options.py, define() and parse_command_line()
 *     Layer 6.
 *
 * Tornado's style: --name=value, one dash or two, '_' and '-' alike. The last
 * of several values counts. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>

#include "listen.h"

/* The fields have the names of the options; each is explained in the table in
 * settings.c. */
struct settings {
    long port, max_header_size, max_body_size;
    const char *address, *poller, *log;
    const char *trace; /* NULL: no trace; "": lines on stderr; else a file */
    bool no_keep_alive; /* [27] */
    const char *static_path; /* [28] */
    int static_root; /* [28] static_path as a descriptor, -1: there is none */
    const char *secret; /* [31] */

    long header_timeout, idle_timeout, body_timeout; /* [32] seconds */
    long processes, stop_timeout; /* [33] */
    long max_connections; /* [34] */
    bool xheaders; /* [34] */
    long block_alarm; /* [35] */
    const char *ssl_certfile, *ssl_keyfile; /* [37] */
};

extern struct settings settings;

/* Reads the command line into `settings`, and prepares the process for it: for
 * example, it sets the level of the log, and opens the file of the trace. Ends
 * the program after --help and --version, with status 0, and after an error,
 * with one line on stderr and status 2 (an invalid option) or 1 (any other). */
void settings_read(int argc, char **argv);

/* Adds the listeners of --address and --port. Ends the program, with one line
 * on stderr and status 1, if it fails. */
void settings_listen(struct listeners *listeners);

/* Prints a line for each listener on stdout. */
void settings_announce(const struct listeners *listeners);

/* [34] The highest number of connections: --max-connections, or less if the
 * process may not have enough descriptors to serve a file on each of them. To
 * be called when all other descriptors are open. */
size_t settings_max_connections(void);

/* [37] Reads the certificate, if there is an option for it. If it is not valid,
 * the program ends, as in settings_read(); but with `again` the reason is in
 * the log, and the certificate of the program's start stays in use. Each child
 * calls it again, so a new certificate needs no more than SIGHUP. */
void settings_use_certificate(bool again);

#endif
