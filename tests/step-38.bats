# Chapter 38: a stream for a client, and a server that sends requests to itself. More of it
# is in tests/trace-page.bats.

setup() {
    load helper
    TMP=$BATS_TEST_TMPDIR
}
teardown() { stop_server clean; }

page() { sed -n 's|^trace page: \(.*\)$|\1|p' "$SERVER_LOG"; }

# post BYTES [ARGUMENTS]: the server's answer to the page's request to send them.
post() {
    # shellcheck disable=SC2059 # the bytes are a format
    printf "$1" | http -o /dev/null -w '%{http_code}' --data-binary @- "$(page)/send?${2:-}"
}

# passed STOP...: the events are these stops, and no others.
passed() {
    local now
    now=$(http "$(page)/events" | sed 1d | awk -F '\t' '$5 > 1 { printf "%s ", $5 }')
    [ "$now" = "$* " ]
}

@test "the request of the tour has the same answer and the same stops" {
    start_step 38 --trace
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    wait_for_line "$SERVER_LOG" '^turn .*\(20\)'
    stops | awk '!seen[$1]++' > "$TMP/visited"
    seq 20 | diff -u - "$TMP/visited"
}

@test "the server sends a request to itself, and its stops are the events" {
    start_step 38 --trace
    [ "$(post 'GET /hello/me HTTP/1.1\r\nHost: a\r\n\r\n' gap=50)" = 202 ]
    until_true passed 2 3 4 5 6 7 8 11 12 14 15 16 17 18 19 5 2 20
    grep -q ' 200 GET /hello/me ' "$SERVER_LOG"
}

@test "a request in pieces is received in pieces" {
    start_step 38 --trace
    [ "$(post 'GET /hello/me HTTP/1.1\r\nHost: a\r\n\r\n' 'split=13&gap=200')" = 202 ]
    until_true passed 2 3 4 5 6 2 6 2 6 7 8 11 12 14 15 16 17 18 19 5 2 20
}

@test "an IPv6 address is an address to send to, too" {
    (exec 8<> /dev/tcp/::1/1) 2>&1 | grep -qi refused || skip "there is no IPv6"
    start_step 38 --trace --address=::1
    [ "$(post 'GET /hello/me HTTP/1.1\r\nHost: a\r\n\r\n')" = 202 ]
    wait_for_line "$SERVER_LOG" ' 200 GET /hello/me '
}

# --- iostream_connect() -------------------------------------------------------

# Connects to a port of 127.0.0.1, and prints what becomes of it. With "echo" it
# sends a line, and prints what comes back; with "end" it ends the loop at once.
connector() {
    cat << 'END'
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iostream.h"

static struct ioloop *loop;
static int inside = 1;

static void
on_line(const char *data, size_t size, void *arg)
{
    printf("%.*s", (int)size, data);
    iostream_close(arg);
    ioloop_stop(loop);
}

static void
on_connect(struct iostream *stream, void *arg)
{
    puts(inside ? "called too early" : stream ? "connected" : "no connection");
    if (stream == NULL) {
        ioloop_stop(loop);
        return;
    }
    iostream_write(stream, arg, strlen(arg), NULL, NULL);
    iostream_read_until(stream, "\n", 1000, on_line, stream);
}

int
main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)atoi(argv[1]));
    loop = ioloop_new(argc > 3 ? argv[3] : NULL);
    if (iostream_connect(loop, (struct sockaddr *)&to, sizeof to, on_connect,
                         "NONSENSE\r\n\r\n") == -1)
        puts("refused at once");
    inside = 0;
    if (strcmp(argv[2], "end") != 0)
        ioloop_start(loop);
    ioloop_close_all(loop);
    ioloop_free(loop);
    return 0;
}
END
}

build_connector() {
    connector | build_driver 38 iostream.c linger.c connect.c
    PROGRAM=$BATS_FILE_TMPDIR/driver
}

@test "iostream_connect() makes a stream that writes and reads" {
    build_connector
    start_step 38
    run -0 timeout 20 "$PROGRAM" "$PORT" echo
    [ "${lines[0]}" = connected ]
    [[ ${lines[1]} == "HTTP/1.1 400 "* ]]
}

# The port is free again when the server has ended.
@test "where no server listens there is no connection, and the caller learns of it once" {
    build_connector
    start_step 38
    stop_server clean
    # select() reports no ERROR, only WRITE.
    for poller in "" select; do
        run -0 timeout 20 "$PROGRAM" "$PORT" echo $poller
        [ "$output" = "no connection" ] || [ "$output" = "refused at once" ]
    done
}

@test "at the end of a program an attempt ends, too" {
    build_connector
    start_step 38
    run -0 timeout 20 "$PROGRAM" "$PORT" end
    [ "$output" = "no connection" ]
}
