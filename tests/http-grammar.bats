# The head of a request: what is one, what is none, and what the answer says.

setup()    { load helper; load tables; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

GET='GET / HTTP/1.1\r\nHost: x\r\n'

# refused STATUS WHY REQUEST: the answer has come whole although more was sent,
# is the last one, and says what was wrong.
refused() {
    local answer head body length
    answer=$(client send "$3$NEXT$NEXT" read < /dev/null) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    head=${answer%%$'\r\n\r\n'*} body=${answer#*$'\r\n\r\n'}
    [[ $head == "HTTP/1.1 $1 "* ]] || wrong "not $1" "$3" "$answer" || return 1
    [[ $head == *$'\r\nConnection: close'* ]] ||
        wrong "no Connection: close" "$3" "$answer" || return 1
    length=${head#*$'\r\nContent-Length: '} length=${length%%$'\r'*}
    [ "$length" = "${#body}" ] ||
        wrong "length $length and not ${#body}" "$3" "$answer" || return 1
    [[ $body == *"$1: "*"($2)</body>"* ]] ||
        wrong "not a word of '$2'" "$3" "$answer"
}

# nothing_after: no request behind a refused one was ever served.
nothing_after() { ! grep -F /next "$SERVER_LOG" || return 1; }

# answered STATUS TEXT REQUEST: there is one answer, with this in its body.
answered() {
    local answer body
    answer=$(client send "$3" shutdown read < /dev/null) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    [[ $answer == "HTTP/1.1 $1 "* && ${answer#?*HTTP/1.1 } == "$answer" ]] ||
        wrong "not one $1" "$3" "$answer" || return 1
    [[ ${answer#*$'\r\n\r\n'} == *"$2"* ]] ||
        wrong "not a word of '$2'" "$3" "$answer"
}

# shows STATUS LINE REQUEST: there is one answer, with exactly this line in its body.
shows() {
    local answer
    answer=$(client send "$3" shutdown read < /dev/null) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    [[ $answer == "HTTP/1.1 $1 "* &&
        $'\n'${answer#*$'\r\n\r\n'}$'\n' == *$'\n'"$2"$'\n'* ]] ||
        wrong "no $1 with the line '$2'" "$3" "$answer"
}

# endless STATUS WHY REQUEST: the answer comes although the client says neither more
# nor that it ends.
endless() {
    local answer
    answer=$(client send "$3" read < /dev/null) &&
        [[ $answer == "HTTP/1.1 $1 "*"($2)</body>"* ]] || wrong "not $1 $2" "$3" "$answer"
}

# in_two STATUS WHY START REST: the same in two packets.
in_two() {
    local answer
    answer=$(client send "$3" pause 20 send "$4$NEXT" read < /dev/null) &&
        [[ $answer == "HTTP/1.1 $1 "*"($2)</body>"* ]] || wrong "not $1 $2" "$3" "$answer"
}

# head_of N: a request of that many bytes, none of its lines too long.
head_of() {
    local left=$(($1 - 27)) n
    printf '%s' "$GET"
    while [ "$left" -gt 0 ]; do
        n=$((left < 8000 ? left : 8000))
        [ $((left - n)) -eq 0 ] || [ $((left - n)) -ge 10 ] || n=$((n - 10))
        printf '%s' "A: $(many $((n - 5)))\\r\\n"
        left=$((left - n))
    done
    printf '%s' '\r\n'
}

@test "a request line is a method, a target and a version with one space between" {
    start_server
    table refused <<'END'
400 malformed request line
    GET\r\nHost: x\r\n\r\n
    GET /\r\nHost: x\r\n\r\n
    GET / \r\nHost: x\r\n\r\n
    GET /HTTP/1.1\r\nHost: x\r\n\r\n
     GET / HTTP/1.1\r\nHost: x\r\n\r\n
    GET  / HTTP/1.1\r\nHost: x\r\n\r\n
    GET /  HTTP/1.1\r\nHost: x\r\n\r\n
    GET / HTTP/1.1 \r\nHost: x\r\n\r\n
    GET / HTTP/1.1\t\r\nHost: x\r\n\r\n
    GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n
    GET /\tHTTP/1.1\r\nHost: x\r\n\r\n
    GET /a b HTTP/1.1\r\nHost: x\r\n\r\n
    GET / HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n
    / HTTP/1.1\r\nHost: x\r\n\r\n
    HTTP/1.1 200 OK\r\nHost: x\r\n\r\n
    Host: x\r\n\r\n
    \x16\x03\x01\x02\x01\x01\r\n\r\n
END
    nothing_after
}

@test "the version is HTTP/, a digit, a dot and a digit" {
    start_server
    table refused 'GET / ' '\r\nHost: x\r\n\r\n' <<'END'
505 only HTTP/1.0 and HTTP/1.1 are spoken here
    HTTP/0.0
    HTTP/0.9
    HTTP/2.0
    HTTP/2.1
    HTTP/3.0
    HTTP/9.9
400 malformed request line
    HTTP/1
    HTTP/1.
    HTTP/.1
    HTTP/11
    HTTP/1.10
    HTTP/1.01
    HTTP/01.1
    HTTP/1,1
    HTTP/+1.1
    HTTP/-1.1
    HTTP/1.+1
    HTTP/1.x
    HTTP/a.1
    HTTP 1.1
    http/1.1
    Http/1.1
    HTTPS/1.1
    XTTP/1.1
    HTTP/1.1;
    1.1
END
    table refused <<'END'
505 only HTTP/1.0 and HTTP/1.1 are spoken here
    PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n
END
    nothing_after
    table answered 'GET / ' '\r\nHost: x\r\n\r\n' <<'END'
200 Hello, world
    HTTP/1.0
    HTTP/1.1
    HTTP/1.2
    HTTP/1.9
END
}

@test "the target is a path, a whole URL, or the star of OPTIONS" {
    start_server
    table refused '' ' HTTP/1.1\r\nHost: x\r\n\r\n' <<'END'
400 malformed request target
    GET hello
    GET *
    GET ?a=b
    GET *x
    POST *
    OPTIONS *x
    OPTIONS **
    OPTIONS hello
    GET /#a
    GET /a?b#c
    GET #
    GET x:80
    GET ftp://x/
    GET file:///etc/passwd
    GET javascript:alert(1)
    GET http:/x/
    GET http:x/
    GET http://
    GET http:///x
    GET http://?x
    GET http://:80/
    GET http://me@x/
    GET http://me:word@x/
    GET http://x:y/
    GET http://[::1/
    GET http://x"y/
    GET http://x/#a
    GET http://x#a/
    GET http://x\\y/
501 CONNECT is for proxies
    CONNECT x:80
    CONNECT /
    CONNECT http://x/
END
    nothing_after
    table answered '' ' HTTP/1.1\r\nHost: x\r\n\r\n' <<'END'
200 Hello, world
    GET /
    GET /?
    GET /?a?b/c
    GET http://a
    GET http://a/
    GET HTTP://a?b
    GET hTTp://a.example:443/?b
    GET http://[::1]:80/
200 host: a.example:81
    GET http://a.example:81/whoami
200 Hello, a/b
    GET /hello/a%2fb
    GET http://x/hello/a%2Fb?c
404 Not Found
    GET //hello/a
    GET /./hello/a
    GET /hello/a/../b
    GET /%
    GET /a\\b
    GET /"<>|{}^`
    GET http://x//
405 Method Not Allowed
    OPTIONS /
204 
    OPTIONS *
END
}

@test "a method is a token and its case counts" {
    start_server
    table answered '' ' / HTTP/1.1\r\nHost: x\r\n\r\n' <<'END'
501 Not Implemented
    get
    Get
    GETT
    GE
    PATCH
    TRACE
    BREW
    !#$%&'*+-.^_`|~09azAZ
405 Method Not Allowed
    PUT
    DELETE
    POST
END
    answered 501 'Not Implemented' "$(many 8000 X) / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
}

@test "every byte is a token's byte or not, in a method and in a header's name" {
    start_server
    local c hex good=''
    for c in $(seq 0 255); do
        printf -v hex '\\x%02x' "$c"
        # The tokens' bytes between the NUL, and all that follows it.
        case $(printf '%b' "$hex") in
        [A-Za-z0-9] | [\!\#\$%\&\'*+.^_\`\|~-])
            good="$good$hex" ;;
        ' ') ;;
        :) refused 400 'malformed request line' "X$hex / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" ;;
        *)
            answer=$(client send "X$hex / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n$NEXT" read)
            [[ $answer == "HTTP/1.1 400 "* ]] || { echo "method $hex"; false; }
            answer=$(client send "${GET}X$hex: a\\r\\n\\r\\n$NEXT" read)
            [[ $answer == "HTTP/1.1 400 "* ]] || { echo "name $hex"; false; }
            ;;
        esac
    done
    nothing_after
    [ "${#good}" -eq $((77 * 4)) ]
    answered 501 '' "X$good / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
    answered 200 ': a' "GET /headers HTTP/1.1\\r\\nHost: x\\r\\nX$good: a\\r\\n\\r\\n"
}

@test "no control byte gets through a target or a value, and a target is ASCII" {
    start_server
    local c hex
    for c in $(seq 0 31) $(seq 127 255); do
        printf -v hex '\\x%02x' "$c"
        answer=$(client send "GET /a${hex}b HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n$NEXT" read)
        [[ $answer == "HTTP/1.1 400 "* ]] || { echo "target $hex"; false; }
        [ "$c" -ne 9 ] && [ "$c" -le 127 ] || continue
        answer=$(client send "${GET}X: a${hex}b\\r\\n\\r\\n$NEXT" read)
        [[ $answer == "HTTP/1.1 400 "* ]] || { echo "value $hex"; false; }
    done
    nothing_after

    # Of all the others nothing is lost or changed.
    hex=$(for c in 9 $(seq 32 126) $(seq 128 255); do printf '\\x%02x' "$c"; done)
    client send "GET /headers HTTP/1.0\\r\\nX: a${hex}b\\r\\n\\r\\n" read > "$TMP/out"
    printf "X: a${hex}b\n" > "$TMP/want"
    sed '1,/^.$/d' "$TMP/out" | cmp - "$TMP/want"
}

@test "HTTP/1.1 has exactly one Host, and a host is a name or an address" {
    start_server
    table refused 'GET / HTTP/1.1\r\n' '\r\n' <<'END'
400 no Host header
    
    X-Host: x\r\n
    Hos: x\r\n
400 more than one Host header
    Host: x\r\nHost: x\r\n
    Host: x\r\nhOST: y\r\n
    Host:\r\nA: b\r\nHost:\r\n
400 malformed Host header
    Host: a b\r\n
    Host: a,b c\r\n
    Host: a/b\r\n
    Host: /\r\n
    Host: a?b\r\n
    Host: a#b\r\n
    Host: a@b\r\n
    Host: http://a\r\n
    Host: a:b\r\n
    Host: a:80:80\r\n
    Host: a:-1\r\n
    Host: a:80 80\r\n
    Host: ::1\r\n
    Host: [::1\r\n
    Host: ::1]\r\n
    Host: []\r\n
    Host: [::1]x\r\n
    Host: [::1]80\r\n
    Host: [x]\r\n
    Host: [:]\r\n
    Host: [:::]\r\n
    Host: [1.2.3.4]\r\n
    Host: [::1%25eth0]\r\n
    Host: [12345::]\r\n
    Host: [1:2:3:4:5:6:7:8:9]\r\n
    Host: [::1::]\r\n
    Host: [::1]:8x\r\n
    Host: [v1]\r\n
    Host: [v.x]\r\n
    Host: [v1.]\r\n
    Host: [vg.x]\r\n
    Host: [v1.x/]\r\n
    Host: [v1.%41]\r\n
    Host: [0000:0000:0000:0000:0000:0000:255.255.255.255aaaaaaaaaaaaaaaaaaaa]\r\n
    Host: %\r\n
    Host: a%\r\n
    Host: a%4\r\n
    Host: a%zz\r\n
    Host: a%4g\r\n
    Host: %%41\r\n
    Host: a:%38\r\n
    Host: a"b\r\n
    Host: a<b\r\n
    Host: a\\b\r\n
    Host: a\tb\r\n
    Host: \xc3\xa4\r\n
END
    table refused <<'END'
400 more than one Host header
    GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n
400 malformed Host header
    GET / HTTP/1.0\r\nHost: a b\r\n\r\n
400 no Host header
    GET / HTTP/1.2\r\n\r\n
    GET http://x/ HTTP/1.1\r\n\r\n
    OPTIONS * HTTP/1.1\r\n\r\n
400 malformed Host header
    GET http://x/ HTTP/1.1\r\nHost: a b\r\n\r\n
END
    nothing_after
    table shows 'GET /whoami HTTP/1.1\r\nHost:' '\r\n\r\n' <<'END'
200 host: 
    
     \t
200 host: a.example:80
     a.example:80
     \t a.example:80 \t 
    a.example:80
200 host: a:
     a:
200 host: [v1.a]
    [v1.a]
200 host: [::1]:8888
     [::1]:8888
200 host: 127.0.0.1
     127.0.0.1
200 host: [::ffff:1.2.3.4]
     [::ffff:1.2.3.4]
200 host: [2001:DB8::a]:
     [2001:DB8::a]:
200 host: %c3%A4
     %c3%A4
200 host: a-b_c.~%41!$&'()*+,;=
     a-b_c.~%41!$&'()*+,;=
END
    shows 200 'host: 127.0.0.1' 'GET /whoami HTTP/1.0\r\n\r\n'
    shows 200 'host: y:1' 'GET http://y:1/whoami HTTP/1.1\r\nHost: x\r\n\r\n'
}

@test "a header is a name, a colon and a value, and nothing else" {
    start_server
    table refused "$GET" '\r\n' <<'END'
400 malformed header line
    A\r\n
    : b\r\n
    A : b\r\n
    A\t: b\r\n
    A b: c\r\n
    A\0: b\r\n
    A\r: b\r\n
    (A): b\r\n
    "A": b\r\n
    A/B: c\r\n
    \xc3\xa4: b\r\n
    A: b\r\nB\r\n
    Content-Length : 5\r\n
    Transfer-Encoding : chunked\r\n
400 folded header line
     A: b\r\n
    \tA: b\r\n
    A: b\r\n c\r\n
    A: b\r\n\tc: d\r\n
    A:\r\n b\r\n
    A: b\r\n \r\n
    A: b\r\n \r\nB: c\r\n
400 control byte in a header
    A: b\0\r\n
    A: \0\r\n
    A: b\rc\r\n
    A: \r\r\n
    A: b\x0bc\r\n
    A: b\x0cc\r\n
    A: \x1b[31m\r\n
    A: \x7f\r\n
    A: b\rContent-Length: 5\r\n
END
    nothing_after
    table shows 'GET /headers HTTP/1.1\r\nHost: x\r\n' '\r\n' <<'END'
200 A: b
    A: b\r\n
    A:b\r\n
    a: \t b \t \r\n
200 A: b c
    A: b c\r\n
200 A: 
    A:\r\n
    A: \t \r\n
200 A: : b:c
    A: : b:c\r\n
200 A-B-Cd: e
    a-b-CD: e\r\n
200 A: b,c
    A: b\r\na: c\r\n
200 A: b,,c
    A: b\r\nX: y\r\na:\r\nX: z\r\nA: c\r\n
END
    client send "GET /headers HTTP/1.0\\r\\nB: 1\\r\\nA: 2\\r\\nb: 3\\r\\nC:\\r\\n\\r\\n" \
        read | sed '1,/^.$/d' > "$TMP/out"
    printf 'B: 1,3\nA: 2\nC: \n' | cmp - "$TMP/out"
}

@test "lines end with CR LF, and what two could read in two ways is refused" {
    start_server
    table refused <<'END'
400 a line does not end with CR LF
    GET / HTTP/1.1\nHost: x\r\n\r\n
    GET / HTTP/1.1\nHost: x\n\n
    GET / HTTP/1.1\r\nHost: x\r\n\n
    GET / HTTP/1.1\r\nHost: x\n\r\n
    GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n
400 malformed request line
    \n\n
    \r\n\n
    \nGET / HTTP/1.1\r\nHost: x\r\n\r\n
    GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n
    \0GET / HTTP/1.1\r\nHost: x\r\n\r\n
    GET / HTTP/1.1\0\r\nHost: x\r\n\r\n
    \rGET / HTTP/1.1\r\nHost: x\r\n\r\n
    \r\rGET / HTTP/1.1\r\nHost: x\r\n\r\n
    GET / HTTP/1.1\r\r\nHost: x\r\n\r\n
    GET / HTTP/1.1\rHost: x\r\n\r\n
400 control byte in a header
    GET / HTTP/1.1\r\nHost: x\r\r\n\r\n
END
    nothing_after
}

@test "a line may have 8192 bytes, of the request line and of the headers" {
    start_server
    local n
    for n in 8191 8192; do
        answered 404 '' "GET /$(many $((n - 14))) HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
        answered 200 '' "${GET}A: $(many $((n - 3)))\\r\\n\\r\\n"
        answered 200 '' "${GET}$(many $((n - 2))): \\r\\n\\r\\n"
    done
    for n in 8193 8194 30000; do
        refused 414 'request line too long' \
            "GET /$(many $((n - 14))) HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
        refused 431 'header line too long' "${GET}A: $(many $((n - 3)))\\r\\n\\r\\n"
        refused 431 'header line too long' "${GET}$(many $((n - 2))): \\r\\n\\r\\n"
    done
    nothing_after
}

@test "what has no end is refused as soon as it is too long" {
    start_server
    local n
    for n in $(seq 8194 8197) 32768; do
        endless 414 'request line too long' "$(many "$n")"
    done
    endless 414 'request line too long' "GET /$(many 40000)"
    endless 431 'headers too long' "${GET}A: $(many 40000)"
    endless 400 'malformed request line' "GET  / HTTP/1.1\\r\\n$(many 6 | sed "s/a/A: $(many 6000)\\\\r\\\\n/g")"
    endless 431 'headers too long' "$GET$(many 6 | sed "s/a/A: $(many 6000)\\\\r\\\\n/g")"
}

@test "what is wrong with a long line does not depend on the packets" {
    start_server
    local n start end
    for n in 9000 40000; do
        for end in '' ' HTTP/1.1\r\nHost: x\r\n\r\n'; do
            for start in @ GET@ 'GET\t/' "$(many 8193)@"; do
                refused 400 'malformed request line' "$start$(many "$n")$end"
                in_two 400 'malformed request line' "$start" "$(many "$n")$end"
            done
            for start in 'GET /' "$(many 8194)@"; do
                refused 414 'request line too long' "$start$(many "$n")$end"
                in_two 414 'request line too long' "$start" "$(many "$n")$end"
            done
        done
    done
    nothing_after
}

@test "a head may have 100 headers" {
    start_server
    local n
    for n in 1 98 99; do        # Host is one more.
        answered 200 '' "$GET$(many "$n" | sed 's/a/A: b\\r\\n/g')\\r\\n"
    done
    for n in 100 101 2000; do
        refused 431 'too many headers' \
            "$GET$(many "$n" | sed 's/a/A: b\\r\\n/g')\\r\\n"
    done
    nothing_after
}

@test "a head may have 32768 bytes, or what --max-header-size says" {
    local limit n lines
    for limit in 32768 64 1000 4096 100000; do
        if [ "$limit" -eq 32768 ]; then start_server
        else start_server --max-header-size="$limit"; fi
        for n in $((limit - 1)) "$limit"; do
            answered 200 'Hello, world' "$(head_of "$n")"
        done
        for n in $((limit + 1)) $((limit + 5000)); do
            refused 431 'headers too long' "$(head_of "$n")"
        done
        # An empty line before the request is no part of its head.
        lines='\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n'
        answered 200 'Hello, world' "$lines$(head_of "$limit")"
        refused 431 'headers too long' "$lines$(head_of $((limit + 1)))"
        answered 200 'Hello, world' "\\r\\n$(head_of "$limit")"
        refused 431 'headers too long' "\\r\\n$(head_of $((limit + 1)))"
        nothing_after
        stop_server clean
    done
}

@test "eight empty lines before a request mean nothing, nine are refused" {
    start_server
    local lines='' n
    for n in 1 2 3 4 5 6 7 8; do
        lines="$lines\\r\\n"
        answered 200 'Hello, world' "$lines$GET\\r\\n"
    done
    refused 400 'too many empty lines' "$lines\\r\\n$GET\\r\\n"
    refused 400 'too many empty lines' "$(many 20000 | sed 's/a/\\r\\n/g')"
    nothing_after

    # Each request has eight of its own.
    client send "$lines$GET\\r\\n$lines$GET\\r\\n$lines$GET\\r\\n" shutdown \
        read > "$TMP/out"
    [ "$(grep -ao 'HTTP/1.1 200' "$TMP/out" | wc -l)" -eq 3 ]

    # Those behind the last request ask for nothing.
    client send "$GET\\r\\n$lines" shutdown read > "$TMP/out"
    [ "$(grep -ao 'HTTP/1.1 ...' "$TMP/out")" = 'HTTP/1.1 200' ]
}

@test "what can never become a request is refused when it is seen" {
    start_server --header-timeout=600
    table endless <<'END'
400 malformed request line
    \x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03
    \x80\x2e\x01
    \x00
    G\x00
    {
     GET
    GE(
    \r\n\x16\x03
    \rG
    SSH-2.0-OpenSSH_9.2\r\n
    GET /\r\n
    GET / HTTP/1.1 x\r\n
    GET / HTTP/1.x\r\n
    GET /\xe9 HTTP/1.1\r\n
    GET /\xe9 HTTP/1.1\r\nHost: x\r\n
400 a line does not end with CR LF
    GET / HTTP/1.1\n
400 malformed request target
    GET hello HTTP/1.1\r\n
    GET http://a%zz/ HTTP/1.1\r\n
501 CONNECT is for proxies
    CONNECT x:80 HTTP/1.1\r\n
505 only HTTP/1.0 and HTTP/1.1 are spoken here
    GET / HTTP/9.9\r\n
    PRI * HTTP/2.0\r\n
END
    endless 414 'request line too long' "GET /$(many 8200)"

    # What may still become one is waited for.
    client send 'G' pause 100 send 'ET / HTTP/1.1\r' pause 100 send '\nHost: x\r\n' \
        pause 100 send '\r\n' readuntil 'Hello, world' > "$TMP/out"
}

@test "a HEAD is refused without a page" {
    start_server
    local request
    for request in '/#a HTTP/1.1\r\nHost: x\r\n' '/ HTTP/1.1\r\n' '/\r\n' '/ HTTP/1.0\r\n a\r\n' \
        '/ HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n' '/\xe9 HTTP/1.1\r\n'; do
        client send "HEAD $request\\r\\n$NEXT" read > "$TMP/out"
        grep -q '^HTTP/1.1 400 ' "$TMP/out"
        grep -q '^Content-Length: [1-9]' "$TMP/out"
        [ "$(tail -c 4 "$TMP/out" | tr '\r\n' rn)" = rnrn ] || { echo "$request"; false; }
    done
    nothing_after
}

@test "a client that is refused after good requests has had their answers" {
    start_server
    client send "$GET\\r\\nGET /hello/a HTTP/1.1\\r\\nHost: x\\r\\n\\r\\nBAD\\r\\n\\r\\n$NEXT" \
        read > "$TMP/out"
    [ "$(grep -ao 'HTTP/1.1 ...' "$TMP/out" | xargs)" = \
        'HTTP/1.1 200 HTTP/1.1 200 HTTP/1.1 400' ]
    nothing_after
}

@test "a request in two pieces gets the answer it gets in one, wherever the cut is" {
    start_server --log=none
    local text request rest i want got
    for text in '\r\n\r\nGET /headers?y HTTP/1.1\r\nHost: x\r\nA:  b \r\n\r\n' \
        'POST /form?q=1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\na=%41&b=+2+HEAD / HTTP/1.0\r\n\r\n' \
        'GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n' \
        'GET / HTTP/1.1\r\nHost: x\r\nA: b\nB: c\r\n\r\n' \
        'GET /\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n' \
        'GET / HTTP/1.1\nHost: x\n\n' \
        '\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n'; do
        request=$(printf '%b.' "$text") request=${request%.}
        want=$(client send "$request" shutdown read | sed '/^Date: /d')
        [[ $want == "HTTP/1.1 "* ]] || false
        for i in $(seq ${#request}); do
            # A dash would begin an option of the client.
            rest=${request:i}
            [[ $rest != -* ]] || rest="\\x2d${rest#-}"
            got=$(client send "${request:0:i}" pause 2 send "$rest" \
                shutdown read | sed '/^Date: /d')
            [ "$got" = "$want" ] || wrong "cut at $i" "$text" "$got"
        done
    done
}
