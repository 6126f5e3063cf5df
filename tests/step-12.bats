# Chapter 12, The body: how much is still to come.

setup() { load helper; }
teardown() { stop_server clean; }

# ask TEXT [OP...]: the answer to these bytes; client.c says how they are
# written.
ask() { client send "$1" "${@:2}" read; }

# post LINES BODY: a request with these header lines.
post() { printf '%s' "POST / HTTP/1.1\\r\\nHost: x\\r\\n$1\\r\\n$2"; }

form='Content-Type: application/x-www-form-urlencoded\r\n'

# wants STATUS TEXT...: each of the texts is answered with that status.
wants() {
    local want=$1 text got
    shift
    for text; do
        got=$(ask "$text" | sed -n '1s/^HTTP\/1\.1 \([0-9]*\) .*/\1/p')
        [ "$got" = "$want" ] ||
            { echo "${text:0:100}: '$got' and not $want"; return 1; }
    done
}

# fields TYPE BODY: what the server finds in a form of that type.
fields() {
    printf '%b' "$2" > "$BATS_TEST_TMPDIR/body"
    http -H "Content-Type: $1" --data-binary @"$BATS_TEST_TMPDIR/body" "$URL" |
        sed 1d
}

many() { printf "%${1}s" '' | tr ' ' "${2:-a}"; }

@test "a body is as long as the head says, and not a byte longer" {
    start_step 12
    ask "$(post 'Content-Length: 3\r\n' 'abcdef')" | grep -qx '3 bytes of body'
    ask "$(post 'Content-Length: 0\r\n' 'abcdef')" | grep -qx '0 bytes of body'
    ask "$(post '' '')" | grep -qx '0 bytes of body'
    client send "$(post 'Content-Length: 3\r\n' 'ab')" shutdown count |
        grep -qx 0
}

@test "one byte at a time is the same as all at once" {
    start_step 12 --trace
    client bytewise "$(post "Content-Length: 11\\r\\n$form" 'a=1&b=%41+c')" \
        read | sed '1,/^.$/d' > "$BATS_TEST_TMPDIR/pieces"
    printf '11 bytes of body\na is 1\nb is A c\n' |
        cmp - "$BATS_TEST_TMPDIR/pieces"
    [ "$(stops | grep -cx 6)" -gt 5 ]
    [ "$(stops | grep -cx 10)" -eq 1 ]
}

@test "a length is digits and nothing else" {
    start_step 12
    local n
    for n in '' +5 -5 -0 0x5 5_0 5.0 '5 5' '5;' five ',' '5,' '5,6' '5, -5'; do
        wants 400 "$(post "Content-Length: $n\\r\\n" '')"
    done
    wants 400 "$(post 'Content-Length: 5\r\nContent-Length: 6\r\n' '')"
    for n in 5 005 '5, 5' ' 5 \t' '5 ,\t5,5'; do
        ask "$(post "Content-Length: $n\\r\\n" abcde)" | grep -qx '5 bytes of body'
    done
    ask "$(post 'Content-Length: 5\r\ncontent-length: 5\r\n' abcde)" |
        grep -qx '5 bytes of body'
    for n in 4294967296 18446744073709551615 18446744073709551616 \
        184467440737095516160 340282366920938463463374607431768211461; do
        wants 413 "$(post "Content-Length: $n\\r\\n" '')"
    done
}

@test "a body may have a megabyte" {
    start_step 12
    local n
    for n in 1048575 1048576; do
        head -c "$n" /dev/zero > "$BATS_TEST_TMPDIR/body"
        ask "$(post "Content-Length: $n\\r\\n" '')" \
            file "$BATS_TEST_TMPDIR/body" | grep -qx "$n bytes of body"
    done
    wants 413 "$(post 'Content-Length: 1048577\r\n' '')"
}

