# Chapter 24: answers that are completed later, and clients that do not wait.

setup()    { load helper; start_step 24 --trace; TMP=$BATS_TEST_TMPDIR; }
teardown() { disperse; stop_server clean; }

@test "a handler that sleeps does not keep other requests waiting" {
    client_bg "$TMP/slow" send "$(request '/slow?ms=700')" readuntil 'slept 700 ms\n'
    wait_for_line "$SERVER_LOG" '\(12\)'
    [ "$(http "$URL/")" = "Hello, world" ]
    wait "$CLIENT_PID"
    [ "$(sed -n 's/.*\] 200 GET \([^ ]*\).*/\1/p' "$SERVER_LOG" | xargs)" = \
        "/ /slow?ms=700" ]
}

@test "a hundred sleepers sleep at the same time" {
    # One after the other they would take fifty seconds.
    run client -t 8 -c 100 send "$(request '/slow?ms=500')" readuntil 'slept 500 ms\n'
    [ "$status" -eq 0 ]
    [ "$(grep -c '^slept 500 ms' <<< "$output")" -eq 100 ]
}

@test "an invalid number, or one that is too large, is refused" {
    for ms in x -1 %2B1 60001 99999999999999999999 1x 0x1; do
        [ "$(http -o "$TMP/out" -w '%{http_code}' "$URL/slow?ms=$ms")" = 400 ] ||
            { echo "ms=$ms"; return 1; }
    done
    [ "$(http "$URL/")" = "Hello, world" ]
}

@test "a client that has only sent a FIN gets its answer" {
    kill -STOP "$SERVER_PID"
    client_bg "$TMP/out" send "$(request '/slow?ms=300')" shutdown read
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID"
    grep -q '^slept 300 ms' "$TMP/out"
}

@test "a handler whose client has left is told, and ends" {
    # The head has come when the connection is accepted, so the loop does not
    # watch this stream yet: iostream_watch() has to register it.
    kill -STOP "$SERVER_PID"
    held leaver send "$(request '/slow?ms=60000')" hold reset
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '\(12\)'
    ! grep 'GET /slow?ms=60000 (' "$SERVER_LOG" || false
    release leaver
    wait_for_line "$SERVER_LOG" '\(20\)'
    wait_for_line "$SERVER_LOG" '200 GET /slow\?ms=60000 \('
    [ "$(http "$URL/")" = "Hello, world" ]
}

@test "a timer that was set for a client that has left never fires" {
    held leaver send "$(request '/slow?ms=500')" hold reset
    wait_for_line "$SERVER_LOG" '\(12\)'
    release leaver
    wait_for_line "$SERVER_LOG" '200 GET /slow'
    [ "$(http "$URL/slow?ms=600")" = "slept 600 ms" ]
    [ "$(grep -c '200 GET /slow?ms=500 ' "$SERVER_LOG")" -eq 1 ]
    ! grep 'after finish' "$SERVER_LOG" || false
}

@test "requests that come in one packet are answered in their order" {
    client send "$(request '/slow?ms=300')$(request /)" readuntil 'Hello, world' > "$TMP/out"
    [ "$(grep -aoE 'slept 300 ms|Hello, world' "$TMP/out" | xargs)" = "slept 300 ms Hello, world" ]
}

@test "every answer is logged: a 4xx as a warning, a 5xx as an error" {
    http -o /dev/null "$URL/" "$URL/nope" "$URL/error" -o /dev/null \
        -o /dev/null
    wait_for_line "$SERVER_LOG" '^\[E .* web.*\] 500 GET /error \(127.0.0.1\) '
    grep -qE '^\[I .*\] 200 GET / \(127.0.0.1\) [0-9.]+ms$' "$SERVER_LOG"
    grep -qE '^\[W .*\] 404 GET /nope \(127.0.0.1\)' "$SERVER_LOG"
}

@test "a long URL or method leaves the rest of the access line in place" {
    http -o /dev/null "$URL/$(printf 'x%.0s' {1..5000})"
    wait_for_line "$SERVER_LOG" '404 GET /x{1023} \(127.0.0.1\) [0-9.]+ms$'
    http -o /dev/null -X "$(printf 'M%.0s' {1..5000})" "$URL/"
    wait_for_line "$SERVER_LOG" '501 M{32} / \(127.0.0.1\) [0-9.]+ms$'
}

@test "a URL that the log escapes leaves the rest of the access line in place" {
    client send "GET /$(printf '\\\\%.0s' {1..3000}) HTTP/1.1\r\nHost: a\r\n" \
        send 'Connection: close\r\n\r\n' read > "$BATS_TEST_TMPDIR/answer"
    grep -q '^HTTP/1.1 404 ' "$BATS_TEST_TMPDIR/answer"
    wait_for_line "$SERVER_LOG" '404 GET /(\\x5c)+ \(127.0.0.1\) [0-9.]+ms$'
}

@test "calls that make no sense fail, and the handlers stay as they were" {
    load loop
    loop_driver edges | build_driver 24
    each_poller read edges
}

# A server whose only handler never finishes, and has no on_connection_close.
endless() {
    cat <<- 'END'
		#include "step.h"
		#include "web.h"

		static void
		endless_get(struct handler *self)
		{
		    (void)self;
		}

		static const struct handler_class endless = {
		    .get = endless_get, .asynchronous = true};
		static const struct urlspec routes[] = {{"/", &endless}, {0}};

		int
		main(int argc, char **argv)
		{
		    struct httpconnection_settings settings = {
		        .request_callback = application_call,
		        .request_arg = application_new(routes),
		        .max_header_size = 1000, .max_body_size = 1000};

		    step_serve(argc, argv, httpconnection_handle_stream, &settings);
		}
	END
}

@test "a reset ends the connection, even if the class does not want to know" {
    stop_server clean
    endless > "$TMP/main.c"
    stage=${SERVER:-$BUILD/step-24/server} stage=${stage%/*}
    mkdir "$TMP/stage"
    cp "$stage"/*.[ch] "$TMP/stage"
    cp "$TMP/main.c" "$TMP/stage"
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O1 -g} "$TMP"/stage/*.c \
        ${LDFLAGS:-} -o "$TMP/endless"
    SERVER='' start_program "$TMP/endless" --port=0 --trace

    # As above: the head has come when the connection is accepted.
    kill -STOP "$SERVER_PID"
    held leaver send "$(request /)" hold reset
    sleep 0.2
    kill -CONT "$SERVER_PID"
    wait_for_line "$SERVER_LOG" '\(12\)'
    release leaver
    wait_for_line "$SERVER_LOG" '\(20\)'
    kill -KILL "$SERVER_PID"
    wait "$SERVER_PID" || true
    SERVER_PID=
}
