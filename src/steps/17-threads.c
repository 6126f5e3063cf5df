/* [17] Steps 17 to 25 -- the application, with a thread, signals and an end.
 *
 * SIGUSR1 starts a thread that counts prime numbers while the loop serves
 * clients. SIGTERM and ^C stop the loop; then the program ends in order.
 * Chapter 26 replaces this program by src/main.c. */
#include <pthread.h>

#include "demo.h"
#include "signals.h"
#include "step.h"

enum { BELOW = 1000000 };

static pthread_t thread;
static bool counting; /* the thread was started, and has not been joined */

/* Runs on the loop, with the result of the thread. */
static void
print_result(void *arg)
{
    fprintf(stderr, "%ld primes below %d\n", (long)(intptr_t)arg, BELOW);
    pthread_join(thread, NULL);
    counting = false;
}

/* Runs in the thread. Of the loop it uses nothing but ioloop_add_callback(). */
static void *
count_primes(void *arg)
{
    long primes = 0;

    for (long n = 2, d = 2; n < BELOW; n++, d = 2) {
        while (d * d <= n && n % d != 0)
            d++;
        primes += d * d > n;
    }
    ioloop_add_callback(arg, print_result, (void *)(intptr_t)primes);
    return NULL;
}

static void
start_thread(void *arg)
{
    if (!counting)
        counting = pthread_create(&thread, NULL, count_primes, arg) == 0;
}

/* A signal handler: the work itself is done by a callback. */
static void
on_sigusr1(int signal_number)
{
    struct ioloop *loop = ioloop_instance();

    (void)signal_number;
    ioloop_add_callback_from_signal(loop, start_thread, loop);
}

int
main(int argc, char **argv)
{
    struct ioloop *loop = ioloop_instance();
    static struct httpconnection_settings settings = {
        .request_callback = application_call,
        .max_header_size = 32768, .max_body_size = 16 << 20,
    };
    struct httpserver *server;

    settings.request_arg = application_new(demo_routes);
    if (settings.request_arg == NULL)
        die("application_new");
    signals_hold(true);
    signal(SIGUSR1, on_sigusr1);
    server = step_server(loop, argc, argv, httpconnection_handle_stream,
                         &settings);
    signals_hold(false);
    if (ioloop_start(loop) == -1)
        die("cannot wait");

    /* No signal handler may use the loop from here on. */
    signals_hold(true);
    signal(SIGUSR1, SIG_IGN);

    /* The thread uses the loop, so it ends first. Then every connection ends,
     * and the server and the loop are freed. */
    if (counting)
        pthread_join(thread, NULL);
    httpserver_stop(server);
    ioloop_close_all(loop);
    httpserver_free(server);
    ioloop_free(loop);
    application_free(settings.request_arg); /* [23] */
    return 0;
}
