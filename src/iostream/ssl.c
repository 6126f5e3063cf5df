/* [37] ssl.c -- see ssl.h. The only file that knows OpenSSL.
 *
 * In reading order: the certificate; the library's bytes; errors; the filter.
 */
#include "ssl.h"

#ifndef TLS

const char *
ssl_load(const char *certfile, const char *keyfile)
{
    (void)certfile;
    (void)keyfile;
    return "--ssl-certfile: this program is built without TLS; "
           "`make TLS=yes dustdevil` builds it with TLS";
}

/* ssl_load() has failed, so there is no certificate. */
void
ssl_start(struct iostream *stream)
{
    iostream_close(stream);
}

#else

#include <errno.h>
#include <openssl/ssl.h> /* in the package libssl-dev */

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "memory.h"
#include "system.h"
#include "trace.h"

/* PIECE: the most bytes that are encrypted at a time, as one record of TLS.
 * MAX_WITHOUT_DATA: the most bytes that a peer may send without a byte of data.
 * With TLS 1.3 it may change its key in each record, which is work for the
 * server. */
enum { PIECE = 16384, MAX_WITHOUT_DATA = 65536 };

struct tls {
    struct iostream_filter filter; /* first: it has the struct's address */
    struct iostream *stream;
    SSL *ssl;
    size_t without_data; /* bytes received since the last byte of data */
    bool encrypted;      /* what the stream writes now is encrypted already */
    bool failed;         /* there is no orderly end any more */
    bool closed;         /* tls_free() is queued */
};

static SSL_CTX *context;

/* A BIO is what the library reads from, or writes to. These two are memory. All
 * connections share them, because no bytes stay there: begin() empties both. */
static BIO *in, *out;

/* [38] --- the protocol --------------------------------------------------- */

/* ALPN: the client has sent a list of protocols. If none of ours is among them,
 * the handshake fails (RFC 7301, section 3.2). */
static int
choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *size,
                const unsigned char *list, unsigned list_size, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";

    (void)ssl;
    (void)arg;
    return SSL_select_next_proto((unsigned char **)chosen, size, ours,
                                 sizeof ours - 1, list, list_size) ==
                   OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* --- the certificate ----------------------------------------------------- */

/* A context has the settings and the certificate. Each one has the ticket keys
 * of the first, so that a client can continue its session with every process.
 * A key file that needs a password is not valid: without the empty password
 * the library would ask for one on the terminal. */
static SSL_CTX *
new_context(void)
{
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    unsigned char keys[80]; /* this is their size */

    if (c == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(c, 1);
    SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL); /* [38] */
    SSL_CTX_set_default_passwd_cb_userdata(c, "");
    if (context != NULL &&
        SSL_CTX_get_tlsext_ticket_keys(context, keys, sizeof keys) == 1)
        SSL_CTX_set_tlsext_ticket_keys(c, keys, sizeof keys);
    return c;
}

/* The first error of the last call, in a few words. */
static const char *
library_error(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    return reason != NULL ? reason : "unknown reason";
}

const char *
ssl_load(const char *certfile, const char *keyfile)
{
    static char wrong[512];
    const char *file = certfile;

    ERR_clear_error();
    SSL_CTX *c = new_context();
    if (c != NULL && SSL_CTX_use_certificate_chain_file(c, file) == 1 &&
        SSL_CTX_use_PrivateKey_file(c, file = keyfile, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(c) == 1) {
        SSL_CTX_free(context);
        context = c;
        return NULL;
    }
    snprintf(wrong, sizeof wrong, "cannot use %s for TLS: %s", file,
             access(file, R_OK) == -1 ? strerror(errno) : library_error());
    SSL_CTX_free(c);
    return wrong;
}

/* --- the library's bytes ------------------------------------------------- */

/* What the library has written since the last begin(). */
static size_t
written(const char **data)
{
    return (size_t)BIO_get_mem_data(out, data);
}

/* Before each call of the library that may read or write. The library has taken
 * what was in `in`, but for bytes behind an error or behind the last message:
 * another connection must not get them. */
static void
begin(void)
{
    ERR_clear_error();
    if (BIO_pending(in) > 0)
        BIO_reset(in);
    BIO_reset(out);
}

/* Sends what the library has written of its own accord: handshake, tickets,
 * messages about errors (alerts). If no bytes are unsent before it, it need
 * not wait for the next turn. */
static void
send_written(struct tls *t)
{
    const char *data;
    size_t size = written(&data);
    ssize_t n = 0;

    if (size > 0 && iostream_unsent(t->stream) == 0) {
        n = send(iostream_fd(t->stream), data, size, SEND_FLAGS);
        n = n > 0 ? n : 0;
        TRACE(iostream_fd(t->stream), "TLS: -%zd of %zu bytes", n, size);
    }
    t->encrypted = true;
    if ((size_t)n < size)
        iostream_write(t->stream, data + n, size - (size_t)n, NULL, NULL);
    t->encrypted = false;
}

/* --- errors -------------------------------------------------------------- */

/* At most one line a second: a scanner of ports could fill the log. */
static void
log_failure(const char *reason)
{
    static int64_t next;

    if (ioloop_time() >= next) {
        log_warning("TLS: %s", reason);
        next = ioloop_time() + 1000000;
    }
}

/* The last bytes that the stream sends are what the library has written, mostly
 * an alert. The lingering close gives the peer time to read them. */
static bool
fail(struct tls *t, const char *reason)
{
    log_failure(reason);
    send_written(t);
    t->failed = true;
    iostream_linger(t->stream, true);
    iostream_close(t->stream);
    return false;
}

/* --- the filter ---------------------------------------------------------- */

/* Decrypts all that has come, in place of the bytes that were received. The
 * library keeps only the beginning of a record, which cannot be read before its
 * end has come. So no bytes lie there that no event would report. */
static bool
decrypt(struct tls *t, struct buffer **b)
{
    char *room;
    int n;

    while ((room = buffer_room(b, BLOCK_SIZE / 4)) != NULL &&
           (n = SSL_read(t->ssl, room, (int)((*b)->size - (*b)->end))) > 0) {
        (*b)->end += (size_t)n;
        t->without_data = 0;
    }
    if (room == NULL)
        return fail(t, "no memory");
    n = SSL_get_error(t->ssl, n);
    if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_ZERO_RETURN)
        return fail(t, library_error());
    if (t->without_data > MAX_WITHOUT_DATA)
        return fail(t, "too many bytes without data");
    send_written(t);
    buffer_trim(b);
    return n == SSL_ERROR_WANT_READ;
}

