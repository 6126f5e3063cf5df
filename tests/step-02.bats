# Step 2: the loop, its handlers, and the three pollers.

# The loop alone, in a program of its own: what the step's server never does
# (to close another one's descriptor) other servers do. The loop is taken
# from the folder of the program that is tested.
setup_file() {
    load helper
    driver | build_driver 2
}

setup() {
    load helper
    start_step 2
}

teardown() { stop_server; }

# Two pairs of sockets, and something to read in both. With "read" every
# handler must be called, again and again until it reads, and then for WRITE.
# With "remove" and "reuse" the first one that is called removes the other's
# descriptor; with "reuse" that number has a new owner at once.
driver() {
    cat << 'END'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ioloop.h"
#include "system.h"

static struct ioloop *loop;
static int a[2], b[2], calls;
static bool reuse;

static void
on_write(int fd, uint32_t events, void *arg)
{
    (void)arg;
    if (!(events & IOLOOP_WRITE))
        puts("called for what was not asked");
    ioloop_remove_handler(loop, fd);
    if (++calls == 6)
        ioloop_stop(loop);
}

static void
on_read(int fd, uint32_t events, void *arg)
{
    char bytes[2];

    if (!(events & IOLOOP_READ) || arg != &calls)
        puts("called for what was not asked");
    if (recv(fd, bytes, 1, 0) != 1)
        puts("called for nothing");
    calls++;
    if (recv(fd, bytes, 1, MSG_PEEK) == 1)
        return; /* We must be told again that there is more. */
    ioloop_remove_handler(loop, fd);
    ioloop_add_handler(loop, fd, on_write, arg, IOLOOP_WRITE);
}

static void
on_mistake(int fd, uint32_t events, void *arg)
{
    (void)fd, (void)events, (void)arg;
    puts("the event was for another handler");
}

static void
on_rude(int fd, uint32_t events, void *arg)
{
    int other = fd == a[0] ? b[0] : a[0], fresh[2] = {-1, -1};

    (void)events, (void)arg;
    if (++calls > 1)
        puts("a removed handler was called");
    ioloop_remove_handler(loop, other);
    close(other);
    if (reuse && (socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == -1 ||
                  fresh[0] != other ||
                  ioloop_add_handler(loop, other, on_mistake, NULL,
                                     IOLOOP_READ) == -1))
        puts("the number is not free again");
    ioloop_remove_handler(loop, fd);
    ioloop_stop(loop);
}

/* "edges": calls that make no sense fail and change nothing. */
static void
check(const char *what, int result, int error)
{
    if (error == 0 ? result != 0 : result != -1 || errno != error)
        printf("%s: %d, %s\n", what, result, strerror(errno));
    errno = 0;
}

static void
edges(void)
{
    int fds[] = {-1, -1000, 900, 100000, 2147483647};
    int folder = open("/", O_RDONLY);
    FILE *regular = tmpfile();

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        int fd = fds[i];

        ioloop_remove_handler(loop, fd);
        check("update", ioloop_update_handler(loop, fd, IOLOOP_READ),
              ENOENT);
        if (ioloop_add_handler(loop, fd, on_mistake, NULL, IOLOOP_READ) != -1)
            printf("%d is watched\n", fd);
        ioloop_remove_handler(loop, fd);
    }
    check("a folder",
          ioloop_add_handler(loop, folder, on_mistake, NULL, IOLOOP_READ),
          EPERM);
    check("a file", ioloop_add_handler(loop, fileno(regular), on_mistake, NULL,
                                       IOLOOP_READ), EPERM);
    ioloop_remove_handler(loop, fileno(regular));
    check("a second handler",
          ioloop_add_handler(loop, a[0], on_mistake, NULL, IOLOOP_WRITE),
          EEXIST);
    fclose(regular);
    close(folder);
}

int
main(int argc, char **argv)
{
    bool rude = argc > 2 && strcmp(argv[2], "read") != 0;

    reuse = argc > 2 && strcmp(argv[2], "reuse") == 0;
    loop = ioloop_new(argv[1]);
    if (loop == NULL) {
        puts("not here");
        return 0;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, a) == -1 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, b) == -1 ||
        set_nonblocking(a[0]) == -1 || set_nonblocking(b[0]) == -1)
        die("sockets");
    for (int i = 0; i < 2; i++) {
        int *pair = i == 0 ? a : b;

        ioloop_add_handler(loop, pair[0], rude ? on_rude : on_read, &calls,
                           IOLOOP_READ);
        if (send(pair[1], "xy", 2, 0) != 2)
            die("send");
    }
    if (argc > 3)
        edges();
    alarm(5);
    if (ioloop_start(loop) == -1)
        die("loop");
    ioloop_free(loop);
    puts("well");
    return 0;
}
END
}

