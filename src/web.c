/* [13] web.c -- from a request to your function: Application, and the first
 * half of RequestHandler.
 *
 * In the order of events: application_call() finds the class and makes the
 * handler, handler_execute() calls its method, which writes the answer. */
#include "web.h"

#include <stdio.h> /* [14] */
#include <stdlib.h>
#include <string.h>

#include "handler.h"
#include "httpserver.h" /* [26] */
#include "log.h" /* [24] */
#include "trace.h"

struct application {
    const struct urlspec *specs;
    struct urlspecs *regexes; /* [23] the regular expressions of `specs` */
    const char *cookie_secret; /* [31] */
    struct httpserver *server; /* [26] NULL: application_listen() makes one */
    struct httpconnection_settings settings; /* [26] of that server */
};

/* The index is `method` in handler.h. */
static const char *const method_names[METHODS] = {"GET", "HEAD",   "POST",
                                                  "PUT", "DELETE", "OPTIONS"};

static void handler_execute(struct handler *self);

/* --- Application -------------------------------------------------------- */

struct application *
application_new(const struct urlspec *specs)
{
    struct application *a = calloc(1, sizeof *a);

    if (a != NULL)
        a->specs = specs;

    /* [23] Patterns with special characters are compiled once. */
    if (a != NULL && (a->regexes = urlspecs_new(specs)) == NULL) {
        free(a);
        return NULL;
    }

    return a;
}

/* [23] For a process that ends in order. */
void
application_free(struct application *a)
{
    /* [26] The server that application_listen() has made. */
    if (a->server != NULL)
        httpserver_free(a->server);

    urlspecs_free(a->regexes);
    free(a);
}

/* [31] The only one of Tornado's settings that is needed here. */
void
application_set_cookie_secret(struct application *a, const char *secret)
{
    a->cookie_secret = secret;
}

/* [26] One server for all addresses of the application. */
const char *
application_listen(struct application *a, struct ioloop *loop, int port,
                   const char *address)
{
    a->settings = (struct httpconnection_settings){
        .request_callback = application_call,
        .request_arg = a,
        .max_header_size = 32768,
        .max_body_size = 16 << 20,
    };
    if (a->server == NULL)
        a->server = httpserver_new(loop, httpconnection_handle_stream,
                                   &a->settings);
    if (a->server == NULL)
        return http_no_memory;
    return httpserver_listen(a->server, port, address);
}

/* [24] Application.log_request. A long URL is cut, so that the line has room
 * for the rest; the log prints a backslash as four bytes. */
void
handler_log_request(struct handler *self)
{
    struct httprequest *r = self->request;
    int status = self->status, bad = status < 500 ? LOG_WARNING : LOG_ERROR;
    int level = status < 400 ? LOG_INFO : bad, room = 1024, cut = 0;

    if (log_level < level)
        return;
    for (; r->uri[cut] != '\0' && room > 0; cut++)
        room -= r->uri[cut] == '\\' ? 4 : 1;
    LOG_AT(level, "%d %.32s %.*s (%s) %.2fms", status, r->method, cut, r->uri,
           httprequest_remote_ip(r),
           (double)(ioloop_time() - r->start_time) / 1000);
}

/* Application.__call__: makes the handler, which is freed with the request. */
void
application_call(struct httprequest *request, void *arg)
{
    static const struct handler_class none = {0}; /* ErrorHandler */
    const struct application *a = arg;
    const struct handler_class *class = urlspec_find(a->specs, request->path);
    int status = class != NULL ? 0 : 404;
    size_t size = sizeof(struct handler);
    struct handler *self;

    /* [23] urlspec_find() has found nothing; perhaps a pattern matches. */
    regmatch_t groups[URLSPEC_GROUPS];
    memset(groups, -1, sizeof groups);
    if (class == NULL)
        status = urlspecs_match(a->regexes, request->path, groups, &class);

    /* (11) The table has been searched. */
    TOUR(11, httprequest_fd(request), "%s has %s", request->path,
         status == 0 ? "a handler" : "no handler");
    if (class == NULL)
        class = &none;
    size += class->state_size; /* [24] */
    self = arena_alloc(&request->arena, size);
    if (self == NULL) {
        httpconnection_refuse(request->connection, HTTP_NO_MEMORY);
        return;
    }
    memset(self, 0, size);
    self->class = class;
    self->cookie_secret = a->cookie_secret; /* [31] */
    self->request = request;
    while (self->method < METHODS &&
           strcmp(method_names[self->method], request->method) != 0)
        self->method++;
    memcpy(self->groups, groups, sizeof groups); /* [23] */
    handler_clear(self); /* [15] */
    if (status != 0)
        handler_send_error(self, status, NULL);
    else
        handler_execute(self);
}

