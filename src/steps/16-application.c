/* [16] Step 16 -- an application: main.c without options.
 *
 * Chapter 26 replaces this program by src/main.c. */
#include "demo.h"
#include "step.h"

int
main(int argc, char **argv)
{
    struct ioloop *loop = ioloop_new(NULL);
    struct application *application = application_new(demo_routes);
    int port = step_port(argc, argv);
    const char *error;

    if (application == NULL)
        die("application_new");
    error = application_listen(application, loop, port, "127.0.0.1");
    if (error != NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    step_catch_signals(loop);
    printf("listening on http://127.0.0.1:%d\n", port);
    fflush(stdout);
    ioloop_start(loop);
    die("cannot wait");
}
