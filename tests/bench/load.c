/* load.c -- many clients in one process, cheaper than any server.
 *
 *     load [OPTION...] PORT
 *
 *     -c N     connections (1)
 *     -t S     how long, in seconds (1); each connection sends its next request
 *              when the answer is there
 *     -w S     seconds before that, which do not count (0)
 *     -n N     that many requests, in place of a time
 *     -d N     requests sent in one piece: pipelining (1)
 *     -u PATH  what is asked for ("/"); %d is the number of the connection
 *     -b N     a POST with a body of N bytes
 *     -H N     N bytes of further header lines of 64 bytes each
 *     -k       Connection: close, and a new connection for each request
 *     -T       drop the bodies of the answers unread (Linux)
 *     -i       open the connections, one request on each, say so, and hold them
 *     -s       send byte by byte: the next one when the server -P sleeps again
 *     -P PID   the server, whose CPU time is measured, too
 *
 * One recv() and one send() for a batch of requests, like the floor. An answer
 * with the same head length as the last one is not parsed. It prints one line
 * of NAME=NUMBER: counts, and CPU time in seconds. `other` is what else ran on
 * the machine (Linux). Status: 0; 1 a request failed; 2 wrong usage.
 *
 * Compiled with -DLOAD_TLS it is load-tls: each connection speaks TLS 1.3, with
 * one cipher and a full handshake. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef LOAD_TLS
#include <openssl/ssl.h>
#endif

#include "bench.h"

enum { BUFFER = 1 << 18, MAX_HEAD = 8192, EVENTS = 512, HEADER_LINE = 64 };

/* So many connections are opened at a time: no queue of the kernel is full. */
enum { STEP = 100 };

#ifdef LOAD_TLS
enum { WITH_TLS = 1 };
#else
enum { WITH_TLS = 0 };
#endif

struct conn {
    int fd;           /* -1: closed */
    unsigned waiting; /* answers to come */
    bool connected;
    bool last;     /* the server closes behind the current answer */
    uint64_t body; /* bytes of the current answer's body to come */
    size_t sent;   /* bytes of the current batch */
    char *batch;   /* what it sends */
    size_t batch_size;
    char *head; /* a head that arrived in pieces, or NULL */
    size_t head_size;
#ifdef LOAD_TLS
    SSL *ssl;
#endif
};

static struct {
    unsigned connections, depth;
    double seconds, warm_up;
    uint64_t requests;
    const char *path;
    size_t body, header;
    bool close, discard, idle, slowly;
    int port;
    pid_t server;
} option = {.connections = 1, .depth = 1, .seconds = 1, .path = "/"};

static int queue;
static char buffer[BUFFER];
static bool stopping;
static size_t known_head; /* length of the last head, 0: none yet */
static uint64_t known_body;
static uint64_t started, done, failed, not_200;

static _Noreturn void
die(const char *what)
{
    perror(what);
    exit(1);
}

static void *
allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (p == NULL)
        die("load");
    return p;
}

/* --- time ---------------------------------------------------------------- */

static double
clock_seconds(clockid_t clock)
{
    struct timespec t;

    return clock_gettime(clock, &t) == -1
               ? -1
               : (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU time that a process with all its threads has used; -1: not known. */
static double
cpu_of(pid_t pid)
{
#ifdef __APPLE__
    (void)pid;
    return -1;
#else
    clockid_t clock;

    return pid > 0 && clock_getcpuclockid(pid, &clock) == 0
               ? clock_seconds(clock)
               : -1;
#endif
}

/* CPU time that everything on the machine has used; 0: not known. */
static double
cpu_of_all(void)
{
    unsigned long long user, nice, system, idle, wait, irq, soft, steal;
    FILE *f = fopen("/proc/stat", "r");
    double sum = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice,
               &system, &idle, &wait, &irq, &soft, &steal) == 8)
        sum = (double)(user + nice + system + irq + soft + steal) /
              (double)sysconf(_SC_CLK_TCK);
    fclose(f);
    return sum;
}

