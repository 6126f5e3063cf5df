/* tlsproxy.c -- TLS for clients that have none.
 *
 *     tlsproxy [-b] [-u] [-t] [-k N] [-n BYTES [-l]] PORT
 *
 * -b  sends each encrypted byte in a packet of its own
 * -u  sends at most 64 bytes at a time, and before each of these pieces changes
 *     its key and asks the server to do the same
 * -t  sends five bytes more behind close_notify, in the same packet
 * -k  changes the key N times after the handshake
 * -n  sends no more than so many encrypted bytes to the server, and then
 *     stalls; with -l it leaves
 *
 * Listens on a free port of 127.0.0.1 and says so: `listening on 4711`. Each
 * connection there becomes one with TLS to PORT. The two ends of a connection
 * stay two: the client's FIN becomes close_notify, the server's close_notify a
 * FIN. An end without close_notify, or a reset, becomes a reset. So a test that
 * knows nothing of TLS sees of the server what it would see without it.
 *
 * One thread for each connection, and buffers as small as the kernel allows: a
 * client that reads slowly must look slow to the server, too. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_MORE /* a flag of Linux: it sends a packet later */
#define MSG_MORE 0
#endif

enum { PIECE = 16384, SMALL_BUFFER = 4096 };

struct pair {
    int client, server;
    SSL *ssl;
    char up[PIECE], down[PIECE]; /* to the server, to the client */
    size_t nup, ndown;
    bool client_ended, server_ended, server_gone;
    bool told; /* the server has been sent close_notify */
    short want; /* what the library waits for at the server's socket */
    long sent;  /* bytes to the server, encrypted */
};

static SSL_CTX *context;
static struct sockaddr_in server_address;
static BIO_METHOD *method; /* of the library's end of the server's socket */
static bool bytewise, leaves, trails, updates;
static long limit = -1, key_updates;

