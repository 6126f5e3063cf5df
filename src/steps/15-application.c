/* [15] Steps 15 and 16 -- an application, and a server for it.
 *
 * In chapter 17 it gets a thread and an end, in chapter 26 src/main.c replaces
 * it. */
#include "demo.h"
#include "step.h"

int
main(int argc, char **argv)
{
    struct application *application = application_new(demo_routes);
    struct httpconnection_settings settings = {
        .request_callback = application_call, .request_arg = application,
        .max_header_size = 32768, .max_body_size = 16 << 20,
    };

    if (application == NULL)
        die("application_new");
    step_serve(argc, argv, httpconnection_handle_stream, &settings);
}
