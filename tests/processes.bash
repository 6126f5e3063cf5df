# processes.bash -- for the tests of chapters 33 and 34: a server of several
# processes, clients under load, and listeners that were opened before.
#
# The children of a process are read from /proc; where there is none, those tests
# are skipped. STEP is the step whose server is tested.

start() { start_step "$STEP" "$@"; }

refuses() {
    local status=0
    http -o /dev/null "$URL/" 2> /dev/null || status=$?
    [ "$status" -eq 7 ]
}

# --- parents and children ---------------------------------------------------------

# children: those that the server has now, a number a line.
children() {
    # A process may end meanwhile: cat goes on with the next file, sed does not.
    { cat /proc/[0-9]*/stat 2> /dev/null || true; } |
        sed -n "s/^\([0-9]*\) (.*) [^ZX] $SERVER_PID .*/\1/p" | sort -n
}
has_children() { [ "$(children | wc -l)" -eq "$1" ]; }
is_gone() { ! grep -q '^[0-9]* (.*) [^ZX]' "/proc/$1/stat" 2> /dev/null; }

# family N [OPTION...]: a server with N children; they are in CHILDREN.
family() {
    needs_proc
    start --processes="$1" "${@:2}"
    until_true has_children "$1"
    mapfile -t CHILDREN < <(children)
}

# all_new: as many children as before, and none of them is one of CHILDREN.
all_new() {
    has_children "${#CHILDREN[@]}" &&
        ! children | grep -qxF "$(printf '%s\n' "${CHILDREN[@]}")"
}

is_still() { grep -q '^[0-9]* (.*) T' "/proc/$1/stat"; }
hold_still() {
    local pid
    for pid in "$@"; do
        kill -STOP "$pid"
        until_true is_still "$pid"
    done
}

# sockets PID: how many it has; a listener is one.
sockets() { find "/proc/$1/fd" -lname 'socket:*' 2> /dev/null | wc -l; }
has_sockets() { [ "$(sockets "$1")" -eq "$2" ]; }

