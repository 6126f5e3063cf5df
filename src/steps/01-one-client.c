/* [1] Step 1 -- a server that can do one thing at a time.
 *
 * Ask two questions of each call in main(): how long can it take, and which
 * clients wait until then?
 *
 *     make step-1 && build/step-1/server
 *     curl telnet://localhost:8888    # connect, and type nothing
 *     curl localhost:8888             # in another terminal: nothing, either */
#include "step.h"

int
main(int argc, char **argv)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\n\r\n"
                                 "hello, one at a time\n";
    int listener = step_listen(argc, argv);

    for (;;) {
        char request[4096];
        int fd = accept(listener, NULL, NULL);

        if (fd == -1)
            die("accept");
        if (recv(fd, request, sizeof request, 0) > 0)
            send(fd, answer, strlen(answer), SEND_FLAGS);
        close(fd);
    }
}