struct usage {
    double clock, client, server, all;
};

static struct usage
usage_now(void)
{
    return (struct usage){clock_seconds(CLOCK_MONOTONIC),
                          clock_seconds(CLOCK_PROCESS_CPUTIME_ID),
                          cpu_of(option.server), cpu_of_all()};
}

static void
report(const struct usage *from, const struct usage *to, uint64_t counted)
{
    double client = to->client - from->client;
    double server = to->server - from->server;
    double other = to->all - from->all - client - server;

    printf("requests=%llu seconds=%.6f client=%.6f",
           (unsigned long long)counted, to->clock - from->clock, client);
    if (to->server >= 0)
        printf(" server=%.6f other=%.2f", server,
               to->all == 0 || other < 0 ? 0 : other);
    printf(" all=%llu failed=%llu not_200=%llu\n", (unsigned long long)done,
           (unsigned long long)failed, (unsigned long long)not_200);
    fflush(stdout);
}

/* --- requests ------------------------------------------------------------ */

static void
write_request(FILE *to, unsigned number)
{
    fputs(option.body > 0 ? "POST " : "GET ", to);
    fprintf(to, option.path, number); /* at most one %d */
    fputs(" HTTP/1.1\r\nHost: a\r\n", to);
    if (option.body > 0)
        fprintf(to, "Content-Length: %zu\r\n", option.body);
    if (option.close)
        fprintf(to, "Connection: close\r\n");
    for (size_t i = 0; i + HEADER_LINE <= option.header; i += HEADER_LINE)
        fprintf(to, "X-%04zu: %0*d\r\n", i / HEADER_LINE, HEADER_LINE - 10, 0);
    fputs("\r\n", to);
    for (size_t i = 0; i < option.body; i++)
        putc('b', to);
}

/* Gives the connections what they send: one batch for all, unless each has its
 * own path. */
static void
make_batches(struct conn *conns)
{
    bool own = strchr(option.path, '%') != NULL;

    for (unsigned i = 0; i < option.connections; i++) {
        struct conn *c = &conns[i];
        FILE *to;

        c->batch = conns->batch;
        c->batch_size = conns->batch_size;
        if (i > 0 && !own)
            continue;
        to = open_memstream(&c->batch, &c->batch_size);
        if (to == NULL)
            die("load");
        for (unsigned k = 0; k < option.depth; k++)
            write_request(to, i);
        fclose(to);
    }
}

/* --- the seam: with TLS or without --------------------------------------- */

#ifdef LOAD_TLS

static SSL_CTX *context;

/* What recv() and send() would return, and errno. */
static ssize_t
as_system_call(const struct conn *c, int n)
{
    int error = SSL_get_error(c->ssl, n);

    if (n > 0 || error == SSL_ERROR_ZERO_RETURN)
        return n > 0 ? n : 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE
                ? EAGAIN : EPROTO;
    return -1;
}

static ssize_t
conn_send(struct conn *c, const char *data, size_t size)
{
    return as_system_call(c, SSL_write(c->ssl, data, (int)size));
}

static ssize_t
conn_receive(struct conn *c)
{
    return as_system_call(c, SSL_read(c->ssl, buffer, BUFFER));
}

/* Before the first connection. */
static void
prepare_tls(void)
{
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL ||
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519") != 1)
        die("TLS");
}

static void
start_tls(struct conn *c)
{
    c->ssl = SSL_new(context);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
        die("TLS");
    SSL_set_connect_state(c->ssl);
}

/* True if the handshake is done. If it only waits, errno is EAGAIN; all that
 * it can wait for are bytes of the server. */
static bool
shake_hands(struct conn *c)
{
    if (as_system_call(c, SSL_do_handshake(c->ssl)) > 0)
        return true;
    events_set(queue, c->fd, false, c);
    return false;
}

static void
end_tls(struct conn *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
}

#else

