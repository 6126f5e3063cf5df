/* [17] Step 17 -- the application again, with a thread and two signals.
 *
 * SIGUSR1 starts a thread that counts prime numbers while the loop serves
 * clients. SIGTERM and ^C end the loop in order. Chapter 26 replaces this
 * program by src/main.c. */
#include <pthread.h>

#include "demo.h"
#include "step.h"

enum { BELOW = 1000000 };

static struct application *application;

/* Runs on the loop, with the result of the thread. */
static void
print_result(void *arg)
{
    fprintf(stderr, "%ld primes below %d\n", (long)(intptr_t)arg, BELOW);
}

/* Runs in a thread of its own. It uses nothing of the loop's but
 * ioloop_add_callback(). */
static void *
count_primes(void *arg)
{
    long primes = 0;

    for (long n = 2; n < BELOW; n++) {
        long d = 2;

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
    pthread_t thread;

    if (pthread_create(&thread, NULL, count_primes, arg) == 0)
        pthread_detach(thread);
}

static void
stop(void *arg)
{
    ioloop_stop(arg);
}

/* A signal handler: the work itself is done by a callback. */
static void
on_signal(int signal_number)
{
    struct ioloop *loop = ioloop_instance();

    ioloop_add_callback_from_signal(
        loop, signal_number == SIGUSR1 ? start_thread : stop, loop);
}

int
main(int argc, char **argv)
{
    struct ioloop *loop = ioloop_instance();
    static struct httpconnection_settings settings = {
        .request_callback = application_call,
        .max_header_size = 32768,
        .max_body_size = 16 << 20,
    };

    application = application_new(demo_routes);
    if (application == NULL)
        die("application_new");
    settings.request_arg = application;
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGUSR1, on_signal);
    signal(SIGPIPE, SIG_IGN);
    step_server(loop, argc, argv, httpconnection_handle_stream, &settings);

    /* [20] And the addresses of the command line. */
    step_addresses(loop, argc, argv, httpconnection_handle_stream, &settings);

    if (ioloop_start(loop) == -1)
        die("cannot wait");
    return 0;
}
