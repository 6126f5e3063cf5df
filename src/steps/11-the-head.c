/* [11] Step 11 -- tells you what it has understood of your request.
 *
 * Tornado 2.0's documentation of HTTPServer has this program, which answers
 * "You requested" to every request; ours shows the headers, too. There is no
 * body yet, and every answer ends the connection. */
#include "httpconnection.h"
#include "httpserver.h"
#include "step.h"

static void
handle_request(struct httprequest *request, void *arg)
{
    char text[65536], head[128];
    size_t n;

    (void)arg;
    n = (size_t)snprintf(text, sizeof text, "You requested %s\n",
                         request->path);
    for (size_t i = 0; i < request->headers.n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "  %s is %s\n",
                              request->headers.items[i].name,
                              request->headers.items[i].value);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n", n);
    httprequest_write(request, head, strlen(head), NULL, NULL);
    httprequest_write(request, text, n, NULL, NULL);
    httprequest_finish(request);
}

static const struct httpconnection_settings settings = {
    .request_callback = handle_request,
    .max_header_size = 32768,
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
