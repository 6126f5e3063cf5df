/* hello.c -- the smallest server there is, as README.md shows it.
 *
 * A test builds it with the components of the last step and asks it. */
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

    application_listen(application, ioloop_instance(), 8888, "127.0.0.1");
    ioloop_start(ioloop_instance());
}
