/* [12] Step 12 -- the program of Tornado 2.0's documentation of HTTPServer.
 *
 * That program answers "You requested" and the target of the request. This one
 * answers with the path, and sends the body back, too. Every answer ends the
 * connection. */
#include "httpconnection.h"
#include "httpserver.h"
#include "step.h"

static void
say(struct httprequest *request, const char *text)
{
    httprequest_write(request, text, strlen(text), NULL, NULL);
}

static void
handle_request(struct httprequest *request, void *arg)
{
    (void)arg;
    say(request, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nYou requested ");
    say(request, request->path);
    say(request, ".\n");
    httprequest_write(request, request->body, request->body_size, NULL, NULL);
    httprequest_finish(request);
}

static const struct httpconnection_settings settings = {
    .request_callback = handle_request,
    .max_header_size = 32768,
    .max_body_size = 1048576,
};

int
main(int argc, char **argv)
{
    step_serve(argc, argv, httpconnection_handle_stream, (void *)&settings);
}
