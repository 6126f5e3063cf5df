# Chapter 34: a restart loses no request; no connection is lost at the limit; and
# what a proxy says of the client.

setup_file() {
    load helper
    load processes
    build_crowd
}

setup() {
    load helper
    load processes
    load limits
    load tables
    TMP=$BATS_TEST_TMPDIR CROWD=$BATS_FILE_TMPDIR/crowd STEP=34
}

teardown() { disperse; stop_server; }

# --- the end ---------------------------------------------------------------

@test "without their parent the children finish what they do, and go" {
    family 2 --trace
    client_bg "$TMP/out" -c 10 send "$(request '/slow?ms=600')" read
    until_true begun 10
    kill -KILL "$SERVER_PID"
    until_true refuses
    wait "$CLIENT_PID"
    [ "$(grep -c '^slept 600 ms' "$TMP/out")" -eq 10 ]
    for child in "${CHILDREN[@]}"; do until_true is_gone "$child"; done
    server_ends 5
    [ "$SERVER_STATUS" -eq 137 ]
    no_complaints
}

@test "SIGTERM: no connection is accepted, requests are finished, idle connections are closed" {
    for n in 1 3; do
        start --processes=$n --stop-timeout=30 --trace
        client_bg "$TMP/idle" -q -c 20 send "$(request /)" readuntil world read
        idle=$CLIENT_PID
        client_bg "$TMP/busy" -c 20 send "$(request '/slow?ms=700')" read
        until_true begun 40
        until_true answered 20
        kill -TERM "$SERVER_PID"
        until_true refuses
        wait "$CLIENT_PID"
        wait "$idle"
        server_ends 5
        [ "$SERVER_STATUS" -eq 0 ]
        [ "$(grep -c '^slept 700 ms' "$TMP/busy")" -eq 20 ]
        [ "$(grep -c '^Connection: close' "$TMP/busy")" -eq 20 ]
        no_complaints
    done
}

@test "a client that has connected in time is served, even if it is not accepted yet" {
    needs_proc
    for n in 1 2; do
        start --processes=$n
        until_true has_children $((n > 1 ? n : 0))
        # shellcheck disable=SC2046 # They are numbers.
        hold_still "$SERVER_PID" $(children)
        # More than one wake-up accepts.
        client_bg "$TMP/out" -c 200 send "$(request /)" read
        until_true queued 200
        kill -TERM "$SERVER_PID"
        # shellcheck disable=SC2046
        kill -CONT "$SERVER_PID" $(children)
        wait "$CLIENT_PID"
        [ "$(grep -c '^Hello, world' "$TMP/out")" -eq 200 ]
        server_ends 5
        [ "$SERVER_STATUS" -eq 0 ]
    done
}

@test "a drain has an end, also with clients that do not read" {
    for n in 1 2; do
        start --processes=$n --stop-timeout=1 --trace
        stay 1 rcvbuf 4096 send "$(request '/bytes?n=1000000000')" deaf
        client_bg "$TMP/out" send "$(request '/slow?ms=20000')" read
        until_true begun 2
        kill -TERM "$SERVER_PID"
        server_ends 4
        [ "$SERVER_STATUS" -eq 0 ]
        wait "$CLIENT_PID" || true
        run ! grep -q slept "$TMP/out"
        no_complaints
    done
    family 2 --stop-timeout=0
    hold_still "${CHILDREN[1]}"
    kill -TERM "$SERVER_PID"
    server_ends 4
    [ "$SERVER_STATUS" -eq 0 ]
    is_gone "${CHILDREN[1]}"
}

@test "signals that are repeated do not put off the end" {
    family 2 --stop-timeout=1
    hold_still "${CHILDREN[@]}"
    for i in 1 2 3 4 5 6; do
        kill -TERM "$SERVER_PID" 2> /dev/null || break
        sleep 0.7
    done
    [ "$i" -lt 6 ] || { echo "it is still there"; return 1; }
    server_ends 4
}