@test "a client that asks whether to send the body is told to" {
    start_step 12
    local expect
    for expect in 100-continue 100-Continue; do
        client send "$(post "Content-Length: 3\\r\\nExpect: $expect\\r\\n" '')" \
            readuntil '\r\n\r\n' send abc read > "$BATS_TEST_TMPDIR/answer"
        [ "$(head -n 1 "$BATS_TEST_TMPDIR/answer")" = $'HTTP/1.1 100 Continue\r' ]
        grep -qx '3 bytes of body' "$BATS_TEST_TMPDIR/answer"
    done

    # HTTP/1.0 does not know such answers, and without a body there is no
    # question.
    wants 200 "$(post 'Expect: 100-continue\r\n' '')" \
        'POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na' \
        'POST / HTTP/1.0\r\nExpect: tea\r\n\r\n'
    wants 417 "$(post 'Content-Length: 3\r\nExpect: tea\r\n' '')" \
        "$(post 'Expect: 100-continue, tea\r\n' '')"
}

@test "a client that asks whether to send too much is told not to" {
    start_step 12
    local expect='Expect: 100-continue\r\n'
    wants 413 "$(post "Content-Length: 1048577\\r\\n$expect" '')"
    wants 400 "$(post "Content-Length: +1\\r\\n$expect" '')"
    wants 501 "$(post "Transfer-Encoding: chunked\\r\\n$expect" '')"
}

@test "two lengths are one too many, and unknown codings are not guessed at" {
    start_step 12
    wants 400 \
        "$(post 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n' '')" \
        "$(post 'transfer-encoding: x\r\ncontent-length: 3\r\n' '')"
    wants 501 "$(post 'Transfer-Encoding: gzip\r\n' '')" \
        "$(post 'Transfer-Encoding: identity\r\n' '')" \
        "$(post 'Transfer-Encoding:\r\n' '')"
}

@test "the fields of the query come first, then those of the body" {
    start_step 12
    http -d 'name=world&x=%41%zz%2541&y=a+b%2Bc&name=again&empty=&none&=no' \
        "$URL/path?q=1&name=query" | sed 1d > "$BATS_TEST_TMPDIR/have"
    printf '%s\n' 'q is 1' 'name is query' 'name is world' 'x is A%zz%41' \
        'y is a b+c' 'name is again' ' is no' | cmp - "$BATS_TEST_TMPDIR/have"

    # A form is what says that it is one, and is posted or put.
    http -d a=1 -X PUT "$URL" | grep -qx 'a is 1'
    ! http -d a=1 -X PATCH "$URL" | grep 'a is' || false
    ! http -d a=1 -H 'Content-Type: text/plain' "$URL" | grep 'a is' || false
    http -d a=1 "$URL" -H 'Content-Type: application/X-WWW-form-urlencoded; charset=utf-8' |
        grep -qx 'a is 1'
}

@test "a form in parts says the same as a form in one line" {
    start_step 12
    printf 'not a field' > "$BATS_TEST_TMPDIR/file"
    http -F 'name=a & b = c' -F "upload=@$BATS_TEST_TMPDIR/file" -F 'empty=' \
        -F 'last=2' "$URL" | sed 1d > "$BATS_TEST_TMPDIR/have"
    printf 'name is a & b = c\nempty is \nlast is 2\n' |
        cmp - "$BATS_TEST_TMPDIR/have"

    # Boundaries in quotes and not at the end, words before the first and
    # behind the last part, blanks behind a delimiter; and a delimiter is one
    # only at the start of a line.
    fields 'multipart/form-data; boundary="a;b"; x=y' \
        'before\r\n--a;b \t\r\ncontent-disposition: form-data; x="\\"; name=no"; name="q;\\""\r\n\r\nin --a;b the\r\nmiddle\r\n--a;b--after' \
        > "$BATS_TEST_TMPDIR/have"
    printf 'q;" is in --a;b the\r\nmiddle\n' | cmp - "$BATS_TEST_TMPDIR/have"
}

