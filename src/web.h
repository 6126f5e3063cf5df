/* [13] web.h -- what an application is written with.
 *
 *     Tornado 2.0: tornado/web.py, classes Application and RequestHandler
 *     Layer 5: it knows requests, and nothing of sockets.
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
 * Where Tornado derives a class from RequestHandler and overrides methods, a C
 * program fills a table of functions. Each request gets a handler of its own;
 * it ends with the request. */
#ifndef WEB_H
#define WEB_H

#include "httpconnection.h"
#include "urlspec.h"

struct application;
struct handler;

typedef void handler_method(struct handler *self);

/* A method that is NULL is answered with 405. From chapter 23 on `get` also
 * answers HEAD: the body of that answer is never sent, its length is. */
struct handler_class {
    size_t state_size; /* [24] bytes of handler_state(), zero at the start */
    bool form; /* [14] parse the body of a POST or PUT as a form */
    bool asynchronous; /* [24] the answer may end after the method */
    handler_method *prepare; /* [36] before the method; may finish already */
    handler_method *get, *head, *post, *put, *delete, *options;

    /* [24] Asynchronous handlers only: the client has gone before the answer
     * was complete. It may call handler_finish(). If it does not, the handler
     * lives until handler_finish() is called at another time. */
    handler_method *on_connection_close;
};

/* The application for a table of routes, which is not copied. NULL if there is
 * no memory left; or (chapter 23) if a pattern is not valid: then the log says
 * which one. */
struct application *application_new(const struct urlspec *specs);

/* [23] Frees the application, with everything that it has made. All requests
 * must have ended before. */
void application_free(struct application *application);

/* [31] Application.settings["cookie_secret"]: the key that signs cookies. It is
 * not copied. A client that knows it can sign, too. Without a secret nothing is
 * signed. */
void application_set_cookie_secret(struct application *application,
                                   const char *secret);

/* [26] Application.listen: an HTTP server for this application alone, at a port
 * of an address (httpserver.h). May be called several times, with the same
 * loop.
 * - The server limits the size of a head and of a body, and nothing else. A
 *   program that needs other limits makes its own server, as main.c does.
 * - NULL, or a sentence that says what is wrong. */
const char *application_listen(struct application *application,
                               struct ioloop *loop, int port,
                               const char *address);

/* Application.__call__, in the form of a request callback: `arg` is the
 * application. */
void application_call(struct httprequest *request, void *arg);

/* [14] --- what came in ---------------------------------------------------- */

/* [16] The request that the handler answers. */
struct httprequest *handler_request(struct handler *self);

/* [24] The handler's own memory, `state_size` bytes, until the request ends. */
void *handler_state(struct handler *self);

/* RequestHandler.get_argument: the last value. If there is no value,
 * `fallback`. NULL: the answer is complete already (400), and the handler must
 * return.
 * - From chapter 21 on there is no white space around the value, and no byte
 *   below 32 in it but white space. */
const char *handler_get_argument(struct handler *self, const char *name,
                                 const char *fallback);

/* [23] The text that the i-th group of the pattern (from 0) matched,
 * percent-decoded. It may contain any byte; *size, unless `size` is NULL,
 * becomes its size. NULL if the match does not use that group; or without
 * memory: then it has called handler_fail(), and the answer becomes a 503,
 * whatever the handler does next. */
const char *handler_path_argument(struct handler *self, size_t i,
                                  size_t *size);

/* --- the answer --------------------------------------------------------- */

/* [24] A mistake of a handler is logged, and the client gets a 500. After the
 * answer is complete, the functions below only write an error to the log. They
 * may be called as long as the handler lives: until the next turn of the loop.
 * A call in a wrong order never ends the process. */

/* [15] A final status: 200 to 999. */
void handler_set_status(struct handler *self, int status);

/* [21] handler_set_header() replaces all headers of that name,
 * handler_add_header() adds one. The strings are copied.
 * - A name or value that could not stand in a head turns the answer into a 500,
 *   so a client's bytes can never begin a new header line.
 * - Connection: close closes the connection after the answer; other values of
 *   Connection have no effect.
 * - The other headers that the server writes itself are a 500: Date, Server,
 *   Transfer-Encoding, Content-Length. */
void handler_set_header(struct handler *self, const char *name,
                        const char *value);
void handler_add_header(struct handler *self, const char *name,
                        const char *value);

/* [25] The number of bytes that the body will have, for handlers that flush. If
 * it has another length, the answer is a 500, or cut after the first flush. */
void handler_set_content_length(struct handler *self, uint64_t size);

/* RequestHandler.write: appends a copy to the body. Nothing is sent before the
 * handler finishes or flushes. */
void handler_write(struct handler *self, const char *text);

/* [15] The same for `size` bytes. */
void handler_write_bytes(struct handler *self, const void *data, size_t size);

/* [22] The same for a format of printf(). */
void handler_printf(struct handler *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* [16] The same, with the special characters of HTML escaped. */
void handler_write_escaped(struct handler *self, const char *text,
                           size_t size);

/* [15] RequestHandler.flush: hands the part of the body that was written so
 * far to the connection. The first flush puts the head before it, which cannot
 * be changed any more. `callback`, if not NULL, runs when everything has been
 * handed to the kernel: then the handler can write more. From chapter 24 on
 * it also runs when the client has gone. It does not run after
 * handler_finish(). */
void handler_flush(struct handler *self, ioloop_callback *callback, void *arg);

/* [28] handler_write_bytes() and handler_flush() in one, for many bytes: if
 * handler_set_content_length() has been called, it makes no copy of them. */
void handler_flush_bytes(struct handler *self, const void *data, size_t size,
                         ioloop_callback *callback, void *arg);

/* RequestHandler.finish: the answer is complete. The server calls it when the
 * method returns, unless the class is asynchronous (chapter 24). The handler is
 * freed in the next turn of the loop. */
void handler_finish(struct handler *self);

/* [23] RequestHandler.redirect: 301 or 302, and finish. */
void handler_redirect(struct handler *self, const char *url, bool permanent);

/* RequestHandler.send_error: an answer with this status (from chapter 15 on in
 * place of everything that was written), and finish. `detail` is a sentence for
 * the client; NULL: none. */
void handler_send_error(struct handler *self, int status, const char *detail);

/* [15] RequestHandler.get_error_html: sets the status, and writes the page of
 * handler_send_error() to the body, with `detail` escaped. The headers stay,
 * and the answer is not finished. */
void handler_write_error(struct handler *self, int status, const char *detail);

/* [15] Something that the answer needs has failed. When the handler finishes,
 * in whatever way, an error page with this status becomes the answer. From
 * chapter 21 on the connection is reset instead if the head has been sent.
 * From chapter 16 on the first failure counts. `why`, a constant string, is
 * also shown to the client if the status is below 500. */
void handler_fail(struct handler *self, int status, const char *why);

/* [25] True if the client has gone, the answer has failed, or the client wants
 * no more than its head (HEAD). Then nothing that the handler writes is sent,
 * and the handler should finish. */
bool handler_client_gone(struct handler *self);

#endif