/* --- execute ------------------------------------------------------------ */

/* [24] The client has gone while the answer was being made. */
static void
on_connection_close(void *arg)
{
    struct handler *self = arg;

    if (self->class->on_connection_close != NULL)
        self->class->on_connection_close(self);
}

/* The function of the class for the i-th method, or NULL. There is none for
 * METHODS. */
static handler_method *
find_method(const struct handler_class *c, size_t i)
{
    handler_method *const table[METHODS + 1] = {c->get, c->head,   c->post,
                                                c->put, c->delete, c->options};

    /* [23] The function for GET answers HEAD, too. */
    if (i == METHOD_HEAD && c->head == NULL)
        return c->get;

    return table[i];
}

/* [21] RFC 9110, section 15.5.6: a 405 says which methods there are. */
void
handler_set_allow(struct handler *self)
{
    char allow[64] = "";

    for (size_t i = 0; i < METHODS; i++)
        if (find_method(self->class, i) != NULL) {
            strcat(allow, *allow != '\0' ? ", " : "");
            strcat(allow, method_names[i]);
        }
    handler_set_header(self, "Allow", allow);
}

/* RequestHandler._execute. */
static void
handler_execute(struct handler *self)
{
    struct httprequest *r = self->request;
    handler_method *method = find_method(self->class, self->method);
    int status = method != NULL ? 0 : 405;

    /* [21] No class has a method of that name. */
    if (self->method == METHODS)
        status = 501;

    /* (12) The class has a function for the method, or not. */
    TOUR(12, httprequest_fd(r), "the handler has %s %s",
         method != NULL ? "the method" : "no method", r->method);
    if (status != 0) {
        handler_send_error(self, status, NULL);
        return;
    }

    /* [14] The fields of a form become arguments. */
    if (self->class->form) {
        const char *wrong = httprequest_parse_body(r);

        if (wrong != NULL) {
            handler_send_error(self, atoi(wrong), wrong + 4);
            return;
        }
    }

    /* [24] A handler that takes time can stop when the client has gone. The
     * call also makes the stream watch for a reset, so that the connection ends
     * then, even if the class does not want to know. */
    if (self->class->asynchronous)
        httprequest_set_close_callback(r, on_connection_close, self);

    /* [36] The methods of a class may have a beginning in common. */
    if (self->class->prepare != NULL)
        self->class->prepare(self);

    if (!self->finished)
        method(self);

    /* [24] An asynchronous handler finishes later, or has finished already. (It
     * lives until the next turn.) */
    if (self->class->asynchronous)
        return;

    if (!self->finished)
        handler_finish(self);
}

/* [14] --- what came in ---------------------------------------------------- */

/* [24] For what the class stores from one call to the next. */
void *
handler_state(struct handler *self)
{
    return self->state;
}

/* [16] For the parts of a request that no other function returns. */
struct httprequest *
handler_request(struct handler *self)
{
    return self->request;
}

const char *
handler_get_argument(struct handler *self, const char *name,
                     const char *fallback)
{
    const char *value = httpform_argument(&self->request->arguments, name,
                                          HTTP_LAST);
    char detail[128];

    if (value == NULL && fallback == NULL) {
        snprintf(detail, sizeof detail, "Missing argument %s", name);
        handler_send_error(self, 400, detail);
    }
    return value != NULL ? value : fallback;
}

/* [23] Groups are decoded after the match, so an encoded slash does not
 * separate names. A '+' stays a '+' (Tornado until 3.1 made it a blank). */
const char *
handler_path_argument(struct handler *self, size_t i, size_t *size)
{
    const regmatch_t *group = &self->groups[i + 1];
    struct httprequest *r = self->request;
    size_t n;
    char *text;

    if (i >= URLSPEC_GROUPS - 1 || group->rm_so == -1)
        return NULL;
    n = (size_t)(group->rm_eo - group->rm_so);
    text = arena_copy(&r->arena, r->path + group->rm_so, n);
    if (text == NULL)
        handler_fail(self, 503, http_no_memory);
    n = text != NULL ? httpform_unescape(text, n, NULL) : 0;
    if (size != NULL)
        *size = n;
    return text;
}