/* The first byte of TLS is 22; a client that speaks HTTP gets an answer that it
 * can read. If the peer closes the connection without close_notify, the message
 * of TLS that says so, an attacker may have cut something off. */
static bool
ssl_receive(struct iostream_filter *filter, struct buffer **b, size_t size)
{
    static const char plain[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
        "Connection: close\r\n\r\n"
        "This port is for https: requests have to be encrypted.\n";
    struct tls *t = (struct tls *)filter;
    char *data = (*b)->data + (*b)->end - size;

    begin();
    if (size == 0) {
        TRACE(iostream_fd(t->stream), "TLS: an end without close_notify");
        t->failed = true;
        if (iostream_unsent(t->stream) > 0 || iostream_unread(t->stream) > 0)
            iostream_abort(t->stream);
        return false;
    }
    (*b)->end -= size;
    if (SSL_in_before(t->ssl) && *data >= 'A' && *data <= 'Z') {
        BIO_write(out, plain, sizeof plain - 1);
        return fail(t, "an HTTP request without TLS");
    }
    t->without_data += size;
    return BIO_write(in, data, (int)size) == (int)size
               ? decrypt(t, b) : fail(t, "no memory");
}

/* The library could take all bytes in one call, but they would be in memory
 * twice. So the pieces before the last one are written from here. */
static const void *
ssl_send(struct iostream_filter *filter, const void *data, size_t *size)
{
    struct tls *t = (struct tls *)filter;
    const char *next = data, *end = next + *size, *encrypted = "";

    if (t->encrypted)
        return data;
    for (*size = 0; next < end && !t->closed; *size = written(&encrypted)) {
        size_t n = end - next < PIECE ? (size_t)(end - next) : PIECE;

        t->encrypted = true;
        if (*size > 0)
            iostream_write(t->stream, encrypted, *size, NULL, NULL);
        t->encrypted = false;
        begin();
        if (!t->closed && SSL_write(t->ssl, next, (int)n) != (int)n) {
            log_failure(library_error());
            iostream_abort(t->stream);
        }
        next += n;
    }
    return encrypted;
}

static void
tls_free(void *arg)
{
    struct tls *t = arg;

    SSL_free(t->ssl);
    free(t);
}

/* close_notify tells the peer that nothing has been cut off. */
static void
ssl_close(struct iostream_filter *filter, bool orderly)
{
    struct tls *t = (struct tls *)filter;

    if (t->closed)
        return;
    begin();
    if (orderly && !t->failed && SSL_is_init_finished(t->ssl) &&
        SSL_shutdown(t->ssl) >= 0)
        send_written(t);
    t->closed = true;
    ioloop_add_callback(iostream_loop(t->stream), tls_free, t);
}

/* The memory BIOs are made with the first connection. Each SSL has a reference
 * to them, and so has this file. */
void
ssl_start(struct iostream *stream)
{
    struct tls *t = calloc(1, sizeof *t);
    SSL *ssl = SSL_new(context);

    in = in != NULL ? in : BIO_new(BIO_s_mem());
    out = out != NULL ? out : BIO_new(BIO_s_mem());
    if (t == NULL || ssl == NULL || in == NULL || out == NULL) {
        free(t);
        SSL_free(ssl);
        iostream_close(stream);
        return;
    }
    BIO_up_ref(in);
    BIO_up_ref(out);
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    *t = (struct tls){.filter = {ssl_receive, ssl_send, ssl_close},
                      .stream = stream, .ssl = ssl};
    iostream_set_filter(stream, &t->filter);
}

#endif
