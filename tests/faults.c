/* faults.c -- the server, with calls that fail, and a client that knows every
 * answer.
 *
 *     faults CALL STEP [OPTION...]
 *
 * A test links this file with all files of src, and main() of src/main.c is
 * server_main() here. The functions of the first part take the place of those
 * of the C library, and the library uses them, too: so the allocations of
 * regexec() are counted. The server is a child process; in memory that both
 * processes share it reads which call has to fail.
 *
 * In each conversation the 1st, 2nd, 3rd ... CALL fails, until there are not so
 * many of them; with STEP 11 every 11th. Each answer has to be the one without a
 * fault, or a 503, or the connection is closed. After that, without a fault,
 * another request is served, and the server sleeps. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __GLIBC__
#error "needs glibc, whose malloc() has a second name"
#endif

#undef main
int server_main(int argc, char **argv);

enum { ONE_BYTE = -1 }; /* in place of an errno: the call moves one byte */

static struct fault {
    char call[16]; /* "": no call fails */
    int error, at; /* the call with number `at` fails, */
    bool lasts;    /* and all later ones */
    atomic_int count, hits; /* of this call: how many were there, and failed */
    atomic_int calls;       /* of all calls */
    atomic_bool waits;      /* a loop has begun to wait */
    atomic_int starting;    /* the processes that have not waited yet */
} *fault;
static _Thread_local bool in_server; /* in its first thread */
static bool starts; /* this process is one of the starting ones */

/* --- calls that can fail -------------------------------------------------- */

static bool
is_wait(const char *call)
{
    return strcmp(call, "epoll_wait") == 0 || strcmp(call, "select") == 0;
}

static void
has_started(void)
{
    fault->starting -= starts;
    starts = false;
}

static bool
fails(const char *call)
{
    int n;

    if (!in_server)
        return false;
    fault->calls++;
    if (is_wait(call)) {
        fault->waits = true;
        has_started();
    }
    if (strcmp(fault->call, call) != 0)
        return false;
    n = ++fault->count;
    if (n < fault->at || (n > fault->at && !fault->lasts))
        return false;
    fault->hits++;
    errno = fault->error;
    return true;
}

static bool
fails_whole(const char *call, size_t *n)
{
    if (!fails(call))
        return false;
    *n = *n > 0;
    return fault->error != ONE_BYTE;
}

/* With _FILE_OFFSET_BITS=64 some functions have another name. */
static void *
next(const char *name)
{
    char name64[32];
    void *found;

    snprintf(name64, sizeof name64, "%s64", name);
    found = dlsym(RTLD_NEXT, name64);
    return found != NULL ? found : dlsym(RTLD_NEXT, name);
}

