/* client.c -- a client that misbehaves on command.
 *
 *     client [-t SECONDS] [-c CONNECTIONS] [-q] PORT OP...
 *     client [-t SECONDS] -p COMMAND [ARGUMENT...]
 *
 * With -p it is no client: COMMAND runs on a terminal of its own, one that does
 * not echo. Standard input is typed there, and standard output is what appears
 * on it. The status is that of the command.
 *
 * Without -p it connects to 127.0.0.1 and does one thing after the other:
 *
 *     send TEXT       these bytes; \r \n \t \0 \\ and \xHH are understood
 *     file PATH       the bytes of a file
 *     repeat N TEXT   the text N times
 *     bytewise TEXT   every byte in a segment of its own
 *     pause MS        nothing, for some milliseconds
 *     read            to standard output until the server closes
 *     readn N         exactly N bytes
 *     readuntil TEXT  up to and including the text
 *     discard N       N bytes, to nowhere
 *     count           until the server closes; prints only how many bytes
 *     shutdown        nothing more will be sent (a half-closed connection)
 *     deaf            from now on nothing is received before the next read
 *     hold            until standard input ends
 *     close           an ordinary end
 *     reset           the server sees ECONNRESET
 *     rcvbuf BYTES    as the first op: a small window
 *
 * With -c every op is done on all connections before the next one begins;
 * -q prints nothing of what was read. Bytes that arrive while something else
 * is going on are kept: only `deaf` makes the client a slow reader.
 *
 * Status: 0 done; 1 not what was asked for (too few bytes); 2 usage; 3 the
 * time of -t (10 seconds) is over; 4 the server reset the connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { DONE, TOO_FEW, USAGE, TIME_OVER, RESET };
enum { PIECE = 65536 };

struct conn {
    int fd;      /* -1: closed by us */
    bool eof;    /* the server has said that it sends no more */
    int error;   /* errno of a read or write that failed for good */
    char *data;  /* what has arrived and was not asked for yet */
    size_t size, capacity;
};

static struct conn *conns;
static int nconns = 1;
static int port;
static int rcvbuf;
static bool quiet;
static bool on_terminal;
static bool deaf;
static struct timespec deadline;

static void
leave(int status, const char *why)
{
    if (why != NULL)
        fprintf(stderr, "client: %s\n", why);
    fflush(stdout);
    exit(status);
}

static void *
must(void *p)
{
    if (p == NULL)
        leave(TOO_FEW, "out of memory");
    return p;
}

/* How many milliseconds the run may still last. */
static int
time_left(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)((deadline.tv_sec - now.tv_sec) * 1000
                 + (deadline.tv_nsec - now.tv_nsec) / 1000000);
}

static void
print(const char *data, size_t size)
{
    if (!quiet && size > 0)
        fwrite(data, 1, size, stdout);
}

/* The time is over: show what came, it is what the test wants to know. */
static void
time_over(void)
{
    for (int i = 0; i < nconns; i++)
        print(conns[i].data, conns[i].size);
    leave(TIME_OVER, "the time is over");
}

/* Sleeps until FD is ready for EVENTS or MS milliseconds have passed (-1:
 * as long as the run may last). Says what happened; 0 is the end of MS. */
static short
wait_for(int fd, short events, int ms)
{
    struct pollfd p = {.fd = fd, .events = events, .revents = 0};
    int left = time_left();
    int n;

    if (left <= 0)
        time_over();
    n = poll(&p, 1, ms >= 0 && ms < left ? ms : left);
    if (n == 0 && (ms < 0 || ms >= left))
        time_over();
    return n > 0 ? p.revents : 0;
}

/* One read of what has arrived; false when nothing had. */
static bool
take(struct conn *c)
{
    ssize_t n;

    if (c->capacity - c->size < PIECE) {
        c->capacity = 2 * c->capacity + PIECE;
        c->data = must(realloc(c->data, c->capacity));
    }
    n = recv(c->fd, c->data + c->size, PIECE, 0);
    if (n > 0)
        c->size += (size_t)n;
    else if (n == 0)
        c->eof = true;
    else if (errno == EAGAIN || errno == EINTR)
        return false;
    else {
        c->error = errno;
        c->eof = true;
    }
    return true;
}