@test "after SIGINT, or SIGTERM twice, the server ends at once" {
    # SIGINT once; SIGTERM and another one.
    for way in 1:130:INT 3:130:INT 1:0:TERM,TERM 3:0:TERM,TERM 1:130:TERM,INT 3:130:TERM,INT; do
        IFS=: read -r n want signals <<< "$way"
        start --processes="$n" --stop-timeout=60 --trace
        client_bg "$TMP/out" send "$(request '/slow?ms=50000')" read
        until_true begun 1
        for signal in ${signals/,/ }; do
            kill "-$signal" "$SERVER_PID"
            [ "$signal" != TERM ] || until_true refuses
        done
        server_ends 3
        [ "$SERVER_STATUS" -eq "$want" ] || { echo "$way: $SERVER_STATUS"; return 1; }
        wait "$CLIENT_PID" || true
        no_complaints
    done
}

@test "SIGTERM to the whole process group counts once" {
    # A shell's `kill %1` and a service manager signal the whole group.
    family 2 --stop-timeout=30 --trace
    client_bg "$TMP/out" -c 10 send "$(request '/slow?ms=700')" read
    until_true begun 10
    kill -TERM "${CHILDREN[@]}"
    sleep 0.1
    kill -TERM "$SERVER_PID"
    wait "$CLIENT_PID"
    [ "$(grep -c '^slept 700 ms' "$TMP/out")" -eq 10 ]
    server_ends 5
    [ "$SERVER_STATUS" -eq 0 ]
}

@test "SIGTERM under load loses no request of an accepted connection" {
    start --processes=2 --log=info
    press "$TMP/kept" 4 keep
    kept=$PRESS_PID
    press "$TMP/closed" 4 close
    sleep 0.5
    kill -TERM "$SERVER_PID"
    server_ends 5
    [ "$SERVER_STATUS" -eq 0 ]
    wait "$kept" "$PRESS_PID"
    cat "$TMP/kept" "$TMP/closed"
    for file in "$TMP/kept" "$TMP/closed"; do [ "$(told "$file" answers)" -ge 1 ]; done
    [ "$(told "$TMP/kept" lost)" -eq 0 ]
    [ "$(told "$TMP/closed" lost)" -eq 0 ]

    # And what they were answered is what the server has answered.
    answered $(($(told "$TMP/kept" answers) + $(told "$TMP/closed" answers)))
}

# --- the next children -----------------------------------------------------

@test "SIGHUP replaces the children, one by one" {
    family 3
    held=$(descriptors)
    kill -HUP "$SERVER_PID"
    until_true all_new
    [ "$(grep -c ' is replaced by ' "$SERVER_LOG")" -eq 3 ]
    for i in 1 2 3; do
        mapfile -t CHILDREN < <(children)
        kill -HUP "$SERVER_PID"
        until_true all_new
        good
    done
    [ "$(descriptors)" -eq "$held" ]
    for child in $(children); do [ "$(sockets "$child")" -eq 1 ]; done
    stop_server clean
    ! grep -E '^\[[WE] ' "$SERVER_LOG" || false
}

@test "while one child leaves, all others are there" {
    family 3 --trace

    # A child ends when its requests are finished; the next one gets SIGTERM
    # only then.
    client_bg "$TMP/out" -c 30 send "$(request '/slow?ms=1000')" read
    until_true begun 30
    kill -HUP "$SERVER_PID"
    wait_for_line "$SERVER_LOG" ' is replaced by '
    until_true has_children 4

    # Told again meanwhile, it begins again when that one has gone.
    kill -HUP "$SERVER_PID"
    good
    has_children 4
    [ "$(grep -c ' is replaced by ' "$SERVER_LOG")" -eq 1 ]
    good
    wait "$CLIENT_PID" || true
    [ "$(grep -c '^slept 1000 ms' "$TMP/out")" -eq 30 ]
    until_true all_new
    [ "$(grep -c ' is replaced by ' "$SERVER_LOG")" -eq 4 ]
}

