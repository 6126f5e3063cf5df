# Chapter 19, Pipelining: the next request has come already, or a part of it.

setup()    { load helper; load requests; }
teardown() { stop_server clean; }

# hello NAME [LINES]: a request whose answer says that name.
hello() {
    printf '%s' "POST /hello HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: $((5 + ${#1}))\\r\\n" \
        "Content-Type: application/x-www-form-urlencoded\\r\\n${2:-}\\r\\nname=$1"
}

# names FILE: the names in the answers, on one line.
names() { grep -aoE 'Hello, n[0-9]+' "$@" | sed 's/.*, n//' | xargs; }

# packet OP...: a client in the background whose bytes have all arrived before the
# server reads.
packet() {
    kill -STOP "$SERVER_PID"
    client_bg "$BATS_TEST_TMPDIR/out" "$@"
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"
}

@test "sixteen requests in one packet are answered in order, in one send" {
    start_step 19 --trace
    packet send "$(for i in $(seq 16); do hello "n$i"; done)" \
        readuntil 'Hello, n16'
    [ "$(names "$BATS_TEST_TMPDIR/out")" = "$(seq -s ' ' 16)" ]
    [ "$(stops | grep -cx 6)" -eq 1 ]
    [ "$(stops | grep -cx 8)" -eq 16 ]
    [ "$(stops | grep -cx 17)" -eq 1 ]
}

@test "a request in pieces behind a whole one is answered too" {
    start_step 19
    run client send "$(hello n1)POST /hello HTTP/1.1\\r\\nHost: a\\r\\nX" \
        readuntil 'Hello, n1' send ": 1\\r\\n$(hello n2 'Connection: close\r\n' | sed 's/^[^:]*: a.r.n//')" read
    [ "$status" -eq 0 ]
    [ "$(names <<< "$output")" = "1 2" ]
}

@test "a client that has said its last word gets all its answers" {
    start_step 19 --trace
    packet send "$(hello n1)$(hello n2)$(hello n3)" shutdown read
    [ "$(names "$BATS_TEST_TMPDIR/out")" = "1 2 3" ]
    wait_for_line "$SERVER_LOG" '\(20\)'
}

@test "five thousand requests in one stream are answered one by one" {
    start_step 19
    run client repeat 5000 "$(hello n7)" shutdown read
    [ "$status" -eq 0 ]
    [ "$(names <<< "$output" | tr -d ' ' | tr -d 7)" = "" ]
    [ "$(names <<< "$output" | wc -w)" -eq 5000 ]
}

@test "after the last answer nothing is taken for a request" {
    start_step 19 --trace
    run client send "$(hello n1 'Connection: close\r\n')$(hello n2)$(hello n3)" read
    [ "$status" -eq 0 ]
    [ "$(names <<< "$output")" = 1 ]
    [ "$(stops | grep -cx 8)" -eq 1 ]
}

# resident: the server's memory, in KiB. Not every Linux has ps, and only Linux /proc.
resident() {
    if [ -r "/proc/$SERVER_PID/status" ]; then memory VmRSS
    else ps -o rss= -p "$SERVER_PID"; fi
}

@test "a client that does not read its answers is not read either" {
    start_step 19
    client_bg "$BATS_TEST_TMPDIR/out" deaf repeat 200000 "$(hello n1)" hold
    local before after
    for _ in $(seq 250); do
        before=$(resident)
        sleep 0.3
        after=$(resident)
        [ "$before" = "$after" ] && break
    done
    [ "$after" -lt 40000 ]
    http "$URL/" | grep -q 'Hello, world'
    kill "$CLIENT_PID"
}

@test "eight empty lines before a request mean nothing, nine are refused" {
    start_step 19
    local empty='\r\n\r\n\r\n\r\n\r\n\r\n\r\n'
    wants 200 "$empty$(get 'Connection: close\r\n')" \
        "$empty\\r\\n$(get 'Connection: close\r\n')"
    wants 400 "$empty\\r\\n\\r\\n$(get '')"
    run client bytewise "$empty$(hello n1 'Connection: close\r\n')" read
    [ "$(names <<< "$output")" = 1 ]

    # Between two requests, too; the number begins anew with each of them.
    run client send "$(hello n1)$empty$(hello n2)$empty$(hello n3 'Connection: close\r\n')" read
    [ "$(names <<< "$output")" = "1 2 3" ]
}