static ssize_t
conn_send(struct conn *c, const char *data, size_t size)
{
    return send(c->fd, data, size, MSG_NOSIGNAL);
}

static ssize_t
conn_receive(struct conn *c)
{
#ifdef __linux__
    if (option.discard && c->body > 0)
        return recv(c->fd, NULL, c->body, MSG_TRUNC);
#endif
    return recv(c->fd, buffer, BUFFER, 0);
}

static void
prepare_tls(void)
{
}

static void
start_tls(struct conn *c)
{
    (void)c;
}

static bool
shake_hands(struct conn *c)
{
    (void)c;
    return true;
}

static void
end_tls(struct conn *c)
{
    (void)c;
}

#endif

/* --- connections --------------------------------------------------------- */

static void
open_conn(struct conn *c)
{
    struct sockaddr_in a = loopback(option.port);
    struct linger reset = {1, 0};

    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd == -1)
        die("socket");
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    set_option(c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (!option.close) /* no port stays in TIME_WAIT */
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    c->connected = c->last = false;
    c->waiting = 0;
    c->body = c->sent = c->head_size = 0;
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) == -1 &&
        errno != EINPROGRESS)
        die("connect");
    if (events_add(queue, c->fd, true, c) == -1)
        die("events");
    start_tls(c);
}

static void
reopen_conn(struct conn *c)
{
    end_tls(c);
    close(c->fd);
    c->fd = -1;
    if (!stopping)
        open_conn(c);
}

/* Sends a batch, or the rest of it. */
static void
send_batch(struct conn *c)
{
    if (c->sent == 0) {
        if (stopping || (option.requests > 0 && started >= option.requests))
            return;
        started += option.depth;
        c->waiting = option.depth;
    }
    while (c->sent < c->batch_size) {
        ssize_t n = conn_send(c, c->batch + c->sent, c->batch_size - c->sent);

        if (n == -1) {
            if (errno == EAGAIN)
                events_set(queue, c->fd, true, c);
            else
                failed++;
            return;
        }
        c->sent += (size_t)n;
    }
}

/* The head of an answer, with its empty line. False: it makes no sense. */
static bool
parse_head(struct conn *c, const char *head, size_t n)
{
    bool has_length = false;

    if (n < 12 || memcmp(head, "HTTP/1.1", 8) != 0)
        return false;
    not_200 += memcmp(head + 9, "200", 3) != 0;
    for (const char *l = head, *end = head + n; l < end;) {
        if (strncasecmp(l, "content-length:", 15) == 0) {
            c->body = strtoull(l + 15, NULL, 10);
            has_length = true;
        } else if (strncasecmp(l, "connection: close", 17) == 0) {
            c->last = true;
        }
        l = (const char *)memchr(l, '\n', (size_t)(end - l)) + 1;
    }
    if (!c->last || option.close) {
        known_head = n;
        known_body = c->body;
    }
    return has_length;
}

/* Takes the head at the beginning of `text`: returns its length, SIZE_MAX if it
 * is not complete yet, 0 if it makes no sense. */
static size_t
take_head(struct conn *c, const char *text, size_t n)
{
    size_t before = c->head_size, k = smaller(n, MAX_HEAD - before);
    const char *end;

    if (before == 0 && known_head > 0 && n >= known_head &&
        memcmp(text, "HTTP/1.1 200", 12) == 0 &&
        memcmp(text + known_head - 4, "\r\n\r\n", 4) == 0) {
        c->body = known_body;
        return known_head;
    }
    if (c->head == NULL)
        c->head = allocate(MAX_HEAD, 1);
    memcpy(c->head + before, text, k);
    end = memmem(c->head, before + k, "\r\n\r\n", 4);
    if (end == NULL) {
        c->head_size += k;
        return c->head_size < MAX_HEAD ? SIZE_MAX : 0;
    }
    c->head_size = 0;
    n = (size_t)(end + 4 - c->head);
    return parse_head(c, c->head, n) ? n - before : 0;
}