@test "SIGHUP under load loses no request and refuses no connection" {
    family 2
    press "$TMP/kept" 4 keep
    kept=$PRESS_PID
    press "$TMP/closed" 4 close
    for i in 1 2 3; do
        mapfile -t CHILDREN < <(children)
        kill -HUP "$SERVER_PID"
        until_true all_new
    done
    press_ends "$kept"
    press_ends "$PRESS_PID"
    cat "$TMP/kept" "$TMP/closed"
    for file in "$TMP/kept" "$TMP/closed"; do
        [ "$(told "$file" answers)" -ge 100 ]
        for bad in refused away lost; do [ "$(told "$file" $bad)" -eq 0 ]; done
    done
}

@test "a child that is shutting down already goes on with that after SIGTERM" {
    family 2 --stop-timeout=30 --trace
    client_bg "$TMP/out" -c 20 send "$(request '/slow?ms=800')" read
    until_true begun 20
    kill -HUP "$SERVER_PID"
    wait_for_line "$SERVER_LOG" ' is replaced by '
    sleep 0.1
    kill -TERM "$SERVER_PID"
    wait "$CLIENT_PID"
    [ "$(grep -c '^slept 800 ms' "$TMP/out")" -eq 20 ]
    server_ends 5
    [ "$SERVER_STATUS" -eq 0 ]
}

@test "a server with one process ignores SIGHUP" {
    start --trace
    client_bg "$TMP/out" send "$(request '/slow?ms=400')" readuntil 'slept 400 ms'
    until_true begun 1
    kill -HUP "$SERVER_PID"
    good
    kill -HUP "$SERVER_PID"
    wait "$CLIENT_PID"
    good
}

@test "a child that does not shut down in time is killed, and the next is replaced" {
    family 2 --stop-timeout=0
    hold_still "${CHILDREN[0]}"
    kill -HUP "$SERVER_PID"
    until_true all_new
    good
}

# --- inherited listeners ---------------------------------------------------

