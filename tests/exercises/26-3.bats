# Exercise 26-3: the process id stands in a file.

setup()    { load ../helper; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server; }

@test "the file has the id of the process while the server runs" {
    for signal in TERM INT; do
        start_step 26 --pid-file="$TMP/pid"
        [ "$(cat "$TMP/pid")" = "$SERVER_PID" ]
        [ "$(wc -l < "$TMP/pid")" -eq 1 ]
        kill -$signal "$SERVER_PID"
        server_ends
        [ ! -e "$TMP/pid" ]
    done
}

@test "a file that cannot be written is one line and status 1, before the server listens" {
    local program=${SERVER:-$BUILD/step-26/server} status=0
    "$program" --port=0 --pid-file="$TMP/none/pid" > "$TMP/out" 2> "$TMP/err" || status=$?
    [ "$status" -eq 1 ]
    [ ! -s "$TMP/out" ]
    [ "$(wc -l < "$TMP/err")" -eq 1 ]
    grep -qF "$TMP/none/pid" "$TMP/err"
}

@test "without the option there is no file" {
    local program=${SERVER:-$BUILD/step-26/server}
    [[ $program == /* ]] || program=$PWD/$program
    mkdir "$TMP/empty"
    cd "$TMP/empty"
    SERVER='' start_program "$program"
    cd - > /dev/null
    [ "$(http "$URL/")" = "Hello, world" ]
    [ -z "$(ls -A "$TMP/empty")" ]
    stop_server clean
    status=0
    "${SERVER:-$BUILD/step-26/server}" --pid-file= > "$TMP/out" 2> "$TMP/err" || status=$?
    [ "$status" -eq 2 ]
}
