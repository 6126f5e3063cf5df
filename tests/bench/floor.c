/* floor.c -- the least that a server in one thread can do for a request.
 *
 *     floor [-b BYTES] [-n BODIES] [-f FILE] [-k]
 *
 *     -b BYTES   size of the answer's body (12: "Hello, world")
 *     -n BODIES  that many copies of it; a connection gets one of them
 *     -f FILE    the body is this file: head by send, body by sendfile (Linux)
 *     -k         answers one request, then closes (Connection: close)
 *
 * One wait for all ready sockets; for each of them one recv() and one send().
 * It parses nothing: it counts "\r\n\r\n", and sends as many answers, which are
 * constant and as long as real ones. No limits, no deadlines, no errors: a
 * number to divide by, not a server to copy. It prints its URL, as ours does.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#ifdef __linux__
#include <sys/sendfile.h>
#endif

enum { MAX_FD = 65536, EVENTS = 1024, BUFFER = 65536 };
enum {
    TURN = 512 << 10
}; /* bytes to one socket before the next one's turn:
                              they are still in the cache when they are read */

static struct conn {
    size_t offset;    /* bytes of the current answer that are sent */
    unsigned answers; /* not completely sent yet */
    char tail[3];     /* the last bytes received */
    bool out;         /* watched for writing */
} conns[MAX_FD];

static char *answer;         /* the answer, `copies` times; `bodies` of those */
static unsigned copies = 64; /* for pipelined requests: fewer if it is large */
static unsigned bodies = 1;
static size_t head_size, size; /* of the head; of head and body */
static int file = -1;
static bool closing;
static int queue;
static char buffer[3 + BUFFER];

/* The number of "\r\n\r\n" in `text`. Looks at every fourth byte, mostly. */
static unsigned
count_heads(const char *text, size_t n)
{
    const char *end = text + n;
    unsigned found = 0;

    while (end - text >= 4) {
        if ((unsigned char)text[3] > '\r')
            text += 4;
        else if (memcmp(text, "\r\n\r\n", 4) == 0)
            found++, text += 4;
        else
            text++;
    }
    return found;
}

/* One send of at most `left` bytes. */
static ssize_t
send_some(int fd, const struct conn *c, size_t left)
{
    const char *from = answer + (size_t)fd % bodies * copies * size;
    size_t k = c->answers < copies ? c->answers : copies;

    if (file == -1)
        return send(fd, from + c->offset, smaller(k * size - c->offset, left),
                    MSG_NOSIGNAL);
#ifdef __linux__
    if (c->offset < head_size)
        return send(fd, answer + c->offset, head_size - c->offset,
                    MSG_NOSIGNAL | MSG_MORE);
    off_t at = (off_t)(c->offset - head_size);
    return sendfile(fd, file, &at, smaller(size - c->offset, left));
#else
    return -1;
#endif
}

/* 0: all answers are sent; 1: the rest when the socket is writable; -1: gone */
static int
send_answers(int fd, struct conn *c)
{
    size_t left = TURN;

    while (c->answers > 0) {
        ssize_t n = send_some(fd, c, left);

        if (n < 0)
            return errno == EAGAIN ? 1 : -1;
        left -= smaller((size_t)n, left);
        c->offset += (size_t)n;
        if (c->offset >= size) {
            c->answers -= (unsigned)(c->offset / size);
            c->offset %= size;
        }
        if (left == 0 && c->answers > 0)
            return 1;
    }
    return 0;
}

/* Something to read, or room to write. */
static void
handle_ready(int fd, struct conn *c)
{
    ssize_t n = recv(fd, buffer + 3, BUFFER, 0);
    int more;

    if (n > 0) {
        memcpy(buffer, c->tail, 3);
        c->answers += count_heads(buffer, (size_t)n + 3);
        memcpy(c->tail, buffer + n, 3);
    } else if (n == 0 || errno != EAGAIN) {
        close(fd);
        return;
    }
    more = c->answers > 0 ? send_answers(fd, c) : 0;
    if (more == -1 || (closing && more == 0 && n > 0)) {
        close(fd);
    } else if (c->out != (more == 1)) {
        c->out = more == 1;
        events_set(queue, fd, c->out, c);
    }
}

/* With -k the request is there already, mostly: then no other call is needed
 * than recv, send and close. */
static void
handle_new(int fd)
{
    struct conn *c = &conns[fd];
    ssize_t n;

    memset(c, 0, sizeof *c);
    if (!closing) {
        events_add(queue, fd, false, c);
        return;
    }
    n = recv(fd, buffer, BUFFER, 0);
    c->answers = n > 0;
    if ((n < 0 && errno == EAGAIN) || send_answers(fd, c) == 1)
        events_add(queue, fd, c->out = n > 0, c);
    else
        close(fd);
}

static void
accept_all(int listener)
{
    int fd;

#ifdef __linux__
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1) {
#else
    while ((fd = accept(listener, NULL, NULL)) != -1) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
#endif
        if (fd < MAX_FD)
            handle_new(fd);
        else
            close(fd);
    }
}

static int
listen_somewhere(void)
{
    struct sockaddr_in a = loopback(0);
    socklen_t length = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    fcntl(fd, F_SETFL, O_NONBLOCK);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* connections inherit it */
#ifdef TCP_DEFER_ACCEPT
    set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, closing);
#endif
    if (bind(fd, (struct sockaddr *)&a, sizeof a) == -1 ||
        listen(fd, 4096) == -1 ||
        getsockname(fd, (struct sockaddr *)&a, &length) == -1) {
        perror("floor");
        exit(1);
    }
    printf("listening on http://127.0.0.1:%d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

/* All answers one behind the other, so that a send takes as many as it may. */
static void
make_answers(size_t body)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\nServer: floor\r\n"
                     "Date: Sat, 21 Nov 2026 00:00:00 GMT\r\n"
                     "Content-Type: text/html; charset=UTF-8\r\n"
                     "Content-Length: %zu\r\n%s\r\n",
                     body, closing ? "Connection: close\r\n" : "");

    head_size = (size_t)n;
    size = head_size + body;
    while (copies > 1 && copies * size > 1 << 18)
        copies /= 2;
    answer = malloc(bodies * copies * size);
    if (answer == NULL)
        exit(1);
    for (size_t i = 0; i < bodies * copies; i++) {
        memcpy(answer + i * size, head, head_size);
        for (size_t k = 0; k < body; k++)
            answer[i * size + head_size + k] = "Hello, world"[k % 12];
    }
}

int
main(int argc, char **argv)
{
    event events[EVENTS];
    size_t body = 12;
    struct stat st;
    int option, listener;

    while ((option = getopt(argc, argv, "b:n:f:k")) != -1) {
        if (option == 'b')
            body = strtoul(optarg, NULL, 10);
        else if (option == 'n')
            bodies = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'f')
            file = open(optarg, O_RDONLY);
        else if (option == 'k')
            closing = true;
        else
            return 2;
    }
    if (file != -1 && fstat(file, &st) == 0)
        body = (size_t)st.st_size;
    make_answers(body);
    signal(SIGPIPE, SIG_IGN);
    queue = events_new();
    listener = listen_somewhere();
    events_add(queue, listener, false, NULL);
    for (;;) {
        int n = events_wait(queue, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            struct conn *c = event_arg(&events[i]);

            if (c == NULL)
                accept_all(listener);
            else
                handle_ready((int)(c - conns), c);
        }
    }
}