@test "a form in parts that is not whole is refused" {
    start_step 12
    local type='multipart/form-data; boundary=B' body
    local head='Content-Disposition: form-data; name=a\r\n\r\n'
    [ "$(fields "$type" "--B\\r\\n${head}1\\r\\n--B--")" = "a is 1" ]
    for body in '' 'x' '--B' "--B\\r\\n${head}1" \
        "--B\\r\\n${head}1\\r\\n--B" "--B\\r\\n${head}1\\r\\n--Bad\\r\\n" \
        "--B\\r\\nA: b\\r\\n\\r\\n1\\r\\n--B--" \
        '--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--' \
        '--B\r\nContent-Disposition: x; name=a\r\n\r\n1\r\n--B--' \
        '--B\r\nContent-Disposition: form-data; name=a\r\n--B--' \
        '--B\r\nContent-Disposition : form-data; name=a\r\n\r\n1\r\n--B--'; do
        printf '%b' "$body" > "$BATS_TEST_TMPDIR/body"
        http -H "Content-Type: $type" --data-binary @"$BATS_TEST_TMPDIR/body" \
            -w '\n%{http_code}' "$URL" > "$BATS_TEST_TMPDIR/answer"
        [ "$(tail -n 1 "$BATS_TEST_TMPDIR/answer")" = 400 ] ||
            { echo "$body"; false; }
        grep -q '^malformed multipart: ' "$BATS_TEST_TMPDIR/answer"
    done
}

@test "a form may have 1000 fields, or 100 parts" {
    start_step 12
    local n want body
    for n in 999 1000 1001; do
        [ "$n" -le 1000 ] && want=200 || want=400
        body=$(many "$n" '&')
        wants "$want" "$(post "${form}Content-Length: $n\\r\\n" "$body")"

        # The fields of a text are not counted.
        wants 200 "$(post "Content-Type: text/plain\\r\\nContent-Length: $n\\r\\n" "$body")"

        # One of them can be in the query.
        wants "$want" "POST /?a HTTP/1.1\\r\\nHost: x\\r\\n${form}Content-Length: $((n - 1))\\r\\n\\r\\n${body:1}"
    done
    for n in 99 100 101; do
        [ "$n" -le 100 ] && want=200 || want=400
        for _ in $(seq "$n"); do
            printf -- '--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n'
        done > "$BATS_TEST_TMPDIR/body"
        printf -- '--B--' >> "$BATS_TEST_TMPDIR/body"
        [ "$(http -o "$BATS_TEST_TMPDIR/answer" -w '%{http_code}' \
            -H 'Content-Type: multipart/form-data; boundary=B' \
            --data-binary @"$BATS_TEST_TMPDIR/body" "$URL")" = "$want" ]
    done
}

@test "a client that leaves in the middle of a body leaves nothing behind" {
    start_step 12 --trace
    local before
    before=$(descriptors)
    client -c 50 send "$(post 'Content-Length: 100000\r\n' '')" \
        send "$(many 5000)" close
    client -c 50 send "$(post 'Content-Length: 100000\r\n' '')" \
        send "$(many 5000)" reset
    http "$URL" | grep -qx '0 bytes of body'
    for _ in $(seq 250); do
        [ "$(stops | grep -cx 20)" -lt 101 ] || break
        sleep 0.02
    done
    [ "$(stops | grep -cx 20)" -eq 101 ]
    [ "$(descriptors)" -eq "$before" ]
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
		    ioloop_free(loop);
		    memory_give_back();
		    return 0;
		}
	END
}

@test "a read that follows a cancelled one gets its own bytes, when they are there" {
    canceller | build_driver 9 iostream.c delimiter.c
    [ "$("$BATS_FILE_TMPDIR/driver" 3)" = 'next: one' ]
    [ "$("$BATS_FILE_TMPDIR/driver" 8)" = 'next: one;two;' ]
    [ "$("$BATS_FILE_TMPDIR/driver" 13)" = $'nothing yet\nnext: one;two;three' ]
}