@test "what can never become a request is refused at its first line, and not later" {
    start_step 19
    local text

    # Nothing follows these bytes, so the rest of the head never comes: the first
    # message of TLS, a line of another protocol, a line that is too long.
    for text in '\x16\x03\x01' 'hello\r' '\0' ' ' 'GET\t' 'SSH-2.0-x\r\n' \
        'GET / HTTP/1.1 \r\n' "GET /$(many 8300)"; do
        run client -t 5 send "$text" read
        [[ $output =~ ^HTTP/1.1\ 4(00|14)\  ]] ||
            { echo "${text:0:40}: $output"; return 1; }
    done
    run client -t 5 send 'GET / HTTP/2.0\r\n' read
    [[ $output == "HTTP/1.1 505 "* ]] || false

    # These may still become requests.
    for text in G GET 'GET ' 'GET /\xe9' 'GET / HTTP/1.1\r' 'GET / HTTP/1.1\r\n' \
        'GET / HTTP/1.1\r\nA b\r\n' '\r' '\r\n'; do
        run client -t 1 send "$text" read
        [[ $status -eq 3 && $output != *HTTP/1.1* ]] || { echo "$text: $status $output"; return 1; }
    done
}

# Reads that are cancelled when their bytes have come and their callback is
# queued already, and what the next read gets.
canceller() {
    cat <<- 'END'
		#include "iostream.h"
		#include "memory.h"
		#include "system.h"
		#include <stdio.h>
		#include <stdlib.h>
		#include <sys/socket.h>
		#include <unistd.h>

		static struct ioloop *loop;
		static struct iostream *stream;
		static int peer;

		static void stop(void *arg) { (void)arg; ioloop_stop(loop); }

		static void cancelled(const char *data, size_t size, void *arg)
		{
		    (void)arg;
		    printf("cancelled: %.*s\n", (int)size, data);
		}

		static void next(const char *data, size_t size, void *arg)
		{
		    (void)arg;
		    printf("next: %.*s\n", (int)size, data);
		    iostream_close(stream);
		    ioloop_add_callback(loop, stop, NULL);
		}

		static void send_rest(void *arg)
		{
		    (void)arg;
		    printf("nothing yet\n");
		    if (write(peer, "three", 5) != 5)
		        exit(1);
		}

		int main(int argc, char **argv)
		{
		    size_t size = (size_t)atoi(argv[1]);
		    int fds[2];

		    (void)argc;
		    loop = ioloop_new(NULL);
		    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1 ||
		        set_nonblocking(fds[0]) == -1 ||
		        write(fds[1], "one;two;", 8) != 8)
		        return 1;
		    peer = fds[1];
		    stream = iostream_new(loop, fds[0]);
		    iostream_read_until(stream, ";", 100, cancelled, NULL);
		    iostream_cancel_read(stream);
		    iostream_read_bytes(stream, size, next, NULL);
		    if (size > 8)
		        ioloop_add_timeout(loop, ioloop_time() + 10000, send_rest, NULL);
		    ioloop_start(loop);
		    close(peer);
		    return 0;
		}
	END
}

@test "a read that follows a cancelled one gets its own bytes, when they are there" {
    canceller | build_driver 19 iostream.c linger.c
    [ "$("$BATS_FILE_TMPDIR/driver" 3)" = 'next: one' ]
    [ "$("$BATS_FILE_TMPDIR/driver" 8)" = 'next: one;two;' ]
    [ "$("$BATS_FILE_TMPDIR/driver" 13)" = $'nothing yet\nnext: one;two;three' ]
}

