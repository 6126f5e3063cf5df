/* [11] web.h -- what an application is written with.
 *
 *     Tornado 2.0: tornado/web.py, classes Application and RequestHandler
 *     Floor 5: it knows requests, and nothing of sockets.
 *
 *     static void
 *     main_get(struct handler *self)
 *     {
 *         handler_write(self, "Hello, world");
 *     }
 *
 *     static const struct handler_class main_handler = {.get = main_get};
 *     static const struct urlspec routes[] = {{"/", &main_handler}, {0}};
 *
 * Where Tornado derives a class from RequestHandler and overrides methods, a
 * C program fills a table of functions. Each request gets a handler of its
 * own; it ends with the request. */
#ifndef WEB_H
#define WEB_H

#include <stdbool.h>
#include <stddef.h>

#include "httpconnection.h"
#include "urlspec.h"

struct application;
struct handler;

typedef void handler_method(struct handler *self);

/* What is NULL is not supported: a method that a class does not have is
 * answered with 405. As in Tornado, HEAD is not derived from GET: put the
 * same function in both places. The body of an answer to HEAD is never sent,
 * but its length is. */
struct handler_class {
    size_t state_size; /* handler_state() has that many bytes, all zero */
    bool form; /* the fields of a POSTed form are wanted; a bad one is 400 */
    bool asynchronous; /* [12] the method's end is not the answer's end */
    handler_method *prepare; /* before the method; may finish already */
    handler_method *get, *head, *post, *put, *delete, *options;
    handler_method *on_finish; /* the answer is complete */

    /* [12] Asynchronous handlers only: the client has gone before the answer
     * was complete. (With select or kqueue only by reading or writing.) You
     * may finish here. If not, you have to finish when you would have finished
     * anyway: until then the handler lives. */
    handler_method *on_connection_close;

    const void *arg; /* [14] for the class's functions: handler_arg() */
};

/* NULL, after an error in the log, if a pattern is none or memory is short. */
struct application *application_new(const struct urlspec *specs);
void application_free(struct application *application);

/* [15] Application.settings["cookie_secret"]: the key that signs cookies. Not
 * copied. Whoever knows it can sign, too; without one, nothing is signed. */
void application_set_cookie_secret(struct application *application,
                                   const char *secret);

/* Application.__call__, in the form of a request callback: `arg` is the
 * application. */
void application_call(struct httprequest *request, void *arg);

/* --- what came in ------------------------------------------------------- */

struct httprequest *handler_request(struct handler *self);

/* Memory of your own, as large as the class says, until the request ends. */
void *handler_state(struct handler *self);

/* [14] What the class has as `arg`: where Tornado's URLSpec has arguments for
 * initialize(), we make a class of our own out of the same functions. */
const void *handler_arg(struct handler *self);

/* [15] For webcookie.c; NULL if none was set. */
const char *handler_cookie_secret(struct handler *self);

/* What the i-th group of the pattern matched (from 0), percent-decoded; it
 * may contain any byte, so ask for its size if that matters. NULL if that
 * group matched nothing. */
const char *handler_path_argument(struct handler *self, size_t i,
                                  size_t *size);

/* RequestHandler.get_argument: the last value, without white space around
 * it and with control bytes turned into blanks. If there is none, `fallback`;
 * if that is NULL too, 400 has been answered, and you return. */
const char *handler_get_argument(struct handler *self, const char *name,
                                 const char *fallback);

/* RequestHandler.get_arguments: the i-th value, or NULL. */
const char *handler_get_arguments(struct handler *self, const char *name,
                                  size_t i);

/* --- the answer --------------------------------------------------------- */

/* All of these do nothing (or no more than log) once the answer is complete,
 * as long as the handler lives. */

void handler_set_status(struct handler *self, int status);

/* In place of all headers of that name, or beside them. Copied. A name or
 * value that could not stand in a head turns the answer into a 500: nothing
 * that a stranger has sent may ever begin a line of its own. */
void handler_set_header(struct handler *self, const char *name,
                        const char *value);
void handler_add_header(struct handler *self, const char *name,
                        const char *value);

/* The body will have so many bytes; for those who flush. If it turns out to
 * have others after that, the connection is cut. */
void handler_set_content_length(struct handler *self, size_t size);

/* RequestHandler.write: more of the body. Nothing is sent before the handler
 * finishes or flushes. Copied. */
void handler_write(struct handler *self, const char *text);
void handler_write_bytes(struct handler *self, const void *data, size_t size);
void handler_printf(struct handler *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, safe to stand in an HTML page. */
void handler_write_escaped(struct handler *self, const char *text,
                           size_t size);

/* Sends what was written so far; the first time the head goes before it and
 * can not be changed any more. `callback`, if not NULL, runs when the client
 * has taken everything, or has gone: the right time to write more. */
void handler_flush(struct handler *self, ioloop_callback *callback, void *arg);

/* [14] Sends a part of a file as part of the body; see iostream_send_file().
 * To be called after a flush, for an answer that has a body at all; the file
 * is yours to close when `callback` runs, which it does unless the answer was
 * complete before. */
void handler_send_file(struct handler *self, int fd, off_t offset,
                       size_t size, ioloop_callback *callback, void *arg);

/* The answer is complete. Is called for you when the method returns, unless
 * the class is asynchronous. The handler ends: do not touch it after that. */
void handler_finish(struct handler *self);

/* RequestHandler.redirect: 301 or 302. */
void handler_redirect(struct handler *self, const char *url, bool permanent);

/* RequestHandler.send_error: a small page in place of everything that was
 * written, and finish. When the head is out already the connection is cut. */
void handler_send_error(struct handler *self, int status);

/* [12] Has the client gone? What is written goes nowhere then. */
bool handler_client_gone(struct handler *self);

#endif
