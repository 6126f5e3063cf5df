/* [1] step.h -- what the programs of steps 1 to 25 have in common.
 *
 * Each takes --port=N (0: any free port) and prints where it listens. None of
 * this is part of the final program. */
#ifndef STEP_H
#define STEP_H

#include <netinet/in.h>
#include <signal.h> /* [4] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpserver.h" /* [9] */
#include "ioloop.h" /* [2] */
#include "trace.h" /* [2] */
#include "system.h"

/* Returns the port that --port gives on the command line, or 8888. */
static inline int
step_port(int argc, char **argv)
{
    int port = 8888;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--port=", 7) == 0)
            port = atoi(argv[i] + 7);

        /* [2] The programs of step 2 and later have a trace. */
        if (strcmp(argv[i], "--trace") == 0)
            trace_on = true;
    }
    return port;
}

/* Makes a socket that listens on 127.0.0.1, and prints its URL. If that fails,
 * the program ends with a message. */
static inline int
step_listen(int argc, char **argv)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof in;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    in.sin_port = htons((in_port_t)step_port(argc, argv));
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd == -1)
        die("socket");

    /* Without this option the port of a program that has just ended could not
     * be used again for about a minute. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&in, sizeof in) == -1)
        die("bind (is the port in use? try --port=0)");
    if (listen(fd, 128) == -1)
        die("listen");
    getsockname(fd, (struct sockaddr *)&in, &size);
    printf("listening on http://127.0.0.1:%d\n", ntohs(in.sin_port));
    fflush(stdout);
    return fd;
}

/* [4] --- the end --------------------------------------------------------- */

/* Ends a program of steps 4 to 16 in the simplest way: requests that have begun
 * are not finished, and the kernel takes back memory and descriptors. A signal
 * handler may interrupt every other function, so it may call only functions
 * that POSIX calls async-signal-safe: _exit() is one of them, exit() is not.
 * (Chapter 17 leaves the loop first, chapter 34 finishes requests.) */
static inline void
step_on_signal(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

/* After this call SIGTERM and ^C end the program with status 0. SIGPIPE does
 * not end it, even on a system where SEND_FLAGS is 0. */
static inline void
step_catch_signals(void)
{
    signal(SIGTERM, step_on_signal);
    signal(SIGINT, step_on_signal);
    signal(SIGPIPE, SIG_IGN);
}

/* [9] --- a server --------------------------------------------------------- */

/* [20] Adds a listener at each --address=NAME of the command line, with the
 * port of the command line; with --port=0 each has a free port of its own. */
static inline void
step_addresses(struct listeners *listeners, int argc, char **argv)
{
    const char *error = NULL;
    char url[128];

    for (int i = 1; i < argc && error == NULL; i++)
        if (strncmp(argv[i], "--address=", 10) == 0)
            error = listeners_bind(listeners, step_port(argc, argv),
                                   argv[i] + 10);
    if (error != NULL) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    for (size_t i = 1; listeners_url(listeners, i, url, sizeof url) == 0; i++)
        printf("listening on %s\n", url);
    fflush(stdout);
}

/* Makes a server that listens at the port of the command line. The server
 * calls `handle_stream` with each new stream. */
static inline struct httpserver *
step_server(struct ioloop *loop, int argc, char **argv,
            httpserver_handle_stream *handle_stream, void *arg)
{
    struct httpserver *server = httpserver_new(loop, handle_stream, arg);
    struct listeners listeners = {{step_listen(argc, argv)}, .n = 1};

    step_addresses(&listeners, argc, argv); /* [20] */
    if (loop == NULL || server == NULL ||
        set_nonblocking(listeners.fds[0]) == -1 ||
        httpserver_start(server, &listeners) == -1)
        die("server");
    return server;
}

/* The main() of steps 9 to 16. */
static inline void
step_serve(int argc, char **argv, httpserver_handle_stream *handle_stream,
           void *arg)
{
    struct ioloop *loop = ioloop_new(NULL);

    step_server(loop, argc, argv, handle_stream, arg);
    step_catch_signals();
    ioloop_start(loop);
    die("cannot wait");
}

/* ------------------------------------------------------------------------- */

#endif