/* Forgets the first SIZE bytes, which have been used. */
static void
drop(struct conn *c, size_t size)
{
    c->size -= size;
    memmove(c->data, c->data + size, c->size);
}

/* A server that answers while we are still talking must not be able to stop
 * us: while there is no room to send, we listen. */
static void
send_all(struct conn *c, const char *data, size_t size)
{
    while (size > 0 && c->error == 0) {
        bool listen = !deaf && !c->eof;
        short ready = wait_for(c->fd, listen ? POLLIN | POLLOUT : POLLOUT, -1);
        ssize_t n;

        if (listen && (ready & POLLIN) != 0)
            take(c);
        if ((ready & (POLLOUT | POLLERR | POLLHUP)) == 0)
            continue;
        n = send(c->fd, data, size, MSG_NOSIGNAL);
        if (n >= 0) {
            data += n;
            size -= (size_t)n;
        } else if (errno != EAGAIN && errno != EINTR)
            c->error = errno;
    }
}

/* Reads until there are WANT bytes or the server has closed. */
static void
fill(struct conn *c, size_t want)
{
    while (c->size < want && !c->eof)
        if (wait_for(c->fd, POLLIN, -1) != 0)
            take(c);
    if (c->size < want && c->error == ECONNRESET) {
        print(c->data, c->size);
        leave(RESET, "the server reset the connection");
    }
}

static size_t
fill_to_end(struct conn *c, bool keep)
{
    size_t total = 0;

    do {
        fill(c, 1);
        total += c->size;
        if (keep)
            print(c->data, c->size);
        drop(c, c->size);
    } while (!c->eof);
    if (c->error == ECONNRESET)
        leave(RESET, "the server reset the connection");
    return total;
}

static void
read_n(struct conn *c, size_t want, bool keep)
{
    while (want > 0) {
        size_t n;

        fill(c, 1);
        if (c->size == 0)
            leave(TOO_FEW, "the server closed too early");
        n = c->size < want ? c->size : want;
        if (keep)
            print(c->data, n);
        drop(c, n);
        want -= n;
    }
}

static void
read_until(struct conn *c, const char *text, size_t size)
{
    for (;;) {
        char *p = c->size < size ? NULL : memmem(c->data, c->size, text, size);

        if (p != NULL) {
            size_t n = (size_t)(p - c->data) + size;

            print(c->data, n);
            drop(c, n);
            return;
        }
        if (c->eof) {
            print(c->data, c->size);
            leave(TOO_FEW, "the server closed before the text came");
        }
        fill(c, c->size + 1);
    }
}

/* Only the mouth pauses; the ears do so only when we are deaf. */
static void
pause_ms(int ms)
{
    if (ms >= time_left())
        time_over();
    for (int until = time_left() - ms; time_left() > until;) {
        wait_for(-1, 0, time_left() - until < 5 ? 1 : 5);
        for (int i = 0; !deaf && i < nconns; i++)
            while (conns[i].fd != -1 && !conns[i].eof && take(&conns[i]))
                continue;
    }
}

static void
end(struct conn *c, bool rudely)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (rudely)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(c->fd);
    c->fd = -1;
}

static void
connect_one(struct conn *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int yes = 1;

    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (rcvbuf > 0)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) == -1)
        leave(TOO_FEW, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
}

/* TEXT with its escapes replaced; *SIZE says how long it is, because it may
 * contain NUL. */
static char *
unescape(const char *text, size_t *size)
{
    char *out = must(malloc(strlen(text) + 1));
    char *p = out;

    while (*text != '\0') {
        unsigned byte;
        const char *from = "rnt0\\", *to = "\r\n\t\0\\", *e;

        if (*text != '\\' || text[1] == '\0')
            *p++ = *text++;
        else if (text[1] == 'x' && sscanf(text + 2, "%2x", &byte) == 1) {
            *p++ = (char)byte;
            text += 4;
        } else if ((e = strchr(from, text[1])) != NULL) {
            *p++ = to[e - from];
            text += 2;
        } else
            leave(USAGE, "an unknown escape");
    }
    *size = (size_t)(p - out);
    return out;
}

