# Chapter 12, The connection: from a stream to requests, and back.

setup()    { load helper; load requests; }
teardown() { stop_server clean; }

@test "a request is handed over and its answer comes back, through every stop in order" {
    start_step 12 --trace
    ask "$(post 'Content-Length: 5\r\n' 'a\0b\nc')" > "$BATS_TEST_TMPDIR/answer"
    printf 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nYou requested /.\na\0b\nc' |
        cmp - "$BATS_TEST_TMPDIR/answer"
    wait_for_line "$SERVER_LOG" '\(20\)'
    [ "$(stops | grep -vxE "[12]" | uniq | xargs)" = "3 4 5 6 7 8 9 10 16 17 18 19 20" ]
}

@test "a request without a body does not wait for one" {
    start_step 12 --trace
    ask "$(get '')" | grep -qx 'You requested /.'
    [ "$(stops | grep -cx 8)" -eq 1 ]
    ! stops | grep -qxE '9|10' || false
}

@test "one byte at a time is the same as all at once" {
    start_step 12 --trace
    local text
    for text in "$(post 'Content-Length: 11\r\n' 'hello world')" \
        'GET /x?y HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n' 'GET /\r\n\r\n' \
        'GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n'; do
        ask "$text" > "$BATS_TEST_TMPDIR/whole"
        [ -s "$BATS_TEST_TMPDIR/whole" ]
        : > "$SERVER_LOG"
        client bytewise "$text" read | cmp - "$BATS_TEST_TMPDIR/whole"
        [ "$(stops | grep -cx 6)" -gt 1 ]
        [ "$(stops | grep -cx 10)" -le 1 ]
        : > "$SERVER_LOG"
    done
}

@test "a refused client gets a status line with the reason, and the end" {
    start_step 12 --trace
    wants 400 'GET\r\n\r\n' "$(get 'A : b\r\n')" \
        "$(post 'Content-Length: 5\r\nContent-Length: 6\r\n' '')"
    wants 413 "$(post 'Content-Length: 1048577\r\n' '')"
    wants 431 "$(get "A: $(many 32768)\\r\\n")"
    ask 'GET\r\n\r\n' > "$BATS_TEST_TMPDIR/answer"
    printf 'HTTP/1.1 400 malformed request line\r\nConnection: close\r\n\r\n' |
        cmp - "$BATS_TEST_TMPDIR/answer"
    [ "$(stops | grep -cx 8)" -eq 2 ] # the two that are wrong in their lengths
    ! stops | grep -qxE '10|18|19' || false
}

@test "a body may have a megabyte" {
    start_step 12
    local n
    for n in 1048575 1048576; do
        head -c "$n" /dev/zero > "$BATS_TEST_TMPDIR/body"
        ask "$(post "Content-Length: $n\\r\\n" '')" file "$BATS_TEST_TMPDIR/body" |
            sed '1,/^You requested/d' | cmp - "$BATS_TEST_TMPDIR/body"
    done
    wants 413 "$(post 'Content-Length: 1048577\r\n' '')"
}

@test "a hundred clients are served at the same time, and none gets another's answer" {
    start_step 12
    local i
    for i in $(seq 100); do
        client_bg "$BATS_TEST_TMPDIR/out.$i" \
            send "GET /$i HTTP/1.1\\r\\nHost" pause 200 send ': x\r\n\r\n' read
    done
    wait_for_all() { local p; for p in $(jobs -p); do [ "$p" = "$SERVER_PID" ] || wait "$p"; done; }
    wait_for_all
    for i in $(seq 100); do
        grep -qx "You requested /$i." "$BATS_TEST_TMPDIR/out.$i"
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
    http "$URL" | grep -qx 'You requested /.'
    for _ in $(seq 250); do
        [ "$(stops | grep -cx 20)" -lt 101 ] || break
        sleep 0.02
    done
    [ "$(stops | grep -cx 20)" -eq 101 ]
    [ "$(descriptors)" -eq "$before" ]
}
