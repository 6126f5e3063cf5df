/* [11] Step 11 -- says what it has understood of each request.
 *
 * Tornado 2.0's documentation of HTTPServer has this program, which answers
 * "You requested" to every request; ours shows the headers, too. Every answer
 * ends the connection. */
#include "httpconnection.h"
#include "httpserver.h"
#include "step.h"

static void
add(struct buffer **to, const char *text)
{
    buffer_append(to, text, strlen(text));
}

static void
handle_request(struct httprequest *request, void *arg)
{
    struct buffer *text = NULL;
    char head[128];

    (void)arg;
    add(&text, "You requested ");
    add(&text, request->path);
    for (size_t i = 0; i < request->headers.n; i++) {
        add(&text, "\n  ");
        add(&text, request->headers.items[i].name);
        add(&text, " is ");
        add(&text, request->headers.items[i].value);
    }

    /* [12] The body may contain any byte, also NUL. */
    snprintf(head, sizeof head, "\nThe body has %zu bytes: ",
             request->body_size);
    add(&text, head);
    buffer_append(&text, request->body, request->body_size);

    add(&text, "\n");
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n", buffer_length(text));
    httprequest_write(request, head, strlen(head), NULL, NULL);
    if (text != NULL)
        httprequest_write(request, text->data + text->start,
                          buffer_length(text), NULL, NULL);
    httprequest_finish(request);
    buffer_release(&text);
}

static const struct httpconnection_settings settings = {
    .request_callback = handle_request,
    .max_header_size = 32768,
    .max_body_size = 1 << 20, /* [12] */
};

int
main(int argc, char **argv)
{
    struct ioloop *loop = ioloop_new(NULL);
    struct httpserver *server = httpserver_new(loop,
                                               httpconnection_handle_stream,
                                               (void *)&settings);
    const char *error;
    char url[128];

    if (server == NULL)
        die("httpserver_new");
    error = httpserver_listen(server, step_port(argc, argv), "127.0.0.1");
    if (error != NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    step_catch_signals(loop);
    httpserver_url(server, 0, url, sizeof url);
    printf("listening on %s\n", url);
    fflush(stdout);
    ioloop_start(loop);
    die("cannot wait");
}