/* False: what the server sent makes no sense. */
static bool
take_answers(struct conn *c, const char *text, size_t n)
{
    while (n > 0) {
        size_t k = smaller(n, c->body);

        if (c->body == 0) {
            k = c->waiting > 0 ? take_head(c, text, n) : 0;
            if (k == 0 || k == SIZE_MAX)
                return k != 0;
        } else {
            c->body -= k;
        }
        text += k;
        n -= k;
        if (c->body > 0)
            continue;
        done++;
        if (--c->waiting == 0) {
            c->sent = 0;
            if (!option.close && !c->last)
                send_batch(c);
        }
    }
    return true;
}

/* A connection that was opened is there, or is not; with TLS, not yet. */
static bool
connected(struct conn *c)
{
    socklen_t length = sizeof errno;
    int error = 0;

    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error == 0 && !shake_hands(c))
        error = errno;
    if (error == EAGAIN)
        return false;
    if (error != 0) {
        failed++;
        errno = error;
        if (failed > 100)
            die("connect");
        reopen_conn(c);
    }
    c->connected = error == 0;
    return c->connected;
}

static void
handle_ready(struct conn *c, bool out)
{
    bool first = !c->connected;

    if (c->fd == -1 || (first && !connected(c)))
        return;
    if (out || first) {
        events_set(queue, c->fd, false, c);
        send_batch(c);
    }
    for (;;) {
        bool expected = c->waiting > 0;
        bool discarded = option.discard && c->body > 0;
        ssize_t n = conn_receive(c);

        if (n == -1 && errno == EAGAIN)
            return;

        /* Of a body, discarded or not, no byte is looked at. */
        if (n > 0 && !take_answers(c, buffer, (size_t)n))
            n = -1;
        if (n <= 0) {
            failed += n == -1 || expected;
            reopen_conn(c);
            return;
        }

        /* What follows a short read is not there yet, but for the server's FIN,
         * which mostly comes with the last byte. With TLS it is the end of a
         * record. */
        if (!WITH_TLS && !option.close && (n < BUFFER || discarded))
            return;
    }
}

/* --- what to do with them ------------------------------------------------ */

/* Until this time, or until all requests are answered. */
static void
run_until(double end)
{
    event events[EVENTS];
    double now = clock_seconds(CLOCK_MONOTONIC);

    do {
        double ms = end > now + 0.1 ? 100 : end > now ? (end - now) * 1000 : 0;
        int n = events_wait(queue, events, EVENTS, (int)ms);

        for (int i = 0; i < n; i++)
            handle_ready(event_arg(&events[i]), event_out(&events[i]));
        now = clock_seconds(CLOCK_MONOTONIC);
    } while (now < end && (option.requests == 0 || done < option.requests));
}

/* Lets the answers arrive that are on their way: no server is left with a
 * connection that was reset. */
static void
finish(const struct conn *conns)
{
    double end = clock_seconds(CLOCK_MONOTONIC) + 1;
    bool busy = true;

    stopping = true;
    option.requests = 0;
    while (busy && clock_seconds(CLOCK_MONOTONIC) < end) {
        run_until(clock_seconds(CLOCK_MONOTONIC) + 0.001);
        busy = false;
        for (unsigned i = 0; i < option.connections; i++)
            busy |= conns[i].fd != -1 && conns[i].waiting > 0;
    }
}

static void
measure(struct conn *conns)
{
    struct usage from, to;
    uint64_t before, counted;

    for (unsigned i = 0; i < option.connections; i++) {
        open_conn(&conns[i]);
        if (i % STEP == STEP - 1)
            run_until(0);
    }
    if (option.requests == 0)
        run_until(clock_seconds(CLOCK_MONOTONIC) + option.warm_up);
    before = option.requests == 0 ? done : 0;
    from = usage_now();
    run_until(from.clock + (option.requests > 0 ? 60 : option.seconds));

    /* A short pass on a busy machine may have no answer yet: it goes on. */
    while (option.requests == 0 && done == before &&
           clock_seconds(CLOCK_MONOTONIC) < from.clock + 10)
        run_until(clock_seconds(CLOCK_MONOTONIC) + 0.01);
    to = usage_now();
    counted = done - before;
    failed += counted < option.requests;
    finish(conns);
    report(&from, &to, counted);
}