#define FUNCTION(type, name, parameters, failed, ...) \
type name parameters \
{ \
    static type (*real) parameters; \
    if (real == NULL) \
        *(void **)&real = next(#name); \
    return (failed) ? -1 : real(__VA_ARGS__); \
}
#define CALL(name, parameters, ...) \
    FUNCTION(int, name, parameters, fails(#name), __VA_ARGS__)
#define TRANSFER(name, parameters, ...) \
    FUNCTION(ssize_t, name, parameters, fails_whole(#name, &n), __VA_ARGS__)

CALL(accept4, (int fd, struct sockaddr *sa, socklen_t *size, int flags),
     fd, sa, size, flags)
CALL(bind, (int fd, const struct sockaddr *sa, socklen_t size), fd, sa, size)
CALL(epoll_create1, (int flags), flags)
CALL(epoll_ctl, (int e, int verb, int fd, struct epoll_event *event),
     e, verb, fd, event)
CALL(epoll_wait, (int e, struct epoll_event *events, int max, int timeout),
     e, events, max, timeout)
CALL(fstat, (int fd, struct stat *st), fd, st)
CALL(listen, (int fd, int backlog), fd, backlog)
CALL(openat, (int fd, const char *path, int flags, ...), fd, path, flags)
CALL(pipe, (int ends[2]), ends)
CALL(select, (int n, fd_set *read, fd_set *write, fd_set *error,
              struct timeval *timeout), n, read, write, error, timeout)
CALL(setsockopt, (int fd, int level, int option, const void *value,
                  socklen_t size), fd, level, option, value, size)
CALL(shutdown, (int fd, int how), fd, how)
CALL(socket, (int family, int type, int protocol), family, type, protocol)
TRANSFER(pread, (int fd, void *data, size_t n, off_t at), fd, data, n, at)
TRANSFER(read, (int fd, void *data, size_t n), fd, data, n)
TRANSFER(recv, (int fd, void *data, size_t n, int flags), fd, data, n, flags)
TRANSFER(send, (int fd, const void *data, size_t n, int flags),
         fd, data, n, flags)

/* The parent of several processes waits in sigwait() when it has made them. */
pid_t
fork(void)
{
    static pid_t (*real)(void);
    pid_t pid = -1;

    if (real == NULL)
        *(void **)&real = next("fork");
    if (!in_server)
        return real();
    fault->starting++;
    if (!fails("fork"))
        pid = real();
    if (pid == 0)
        starts = true;
    fault->starting -= pid == -1;
    return pid;
}

int
sigwait(const sigset_t *set, int *signal_number)
{
    static int (*real)(const sigset_t *, int *);

    if (real == NULL)
        *(void **)&real = next("sigwait");
    has_started();
    return real(set, signal_number);
}

/* F_GETFL fails only for a descriptor that is not open. */
int
fcntl(int fd, int verb, ...)
{
    static int (*real)(int, int, ...);
    va_list ap;
    long argument;

    if (real == NULL)
        *(void **)&real = next("fcntl");
    va_start(ap, verb);
    argument = va_arg(ap, long);
    va_end(ap);
    return verb != F_GETFL && fails("fcntl") ? -1 : real(fd, verb, argument);
}

/* One byte of a message is the first one of one of its parts. */
ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    static ssize_t (*real)(int, const struct msghdr *, int);
    struct iovec part = message->msg_iov[message->msg_iov[0].iov_len == 0];
    struct msghdr first = {.msg_iov = &part, .msg_iovlen = 1};

    if (real == NULL)
        *(void **)&real = next("sendmsg");
    if (!fails("sendmsg"))
        return real(fd, message, flags);
    part.iov_len = 1;
    return fault->error == ONE_BYTE ? real(fd, &first, flags) : -1;
}

#define GETENTROPY_RESULT -fails("getentropy")
#include "fuzz/fixed.h"

/* Between two tries of fork(). */
unsigned
sleep(unsigned seconds)
{
    usleep(1000 * seconds);
    return 0;
}

/* The allocations of the C library have a second name, and those of a
 * sanitizer, which have to come first, have another one. */
#define ALLOCATION(name, parameters, ...) \
void *__interceptor_##name parameters __attribute__((weak)); \
void *__libc_##name parameters; \
void * \
name parameters \
{ \
    if (fails("malloc")) \
        return NULL; \
    return __interceptor_##name != NULL ? __interceptor_##name(__VA_ARGS__) \
                                        : __libc_##name(__VA_ARGS__); \
}
ALLOCATION(malloc, (size_t size), size)
ALLOCATION(calloc, (size_t n, size_t size), n, size)
ALLOCATION(realloc, (void *old, size_t size), old, size)

/* --- conversations -------------------------------------------------------- */

#define END "Host: a\r\nConnection: close\r\n\r\n"
#define MORE "Host: a\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n"
#define BODY(type, size, body) "Host: a\r\nConnection: close\r\n" \
    "Content-Type: " type "\r\nContent-Length: " size "\r\n\r\n" body
#define FORM "application/x-www-form-urlencoded"
#define FILES "multipart/form-data; boundary=B"

/* As the server writes them at the time NOW. */
#define VISITS "31|1577934245|" \
    "765e371b12eac17e99e7baa8fb3a805cbc48e10810a284a303174a01d955b077"
#define XSRF "07070707070707070707070707070707" \
    "00000000000000000000000000000000"

/* For \f and \v see expand(). */
static const char *const conversations[] = {
    GET("/hello/next") END, /* also asked after each fault */
    GET("/") MORE "\f" GET("/hello/two%20words") MORE "\f" GET("/hello/3") END,
    GET("/") MORE GET("/hello/a%2Fb") MORE GET("/no") MORE
        GET("/static/small.txt") MORE GET("/stream?n=2") MORE GET("/") END,
    "GET / HT\fTP/1.1\r\n" END,
    "GET /hello/old HTTP/1.0\r\n\r\n",
    "GET /stream?n=3 HTTP/1.0\r\n\r\n",
    "\r\n\r\nHEAD /hello/x HTTP/1.1\r\n" END,
    "OPTIONS * HTTP/1.1\r\n" END,
    "POST /hello HTTP/1.1\r\n" BODY(FORM, "15", "name=w%C3%B6+ld"),
    "POST /form?a=1&b=2&a=%33 HTTP/1.1\r\n" BODY(FORM, "13", "b=3&c=4&a=%20"),
    "POST /form HTTP/1.1\r\n" BODY(FORM, "100002", "a=\v"),
    "POST /upload HTTP/1.1\r\n" BODY(FILES, "225",
        "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n"
        "Content-Type: text/plain\r\n\r\nhello\r\n"
        "--B\r\nContent-Disposition: form-data; name=f; filename*=UTF-8''%61\r"
        "\n\r\nx\r\n"
        "--B\r\nContent-Disposition: form-data; name=g\r\n\r\ny\r\n--B--\r\n"),
    "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
        "5;a=\"b\"\r\nhello\r\n\f7\r\n, world\r\n0\r\nTrailer: x\r\n\r\n",
    "PUT /echo HTTP/1.1\r\nExpect: 100-continue\r\n"
        BODY("text/plain", "5", "\fhello"),
    "PUT /echo HTTP/1.1\r\n" BODY("a/b", "100000", "\v"),
    GET("/headers") "A: 1\r\nB: 2\r\na: 3\r\nC: 4\r\nD: 5\r\nE: 6\r\nF: 7\r\n"
        "G: 8\r\nH: 9\r\nI: 1\r\nJ: 2\r\nK: 3\r\nL: 4\r\nM: 5\r\nN: 6\r\n" END,
    GET("/whoami") "X-Real-Ip: 192.0.2.1\r\nX-Scheme: https\r\n" END,
    GET("/stream?n=5") END,
    GET("/bytes?n=300000") END,
    GET("/slow?ms=1") END,
    GET("/work?n=100") END,
    GET("/static/small.txt") END,
    GET("/static/small.txt?v=1") "If-None-Match: \"x\"\r\n" END,
    GET("/static/small.txt") "If-None-Match: *\r\n" END,
    GET("/static/small.txt") "If-Match: \"x\"\r\n" END,
    GET("/static/small.txt") "Range: bytes=2-4\r\n" END,
    GET("/static/small.txt") "Range: bytes=99999-\r\n" END,
    GET("/static/large.txt")
        "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT\r\n" END,
    GET("/static/large.txt") END,
    GET("/static/large.txt") "Range: bytes=-150000\r\n" END,
    "HEAD /static/large.txt HTTP/1.1\r\n" END,
    GET("/static/sub") END,
    GET("/static/sub/") END,
    GET("/static/sub/none") END,
    GET("/cookie") "Cookie: a=1; b=\"2\"\r\nCookie: c=3\r\n" END,
    GET("/cookie/set?name=a&value=b") END,
    GET("/visits") END,
    GET("/visits") "Cookie: visits=" VISITS "\r\n" END,
    GET("/xsrf") END,
    "POST /xsrf HTTP/1.1\r\nCookie: _xsrf=" XSRF "\r\n"
        BODY(FORM, "70", "_xsrf=" XSRF),
    "POST /xsrf HTTP/1.1\r\n" BODY(FORM, "7", "_xsrf=0"),
    GET("/redirect") END,
    GET("/error/418") END,
    "PUT / HTTP/1.1\r\n" END,
    "BREW / HTTP/1.1\r\n" END,
    GET("/hello/\v") END,
    GET("https://a/") END,
    GET("/") "Bad header\r\n" END,
    GET("/") "Cookie: \v\r\n" END,
    "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "x\r\n",
    "POST /echo HTTP/1.1\r\n" BODY("a/b", "99999999", ""),
};

/* At \f the client waits a moment for an answer; \v is 100,000 digits. */
static const char *
expand(const char *from)
{
    static char text[200000];
    char *to = text;

    for (; *from != '\0'; from++) {
        size_t n = *from == '\v' ? 100000 : 1;

        memset(to, *from == '\v' ? '0' : *from, n);
        to += n;
    }
    *to = '\0';
    return text;
}

/* --- the client ----------------------------------------------------------- */

enum { MAX_ANSWER = 400000,
       N_CONVERSATIONS = sizeof conversations / sizeof conversations[0] };
enum end { CLOSED, RESET, SILENT };

static char answers[N_CONVERSATIONS][MAX_ANSWER]; /* without a fault */
static int port;

static void
disarm(void)
{
    fault->call[0] = '\0';
}

static void
arm(const char *call, int at)
{
    fault->at = at;
    fault->count = fault->hits = 0;
    strcpy(fault->call, call);
}

/* Receives what has come, with a digit for each NUL. */
static enum end
receive(int fd, char **to, const char *end)
{
    ssize_t n = recv(fd, *to, (size_t)(end - *to), 0);

    for (ssize_t i = 0; i < n; i++, ++*to)
        **to = **to == '\0' ? '0' : **to;
    return n > 0 ? SILENT : n == 0 ? CLOSED : RESET;
}

/* Sends `text`, and receives until the server closes. A fault ends when the
 * server has been silent for a moment. */
static enum end
converse(const char *text, char *got)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((in_port_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pollfd p = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    const char *end = got + MAX_ANSWER - 1;
    enum end how = SILENT;

    connect(p.fd, (struct sockaddr *)&to, sizeof to);
    for (int silence = 0; how == SILENT && silence < 30;) {
        size_t size = strcspn(text, "\f");

        p.events = POLLIN | (size > 0 ? POLLOUT : 0);
        if (poll(&p, 1, *text == '\f' ? 20 : 300) == 0) {
            disarm();
            silence++;
            text += *text == '\f';
        } else if (p.revents & POLLIN) {
            how = receive(p.fd, &got, end);
            text += *text == '\f';
        } else if (p.revents & POLLOUT) {
            ssize_t n = send(p.fd, text, size, MSG_NOSIGNAL);

            text += n > 0 ? (size_t)n : strlen(text);
        } else {
            how = RESET;
        }
    }
    *got = '\0';
    close(p.fd);
    return how;
}

/* --- the server ----------------------------------------------------------- */

static char **server_argv;
static int server_argc;
static pid_t server;

static bool
has_ended(void)
{
    siginfo_t info = {0};

    waitid(P_PID, (id_t)server, &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid != 0;
}

/* What the libraries do at the end, as for `make coverage`, does not fail. */
static void
leave_server(void)
{
    has_started();
    in_server = false;
}

/* Returns when all processes of the server wait: the parent must have given up a
 * child that it cannot make, with its listeners, before a client comes. False:
 * the server has ended before, or a process neither waits nor calls exit(). */
static bool
start_server(void)
{
    enum { MAX_TRIES = 300000 }; /* at least 30 s */
    int ends[2], tries = 0;
    FILE *out;
    bool ok;

    fflush(stdout);
    fault->waits = false;
    fault->starting = 1;
    if (pipe(ends) == -1 || (server = fork()) == -1)
        abort();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        atexit(leave_server);
        in_server = starts = true;
        exit(server_main(server_argc, server_argv));
    }
    close(ends[1]);
    out = fdopen(ends[0], "r");
    ok = fscanf(out, "listening on http://127.0.0.1:%d", &port) == 1;
    while (ok && (!fault->waits || fault->starting > 0) && !has_ended() &&
           ++tries < MAX_TRIES)
        usleep(100);
    fclose(out);
    return fault->waits && tries < MAX_TRIES;
}

/* Returns its exit status; if a signal has killed it, 128 or more. */
static int
end_server(void)
{
    int status;

    kill(server, SIGTERM);
    waitpid(server, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- the verdict ---------------------------------------------------------- */

static int nfaults, nviolations;
static bool only_at_start = true; /* no conversation makes the call */
static const char *now; /* the present conversation */

static void
complain(const char *why, const char *got)
{
    nviolations++;
    printf("the fault: number %d%s, %s\nwrong: %s\n%.70s\nanswer: %.600s\n",
           fault->at, fault->lasts ? " and all later ones" : "",
           fault->error == ONE_BYTE ? "one byte" : strerror(fault->error), why,
           now, got);
}

/* The size of an answer that is sent without memory: a 503 with its page, or
 * the last one of a connection, with the right status but without page or date.
 * 0: it is another one. */
static size_t
size_without_memory(const char *want, const char *got)
{
    static const char page[] = "<html><title>503: Service Unavailable</title>";
    static const char last[] = "\r\nConnection: close\r\n\r\n";
    const char *line = strstr(got, "\r\n"), *end = strstr(got, "\r\n\r\n");
    const char *length = strstr(got, "\r\nContent-Length: ");
    bool is_503 = strncmp(got, "HTTP/1.1 503 ", 13) == 0;

    if (end != NULL && (is_503 || strncmp(got, want, 13) == 0) &&
        strcmp(line, last) == 0)
        return strlen(got);
    if (end == NULL || !is_503 || length == NULL || length > end ||
        strstr(got, "\r\nDate: ") == NULL)
        return 0;
    end += 4;
    if (strncmp(end, page, strlen(page)) == 0)
        end += atoi(length + 18);
    return (size_t)(end - got);
}

/* NULL, or what is wrong. There may be fewer answers than without a fault, and
 * the last one may be cut, if the client can see that. */
static const char *
judge(const char *want, const char *got, enum end end)
{
    if (end == SILENT)
        return "the server is deaf";
    while (*got != '\0') {
        const char *next = *want != '\0' ? strstr(want + 1, "HTTP/1.1 ") : NULL;
        size_t size = next != NULL ? (size_t)(next - want) : strlen(want);

        if (size > 0 && strncmp(got, want, size) == 0) {
            got += size;
        } else if (size_without_memory(want, got) > 0) {
            got += size_without_memory(want, got);
        } else if (strncmp(got, want, strlen(got)) == 0) {
            bool seen = end == RESET || strstr(want, "Content-Length: ") ||
                        strstr(want, "chunked\r\n");

            return seen ? NULL : "a part of an answer looks complete";
        } else {
            return "another answer";
        }
        want += size;
    }
    return NULL;
}

/* After a fault. A server that spins makes far more calls. */
static void
check_server(int milliseconds)
{
    static char got[MAX_ANSWER];
    int calls;

    disarm();
    if (converse(expand(conversations[0]), got) != CLOSED ||
        strcmp(got, answers[0]) != 0)
        complain("the next request is not served", got);
    usleep(2000);
    calls = fault->calls;
    usleep(1000 * (useconds_t)milliseconds);
    if (fault->calls > calls + 20)
        complain("the server spins", "");
}

/* --- all faults ----------------------------------------------------------- */

/* In one conversation. False if it has fewer calls. */
static bool
run(size_t i, const char *call, int at)
{
    static char got[MAX_ANSWER];
    const char *why;
    enum end end;

    now = conversations[i];
    arm(call, at);
    end = converse(expand(now), got);
    disarm();
    why = judge(answers[i], got, end);
    if (why == NULL && fault->hits == 0 && strcmp(got, answers[i]) != 0)
        why = "another answer, and no call has failed";
    if (why != NULL)
        complain(why, got);
    nfaults += fault->hits > 0;
    check_server(3);
    if (has_ended()) {
        complain("the server has ended", "");
        end_server();
        start_server();
    }
    return fault->hits > 0;
}

/* In all conversations: with one server, or with a new one for each fault. */
static void
run_all(const char *call, int step, bool fresh)
{
    for (size_t i = 0; i < N_CONVERSATIONS; i++)
        for (int at = 1 + (int)i % step; run(i, call, at); at += step)
            if (fresh) {
                if (end_server() != 0)
                    complain("not a clean end", "");
                start_server();
            }
    check_server(step == 1 ? 1000 : 100);
}

/* At the start: the server says why it cannot serve, and ends with status 1, or
 * it serves. And at the end, which is clean. */
static void
run_start_and_end(const char *call, int step)
{
    bool more = true;

    now = "start and end";
    for (int at = 1; more; at += step) {
        bool serves;
        off_t said = lseek(STDERR_FILENO, 0, SEEK_CUR);

        arm(call, at);
        serves = start_server();
        more = fault->hits > 0;
        nfaults += more;
        if (serves) {
            check_server(3);
            arm(call, at);
        }
        if (end_server() != !serves)
            complain("neither served nor ended with status 1", "");
        if (!serves && said != -1 &&
            lseek(STDERR_FILENO, 0, SEEK_CUR) == said)
            complain("ended without a word", "");
        more = more || fault->hits > 0;
        disarm();
    }
}

static const struct {
    const char *call;
    int errors[7];
} calls[] = {
    {"malloc", {ENOMEM}},
    {"accept4", {EINTR, EAGAIN, ECONNABORTED, EMFILE, ENOMEM}},
    {"bind", {EADDRINUSE}},
    {"epoll_create1", {EMFILE}},
    {"epoll_ctl", {ENOMEM, ENOSPC}},
    {"epoll_wait", {EINTR, ENOMEM}},
    {"fcntl", {EMFILE}},
    {"fork", {EAGAIN, ENOMEM}},
    {"fstat", {EIO, ENOMEM}},
    {"getentropy", {EIO}},
    {"listen", {EADDRINUSE}},
    {"openat", {EINTR, EMFILE, ENOMEM, EIO}},
    {"pipe", {EMFILE}},
    {"pread", {EINTR, EIO, ONE_BYTE}},
    {"read", {EINTR, EAGAIN, EIO}},
    {"recv", {EINTR, EAGAIN, ECONNRESET, ENOMEM, EIO, ONE_BYTE}},
    {"select", {EINTR, ENOMEM}},
    {"send", {EINTR, EAGAIN, ECONNRESET, EPIPE, ENOMEM, ONE_BYTE}},
    {"sendmsg", {EINTR, EAGAIN, ECONNRESET, EPIPE, ENOMEM, ONE_BYTE}},
    {"setsockopt", {ENOMEM}},
    {"shutdown", {ENOTCONN}},
    {"socket", {EMFILE, ENOMEM}},
};

/* One error of one call. Want of memory may last, and so may short counts. (If
 * all waits fail, no conversation ends.) */
static void
run_error(const char *call, int error, int step)
{
    bool memory = strcmp(call, "malloc") == 0;
    bool can_last = error == ONE_BYTE || (error == ENOMEM && !is_wait(call));

    fault->error = error;
    for (int lasts = 0; lasts <= can_last; lasts++) {
        fault->lasts = lasts;
        run_start_and_end(call, memory ? step : 1);
        if (only_at_start)
            continue;
        start_server();
        run_all(call, step, false);
        if (memory)
            run_all(call, step, true);
        if (end_server() != 0)
            complain("not a clean end", "");
    }
}

int
main(int argc, char **argv)
{
    int step = argc > 2 ? atoi(argv[2]) : 0;

    if (step <= 0)
        return 2;
    server_argv = argv + 2;
    server_argc = argc - 2;
    fault = mmap(NULL, sizeof *fault, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    start_server();
    for (size_t i = 0; i < N_CONVERSATIONS; i++) {
        now = conversations[i];
        arm(argv[1], INT_MAX);
        if (converse(expand(now), answers[i]) != CLOSED)
            complain("no answer, and no call has failed", answers[i]);
        only_at_start = only_at_start && fault->count == 0;
    }
    disarm();
    end_server();
    fputs("--- faults\n", stderr);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (int k = 0; calls[i].errors[k] != 0; k++)
            if (strcmp(calls[i].call, argv[1]) == 0)
                run_error(argv[1], calls[i].errors[k], step);
    printf("%s: %d faults, %d violations\n", argv[1], nfaults, nviolations);
    return nfaults == 0 || nviolations > 0;
}
