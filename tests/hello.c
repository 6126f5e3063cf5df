/* hello.c -- the smallest server there is, as README.md shows it.
 *
 * A test builds it with the components of the last step and asks it. */
#include "httpserver.h"
#include "web.h"

static void
main_get(struct handler *self)
{
    handler_write(self, "Hello, world");
}

static const struct handler_class main_handler = {.get = main_get};
static const struct urlspec routes[] = {{"/", &main_handler}, {0}};

int
main(void)
{
    struct application *application = application_new(routes);
    struct httpconnection_settings settings = {
        .request_callback = application_call,
        .request_arg = application,
        .max_header_size = 32768,
    };
    struct httpserver *http_server = httpserver_new(
        ioloop_instance(), httpconnection_handle_stream, &settings);

    httpserver_listen(http_server, 8888, "127.0.0.1");
    ioloop_start(ioloop_instance());
}
