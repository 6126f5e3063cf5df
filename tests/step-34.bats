# Chapter 34: what a proxy says of the client.

setup()    { load helper; load tables; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

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
