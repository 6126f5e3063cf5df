# The body of a request: its length, its methods, and what is in it.

setup()    { load helper; load tables; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

POST='POST /echo HTTP/1.1\r\nHost: x\r\n'
EXPECT='Expect: 100-continue\r\n'
URLENCODED='application/x-www-form-urlencoded'

# refused STATUS WHY REQUEST: there is one answer, whole, with no 100 before
# it, and the connection ends.
refused() {
    local answer head body length
    answer=$(client send "$3$NEXT$NEXT" read < /dev/null) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    head=${answer%%$'\r\n\r\n'*} body=${answer#*$'\r\n\r\n'}
    [[ $head == "HTTP/1.1 $1 "*$'\r\nConnection: close'* ]] ||
        wrong "not $1 and the end" "$3" "$answer" || return 1
    length=${head#*$'\r\nContent-Length: '} length=${length%%$'\r'*}
    [ "$length" = "${#body}" ] ||
        wrong "length $length and not ${#body}" "$3" "$answer" || return 1
    [[ $body == *"$1: "*"($2)</body>"* ]] ||
        wrong "not a word of '$2'" "$3" "$answer"
}

# answered STATUS BODY REQUEST: this is the answer, and the request behind it,
# which is served too, begins where it should.
answered() {
    local answer head rest length
    answer=$(client send "$3HEAD /hello/then HTTP/1.0\\r\\n\\r\\n" read < /dev/null) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    head=${answer%%$'\r\n\r\n'*} rest=${answer#*$'\r\n\r\n'}
    length=${head#*$'\r\nContent-Length: '} length=${length%%$'\r'*}
    [[ $head == "HTTP/1.1 $1 "* ]] ||
        wrong "not $1" "$3" "$answer" || return 1
    # shellcheck disable=SC2053 # It is a pattern.
    [[ ${rest:0:$length} == $2 ]] ||
        wrong "not '$2'" "$3" "$answer" || return 1
    [[ ${rest:$length} == "HTTP/1.1 200 "*$'\nContent-Length: 11\r\n'* ]] ||
        wrong "the next request is not served" "$3" "$answer"
}

nothing_after() { ! grep -F /next "$SERVER_LOG" || return 1; }

# posted TYPE BODY [PATH]: posts it; the answer's body is in $TMP/out, what is
# said about it on standard output is its status.
posted() {
    printf '%b' "$2" > "$TMP/body"
    http -o "$TMP/out" -w '%{http_code}' -H "Content-Type: $1" -H 'Expect:' \
        --data-binary @"$TMP/body" "$URL${3:-/form}"
}

# found WANT TYPE BODY [PATH]: the server finds these lines in it.
found() {
    [ "$(posted "${@:2}")" = 200 ] || wrong "no 200" "$3" "$(cat "$TMP/out")" || return 1
    printf '%b' "$1" | cmp - "$TMP/out" || wrong "not $1" "$3" "$(cat "$TMP/out")"
}

# unfit WHY TYPE BODY: this is no form of that type.
unfit() {
    [ "$(posted "${@:2}")" = 400 ] || wrong "no 400" "$3" "$(cat "$TMP/out")" || return 1
    grep -qF "($1)" "$TMP/out" || wrong "not '$1'" "$3" "$(cat "$TMP/out")"
}

# parts CONTENT-DISPOSITION BODY ...: a form in parts.
parts() {
    while [ $# -gt 0 ]; do
        printf '%s' "--B\\r\\nContent-Disposition: $1\\r\\n\\r\\n$2\\r\\n"
        shift 2
    done
    printf '%s' '--B--\r\n'
}
MULTIPART='multipart/form-data; boundary=B'

@test "a length is digits and nothing else" {
    start_server
    table refused "${POST}Content-Length:" '\r\n\r\nabcdef' <<'END'
400 malformed Content-Length
    
     \t
     +5
     -5
     -0
     0x5
     5x
     x5
     5_0
     5.0
     5e0
     5 5
     5;
     "5"
     five
     \xd9\xa5
     ,
     ,5
     5,
     5,,5
     5,6
     5, -5
     5, five
     6,5,5
413 body too long
     16777217
     4294967295
     4294967296
     9223372036854775807
     9223372036854775808
     18446744073709551615
     18446744073709551616
     18446744073709551621
     184467440737095516160
     340282366920938463463374607431768211461
     99999999999999999999, 99999999999999999999
END
    nothing_after
    table answered "${POST}Content-Length:" '\r\n\r\nabcde' <<'END'
200 abcde
     5
    5
     \t5 \t
     005
     00000000000000000000000000000000000000005
     5,5
     5, 5
     5 ,\t5 , 05
END
    table answered "${POST}Content-Length:" '\r\n\r\n' <<'END'
200 
     0
     000
     0, 0
END
}

@test "a length said twice is taken if it is the same, and else refused" {
    start_server
    table refused "$POST" '\r\nabcdef' <<'END'
400 malformed Content-Length
    Content-Length: 5\r\nContent-Length: 6\r\n
    Content-Length: 6\r\nA: b\r\ncontent-length: 5\r\n
    Content-Length: 5\r\nContent-Length:\r\n
    Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 0\r\n
    Content-Length: 5\r\nContent-Length: 5, 6\r\n
END
    nothing_after
    table answered "$POST" '\r\nabcde' <<'END'
200 abcde
    Content-Length: 5\r\nContent-Length: 5\r\n
    Content-Length: 5\r\nA: b\r\ncontent-length: 05\r\nCONTENT-LENGTH: 5, 5\r\n
END
}

@test "both a length and a coding are one too many" {
    start_server
    table refused "$POST" '\r\n0\r\n\r\n' <<'END'
400 both Content-Length and Transfer-Encoding
    Content-Length: 5\r\nTransfer-Encoding: chunked\r\n
    Transfer-Encoding: chunked\r\nContent-Length: 5\r\n
    transfer-encoding: CHUNKED\r\ncontent-length: 0\r\n
    Transfer-Encoding: x\r\nContent-Length: 5\r\n
    Transfer-Encoding:\r\nContent-Length: 5\r\n
    Content-Length: 5\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n
END
    table refused <<'END'
400 both Content-Length and Transfer-Encoding
    GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n
    POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n
END
    nothing_after
}

@test "an unknown transfer coding is refused, never guessed at" {
    start_server
    table refused "$POST" '\r\n0\r\n\r\n' <<'END'
501 unknown Transfer-Encoding
    Transfer-Encoding: gzip\r\n
    Transfer-Encoding: identity\r\n
    Transfer-Encoding:\r\n
    Transfer-Encoding: xchunked\r\n
    Transfer-Encoding: gzip\r\nExpect: 100-continue\r\n
END
    table refused <<'END'
501 unknown Transfer-Encoding
    GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n
END
    nothing_after
}

@test "a client that asks to send too much is refused before anything else is said" {
    start_server --max-body-size=1000
    local n
    for n in 999 1000; do
        answered 200 "$(many "$n")" "${POST}Content-Length: $n\\r\\n\\r\\n$(many "$n")"
    done
    for n in 1001 1000000 99999999999999999999; do
        refused 413 'body too long' "${POST}Content-Length: $n\\r\\n\\r\\n$(many 2000)"
        refused 413 'body too long' "${POST}Content-Length: $n\\r\\n$EXPECT\\r\\n"
        refused 413 'body too long' "GET / HTTP/1.0\\r\\nContent-Length: $n\\r\\n\\r\\n"
    done
    nothing_after
    stop_server clean
    start_server --max-body-size=0
    answered 200 '' "${POST}Content-Length: 0\\r\\n\\r\\n"
    answered 200 'Hello, world' 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
    refused 413 'body too long' "${POST}Content-Length: 1\\r\\n\\r\\na"
}

@test "a client that asks before it sends is told to go on, once" {
    start_server
    local expect
    for expect in 100-continue 100-Continue 100-CONTINUE; do
        client send "${POST}Content-Length: 3\\r\\nexpect: $expect\\r\\n\\r\\n" \
            readuntil '\r\n\r\n' send abc readuntil abc > "$TMP/out"
        printf 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n' > "$TMP/want"
        head -n 3 "$TMP/out" | cmp - "$TMP/want"
        [ "$(grep -c '^HTTP' "$TMP/out")" -eq 2 ]
    done

    # A client without a body does not wait for a 100, and a client of HTTP/1.0
    # does not know it.
    answered 200 '' "${POST}$EXPECT\\r\\n"
    answered 200 '' "${POST}Content-Length: 0\\r\\n$EXPECT\\r\\n"
    answered 200 'Hello, world' "GET / HTTP/1.1\\r\\nHost: x\\r\\n$EXPECT\\r\\n"
    table answered 'POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n' '\r\nabc' <<'END'
200 abc
    Expect: 100-continue\r\n
    Expect: tea\r\n
END
}

@test "other expectations are not met" {
    start_server
    table refused "${POST}Content-Length: 3\\r\\n" '\r\nabc' <<'END'
417 unknown expectation
    Expect: tea\r\n
    Expect:\r\n
    Expect: 100\r\n
    Expect: 100-continued\r\n
    Expect: x100-continue\r\n
    Expect: 100-continue, tea\r\n
    Expect: 100-continue\r\nExpect: tea\r\n
END
    refused 417 'unknown expectation' 'GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n'

    # What is wrong with the length is the greater wrong.
    refused 413 'body too long' "${POST}Content-Length: 16777217\\r\\nExpect: tea\\r\\n\\r\\n"
    nothing_after
}

@test "a body comes back byte for byte, whatever its size" {
    start_server --log=none
    local n
    head -c 70000 /dev/urandom > "$TMP/random"
    for n in 0 1 1023 1024 1025 $(seq 4060 4100) 8191 8192 16384 32767 32768 \
        65535 65536 65537; do
        head -c "$n" "$TMP/random" > "$TMP/body"

        # Head and body at once, and the body by itself.
        { printf "${POST}Content-Length: %d\r\n\r\n" "$n"; cat "$TMP/body"; } > "$TMP/request"
        client file "$TMP/request" shutdown read > "$TMP/out"
        tail -c "$n" "$TMP/out" | cmp - "$TMP/body"
        grep -aq "^Content-Length: $n.\$" "$TMP/out"
        client send "${POST}Connection: close\\r\\nContent-Length: $n\\r\\n$EXPECT\\r\\n" \
            pause 1 file "$TMP/body" read > "$TMP/out"
        tail -c "$n" "$TMP/out" | cmp - "$TMP/body"
        grep -aq "^Content-Length: $n.\$" "$TMP/out"
    done
}

@test "a body may have sixteen mebibytes and no byte more" {
    start_server
    head -c 16777217 /dev/urandom > "$TMP/more"
    head -c 16777216 "$TMP/more" > "$TMP/body"
    http -T "$TMP/body" "$URL/echo" > "$TMP/out"
    cmp "$TMP/body" "$TMP/out"
    refused 413 'body too long' "${POST}Content-Length: 16777217\\r\\n\\r\\n$(many 5000)"
    [ "$(http -o "$TMP/out" -w '%{http_code}' -T "$TMP/more" "$URL/echo")" = 413 ]
    [ "$(http "$URL/")" = 'Hello, world' ]
}

@test "two bodies one behind the other are not mixed up" {
    start_server --log=none
    local n
    for n in 1 4072 4073 65536; do
        head -c "$n" /dev/urandom > "$TMP/a"
        head -c "$n" /dev/urandom > "$TMP/b"
        { for i in a b; do
            printf "${POST}Content-Length: %d\r\n\r\n" "$n"; cat "$TMP/$i"
        done; } > "$TMP/request"
        client file "$TMP/request" shutdown readuntil '\r\n\r\n' readn "$n" \
            readuntil '\r\n\r\n' readn "$n" > "$TMP/out"
        [ "$(grep -ac '^Content-Length: ' "$TMP/out")" -eq 2 ]
        tail -c "$n" "$TMP/out" | cmp - "$TMP/b"
        head -c $(($(wc -c < "$TMP/out") / 2)) "$TMP/out" | tail -c "$n" | cmp - "$TMP/a"
    done
}

@test "a body that never becomes whole is never served" {
    start_server
    client send "${POST}Content-Length: 3\\r\\n\\r\\nab" shutdown count > "$TMP/out"
    [ "$(cat "$TMP/out")" = 0 ]
    client send "POST /form HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 70000\\r\\n\\r\\n" \
        repeat 69999 a shutdown count > "$TMP/out"
    [ "$(cat "$TMP/out")" = 0 ]
    [ "$(http "$URL/")" = 'Hello, world' ]
    ! grep POST "$SERVER_LOG" || false
}

@test "every method may have a body, and it is not taken for a request" {
    start_server
    table answered '' '\r\nHost: x\r\nContent-Length: 34\r\n\r\nGET /next HTTP/1.1\r\nHost: abcd\r\n\r\n' <<'END'
200 Hello, world
    GET / HTTP/1.1
200 GET /next HTTP/1.1*
    POST /echo HTTP/1.1
    PUT /echo HTTP/1.1
405 *405: Method Not Allowed*
    DELETE / HTTP/1.1
    GET /echo HTTP/1.1
404 *404: Not Found*
    GET /nowhere HTTP/1.1
501 *501: Not Implemented*
    BREW / HTTP/1.1
END
    client send 'HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcHEAD / HTTP/1.0\r\n\r\n' \
        read > "$TMP/out"
    [ "$(grep -c '^HTTP/1.1 200' "$TMP/out")" -eq 2 ]
    nothing_after
}

@test "an echo has the type of what it echoes" {
    start_server
    local type
    for type in text/plain application/json 'multipart/form-data; boundary=x' \
        "$URLENCODED" 'x/y; z="q\r"' nonsense; do
        http -D "$TMP/head" -H "Content-Type: $type" -d '{%zz&=' "$URL/echo" > "$TMP/out"
        [ "$(cat "$TMP/out")" = '{%zz&=' ]
        grep -qF "Content-Type: $type" "$TMP/head"
    done
    http -D "$TMP/head" -H 'Content-Type:' -d abc "$URL/echo" > "$TMP/out"
    grep -q '^Content-Type: application/octet-stream' "$TMP/head"
}

@test "fields are found in a line of them, with their signs undone" {
    start_server
    found 'a=1\nb=2\n' "$URLENCODED" 'a=1&b=2'
    found 'a= \n' "$URLENCODED" 'a=+'
    found 'a=b c+d\n' "$URLENCODED" 'a=b+c%2Bd'
    found 'a b=c d\n' "$URLENCODED" 'a+b=c%20d'
    found ' a=1\n' "$URLENCODED" '+a=1'
    found 'a=A%%41\n' "$URLENCODED" 'a=%41%25%2541'
    found 'a=\0303\0266\n' "$URLENCODED" 'a=%C3%b6'
    found 'a=\0377\n' "$URLENCODED" 'a=\xff'
    found 'a=&=b\n' "$URLENCODED" 'a=%26%3Db'
    found 'a=b=c\n' "$URLENCODED" 'a=b=c'
    found 'a==\n' "$URLENCODED" 'a=='
    found 'a;b=c;d\n' "$URLENCODED" 'a;b=c;d'
    found '=a\n' "$URLENCODED" '=a'
    found 'a=1\r\nb: 2\n' "$URLENCODED" 'a=1%0d%0ab:+2'

    # A bad percent sign stands for itself.
    found 'a=%\n' "$URLENCODED" 'a=%'
    found 'a=%4\n' "$URLENCODED" 'a=%4'
    found 'a=%4%41\n' "$URLENCODED" 'a=%4%2541'
    found 'a=%zz%4g% 1\n' "$URLENCODED" 'a=%zz%4g%+1'
    found 'a=%%41\n' "$URLENCODED" 'a=%%%341'

    # NUL is a byte like others, in values and in names.
    found 'a=b\0000c\n' "$URLENCODED" 'a=b%00c'
    found 'a=b\0000c\n' "$URLENCODED" 'a=b\0000c'
    found 'a\0000b=1\n3\na=2\n' "$URLENCODED" 'a%00b=1%0a3&a=2'

    # Without a value there is no field.
    found '' "$URLENCODED" ''
    found '' "$URLENCODED" 'a'
    found '' "$URLENCODED" 'a=&b&=&&&'
    found 'b=1\n' "$URLENCODED" 'a=&&b=1&a'

    # In the order of first appearance, the query's before the body's.
    found 'c=0\nc=2\na=9\na=1\nb=3\n' "$URLENCODED" 'a=1&c=2&b=3' '/form?c=0&a=9'
    [ "$(http "$URL/form?a=1&b=%20+2&a=3&c")" = $'a=1\na=3\nb=  2' ]
}

@test "a form says that it is one, and is posted" {
    start_server
    found 'a=1\n' "$URLENCODED" 'a=1'
    found 'a=1\n' "$URLENCODED; charset=utf-8" 'a=1'
    found 'a=1\n' 'Application/X-WWW-Form-URLencoded' 'a=1'
    found 'a=1\n' 'MULTIPART/form-data; boundary=B' "$(parts 'form-data; name=a' 1)"
    found '' text/plain 'a=1'
    found '' 'text/plain; application/x-www-form-urlencoded' 'a=1'
    found '' application/json 'a=1'
    found '' multipart/mixed 'a=1'
    found 'q=2\n' application/json 'a=1' '/form?q=2'
    client send 'POST /form HTTP/1.0\r\nContent-Length: 3\r\n\r\na=1' read > "$TMP/out"
    grep -q '^HTTP/1.1 200 ' "$TMP/out"
    ! grep -q a=1 "$TMP/out" || false

    # A GET has only the query.
    [ "$(http -X GET -d a=1 "$URL/form?q=2")" = q=2 ]
}

@test "a form may have a thousand fields, query and body together" {
    start_server --log=none
    local n fields
    fields=$(many 1001 | sed 's/a/\&a=1/g') fields=${fields#&}
    for n in 999 1000; do
        [ "$(posted "$URLENCODED" "${fields:0:$((4 * n - 1))}")" = 200 ]
        [ "$(grep -c '^a=1$' "$TMP/out")" -eq "$n" ]
    done
    unfit 'too many form fields' "$URLENCODED" "$fields"
    [ "$(posted "$URLENCODED" "${fields:0:3995}" '/form?b=1')" = 200 ]
    [ "$(posted "$URLENCODED" "${fields:0:3999}" '/form?b=1')" = 400 ]
    [ "$(posted "$URLENCODED" "$(many 1000 '&')")" = 200 ]
    unfit 'too many form fields' "$URLENCODED" "$(many 1001 '&')"
    [ "$(http -o "$TMP/out" -w '%{http_code}' "$URL/form?${fields:0:3999}")" = 200 ]
    [ "$(grep -c '^a=1$' "$TMP/out")" -eq 1000 ]
    refused 400 'too many form fields' "GET /?$fields HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"

    # To all others it is just a body.
    [ "$(posted "$URLENCODED" "$fields" /echo)" = 200 ]
}

@test "a thousand names that are almost the same are told apart" {
    start_server --log=none
    awk 'BEGIN { for (i = 0; i < 1000; i++)
        printf "%s%0800d=1", (i ? "&" : ""), i }' > "$TMP/body"
    http --data-binary @"$TMP/body" -H "Content-Type: $URLENCODED" -H 'Expect:' \
        "$URL/form" > "$TMP/out"
    tr '&' '\n' < "$TMP/body" > "$TMP/want"
    echo >> "$TMP/want"
    cmp "$TMP/want" "$TMP/out"
}

@test "a form in parts has its names in quotes or not, and with escapes" {
    start_server
    found 'a=1\n' "$MULTIPART" "$(parts 'form-data; name=a' 1)"
    found 'a=1\n' "$MULTIPART" "$(parts 'form-data; name="a"' 1)"
    found 'a=1\n' "$MULTIPART" "$(parts 'Form-Data;NAME="a"' 1)"
    found 'a=1\n' "$MULTIPART" "$(parts 'form-data; x=y; name=a; z' 1)"
    found 'a=1\n' "$MULTIPART" "$(parts 'form-data; x="\\"; name=\\"no"; name=a' 1)"
    found 'a=1\n' "$MULTIPART" "$(parts 'form-data; xname=no; name=a; namex=no' 1)"
    found 'a;b=1\n' "$MULTIPART" "$(parts 'form-data; name="a;b"' 1)"
    found 'a"b=1\n' "$MULTIPART" "$(parts 'form-data; name="a\\"b"' 1)"
    found 'a\\b=1\n' "$MULTIPART" "$(parts 'form-data; name="a\\\\b"' 1)"
    found 'a\\nb=1\n' "$MULTIPART" "$(parts 'form-data; name="a\\nb"' 1)"
    found 'a b=1\n' "$MULTIPART" "$(parts 'form-data; name="a b"' 1)"
    found '\0303\0266=1\n' "$MULTIPART" "$(parts 'form-data; name="\xc3\xb6"' 1)"
    found '=1\n' "$MULTIPART" "$(parts 'form-data; name=""' 1)"

    # Nothing is undone in what is not coded; a name without a value stays.
    found 'a%41+=%41+&b=2\n' "$MULTIPART" "$(parts 'form-data; name="a%41+"' '%41+&b=2')"
    found 'a=\n' "$MULTIPART" "$(parts 'form-data; name=a' '')"
    found 'a=\r\n\n' "$MULTIPART" "$(parts 'form-data; name=a' '\r\n')"
    found 'a=\0000\0001\xff\n' "$MULTIPART" "$(parts 'form-data; name=a' '\0000\0001\xff')"
    found 'b=0\na=1\na=3\nc=2\n' "$MULTIPART" "$(parts 'form-data; name=a' 1 \
        'form-data; name=c' 2 'form-data; name=a' 3)" '/form?b=0'
}

@test "blanks may stand around the semicolon of a part's parameters" {
    start_server
    found 'a=1\n' "$MULTIPART" "$(parts 'form-data ; name=a' 1)"
    found 'a=1\n' "$MULTIPART" "$(parts 'form-data\t;\tname="a" \t; x=y' 1)"
    found 'f x application/unknown 1\n' "$MULTIPART" \
        "$(parts 'form-data ; name="f" ; filename="x"' 1)" /upload
    local disposition
    for disposition in 'form-datax; name=a' 'form-data x; name=a' 'form-data, name=a' 'form-data name=a'; do
        unfit 'malformed multipart: a part without a name' "$MULTIPART" "$(parts "$disposition" 1)"
    done
}

@test "a file whose name is in the extended form only is a file" {
    start_server
    local f='form-data; name=f; filename' name
    found 'f x.txt application/unknown 3\n' "$MULTIPART" "$(parts "$f*=UTF-8''x.txt" abc)" /upload
    found 'f \0303\0244 b application/unknown 1\n' "$MULTIPART" "$(parts "$f*=utf-8'de'%c3%A4%20b" 1)" /upload
    found '' "$MULTIPART" "$(parts "$f*=UTF-8''x.txt" abc)"
    found 'f plain application/unknown 1\n' "$MULTIPART" \
        "$(parts "$f*=UTF-8''extended; filename=plain" 1)" /upload
    for name in x "UTF-8'x" "'x" "''x" "iso-8859-1''%e4" "UTF-8''a%00b" "UTF-8''a%0d%0ab" "UTF-8''%1b"; do
        unfit 'malformed multipart: a file name that is not UTF-8' "$MULTIPART" "$(parts "$f*=$name" 1)"
    done
}

@test "what stands before the first and behind the last part means nothing" {
    start_server
    local form
    form=$(parts 'form-data; name=a' 1)
    found 'a=1\n' "$MULTIPART" "$form"
    found 'a=1\n' "$MULTIPART" "${form%\\r\\n}"
    found 'a=1\n' "$MULTIPART" "\\r\\n$form"
    found 'a=1\n' "$MULTIPART" "preamble\\r\\n$form"
    found 'a=1\n' "$MULTIPART" "--A --B\\r\\n$form"
    found 'a=1\n' "$MULTIPART" "${form}epilogue"
    found 'a=1\n' "$MULTIPART" "$form$(parts 'form-data; name=b' 2)"
    found 'a=1\n' "$MULTIPART" "${form/--B/--B \\t}"
    found '' "$MULTIPART" '--B--'
    found '' "$MULTIPART" 'preamble\r\n--B--epilogue'
}

@test "a boundary counts only where a line begins" {
    start_server
    found 'a=1--B2\n' "$MULTIPART" "$(parts 'form-data; name=a' '1--B2')"
    found 'a=1\n--B\n2\n' "$MULTIPART" "$(parts 'form-data; name=a' '1\n--B\n2')"
    found 'a=1\r\n-B--\r\n--C\n' "$MULTIPART" "$(parts 'form-data; name=a' '1\r\n-B--\r\n--C')"
    found 'a=1\r\n--\n' "$MULTIPART" "$(parts 'form-data; name=a' '1\r\n--')"

    # At the beginning of a line it is one, so what follows must fit.
    unfit 'malformed multipart: bad delimiter line' "$MULTIPART" \
        "$(parts 'form-data; name=a' '1\r\n--Bad')"

    # And it may be quoted, and be almost anything.
    local form boundary
    form=$(parts 'form-data; name=a' 1)
    found 'a=1\n' 'multipart/form-data; boundary="B"' "$form"
    found 'a=1\n' 'multipart/form-data; x="; boundary=C"; Boundary=B; y=z' "$form"
    for boundary in 'a;b' 'a b' '--' "'()+_,-./:=?" "$(many 70)" "$(many 200)"; do
        found 'a=1\n' "multipart/form-data; boundary=\"$boundary\"" "${form//--B/--$boundary}"
    done
    for form in '' '; boundary=' '; boundary=""' '; Xboundary=B' \
        "; boundary=$(many 201)"; do
        unfit 'malformed multipart: no boundary' "multipart/form-data$form" \
            "$(parts 'form-data; name=a' 1)"
    done
}

@test "a form in parts that is not whole is refused, and not taken in part" {
    start_server
    local head='Content-Disposition: form-data; name=a\r\n\r\n' body
    for body in '' x '--B' '--' '--B-' "--B\\r\\n${head}1" "--B\\r\\n${head}1\\r\\n" \
        "--B\\r\\n${head}1--B--" "--B\\r\\n${head}1\\n--B--" \
        "--C\\r\\n${head}1\\r\\n--C--" "--B\\r\\n${head}1\\r\\n--B\\r\\n"; do
        [ "$(posted "$MULTIPART" "$body")" = 400 ] || wrong 'no 400' "$body"
        grep -q '(malformed multipart: ' "$TMP/out"
        ! grep -q 'a=1' "$TMP/out" || false
    done
    for body in "--B\\r\\n${head}1\\r\\n--B" "--Bx\\r\\n${head}1\\r\\n--B--" \
        "--B\\n${head}1\\r\\n--B--" "--B\\r\\n${head}1\\r\\n--B-"; do
        unfit 'malformed multipart: bad delimiter line' "$MULTIPART" "$body"
    done
    for body in '--B\r\n\r\n--B--' '--B\r\n--B--' "--B\\r\\n\\r\\n1\\r\\n--B--" \
        '--B\r\nContent-Disposition: form-data; name=a\r\n--B--' \
        "--B\\r\\nContent-Disposition: form-data; name=$(many 8200)\\r\\n\\r\\n1\\r\\n--B--"; do
        [ "$(posted "$MULTIPART" "$body")" = 400 ] || wrong 'no 400' "$body"
        grep -q '(malformed multipart: ' "$TMP/out"
    done
    for body in '--B\r\nA: b\r\n\r\n1\r\n--B--' "$(parts 'form-data' 1)" \
        "$(parts 'form-data; filename=a' 1)" "$(parts 'file; name=a' 1)" \
        "$(parts 'form-data; xname=a' 1)" "$(parts 'form-data; x="; name=a"' 1)"; do
        unfit 'malformed multipart: a part without a name' "$MULTIPART" "$body"
    done
    for body in ' folded' 'A : b' 'A' 'A: b\0000' "A: $(many 100 | sed 's/a/\\r\\nA: b/g')"; do
        unfit 'malformed multipart: bad header in a part' "$MULTIPART" \
            "--B\\r\\nContent-Disposition: form-data; name=a\\r\\n$body\\r\\n\\r\\n1\\r\\n--B--"
    done
}

@test "a form may have a hundred parts" {
    start_server --log=none
    local n part='--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n'
    for n in 99 100; do
        [ "$(posted "$MULTIPART" "$(many "$n" | sed "s/a/${part//\\/\\\\}/g")--B--")" = 200 ]
        [ "$(grep -c '^a=1$' "$TMP/out")" -eq "$n" ]
    done
    unfit 'too many multipart parts' "$MULTIPART" \
        "$(many 101 | sed "s/a/${part//\\/\\\\}/g")--B--"
}

@test "an upload is told as field, name, type and size" {
    start_server
    local f='form-data; name=f; filename'
    found 'f x.txt application/unknown 3\n' "$MULTIPART" "$(parts "$f=x.txt" abc)" /upload
    found 'f a b.txt application/unknown 0\n' "$MULTIPART" "$(parts "$f=\"a b.txt\"" '')" /upload
    found 'f a";\\b application/unknown 1\n' "$MULTIPART" "$(parts "$f=\"a\\\\\";\\\\b\"" 1)" /upload
    found 'f C:\\temp\\x application/unknown 1\n' "$MULTIPART" "$(parts "$f=\"C:\\\\temp\\\\x\"" 1)" /upload
    found 'f ../../x application/unknown 1\n' "$MULTIPART" "$(parts "$f=../../x" 1)" /upload
    found 'f x text/html; a=b 4\n' "$MULTIPART" \
        "--B\\r\\ncontent-TYPE:  text/html; a=b \\r\\nContent-Disposition: $f=x\\r\\n\\r\\n\\0000\\r\\n1\\r\\n--B--" /upload

    # Without the name of a file it is a field, like the others of a form.
    found 'f x application/unknown 1\ng y application/unknown 2\nf z application/unknown 3\n' \
        "$MULTIPART" "$(parts "$f=x" 1 'form-data; name=a' 2 \
        'form-data; name=g; filename=y' 22 "$f=\"\"" 4 "$f=z" 333)" /upload
    found 'a=2\nf=4\n' "$MULTIPART" "$(parts "$f=x" 1 'form-data; name=a' 2 "$f=\"\"" 4)"
    found '' "$URLENCODED" 'f=1' /upload

    # The size is that of the file, to the byte.
    local n
    for n in 0 1 4071 4072 4073 4096 65536 1000000; do
        head -c "$n" /dev/urandom > "$TMP/file"
        [ "$(http -H 'Expect:' -F "f=@$TMP/file;filename=x;type=a/b" "$URL/upload")" = \
            "f x a/b $n" ]
    done
}

# A body is in memory once, and not a second time at its end.
@test "a body that the options allow is taken, with a length and as one chunk" {
    start_server --max-body-size=268435456
    head -c 150000000 /dev/zero > "$TMP/body"
    http -w '%{http_code}' -H Expect: -H 'Content-Type: a/b' --data-binary @"$TMP/body" \
        "$URL/upload" > "$TMP/answer"
    [ "$(cat "$TMP/answer")" = 200 ]
    {
        printf 'POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
        printf 'Transfer-Encoding: chunked\r\n\r\n%x\r\n' 150000000
        cat "$TMP/body"
        printf '\r\n0\r\n\r\n'
    } > "$TMP/chunked"
    exec 8<> "/dev/tcp/127.0.0.1/$PORT"
    cat "$TMP/chunked" >&8
    head -n 1 <&8 > "$TMP/answer"
    exec 8>&-
    [ "$(head -n 1 "$TMP/answer" | tr -d '\r')" = "HTTP/1.1 200 OK" ]
}