static void
hold(struct conn *conns)
{
    unsigned i = 0, end;

    while (i < option.connections) {
        end = i + STEP < option.connections ? i + STEP : option.connections;
        option.requests = end;
        while (i < end)
            open_conn(&conns[i++]);
        run_until(clock_seconds(CLOCK_MONOTONIC) + 30);
    }
    failed += done < option.connections;
    printf("ready=%llu failed=%llu\n", (unsigned long long)done,
           (unsigned long long)failed);
    fflush(stdout);
    pause();
}

/* True if the server sleeps: it has read what was sent. */
static bool
server_sleeps(void)
{
    char path[64], stat[512], *name_end;
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)option.server);
    f = fopen(path, "r");
    if (f == NULL)
        die(path);
    n = fread(stat, 1, sizeof stat - 1, f);
    fclose(f);
    stat[n] = '\0';
    name_end = strrchr(stat, ')');
    return name_end != NULL && name_end[2] == 'S';
}

/* One request, a byte at a time. */
static void
send_bytes(const struct conn *c)
{
    struct timespec pause = {0, 20000};

    for (size_t i = 0; i < c->batch_size; i++) {
        if (send(c->fd, c->batch + i, 1, MSG_NOSIGNAL) != 1)
            die("send");
        do
            nanosleep(&pause, NULL);
        while (!server_sleeps());
    }
}

static void
send_slowly(struct conn *c)
{
    started = option.requests; /* send_batch() has nothing to do */
    open_conn(c);
    while (done < option.requests) {
        if (c->connected && c->waiting == 0) {
            send_bytes(c);
            c->waiting = 1;
        }
        run_until(clock_seconds(CLOCK_MONOTONIC) + 0.001);
    }
    printf("requests=%llu bytes=%zu not_200=%llu\n", (unsigned long long)done,
           c->batch_size, (unsigned long long)not_200);
}

static bool
set_flag(int o)
{
    option.close |= o == 'k';
    option.discard |= o == 'T';
    option.idle |= o == 'i';
    option.slowly |= o == 's';
    return strchr("kTis", o) != NULL;
}

static void
set_value(int o, const char *text)
{
    unsigned long number = strtoul(text, NULL, 10);

    if (o == 'u')
        option.path = text;
    else if (o == 't')
        option.seconds = atof(text);
    else if (o == 'w')
        option.warm_up = atof(text);
    else if (o == 'c')
        option.connections = (unsigned)number;
    else if (o == 'd')
        option.depth = (unsigned)number;
    else if (o == 'n')
        option.requests = number;
    else if (o == 'b')
        option.body = number;
    else if (o == 'H')
        option.header = number;
    else
        option.server = (pid_t)number;
}

static void
read_options(int argc, char **argv)
{
    int o;

    while ((o = getopt(argc, argv, "c:t:w:n:d:u:b:H:P:kTis")) != -1) {
        if (o == '?')
            exit(2);
        if (!set_flag(o))
            set_value(o, optarg);
    }
    if (optind != argc - 1 || option.connections == 0 || option.depth == 0)
        exit(2);
    option.port = atoi(argv[optind]);
}

int
main(int argc, char **argv)
{
    struct conn *conns;

    read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    prepare_tls();
    queue = events_new();
    conns = allocate(option.connections, sizeof *conns);
    make_batches(conns);
    if (option.idle)
        hold(conns);
    else if (option.slowly)
        send_slowly(conns);
    else
        measure(conns);
    return failed > 0 || not_200 > 0 || done == 0;
}
