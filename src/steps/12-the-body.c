/* [12] Step 12 -- reads what people type into forms.
 *
 * Every field of the query and of the body gets a line. Every answer still
 * ends the connection. */
#include "httpconnection.h"
#include "httpserver.h"
#include "step.h"

/* The answer is put together first: its length has to go before it. */
static void
answer(struct httprequest *request, const char *status, struct buffer *body)
{
    char head[128];

    snprintf(head, sizeof head, "HTTP/1.1 %s\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n", status, buffer_length(body));
    httprequest_write(request, head, strlen(head), NULL, NULL);
    if (body != NULL)
        httprequest_write(request, body->data, buffer_length(body), NULL,
                          NULL);
    httprequest_finish(request);
    buffer_release(&body);
}

static void
handle_request(struct httprequest *request, void *arg)
{
    const char *wrong = httprequest_parse_body(request);
    const struct arguments *all = &request->arguments;
    struct buffer *body = NULL;
    char line[64];

    (void)arg;
    if (wrong != NULL) {
        buffer_append(&body, wrong + 4, strlen(wrong + 4));
        answer(request, wrong, body);
        return;
    }
    snprintf(line, sizeof line, "%zu bytes of body\n", request->body_size);
    buffer_append(&body, line, strlen(line));
    for (size_t i = 0; i < all->n; i++) {
        buffer_append(&body, all->items[i].name, all->items[i].name_size);
        buffer_append(&body, " is ", 4);
        buffer_append(&body, all->items[i].value, all->items[i].size);
        buffer_append(&body, "\n", 1);
    }
    answer(request, "200 OK", body);
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