static char *
contents(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *data = NULL;
    size_t n;

    if (f == NULL)
        leave(USAGE, strerror(errno));
    *size = 0;
    do {
        data = must(realloc(data, *size + PIECE));
        n = fread(data + *size, 1, PIECE, f);
        *size += n;
    } while (n > 0);
    fclose(f);
    return data;
}

static long
number(const char *text)
{
    char *rest;
    long n = strtol(text, &rest, 10);

    if (rest == text || *rest != '\0' || n < 0)
        leave(USAGE, "a number was expected");
    return n;
}

struct op {
    const char *name;
    int nargs;
};

static const struct op ops[] = {
    {"send", 1},  {"file", 1},  {"repeat", 2},    {"bytewise", 1},
    {"pause", 1}, {"read", 0},  {"readn", 1},     {"readuntil", 1},
    {"count", 0}, {"deaf", 0},  {"discard", 1},   {"shutdown", 0},
    {"hold", 0},  {"close", 0}, {"reset", 0},     {"rcvbuf", 1},
    {NULL, 0},
};

/* The ops that send. */
static void
op_send(struct conn *c, const char *op, char **args)
{
    size_t size;
    long times = *op == 'r' ? number(args[0]) : 1;
    char *text = *op == 'f' ? contents(args[0], &size)
                            : unescape(args[*op == 'r'], &size);

    if (*op == 'b')
        for (size_t i = 0; i < size; i++) {
            send_all(c, text + i, 1);
            wait_for(-1, 0, 1); /* time for the server to see each alone */
        }
    else
        while (times-- > 0)
            send_all(c, text, size);
    free(text);
}

/* The ops that read. */
static void
op_read(struct conn *c, const char *op, char **args)
{
    size_t size;
    char *text;

    deaf = false;
    if (strcmp(op, "read") == 0)
        fill_to_end(c, true);
    else if (strcmp(op, "count") == 0)
        printf("%zu\n", fill_to_end(c, false));
    else if (strcmp(op, "readuntil") == 0) {
        text = unescape(args[0], &size);
        read_until(c, text, size);
        free(text);
    } else
        read_n(c, (size_t)number(args[0]), strcmp(op, "readn") == 0);
}

/* One op on one connection. A connection that we have ended stays silent. */
static void
perform(struct conn *c, const char *op, char **args)
{
    if (c->fd == -1)
        return;
    if (strcmp(op, "send") == 0 || strcmp(op, "file") == 0
        || strcmp(op, "repeat") == 0 || strcmp(op, "bytewise") == 0)
        op_send(c, op, args);
    else if (strcmp(op, "shutdown") == 0)
        shutdown(c->fd, SHUT_WR);
    else if (strcmp(op, "close") == 0 || strcmp(op, "reset") == 0)
        end(c, *op == 'r');
    else
        op_read(c, op, args);
}

/* Waits until standard input ends: then the test wants us to go on. */
static void
hold(void)
{
    char nothing[256];

    do
        wait_for(STDIN_FILENO, POLLIN, -1);
    while (read(STDIN_FILENO, nothing, sizeof nothing) > 0);
}

/* One op on all connections. */
static void
perform_all(const char *op, char **args)
{
    if (strcmp(op, "pause") == 0)
        pause_ms((int)number(args[0]));
    else if (strcmp(op, "hold") == 0)
        hold();
    else if (strcmp(op, "deaf") == 0)
        deaf = true;
    else if (strcmp(op, "rcvbuf") == 0)
        leave(USAGE, "rcvbuf must come first");
    else
        for (int i = 0; i < nconns; i++)
            perform(&conns[i], op, args);
}

