# Chapter 26: a program. It reads options, prints what is wrong with them, and ends
# after a signal.

setup()    { load helper; load program; TMP=$BATS_TEST_TMPDIR PROGRAM=${SERVER:-$BUILD/step-26/server}; }
teardown() { stop_server clean; }

start() { start_step 26 "$@"; }

@test "an option may have one dash or two, and '_' for '-'" {
    for option in --max-body-size=3 -max-body-size=3 --max_body_size=3 \
        -max_body-size=3
    do
        start "$option" --log=none
        [ "$(http -d abc "$URL/echo")" = abc ]
        [ "$(http -d abcd -o /dev/null -w '%{http_code}' "$URL/echo")" = 413 ]
        stop_server clean
    done
}

@test "the last of the same options counts" {
    start --max-body-size=100 --max-body-size=3
    [ "$(http -d abcd -o /dev/null -w '%{http_code}' "$URL/echo")" = 413 ]
}

@test "an unknown option is one line and status 2" {
    for option in --nope --nope=1 -x 8888 help index.html - -- --- ---port=1 \
        --=1 = '' --Port=1 --port-=1 --por=1 --ports=1 ' --port=1' \
        "--$(printf '%0100d' 0)" '--%n%s=%s'
    do
        refused 2 expected "$option"
    done
    refused 2 ': 8888: ' --port=0 8888
}

@test "a message about a long option does not end in the middle of an escape" {
    local n
    for n in 250 251; do        # The message has room for 255 bytes of it.
        refused 2 "^dustdevil: 0{$n}\\\\x01: expected:" "$(printf "%0${n}d" 0)"$'\x01'
    done
    for n in 252 253 300; do
        refused 2 '^dustdevil: 0{252}: expected:' "$(printf "%0${n}d" 0)"$'\x01'
    done
}

@test "an invalid value is one line that says what was expected, and status 2" {
    for value in '' x -1 +1 8x 0x50 ' 80' 80.0 1e3 65536 4294967297 \
        99999999999999999999
    do
        refused 2 ': expected: .* 0 .*65535' "--port=$value"
    done
    refused 2 'expected.*65535' --port
    refused 2 'expected.*65535' --port 8888
    refused 2 'expected.* 0 ' --max-body-size=-1
    refused 2 'expected' --max-header-size=x
    refused 2 'expected.*warning' --log=loud
    refused 2 'expected.*warning' --log=INFO
    refused 2 'expected.*warning' --log=
    refused 2 'expected.*warning' --log
    refused 2 'expected.*value' --address
}

@test "the version is on stdout, and in every answer" {
    ends 0 --version
    [ ! -s "$TMP/err" ]
    [ "$(wc -l < "$TMP/out")" -eq 1 ]
    version=$(cat "$TMP/out")
    start
    [ "$(header Server "$URL/")" = "$version" ]
}

@test "port 0 is any free port, and the only line on stdout has its number" {
    start
    [ "$(wc -l < "$SERVER_OUT")" -eq 1 ]
    grep -qE '^listening on http://127\.0\.0\.1:[1-9][0-9]{3,4}$' "$SERVER_OUT"
    answers
    [ "$(wc -l < "$SERVER_OUT")" -eq 1 ]
}

@test "a port in use is one line with the reason, and status 1" {
    start
    first=$SERVER_PID
    refused 1 "port $PORT .*127\.0\.0\.1.*[Ii]n use .*--port=0" --port="$PORT"
    SERVER_PID=$first SERVER_LOG=$TMP/server.log
    answers
}

@test "SIGTERM ends it: status 0" {
    start
    answers
    kill -TERM "$SERVER_PID"
    server_ends
    [ "$SERVER_STATUS" -eq 0 ]
    no_complaints
    ! http -o /dev/null "$URL/" 2> /dev/null || false
}

@test "SIGINT ends it by that signal, as a shell expects" {
    start
    answers
    kill -INT "$SERVER_PID"
    server_ends
    [ "$SERVER_STATUS" -eq 130 ]
    no_complaints

    # A program may also exit with 130. The list of jobs shows the difference.
    cat > "$TMP/shell" << 'END'
set -m
"$1" --port=0 > "$2" 2>&1 &
for i in $(seq 250); do ! grep -q listening "$2" || break; sleep 0.02; done
kill -INT $!
for i in $(seq 250); do
    case $(jobs) in *Running*) sleep 0.02 ;; *) break ;; esac
done
jobs
END
    bash "$TMP/shell" "$PROGRAM" "$TMP/shell.out" > "$TMP/jobs" 3>&- 4>&-
    bash -c 'set -m; sh -c "kill -INT \$\$" & sleep 0.3; jobs' > "$TMP/like" 3>&- 4>&-
    word=$(awk '{ print $2; exit }' "$TMP/like")
    [ "$(awk '{ print $2; exit }' "$TMP/jobs")" = "$word" ]
}

@test "SIGPIPE does not end it" {
    start
    kill -PIPE "$SERVER_PID"
    answers
    kill -PIPE "$SERVER_PID"
    answers
}

@test "a server that ends does not wait for slow handlers" {
    start --trace
    stay 1 send "$(request '/slow?ms=60000')"
    wait_for_line "$SERVER_LOG" '\(12\)'
    kill -TERM "$SERVER_PID"
    server_ends 3
    disperse
    [ "$SERVER_STATUS" -eq 0 ]
    no_complaints
}

@test "the trace can be written for programs, one record in each line" {
    start --trace="$TMP/records" --log=none
    [ "$(http -d name=world "$URL/hello")" = "Hello, world" ]
    wait_for_line "$TMP/records" "$(printf '\t20\t')"
    stop_server clean
    awk -F '\t' 'NF != 9 { exit 1 }' "$TMP/records"
    [ "$(head -n 1 "$TMP/records" | cut -f 1-5 | xargs)" = "seq us turn conn stop" ]
    [ "$(awk -F '\t' 'NR > 1 && $5 && !seen[$5]++ { print $5 }' "$TMP/records" |
        xargs)" = "$(seq -s ' ' 20)" ]
    [ ! -s "$SERVER_LOG" ]
}
