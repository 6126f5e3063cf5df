/* [26] main.c -- start here: options, application, server, loop.
 *
 * main() reads like Tornado's hello world, with every step in full. */
#include "demo.h"
#include "httplimits.h" /* [32] */
#include "httpserver.h"
#include "ioloop.h"
#include "process.h" /* [33] */
#include "proxy.h" /* [34] */
#include "settings.h"
#include "signals.h"
#include "ssl.h" /* [37] */
#include "system.h"
#include "watchdog.h" /* [35] */
#include "web.h"
#include "worker.h" /* [35] */

static struct application *application;
static struct httpconnection_settings connections;
static struct listeners listeners;
static struct proxy proxy; /* [34] */
static struct httplimits limits; /* [32] */
static struct watchdog watchdog; /* [35] */

/* The loop and the server of one process, from their start to their end. */
static void
serve(void)
{
    struct ioloop *loop = ioloop_new(settings.poller);
    struct httpserver *server =
        httpserver_new(loop, httpconnection_handle_stream, &connections);

    if (loop == NULL || server == NULL)
        die("cannot make a server");

    httplimits_start(&limits, loop); /* [32] */

    /* [34] Further connections wait, or take the place of an idle one. */
    httpserver_set_limit(server, settings_max_connections(),
                         httplimits_close_idlest, &limits);

    process_watch_parent(loop); /* [33] */
    signals_set_shutdown(server, &limits); /* [34] */
    set_blocking_log_threshold(loop, (unsigned)settings.block_alarm); /* [35] */
    if (httpserver_start(server, &listeners) == -1)
        die("cannot watch the listeners");
    signals_hold(false);
    if (ioloop_start(loop) == -1)
        die("cannot wait");
    signals_hold(true);
    httpserver_stop(server);
    ioloop_close_all(loop);

    /* [35] The callbacks of the last jobs finish their requests. */
    worker_end();
    ioloop_close_all(loop);

    httpserver_free(server);
    ioloop_free(loop);
}

/* The application, and the settings that all its connections share. */
static void
make_application(void)
{
    application = application_new(demo_routes);
    if (application == NULL)
        die("cannot make the application");
    application_set_cookie_secret(application, settings.secret); /* [31] */
    connections = (struct httpconnection_settings){
        .request_callback = application_call,
        .request_arg = application,
        .max_header_size = (size_t)settings.max_header_size,
        .max_body_size = (size_t)settings.max_body_size,
        .no_keep_alive = settings.no_keep_alive, /* [27] */
        .observer = httplimits_observe, /* [32] */
        .observer_arg = &limits, /* [32] */
        .prepare = settings.ssl_certfile != NULL ? ssl_start : NULL, /* [37] */
    };

    /* [32] The limits watch the connections from outside. */
    limits = (struct httplimits){
        .timeouts = {[HTTP_IDLE] = settings.idle_timeout * INT64_C(1000000),
                     [HTTP_HEAD] = settings.header_timeout * INT64_C(1000000),
                     [HTTP_BODY] = settings.body_timeout * INT64_C(1000000)},
    };

    /* [35] watchdog_call() notes which request is being served. */
    watchdog = (struct watchdog){connections.request_callback,
                                 connections.request_arg};
    connections.request_callback = watchdog_call;
    connections.request_arg = &watchdog;

    /* [34] What a proxy says about the client. */
    proxy = (struct proxy){.trust = settings.xheaders,
                           .next = connections.request_callback,
                           .next_arg = connections.request_arg};
    connections.request_callback = proxy_call;
    connections.request_arg = &proxy;
    proxy.tls = settings.ssl_certfile != NULL; /* [37] */
}

int
main(int argc, char **argv)
{
    settings_read(argc, argv);
    make_application();
    settings_listen(&listeners);
    signals_hold(true);
    settings_announce(&listeners);

    /* [33] The children go on from here. Their parent waits until they have
     * ended, and ends with signals_exit(). */
    if (settings.processes > 1)
        fork_processes((size_t)settings.processes,
                       (unsigned)settings.stop_timeout, &listeners,
                       signals_exit);

    settings_use_certificate(true); /* [37] a child's may be new */
    serve();
    application_free(application);
    signals_exit(0);
}