# each_poller MODE...: all that this system has do well, and it has one.
each_poller() {
    local poller well=0
    for poller in epoll kqueue select; do
        run -0 "$BATS_FILE_TMPDIR/driver" "$poller" "$@"
        echo "$poller: $output"
        case $output in
        well) well=$((well + 1)) ;;
        "not here") ;;
        *) return 1 ;;
        esac
    done
    [ "$well" -ge 1 ]
}

# The turns of the trace in the order of their coming, each once.
turns() { awk '/^turn / && !seen[$2]++ { print $2 }' "$SERVER_LOG"; }

@test "a silent client keeps no other client waiting" {
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    [ "$(http "$URL/")" = "hello, everyone" ]
    [ "$(http "$URL/")" = "hello, everyone" ]
    exec 8>&-
}

@test "a hundred silent clients keep no other client waiting" {
    mkfifo "$BATS_TEST_TMPDIR/hold"
    client -c 100 send G hold < "$BATS_TEST_TMPDIR/hold" 3>&- 4>&- &
    local crowd=$!
    exec 8> "$BATS_TEST_TMPDIR/hold"
    [ "$(http "$URL/")" = "hello, everyone" ]
    exec 8>&-
    wait "$crowd"
}

@test "a client that connects while the server is stopped is answered later" {
    freeze
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    client_bg "$BATS_TEST_TMPDIR/answers" -c 3 \
        send 'GET / HTTP/1.0\r\n\r\n' read
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"
    exec 8>&-
    [ "$(grep -c '^hello, everyone$' "$BATS_TEST_TMPDIR/answers")" -eq 3 ]
}

@test "a server that was stopped for a while goes on" {
    # The stop has to find it asleep in the poller: continued, it then learns
    # from EINTR that it has missed something.
    local i
    for i in 1 2 3; do
        state S
        freeze
        kill -CONT "$SERVER_PID"
    done
    [ "$(http "$URL/")" = "hello, everyone" ]
}

@test "no turn is taken without an event" {
    stop_server
    start_step 2 --trace
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    http -o /dev/null "$URL/"
    exec 8>&-
    http -o /dev/null "$URL/"
    wait_for_line "$SERVER_LOG" 'conn 3'
    diff <(turns) <(seq "$(turns | wc -l)")
}

@test "a trace names the descriptor that was ready, and its connection" {
    stop_server
    start_step 2 --trace
    http -o /dev/null "$URL/"
    wait_for_line "$SERVER_LOG" \
        '^turn 2 +\(2\) +conn 1 +ioloop.c:run_handlers +ready: READ'
    [ "$(stops)" = $'2\n2' ]
}

@test "clients that leave, or break off, cost no descriptors" {
    [ -d "/proc/$SERVER_PID/fd" ] || skip "there is no /proc"
    local before
    before=$(descriptors)
    client -c 20 close
    client -c 20 reset
    client -c 20 send 'GET / HTTP/1.0\r\n\r\n' reset
    [ "$(http "$URL/")" = "hello, everyone" ]
    for i in $(seq 250); do
        [ "$(descriptors)" -gt "$before" ] || break
        sleep 0.02
    done
    [ "$(descriptors)" -eq "$before" ]
}

@test "each poller tells what is true, until it is not" { each_poller read; }

@test "a removed handler is not called for events that came before" {
    each_poller remove
}

@test "an event never reaches the next owner of a descriptor's number" { each_poller reuse; }

@test "calls that make no sense fail, and the handlers stay as they were" {
    each_poller read edges
}

@test "the trace shows a wait where it happens" {
    stop_server
    start_step 2 --trace
    state S
    sleep 0.2
    http -o /dev/null "$URL/"
    wait_for_line "$SERVER_LOG" '^turn 2 .*conn 1'

    # It stands before the handlers of the turn.
    grep -B 1 -m 1 '^turn 1 ' "$SERVER_LOG" |
        grep -xE -- '--- waited [0-9]+\.[0-9] s ---'
}
