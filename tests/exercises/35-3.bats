# Exercise 35-3: work that is given up.

setup()    { load ../helper; start_step 35 --stop-timeout=0; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

status() { http --max-time 20 -o "$TMP/body" -w '%{http_code}' "$URL/work?$1"; }

@test "work that takes too long is given up, and its thread takes the next" {
    # Were they not cut short, there would be no thread for the fifth.
    for i in 1 2 3 4 5; do
        [ "$(status 'n=5000000&ms=100')" = 503 ]
    done
    [ "$(http "$URL/work?n=100")" = "25 primes below 100" ]
    [ "$(grep -c ' 503 GET /work?n=5000000&ms=100 ' "$SERVER_LOG")" -eq 5 ]
}

@test "work that is done in time is answered, and its time is forgotten" {
    [ "$(http "$URL/work?n=100&ms=500")" = "25 primes below 100" ]
    [ "$(http "$URL/work?n=100&ms=60000")" = "25 primes below 100" ]
    [ "$(http "$URL/work?n=100&ms=0")" = "25 primes below 100" ]

    # If the first alarm were still there, it would go off now.
    [ "$(http "$URL/slow?ms=700")" = "slept 700 ms" ]
    ! grep ' 503 \|after finish' "$SERVER_LOG" || false
    [ "$(grep -c 'GET /work?n=100&ms=500 ' "$SERVER_LOG")" -eq 1 ]
}

@test "a client that leaves before its time is answered once" {
    client send 'GET /work?n=5000000&ms=600 HTTP/1.1\r\nHost: a\r\n\r\n' \
        pause 200 reset
    wait_for_line "$SERVER_LOG" 'GET /work\?n=5000000&ms=600 '
    [ "$(http "$URL/slow?ms=700")" = "slept 700 ms" ]
    [ "$(grep -c 'GET /work?n=5000000&ms=600 ' "$SERVER_LOG")" -eq 1 ]
    ! grep 'after finish' "$SERVER_LOG" || false
}

@test "an invalid time, or one that is too long, is refused" {
    for ms in x -1 60001 1.5; do
        [ "$(status "n=100&ms=$ms")" = 400 ] || { echo "$ms"; return 1; }
    done
}
