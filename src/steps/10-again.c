/* [10] Step 10 -- counts the requests it has answered.
 *
 * curl sends two requests over one connection if you give it two URLs. One
 * counter counts the requests of all clients. The answer says whether the
 * connection stays open. */
#include "httpconnection.h"
#include "httpserver.h"
#include "step.h"

static void
handle_request(struct httprequest *request, void *arg)
{
    static unsigned requests;
    char text[128], head[256];

    (void)arg;
    snprintf(text, sizeof text, "request number %u, %s\n", ++requests,
             request->keep_alive ? "and you may ask again" : "the last one");
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: %s\r\n"
             "Content-Length: %zu\r\n\r\n",
             request->keep_alive ? "keep-alive" : "close", strlen(text));
    httprequest_write(request, head, strlen(head), NULL, NULL);
    httprequest_write(request, text, strlen(text), NULL, NULL);
    httprequest_finish(request);
}

static const struct httpconnection_settings settings = {
    .request_callback = handle_request,
    .max_header_size = 32768,
    .max_body_size = 1 << 20,
};

int
main(int argc, char **argv)
{
    struct ioloop *loop = ioloop_instance();
    struct httpserver *server;
    const char *error;
    char url[128];

    server = httpserver_new(loop, httpconnection_handle_stream,
                            (void *)&settings);
    if (server == NULL)
        die("httpserver_new");
    error = httpserver_listen(server, step_port(argc, argv), "127.0.0.1");
    if (error != NULL) {
        fprintf(stderr, "%s\n", error);
        httpserver_free(server);
        ioloop_free(loop);
        return 1;
    }
    step_catch_signals();
    httpserver_url(server, 0, url, sizeof url);
    printf("listening on %s\n", url);
    fflush(stdout);
    ioloop_start(loop);
    httpserver_free(server);
    ioloop_close_all(loop);
    ioloop_free(loop);
    memory_give_back();
    return 0;
}