# queued N: N connections wait in the kernel, on all listeners of our port.
queued() {
    local hex n=0
    for hex in $(awk -v port="$(printf ':%04X' "$PORT")" \
        '$4 == "0A" && substr($2, 9) == port { print substr($5, 10) }' /proc/net/tcp)
    do n=$((n + 16#$hex)); done
    [ "$n" -eq "$1" ]
}

answered_or_queued() {
    local n
    n=$(grep -c ' 200 GET ' "$SERVER_LOG")
    queued $(($1 - n))
}
answered() { [ "$(grep -c ' 200 GET ' "$SERVER_LOG")" -eq "$1" ]; }

# begun N: so many requests are with their handlers, or have been; wants --trace.
begun() { [ "$(grep -c '^turn .*(12)' "$SERVER_LOG")" -eq "$1" ]; }

# --- clients under load, and inherited listeners ---------------------------------------

# press FILE N keep|close: N clients that ask, and ask again as soon as they are
# answered, until they are told to stop or are refused. With `keep` they stay on
# one connection until an answer says that it is the last one.
press() {
    "$CROWD" press "$PORT" "$2" "$3" > "$1" < /dev/null 3>&- 4>&- &
    PRESS_PID=$!
    STAYING+=("$PRESS_PID")
}
press_ends() { kill -TERM "$1" 2> /dev/null || true; wait "$1"; }

# told FILE WHAT: how many of them were answered, refused (no listener),
# away (the connection broke before its first answer: it was never accepted),
# or lost (any other end that is no answer).
told() { sed -n "s/^$2 //p" "$1"; }

# start_open N PID [OPTION...]: the server, with N listeners that were opened
# before it starts, as systemd does it; PID is LISTEN_PID: self, none or a
# number. Their ports are in $TMP/ports. FDS is LISTEN_FDS, if it is not N. If
# UNIX_PATH is set, the first one is a unix socket at that path.
start_open() {
    write_open "$@"
    SERVER='' start_program "$TMP/open" "${@:3}"
}
write_open() {
    printf '#!/bin/sh\nexec "%s" open "%s" "%s" "%s" "%s" "%s" "$@"\n' "$CROWD" \
        "$TMP/ports" "$1" "$2" "${FDS-$1}" "${SERVER:-$BUILD/step-$STEP/server}" > "$TMP/open"
    chmod +x "$TMP/open"
}

build_crowd() {
    cat > "$BATS_FILE_TMPDIR/crowd.c" << 'EOF'
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What all clients share. */
static struct {
    _Atomic long answers, refused, away, lost;
    _Atomic bool stop;
} *all;

static void told_to_stop(int n) { (void)n; all->stop = true; }

static int
connect_to(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((in_port_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

/* 0: the whole answer; 1: the last one here; -1: none; -2: a part of one. */
static int
ask(int fd, int who, long n, bool keep)
{
    char text[512], want[64], *body;
    int size = snprintf(text, sizeof text,
                        "GET /hello/%d-%ld HTTP/1.1\r\nHost: a\r\n%s\r\n", who,
                        n, keep ? "" : "Connection: close\r\n");
    ssize_t got, have = 0;

    snprintf(want, sizeof want, "Hello, %d-%ld", who, n);
    if (send(fd, text, (size_t)size, MSG_NOSIGNAL) != size)
        return -1;
    for (;;) {
        got = recv(fd, text + have, sizeof text - 1 - (size_t)have, 0);
        if (got <= 0)
            return have > 0 ? -2 : -1;
        have += got;
        text[have] = '\0';
        body = strstr(text, "\r\n\r\n");
        if (body != NULL && strcmp(body + 4, want) == 0)
            return strncmp(text, "HTTP/1.1 200 ", 13) != 0 ? -2 :
                   strstr(text, "\r\nConnection: close\r\n") != NULL;
    }
}

static void
client(int port, int who, bool keep)
{
    int fd = -1, result, here = 0;

    for (long n = 0; !all->stop; n++) {
        if (fd == -1) {
            fd = connect_to(port);
            here = 0;
        }
        if (fd == -1) {
            all->refused++;
            return;
        }
        result = ask(fd, who, n, keep);
        if (result >= 0)
            all->answers++;
        else if (result == -1 && here == 0)
            all->away++;
        else
            all->lost++;
        here++;
        if (result != 0) {
            close(fd);
            fd = -1;
        }
    }
}

static int
press(int port, int n, bool keep)
{
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    signal(SIGTERM, told_to_stop);
    for (int i = 0; i < n; i++)
        if (fork() == 0) {
            client(port, i, keep);
            _exit(0);
        }
    while (wait(NULL) > 0 || errno == EINTR)
        continue;
    printf("answers %ld\nrefused %ld\naway %ld\nlost %ld\n", (long)all->answers,
           (long)all->refused, (long)all->away, (long)all->lost);
    return 0;
}

/* PORTS N LISTEN_PID LISTEN_FDS PROGRAM ARGUMENT... */
static int
open_and_run(char **args)
{
    int n = atoi(args[1]), ports[64];
    char self[16];
    FILE *f;

    for (int fd = 3; fd < 3 + n; fd++) {
        struct sockaddr_in at = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof at;
        struct sockaddr_un path = {.sun_family = AF_UNIX};
        const char *unix_path = fd == 3 ? getenv("UNIX_PATH") : NULL;
        int listener = socket(unix_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

        if (unix_path != NULL) {
            snprintf(path.sun_path, sizeof path.sun_path, "%s", unix_path);
            bind(listener, (struct sockaddr *)&path, sizeof path);
        } else
            bind(listener, (struct sockaddr *)&at, size);
        listen(listener, 64);
        getsockname(listener, (struct sockaddr *)&at, &size);
        ports[fd - 3] = ntohs(at.sin_port);
        if (listener == fd)
            continue;
        dup2(listener, fd);
        close(listener);
    }
    f = fopen(args[0], "w");
    for (int i = 0; i < n; i++)
        fprintf(f, "%d\n", ports[i]);
    fclose(f);
    snprintf(self, sizeof self, "%ld", (long)getpid());
    setenv("LISTEN_FDS", args[3], 1);
    if (strcmp(args[2], "none") != 0)
        setenv("LISTEN_PID", strcmp(args[2], "self") == 0 ? self : args[2], 1);
    execv(args[4], args + 4);
    return 126;
}

int
main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "press") == 0)
        return press(atoi(argv[2]), atoi(argv[3]), *argv[4] == 'k');
    if (argc > 6 && strcmp(argv[1], "open") == 0)
        return open_and_run(argv + 2);
    return 2;
}
EOF
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra \
        "$BATS_FILE_TMPDIR/crowd.c" -o "$BATS_FILE_TMPDIR/crowd"
}