static void
options(int fd)
{
    int small = SMALL_BUFFER, yes = 1;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static void
reset(int fd)
{
    struct linger linger = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* --- the library's end of the server's socket ---------------------------- */

static bool
retry(BIO *bio, int flag)
{
    BIO_clear_retry_flags(bio);
    if (errno == EAGAIN || errno == EINTR)
        BIO_set_flags(bio, flag | BIO_FLAGS_SHOULD_RETRY);
    return false;
}

static int
bio_read(BIO *bio, char *to, int size)
{
    struct pair *p = BIO_get_data(bio);
    ssize_t n = recv(p->server, to, (size_t)size, 0);

    if (n == -1)
        retry(bio, BIO_FLAGS_READ);
    return (int)n;
}

/* What is beyond the limit counts as sent. */
static int
bio_write(BIO *bio, const char *data, int size)
{
    struct pair *p = BIO_get_data(bio);
    long left = limit - p->sent;
    ssize_t n;

    if (limit >= 0 && left <= 0) {
        if (leaves)
            shutdown(p->server, SHUT_WR);
        return size;
    }
    if (limit >= 0 && size > left)
        size = (int)left;
    n = send(p->server, data, bytewise ? 1 : (size_t)size,
             MSG_NOSIGNAL | (trails && p->client_ended ? MSG_MORE : 0));
    if (n == -1)
        retry(bio, BIO_FLAGS_WRITE);
    else
        p->sent += n;
    return (int)n;
}

static long
bio_control(BIO *bio, int command, long number, void *arg)
{
    (void)bio;
    (void)number;
    (void)arg;
    return command == BIO_CTRL_FLUSH;
}

static BIO *
new_bio(struct pair *p)
{
    BIO *bio = BIO_new(method);

    BIO_set_data(bio, p);
    BIO_set_init(bio, 1);
    return bio;
}

/* --- a connection -------------------------------------------------------- */

/* After a call of the library: true if it has worked, or must be repeated. */
static bool
goes_on(struct pair *p, int n)
{
    int error = SSL_get_error(p->ssl, n);

    if (n <= 0 && error == SSL_ERROR_WANT_READ)
        p->want |= POLLIN;
    if (n <= 0 && error == SSL_ERROR_WANT_WRITE)
        p->want |= POLLOUT;
    return n > 0 || error == SSL_ERROR_WANT_READ ||
           error == SSL_ERROR_WANT_WRITE;
}

/* From the client to the server. False: the connection is broken. */
static bool
move_up(struct pair *p)
{
    ssize_t n;

    if (p->nup == 0 && !p->client_ended) {
        n = recv(p->client, p->up, updates ? 64 : PIECE, MSG_DONTWAIT);
        if (n == -1)
            return errno == EAGAIN || errno == EINTR;
        p->nup = (size_t)n;
        p->client_ended = n == 0;
        if (updates && n > 0 && !p->server_gone)
            SSL_key_update(p->ssl, SSL_KEY_UPDATE_REQUESTED);
    }
    if (p->nup > 0) {
        int m = p->server_gone ? 0 : SSL_write(p->ssl, p->up, (int)p->nup);

        /* The server takes no more; what it has sent may still be here. */
        if (!p->server_gone && !goes_on(p, m))
            p->server_gone = true;
        if (m > 0 || p->server_gone)
            p->nup = 0;
    }

    /* The server's socket may have no room for close_notify yet. */
    if (p->client_ended && p->nup == 0 && !p->told && !p->server_gone) {
        int m = SSL_shutdown(p->ssl);

        p->told = m >= 0 || !goes_on(p, m);
        if (p->told && trails)
            send(p->server, "hello", 5, MSG_NOSIGNAL);
    }
    return true;
}

/* From the server to the client. */
static bool
move_down(struct pair *p)
{
    ssize_t n;

    if (p->ndown == 0 && !p->server_ended) {
        int m = SSL_read(p->ssl, p->down, PIECE);

        p->server_ended = m <= 0 && SSL_get_error(p->ssl, m) ==
                                        SSL_ERROR_ZERO_RETURN;
        if (p->server_ended)
            shutdown(p->client, SHUT_WR);
        else if (!goes_on(p, m))
            return false;
        p->ndown = m > 0 ? (size_t)m : 0;
    }
    if (p->ndown > 0) {
        n = send(p->client, p->down, p->ndown, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n == -1)
            return errno == EAGAIN || errno == EINTR;
        memmove(p->down, p->down + n, p->ndown - (size_t)n);
        p->ndown -= (size_t)n;
    }
    return true;
}

/* After the server's end the client may go on sending, until it ends, too. What
 * it sends is dropped when the server has left. */
static bool
relay(struct pair *p)
{
    struct pollfd fds[] = {{.fd = p->client}, {.fd = p->server}};

    while (!(p->server_ended && p->client_ended && p->ndown == 0)) {
        ERR_clear_error();
        p->want = 0;
        if (!move_up(p) || !move_down(p))
            return false;
        if (SSL_pending(p->ssl) > 0 && p->ndown == 0)
            continue;
        fds[0].events = (short)((p->nup == 0 && !p->client_ended ? POLLIN : 0) |
                                (p->ndown > 0 ? POLLOUT : 0));
        fds[0].fd = fds[0].events != 0 ? p->client : -1;
        if (p->ndown == 0 && !p->server_ended)
            p->want |= POLLIN;
        fds[1].events = p->want;
        fds[1].fd = p->want != 0 && !(p->server_gone && p->server_ended)
                        ? p->server : -1;
        poll(fds, 2, -1);
    }
    return true;
}

static void *
serve(void *arg)
{
    struct pair *p = arg;
    BIO *bio;

    p->server = socket(AF_INET, SOCK_STREAM, 0);
    options(p->server);
    if (connect(p->server, (struct sockaddr *)&server_address,
                sizeof server_address) == -1)
        goto broken;
    p->ssl = SSL_new(context);
    bio = new_bio(p);
    SSL_set_bio(p->ssl, bio, bio);
    if (SSL_connect(p->ssl) != 1)
        goto broken;
    for (long i = 0; i < key_updates; i++) {
        SSL_key_update(p->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        SSL_do_handshake(p->ssl);
    }
    fcntl(p->server, F_SETFL, O_NONBLOCK);
    if (!relay(p)) {
    broken:
        reset(p->client);
        reset(p->server);
    }
    SSL_free(p->ssl);
    close(p->client);
    close(p->server);
    free(p);
    return NULL;
}

int
main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_attr_t attributes;
    struct rlimit descriptors;
    pthread_t thread;
    int c;

    while ((c = getopt(argc, argv, "bk:ln:tu")) != -1) {
        bytewise |= c == 'b';
        updates |= c == 'u';
        leaves |= c == 'l';
        trails |= c == 't';
        if (c == 'n')
            limit = atol(optarg);
        if (c == 'k')
            key_updates = atol(optarg);
        if (c == '?')
            return 2;
    }
    if (optind != argc - 1)
        return 2;
    method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "server");
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
    context = SSL_CTX_new(TLS_client_method());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server_address = address;
    server_address.sin_port = htons((uint16_t)atoi(argv[optind]));
    options(listener);
    if (bind(listener, (struct sockaddr *)&address, size) == -1 ||
        listen(listener, 1024) == -1 ||
        getsockname(listener, (struct sockaddr *)&address, &size) == -1)
        return 1;
    printf("listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 131072);
    for (;;) {
        struct pair *p = calloc(1, sizeof *p);

        if (p == NULL)
            return 1;
        p->client = accept(listener, NULL, NULL);
        if (p->client == -1 ||
            pthread_create(&thread, &attributes, serve, p) != 0) {
            close(p->client);
            free(p);
        }
    }
}
