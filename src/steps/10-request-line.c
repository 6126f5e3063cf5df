/* [10] Step 10 -- shows what the first line of each request says.
 *
 * The program parses the head itself; from chapter 11 on a connection does. */
#include "httprequest.h"
#include "httpserver.h"
#include "step.h"

enum { MAX_HEAD = 32768 };

static void
on_written(void *arg)
{
    iostream_close(arg);
}

static void
on_headers(const char *data, size_t size, void *arg)
{
    struct httprequest *r = httprequest_new();
    const char *wrong = HTTP_NO_MEMORY;
    char answer[2 * MAX_HEAD];

    if (r != NULL)
        wrong = httprequest_parse_head(r, data, size, MAX_HEAD);
    if (wrong != NULL)
        snprintf(answer, sizeof answer, "HTTP/1.0 %s\r\n\r\n", wrong);
    else
        snprintf(answer, sizeof answer, "HTTP/1.0 200 OK\r\n\r\n"
                 "method: %s\npath: %s\nquery: %s\nversion: %s\n",
                 r->method, r->path, r->query, r->version);
    iostream_write(arg, answer, strlen(answer), on_written, arg);
    if (r != NULL)
        httprequest_free(r);
}

static void
handle_stream(struct iostream *stream, const struct sockaddr *peer,
              socklen_t peer_size, void *arg)
{
    (void)peer;
    (void)peer_size;
    (void)arg;
    iostream_read_until(stream, "\r\n\r\n", MAX_HEAD + 1, on_headers, stream);
}

int
main(int argc, char **argv)
{
    struct ioloop *loop = ioloop_new(NULL);
    struct httpserver *server = httpserver_new(loop, handle_stream, NULL);
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
