# Chapter 15, The answer: from what a handler writes to bytes on the wire.

setup()    { load helper; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

# ask METHOD PATH: head and body of the answer, without CR.
ask() { http -i -X "$1" "$URL$2" | tr -d '\r'; }

@test "an answer says its status, its type and its length" {
    start_step 15
    run ask GET /
    [ "${lines[0]}" = "HTTP/1.1 200 OK" ]
    [[ $output == *$'\nServer: DustDevil/1.0\n'* ]] || false
    [[ $output == *$'\nContent-Type: text/html; charset=UTF-8\n'* ]] || false
    [[ $output == *$'\nContent-Length: 12\n\nHello, world' ]] || false
}

@test "head and body of an answer are one block, and leave in one send" {
    start_step 15 --trace
    http "$URL/" > /dev/null
    [ "$(stops | grep -cx 15)" -eq 1 ]
    [ "$(stops | grep -cx 16)" -eq 1 ]
    [ "$(stops | grep -cx 17)" -eq 1 ]
}

@test "an error is a small page" {
    start_step 15
    run ask GET /nothing
    [ "${lines[0]}" = "HTTP/1.1 404 Not Found" ]
    [[ $output == *"<html><title>404: Not Found</title>"*"</html>" ]] || false
    run ask DELETE /
    [ "${lines[0]}" = "HTTP/1.1 405 Method Not Allowed" ]
}

# An application whose handlers answer in other ways than the demonstration.
start_answers() {
    local stage=$BUILD/step-15 files
    [ -z "${SERVER:-}" ] || stage=${SERVER%/*}
    # shellcheck disable=SC2010 # The names are ours.
    files=$(cd "$stage" && ls -- *.c | grep -vE \
        '^(main|ioloop|poller_.*|trace|system|memory|demo)\.c$')
    # shellcheck disable=SC2086 # The names are words.
    build_driver 15 $files << 'END'
#include "step.h"
#include "web.h"

static void
pieces_get(struct handler *self)
{
    handler_write(self, "a");
    handler_write(self, "");
    handler_write_bytes(self, "b\0c", 3);
}

static void
none_get(struct handler *self)
{
    (void)self;
}

static void
drop_get(struct handler *self)
{
    handler_write(self, "this is dropped");
    handler_send_error(self, 403, "not <you> & \"me\"");
}

static void
big_get(struct handler *self)
{
    char piece[1024];

    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 8192; i++)
        handler_write_bytes(self, piece, sizeof piece);
}

static void
early_get(struct handler *self)
{
    handler_set_status(self, 201);
    handler_write(self, "early");
    handler_finish(self);
}

static void
fail_get(struct handler *self)
{
    handler_write(self, "dropped");
    handler_fail(self, 400, "too much");
    handler_write(self, "dropped, too");
}

static const struct handler_class
    pieces = {.get = pieces_get}, none = {.get = none_get},
    drop = {.get = drop_get}, big = {.get = big_get},
    early = {.get = early_get}, failing = {.get = fail_get};

static const struct urlspec routes[] = {
    {"/pieces", &pieces}, {"/none", &none}, {"/drop", &drop}, {"/big", &big},
    {"/early", &early}, {"/fail", &failing}, {0}};

int
main(int argc, char **argv)
{
    struct httpconnection_settings settings = {
        .request_callback = application_call,
        .request_arg = application_new(routes),
        .max_header_size = 32768,
        .max_body_size = 1 << 20,
    };

    step_serve(argc, argv, httpconnection_handle_stream, &settings);
}
END
    SERVER='' start_program "$BATS_FILE_TMPDIR/driver"
}

@test "what a handler writes is one body, whatever its bytes are" {
    start_answers
    http "$URL/pieces" > "$TMP/have"
    printf 'ab\0c' | cmp - "$TMP/have"
    [[ $(ask GET /none) == *$'\nContent-Length: 0' ]] || false
    http "$URL/big" > "$TMP/have"
    [ "$(wc -c < "$TMP/have")" -eq 8388608 ]
    [ "$(tr -d x < "$TMP/have" | wc -c)" -eq 0 ]
}

@test "an error takes the place of everything that was written" {
    start_answers
    run ask GET /drop
    [[ ${lines[0]} == "HTTP/1.1 403 "* ]] || false
    [[ $output == *"(not &lt;you&gt; &amp; &quot;me&quot;)"* ]] || false
    [[ $output != *"dropped"* ]] || false
    run ask GET /fail
    [ "${lines[0]}" = "HTTP/1.1 400 Bad Request" ]
    [[ $output == *"(too much)"* && $output != *"dropped"* ]] || false
}

@test "a handler may finish its answer itself, and choose its status" {
    start_answers
    run ask GET /early
    [[ ${lines[0]} == "HTTP/1.1 201 "* && $output == *early ]] || false
}
