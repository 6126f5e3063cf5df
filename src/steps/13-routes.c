/* [13] Steps 13 and 14 -- an application whose handlers write plain text.
 *
 * The functions that write the answer are here, in their simplest form, until
 * chapter 15 replaces them. So the program includes handler.h, which is private
 * to the framework, and an error does not yet replace what was written before.
 * Every answer ends the connection. */
#include "handler.h"
#include "step.h"
#include "web.h"

/* --- the answer ----------------------------------------------------------- */

void
handler_write(struct handler *self, const char *text)
{
    buffer_append(&self->body, text, strlen(text));
}

void
handler_finish(struct handler *self)
{
    size_t size = buffer_length(self->body);
    int status = self->status != 0 ? self->status : 200;
    char head[128];

    snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n", status,
             status == 200 ? "OK" : "Error", size);
    httprequest_write(self->request, head, strlen(head), NULL, NULL);
    if (size > 0)
        httprequest_write(self->request, self->body->data, size, NULL, NULL);
    buffer_release(&self->body);
    self->finished = true;
    httprequest_finish(self->request);
}

void
handler_send_error(struct handler *self, int status, const char *detail)
{
    self->status = status;
    handler_write(self, detail != NULL ? detail : "error");
    handler_finish(self);
}

/* --- the application ------------------------------------------------------ */

static void
main_get(struct handler *self)
{
    handler_write(self, "Hello, world");
}

static const struct handler_class main_handler = {.get = main_get};

static void
note_delete(struct handler *self)
{
    handler_write(self, "The note stays.");
}

static const struct handler_class note_handler = {.get = main_get,
                                                  .delete = note_delete};

/* [14] The name is a field of a form. */
static void
hello_post(struct handler *self)
{
    const char *name = handler_get_argument(self, "name", NULL);

    if (name == NULL)
        return;
    handler_write(self, "Hello, ");
    handler_write(self, name);
}

/* [14] A class for a form. */
static const struct handler_class hello_handler = {.post = hello_post,
                                                   .form = true};

static const struct urlspec routes[] = {
    {"/", &main_handler},
    {"/note", &note_handler},
    {"/hello", &hello_handler}, /* [14] */
    {0},
};

int
main(int argc, char **argv)
{
    struct application *application = application_new(routes);
    struct httpconnection_settings settings = {
        .request_callback = application_call,
        .request_arg = application,
        .max_header_size = 32768,
        .max_body_size = 1 << 20,
    };

    if (application == NULL)
        die("application_new");
    step_serve(argc, argv, httpconnection_handle_stream, &settings);
}