# The server begins when a client waits in the queue of each listener.
@test "inherited listeners are taken over, with the clients in their queues" {
    cat > "$TMP/late" <<- END
		#!/bin/sh
		for port in \$(cat "$TMP/ports"); do
		    "$BUILD/client" "\$port" send 'GET / HTTP/1.0\r\n\r\n' read > "$TMP/early.\$port" 3>&- 4>&- &
		done
		sleep 0.3
		exec "${SERVER:-$BUILD/step-34/server}" "\$@"
	END
    chmod +x "$TMP/late"
    for n in 1 2; do
        for whom in self none; do
            SERVER=$TMP/late start_open 2 $whom --processes=$n
            [ "$(sed 's/.*://' "$SERVER_OUT" | xargs)" = "$(xargs < "$TMP/ports")" ]
            for port in $(cat "$TMP/ports"); do
                wait_for_line "$TMP/early.$port" '^Hello, world'
                for i in 1 2 3 4 5; do
                    [ "$(http "http://127.0.0.1:$port/")" = "Hello, world" ]
                done
            done
            stop_server clean
        done
    done
}

@test "sixteen inherited listeners are not too many" {
    start_open 16 self
    good
    [ "$(sed 's/.*://' "$SERVER_OUT" | xargs)" = "$(xargs < "$TMP/ports")" ]
}

@test "listeners that are meant for another process are left alone" {
    start_open 1 1
    good
    [ "$PORT" != "$(cat "$TMP/ports")" ]
}

@test "descriptors that are no listeners are one line and status 1" {
    SERVER_LOG=$TMP/err
    for FDS in 2 17 64 2147483647; do
        write_open 1 self
        "$TMP/open" --port=0 > "$TMP/out" 2> "$SERVER_LOG" < /dev/null 3>&- 4>&- &
        SERVER_PID=$!
        server_ends 5
        [ "$SERVER_STATUS" -eq 1 ] || { echo "$FDS: status $SERVER_STATUS"; return 1; }
        [ ! -s "$TMP/out" ]
        [ "$(wc -l < "$SERVER_LOG")" -eq 1 ]
        grep -q '^dustdevil: ' "$SERVER_LOG"
        no_complaints
    done

    for FDS in x 1x -1 ''; do
        LISTEN_FDS=$FDS "${SERVER:-$BUILD/step-34/server}" --port=0 > "$TMP/out" 2> "$SERVER_LOG" < /dev/null 3>&- 4>&- &
        SERVER_PID=$!
        server_ends 5
        [ "$SERVER_STATUS" -eq 1 ] || { echo "$FDS: status $SERVER_STATUS"; return 1; }
        [ "$(cat "$SERVER_LOG")" = "dustdevil: LISTEN_FDS is not a number of listening sockets" ]
    done

    # A file in the place of a listener.
    LISTEN_FDS=1 "${SERVER:-$BUILD/step-34/server}" 3< /dev/null > "$TMP/out" 2> "$SERVER_LOG" < /dev/null 4>&- &
    SERVER_PID=$!
    server_ends 5
    [ "$SERVER_STATUS" -eq 1 ]
    [ "$(cat "$SERVER_LOG")" = "dustdevil: LISTEN_FDS: descriptor 3 is no listener" ]
}

@test "an inherited unix socket is announced by its path, and the others after it" {
    for n in 1 2; do
        UNIX_PATH=$TMP/socket.$n start_open 2 self --processes=$n
        [ "$(sed -n 's/^listening on //p' "$SERVER_OUT")" = "$TMP/socket.$n
http://127.0.0.1:$(tail -n 1 "$TMP/ports")" ]
        [ "$(http --unix-socket "$TMP/socket.$n" http://a/)" = "Hello, world" ]
        [ "$(http --unix-socket "$TMP/socket.$n" http://a/whoami | head -n 1)" = "remote_ip: 0.0.0.0" ]
        [ "$(http "$(tail -n 1 "$SERVER_OUT" | sed 's/.* //')/")" = "Hello, world" ]
        stop_server clean
    done
}

# --- the connection limit --------------------------------------------------

@test "at the connection limit the next client waits, and is accepted when one leaves" {
    start --max-connections=3 --trace
    stay 2 send "$(request /)"
    held inside send "$(request /hello/one)" readuntil one hold \
        send "$(request /hello/two)" readuntil two
    wait_for_line "$SERVER_LOG" '200 GET /hello/one '
    client_bg "$TMP/waits" -t 20 send "$(request /hello/three)" readuntil three
    waits=$CLIENT_PID

    # It is logged once, when a connection is pending; the others are served.
    wait_for_line "$SERVER_LOG" '3 connections: no more are accepted'
    release inside
    grep -q 'Hello, two' "$TMP/inside"
    wait "$waits"
    grep -q 'Hello, three' "$TMP/waits"

    # No connection was accepted before another one had ended.
    awk '/\(3\) /{ if (++n > 3) exit 1 } /\(20\)/{ n-- }' "$SERVER_LOG"
    disperse
    good
}

@test "SIGTERM at the connection limit serves the clients that wait, and closes no idle one for them" {
    needs_proc
    start --max-connections=2 --trace
    client_bg "$TMP/busy" -c 2 send "$(request '/slow?ms=700')" read
    busy=$CLIENT_PID
    until_true begun 2
    client_bg "$TMP/waits" -c 4 send "$(request /)" read
    until_true queued 4
    kill -TERM "$SERVER_PID"
    wait "$CLIENT_PID"
    wait "$busy"
    [ "$(grep -c '^Hello, world' "$TMP/waits")" -eq 4 ]
    [ "$(grep -c '^slept 700 ms' "$TMP/busy")" -eq 2 ]
    server_ends 5
    [ "$SERVER_STATUS" -eq 0 ]

    start --max-connections=1 --trace
    stay 1 send "$(request /)"
    until_true answered 1
    kill -TERM "$SERVER_PID"
    server_ends 5
    [ "$SERVER_STATUS" -eq 0 ]
    run ! grep -e 'no more are accepted' -e 'closed for another' "$SERVER_LOG"
}

@test "a drain without a free descriptor does not say that it will try again" {
    needs_proc
    start_with_limits '-n 40' "$BUILD/step-34/server" --stop-timeout=1
    hold_still "$SERVER_PID"
    client_bg "$TMP/out" -c 60 send "$(request /)" read
    until_true queued 60
    kill -TERM "$SERVER_PID"
    kill -CONT "$SERVER_PID"
    wait "$CLIENT_PID" || true
    server_ends 5
    [ "$SERVER_STATUS" -eq 0 ]
    n=$(grep -c '^Hello, world' "$TMP/out")
    [[ $n -ge 20 && $n -lt 40 ]]
    run ! grep 'trying again' "$SERVER_LOG"
}

@test "there are never more connections than descriptors, and some are left" {
    start_with_limits '-n 128' "$BUILD/step-34/server" --static-path=diagrams
    stay 50 send G
    held inside send "$(request /hello/one)${HEAD}Content-Length: 3\\r\\n\\r\\na" \
        readuntil one hold send bc readuntil abc \
        send "$(request /static/house.svg)" readuntil '</svg>' \
        send "$(request /hello/two)" readuntil two
    wait_for_line "$SERVER_LOG" '200 GET /hello/one '
    stay 80 send G
    wait_for_line "$SERVER_LOG" '[56][0-9] connections: no more are accepted'
    release inside
    grep -q 'Hello, two' "$TMP/inside"
    answers "$TMP/inside" 200 200 200 200
    run ! grep 'cannot accept' "$SERVER_LOG"
    disperse
    good
}

@test "with few descriptors every connection can serve a file" {
    start_with_limits '-n 20' "$BUILD/step-34/server" --static-path=diagrams
    client -t 20 -c 30 send 'GET /static/house.svg HTTP/1.0\r\n\r\n' read \
        > "$TMP/out"
    [ "$(grep -ac '^HTTP/1.[01] 200 ' "$TMP/out")" -eq 30 ]
    run ! grep ' 503 ' "$SERVER_LOG"
}

# An empty line is no request, so it keeps no place and gets no answer.
@test "an idle client that has sent an empty line is closed for another one, without an answer" {
    start --max-connections=2 --idle-timeout=60
    client_bg "$TMP/first" -t 20 send "$(request /)" readuntil world send '\r\n' read
    first=$CLIENT_PID
    wait_for_line "$SERVER_LOG" ' 200 GET / '
    held inside send "$(request /hello/two)" readuntil two hold send "$(request /hello/three)" \
        readuntil three
    wait_for_line "$SERVER_LOG" ' 200 GET /hello/two '
    good
    status=0
    wait "$first" || status=$?
    [ "$status" -ne 3 ] # 3: its time was over, so it was not closed
    release inside
    answers "$TMP/inside" 200 200
    answers "$TMP/first" 200
    run ! grep '408' "$SERVER_LOG"
}

@test "a limit that may be raised is raised" {
    start_with_limits '-S -n 40' "$BUILD/step-34/server" --log=warning --max-connections=200
    stay 150 send "$(request /)" readuntil world
    good
    [ ! -s "$SERVER_LOG" ]
}

# Each of the 600 has begun a request, so none of them is idle and makes room. A file
# of each connection has a descriptor, too, so the limit is half of FD_SETSIZE.
@test "with select no more connections are accepted than it can watch" {
    start --log=warning --poller=select --max-connections=2000
    stay 600 send G
    wait_for_line "$SERVER_LOG" ' connections: no more are accepted'
    n=$(sed -n 's/.* \([0-9]*\) connections: no more are accepted.*/\1/p' "$SERVER_LOG")
    [[ $n -gt 400 && $n -le 512 ]]
}

# The slow ones send a byte every 50 ms and take 20 seconds in all. A server that
# waited for one of the thousand would answer the good client after that, or never.
# (How quickly it answers beside attackers is what `make soak` prints.)
@test "a good client is served beside a thousand bad ones, before one of them has ended" {
    start --log=none --max-connections=2000
    stay 300 send G
    stay 300 send 'GET /hello/'
    stay 200 send "${HEAD}Content-Length: 900\\r\\n\\r\\nx"
    stay 100 rcvbuf 4096 send "$(request '/bytes?n=1000000')" deaf
    each 400 send x pause 50
    client_bg "$TMP/drip" -t 60 -c 50 send 'GET / HTTP/1.1\r\nA: ' "${OPS[@]}"
    STAYING+=("$CLIENT_PID")
    client_bg "$TMP/body" -t 60 -c 50 send "${HEAD}Content-Length: 900\\r\\n\\r\\n" "${OPS[@]}"
    STAYING+=("$CLIENT_PID")
    each 500 send "$(request /)" readuntil world
    client -t 60 -q "${OPS[@]}"
    for pid in "${STAYING[@]}"; do kill -0 "$pid"; done
    [ ! -d "/proc/$SERVER_PID/fd" ] || [ "$(descriptors)" -gt 1000 ]
}

@test "a connection limit that makes no sense is refused at the start" {
    for value in 0 -1 x 99999999; do
        status=0
        "${SERVER:-$BUILD/step-34/server}" "--max-connections=$value" > "$TMP/out" 2> "$TMP/err" ||
            status=$?
        [ "$status" -eq 2 ] && [ ! -s "$TMP/out" ] || return 1
        [ "$(wc -l < "$TMP/err")" -eq 1 ]
    done
}

# --- a proxy in front ------------------------------------------------------

# shows WHAT REQUEST: what the server has understood.
shows() {
    local answer want
    printf -v want %b. "$2"
    answer=$(client send "$3" read; printf .)
    [[ $answer == "HTTP/1.1 $1 "* && ${answer#*$'\r\n\r\n'} == "$want" ]] ||
        wrong "not '$2'" "$3" "$answer"
}

whoami() {
    shows 200 "remote_ip: $1\\nprotocol: $2\\nhost: x\\n" "$3"
}
ASK='GET /whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'

@test "without --xheaders no client's word about itself is believed" {
    start_step 34
    table whoami "$ASK" '\r\n\r\n' <<'END'
127.0.0.1 http
    X-Real-Ip: 192.0.2.7
    X-Forwarded-For: 192.0.2.7
    X-Scheme: https
    X-Forwarded-Proto: https
    X-Real-Ip: 192.0.2.7\r\nX-Forwarded-For: 192.0.2.7\r\nX-Scheme: https\r\nX-Forwarded-Proto: https
END
    ! grep -F 192.0.2.7 "$SERVER_LOG" || return 1
}

@test "a proxy of ours is believed, if it says something that can be" {
    start_step 34 --xheaders
    table whoami "$ASK" '\r\n\r\n' <<'END'
127.0.0.1 http
    A: b
    X-Real-Ip:
    X-Real-Ip: a-name
    X-Real-Ip: localhost
    X-Real-Ip: 192.0.2
    X-Real-Ip: 192.0.2.256
    X-Real-Ip: 192.0.2.7:80
    X-Real-Ip: 192.0.2.7 192.0.2.8
    X-Real-Ip: 192.0.2.7;
    X-Real-Ip: [2001:db8::1]
    X-Real-Ip: 2001:db8:::1
    X-Real-Ip: 2001:db8::g
    X-Real-Ip: <b>192.0.2.7
    X-Real-Ip: 3221225991
    X-Real-Ip: 192.0.2.7/32
    X-Forwarded-For: unknown
    X-Forwarded-For: 192.0.2.7,
    X-Forwarded-For: 192.0.2.7, unknown
    X-Forwarded-For: ,
    X-Real-Ip: a-name\r\nX-Forwarded-For: 192.0.2.7
    X-Scheme: ftp
    X-Scheme: httpss
    X-Scheme: http
    X-Scheme:
    X-Forwarded-Proto: on
    X-Forwarded-Proto: https:
    X-Forwarded-Proto: https, http
    X-Forwarded-Proto: https, gopher
    X-Scheme: gopher\r\nX-Forwarded-Proto: https
    X-Forwarded-Host: evil.example
192.0.2.7 http
    X-Real-Ip: 192.0.2.7
    x-real-ip:192.0.2.7
    X-Forwarded-For: 192.0.2.7
    X-Forwarded-For: 6.6.6.6, 192.0.2.7
    X-Forwarded-For: 6.6.6.6,192.0.2.7
    X-Forwarded-For: a-name,\t192.0.2.7\t
    X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 5.5.5.5, 192.0.2.7
    X-Forwarded-For: 6.6.6.6\r\nX-Real-Ip: 192.0.2.7
    X-Real-Ip: 192.0.2.7\r\nX-Scheme: javascript
2001:db8::1 http
    X-Real-Ip: 2001:db8::1
    X-Forwarded-For: 192.0.2.7, 2001:db8::1
::ffff:192.0.2.7 http
    X-Real-Ip: ::ffff:192.0.2.7
127.0.0.1 https
    X-Scheme: https
    X-Forwarded-Proto: https
    X-Forwarded-Proto: HTTPS
    X-Forwarded-Proto: http, https
    X-Forwarded-Proto: http\r\nX-Scheme: https
    X-Real-Ip: a-name\r\nX-Scheme: https
192.0.2.7 https
    X-Real-Ip: 192.0.2.7\r\nX-Scheme: https
    X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https
END
}

@test "the log names the client behind the proxy, of each request anew" {
    start_step 34 --xheaders
    client send 'GET /one HTTP/1.1\r\nHost: x\r\nX-Real-Ip: 2001:db8::1\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' \
        read > "$TMP/out"
    http -H 'X-Real-Ip: a-name' "$URL/three" > "$TMP/out"
    wait_for_line "$SERVER_LOG" '404 GET /one \(2001:db8::1\)'
    wait_for_line "$SERVER_LOG" '404 GET /two \(127.0.0.1\)'
    wait_for_line "$SERVER_LOG" '404 GET /three \(127.0.0.1\)'
}

@test "a request for https has to come that way" {
    absolute='GET https://x/whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
    start_step 34
    for how in '' 'X-Scheme: https\r\n'; do
        client send "$absolute$how\\r\\n" read | grep -q '^HTTP/1.1 421 ' || wrong 421 "$how"
    done
    stop_server clean
    start_step 34 --xheaders
    whoami 127.0.0.1 https "${absolute}X-Scheme: https\\r\\n\\r\\n"
    for how in '' 'X-Scheme: http\r\n' 'X-Scheme: x\r\n'; do
        client send "$absolute$how\\r\\n" read | grep -q '^HTTP/1.1 421 ' || wrong 421 "$how"
    done
}

@test "a cookie that was set over https never goes over http" {
    start_step 34 --xheaders
    for path in '/cookie/set?name=a&value=b' /visits /xsrf; do
        http -i -H 'X-Scheme: https' "$URL$path" | grep -q '^Set-Cookie: .*; Secure;' ||
            wrong "not Secure" "$path"
        ! http -i "$URL$path" | grep '^Set-Cookie: .*Secure' || return 1
    done
    stop_server clean
    start_step 34
    ! http -i -H 'X-Scheme: https' "$URL/visits" | grep '^Set-Cookie: .*Secure' || return 1
}