# A connection whose second request is complete in the same event in which the rest
# of its first answer is sent: the answers, as the other end gets them.
two_answers() {
    cat <<- 'END'
		#include "httpconnection.h"
		#include "system.h"
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/socket.h>
		#include <unistd.h>

		static struct ioloop *loop;
		static int ours, peer;
		static size_t received;
		static char last;

		static void on_request(struct httprequest *r, void *arg)
		{
		    static char large[30000];

		    (void)arg;
		    memset(large, '1', sizeof large);
		    if (strcmp(r->path, "/1") == 0)
		        httprequest_write(r, large, sizeof large, NULL, NULL);
		    else
		        httprequest_write(r, "2", 1, NULL, NULL);
		    httprequest_finish(r);
		}

		static ssize_t receive(void)
		{
		    char bytes[4096];
		    ssize_t n = recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);

		    received += n > 0 ? (size_t)n : 0;
		    last = n > 0 ? bytes[n - 1] : last;
		    return n;
		}

		static void on_readable(int fd, uint32_t events, void *arg)
		{
		    (void)events, (void)arg;
		    if (receive() != 0)
		        return;
		    printf("%zu bytes, the last is %c\n", received, last);
		    ioloop_remove_handler(loop, fd);
		    ioloop_stop(loop);
		}

		/* From now on the kernel takes everything. */
		static void make_room(void *arg)
		{
		    int size = 200000;

		    (void)arg;
		    setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		    while (receive() > 0)
		        continue;
		    if (write(peer, "\r\n", 2) != 2 ||
		        ioloop_add_handler(loop, peer, on_readable, NULL,
		                           IOLOOP_READ) == -1)
		        exit(1);
		}

		int main(void)
		{
		    static const char requests[] =
		        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
		        "GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
		    static struct httpconnection_settings settings = {
		        .request_callback = on_request,
		        .max_header_size = 1000, .max_body_size = 1000,
		    };
		    struct sockaddr none = {.sa_family = AF_UNIX};
		    int fds[2], size = 4096;

		    loop = ioloop_instance();
		    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1 ||
		        set_nonblocking(fds[0]) == -1 || set_nonblocking(fds[1]) == -1)
		        return 1;
		    ours = fds[0];
		    peer = fds[1];
		    setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		    if (write(peer, requests, sizeof requests - 1) == -1)
		        return 1;
		    httpconnection_handle_stream(iostream_new(loop, ours), &none,
		                                 sizeof none, &settings);
		    ioloop_add_timeout(loop, ioloop_time() + 50000, make_room, NULL);
		    ioloop_start(loop);
		    return 0;
		}
	END
}

@test "an answer that is made while the rest of the one before is sent is not lost" {
    two_answers | build_driver 19 iostream.c linger.c httpconnection.c \
        httprequest.c httputil.c httpform.c
    [ "$("$BATS_FILE_TMPDIR/driver")" = '30001 bytes, the last is 2' ]
}

# A stream whose second message is in its buffer already when it has more unsent
# bytes than the high-water mark. Its peer receives nothing at first.
high_water() {
    cat <<- 'END'
		#include "iostream.h"
		#include "memory.h"
		#include "system.h"
		#include <stdio.h>
		#include <stdlib.h>
		#include <sys/socket.h>
		#include <unistd.h>

		static struct ioloop *loop;
		static struct iostream *stream;
		static int peer;

		static void on_message(const char *data, size_t size, void *arg)
		{
		    static char large[100000];

		    printf("%.*s%s", (int)size, data,
		           iostream_unsent(stream) < IOSTREAM_MAX_UNSENT ? " below\n" : " above\n");
		    if (arg == NULL) {
		        iostream_write(stream, large, sizeof large, NULL, NULL);
		        iostream_read_until(stream, ";", 100, on_message, stream);
		    } else {
		        ioloop_stop(loop);
		    }
		}

		static void on_readable(int fd, uint32_t events, void *arg)
		{
		    char bytes[4096];

		    (void)events, (void)arg;
		    if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) == 0)
		        exit(1);
		}

		static void receive(void *arg)
		{
		    (void)arg;
		    printf("room:");
		    ioloop_add_handler(loop, peer, on_readable, NULL, IOLOOP_READ);
		}

		int main(void)
		{
		    int fds[2], size = 4096;

		    alarm(20);
		    loop = ioloop_new(NULL);
		    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1 ||
		        set_nonblocking(fds[0]) == -1 ||
		        write(fds[1], "one;two;", 8) != 8)
		        return 1;
		    peer = fds[1];
		    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		    stream = iostream_new(loop, fds[0]);
		    iostream_read_until(stream, ";", 100, on_message, NULL);
		    ioloop_add_timeout(loop, ioloop_time() + 50000, receive, NULL);
		    ioloop_start(loop);
		    return 0;
		}
	END
}

@test "a stream with too many unsent bytes completes no read, and goes on when they are sent" {
    high_water | build_driver 19 iostream.c linger.c
    [ "$("$BATS_FILE_TMPDIR/driver")" = $'one; below\nroom:two; below' ]
}