/* The child's part of run_on_terminal(). */
static void
become(char **command, const char *terminal)
{
    struct termios settings;
    int fd;

    setsid();
    fd = open(terminal, O_RDWR); /* the terminal of this new session */
    if (fd == -1)
        leave(TOO_FEW, strerror(errno));
#ifdef TIOCSCTTY
    ioctl(fd, TIOCSCTTY, 0); /* the BSDs want to be told so */
#endif
    tcgetattr(fd, &settings);
    settings.c_lflag &= ~(tcflag_t)ECHO;
    settings.c_oflag &= ~(tcflag_t)OPOST; /* \n stays \n */
    tcsetattr(fd, TCSANOW, &settings);
    for (int i = 0; i <= 2; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    execvp(command[0], command);
    leave(USAGE, strerror(errno));
}

/* Copies what FROM has to TO; false at its end. At the end of a terminal Linux
 * says EIO. */
static bool
copy(int from, int to)
{
    char data[PIECE];
    ssize_t n = read(from, data, sizeof data);

    for (ssize_t done = 0, m; done < n; done += m) {
        m = write(to, data + done, (size_t)(n - done));
        if (m == -1)
            return false;
    }
    return n > 0;
}

static int
run_on_terminal(char **command)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    struct pollfd p[2] = {{.fd = master, .events = POLLIN},
                          {.fd = STDIN_FILENO, .events = POLLIN}};
    int status = 0;
    pid_t child;

    if (master == -1 || grantpt(master) == -1 || unlockpt(master) == -1)
        leave(TOO_FEW, strerror(errno));
    fcntl(master, F_SETFD, FD_CLOEXEC);
    child = fork();
    if (child == 0)
        become(command, ptsname(master));
    for (bool shows = true; shows && child != -1;) {
        int left = time_left();

        if (left <= 0 || poll(p, 2, left) == 0)
            leave(TIME_OVER, "the time is over");
        if (p[1].revents != 0 && !copy(STDIN_FILENO, master))
            p[1].fd = -1;
        if (p[0].revents != 0)
            shows = copy(master, STDOUT_FILENO);
    }
    if (child == -1 || waitpid(child, &status, 0) == -1)
        leave(TOO_FEW, strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : TOO_FEW;
}

static char **
options(int argc, char **argv)
{
    int c;
    long seconds = 10;

    while ((c = getopt(argc, argv, "+t:c:qp")) != -1)
        if (c == 't')
            seconds = number(optarg);
        else if (c == 'c')
            nconns = (int)number(optarg);
        else if (c == 'q')
            quiet = true;
        else if (c == 'p')
            on_terminal = true;
        else
            exit(USAGE);
    if (optind == argc)
        leave(USAGE, "usage: client [-t S] [-c N] [-q] PORT OP...");
    if (!on_terminal)
        port = (int)number(argv[optind++]);
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds;
    return argv + optind;
}

int
main(int argc, char **argv)
{
    char **arg = options(argc, argv);

    signal(SIGPIPE, SIG_IGN);
    if (on_terminal)
        return run_on_terminal(arg);
    if (arg[0] != NULL && strcmp(arg[0], "rcvbuf") == 0 && arg[1] != NULL) {
        rcvbuf = (int)number(arg[1]);
        arg += 2;
    }
    conns = must(calloc((size_t)nconns + 1, sizeof *conns));
    for (int i = 0; i < nconns; i++)
        connect_one(&conns[i]);
    while (*arg != NULL) {
        const struct op *op = ops;
        char *name = *arg++;

        while (op->name != NULL && strcmp(op->name, name) != 0)
            op++;
        if (op->name == NULL)
            leave(USAGE, "an unknown op");
        for (int i = 0; i < op->nargs; i++)
            if (arg[i] == NULL)
                leave(USAGE, "an op lacks its argument");
        perform_all(name, arg);
        arg += op->nargs;
    }
    for (int i = 0; i < nconns; i++)
        free(conns[i].data);
    free(conns);
    return fflush(stdout) == 0 ? DONE : TOO_FEW;
}
