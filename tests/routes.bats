# Routes: what each address of the demonstration program answers, to whom,
# and what can never be put into its mouth.

setup()    { load helper; start_server; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

# ask METHOD PATH [OPTION...]: head and body of the answer, without CR.
ask() {
    local method=$1 path=$2
    shift 2
    [ "$method" != HEAD ] || set -- -I "$@"
    http -i -X "$method" --path-as-is "$@" "$URL$path" | tr -d '\r'
}

# status_is STATUS METHOD PATH [OPTION...]
status_is() {
    local want=$1 got
    shift
    got=$(ask "$@" | tr -d '\0' | sed -n '1s/^HTTP\/1.1 \([0-9]*\) .*/\1/p')
    [[ $got =~ ^($want)$ ]] || { echo "$*: $got and not $want" >&2; return 1; }
}

# body_is BODY PATH [OPTION...]: exactly, to the last byte; printf's escapes.
body_is() {
    local want=$1
    shift
    http --path-as-is "${@:2}" "$URL$1" > "$TMP/body"
    printf '%b' "$want" | cmp - "$TMP/body" ||
        { echo "$*: $(od -c "$TMP/body" | head -n 5)" >&2; return 1; }
}

# header NAME METHOD PATH [OPTION...]: its value in the answer.
header() { ask "${@:2}" | sed -n "/^\$/q;s/^$1: //p"; }

# --- what there is -----------------------------------------------------------

@test "every route answers, with its type" {
    while read -r method path type; do
        status_is 200 "$method" "$path"
        [ "$(header Content-Type "$method" "$path")" = "$type" ] ||
            { echo "$method $path: $(header Content-Type "$method" "$path")"
              return 1; }
    done << 'END'
GET / text/html; charset=UTF-8
HEAD / text/html; charset=UTF-8
GET /hello/x text/html; charset=UTF-8
HEAD /hello/x text/html; charset=UTF-8
GET /form?a=1 text/plain; charset=UTF-8
POST /form text/plain; charset=UTF-8
POST /upload text/plain; charset=UTF-8
GET /headers text/plain; charset=UTF-8
GET /whoami text/plain; charset=UTF-8
GET /slow?ms=0 text/plain; charset=UTF-8
GET /stream?n=1 text/plain; charset=UTF-8
POST /hello?name=x text/html; charset=UTF-8
END
}

@test "every answer has Date, Server and Content-Length" {
    while read -r method path; do
        ask "$method" "$path" | sed '/^$/q' > "$TMP/head"
        grep -qE '^Date: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} ([0-9]{2}:){2}[0-9]{2} GMT$' "$TMP/head"
        grep -q '^Server: .' "$TMP/head"
        [ "$(grep -cE '^(Content-Length: [0-9]+|Transfer-Encoding: chunked)$' "$TMP/head")" -eq 1 ] ||
            { echo "$method $path: $(cat "$TMP/head")"; return 1; }
    done << 'END'
GET /
HEAD /
POST /hello
DELETE /
GET /nope
GET /redirect
GET /error
GET /error/404
GET /slow?ms=0
GET /stream?n=0
GET /bytes?n=0
GET /slow?ms=x
BREW /
END
}

@test "what is not there is 404, however close" {
    for path in // /HELLO/x /hello/ /hell /hello/a/b /hello//x /form/ /error/ \
        /error/404/ /%2f /%00 /hello%2fx /hello%2Fx /%2568ello/x /.. /index.html /slow/ '/*'
    do
        status_is 404 GET "$path"
        status_is 404 POST "$path" -d a=b
    done
}

@test "a byte that needs no percent sign is the same with one, for every route" {
    for path in /%68ello/x /hell%6F/x /hell%6f/x /h%65ll%6f/%78 '/%68ello/x?%61=b'; do
        [ "$(http "$URL$path")" = 'Hello, x' ]
    done
    [ "$(http "$URL/hello/%7e%2d%5F%2E%30%5A%7A")" = 'Hello, ~-_.0Zz' ]
    [ "$(http "$URL/hello/%2541")" = 'Hello, %41' ]
    [ "$(http "$URL/hello/%25%34%31")" = 'Hello, %41' ]
    [ "$(http "$URL/hello/a%2Fb%3Fc")" = 'Hello, a/b?c' ]
    [ "$(http "$URL/hello/%4%zz%")" = 'Hello, %4%zz%' ]
    [ "$(http --path-as-is -o /dev/null -w '%{http_code}' "$URL/static/%2e%2e/README.md")" = 404 ]
}

@test "a method that a route does not have is 405, and Allow says which it has" {
    while read -r path allow; do
        for method in GET HEAD POST PUT DELETE OPTIONS; do
            case ",$allow," in *,$method,*) continue ;; esac
            status_is 405 "$method" "$path"
            got=$(header Allow "$method" "$path")
            got=$(tr -d ' ' <<< "$got" | tr , '\n' | sort | paste -sd , -)
            [ "$got" = "$allow" ] || { echo "$method $path: $got"; return 1; }
        done
    done << 'END'
/ GET,HEAD
/hello POST
/hello/x GET,HEAD
/form GET,HEAD,POST
/upload POST
/echo POST,PUT
/headers GET,HEAD
/whoami GET,HEAD
/slow GET,HEAD
/stream GET,HEAD
/bytes GET,HEAD
/redirect GET,HEAD
/error GET,HEAD
/error/404 GET,HEAD
END
}

@test "an unknown method is not implemented" {
    for method in BREW get GETX PATCHED M-SEARCH X; do
        status_is 501 "$method" /
        status_is '501|405|404' "$method" /nope
    done
    [ "$(http "$URL/")" = "Hello, world" ]
}

@test "the body of a refused method is not taken for a request" {
    client send 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n' \
        send 'GET /error/444 HTTP/1.1\r\n\r\n' \
        send 'GET /hello/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' \
        read > "$TMP/out"
    [ "$(grep -o 'HTTP/1.1 [0-9]*' "$TMP/out" | xargs)" = \
        "HTTP/1.1 405 HTTP/1.1 200" ]
}

@test "OPTIONS * is about the server as a whole" {
    run ask OPTIONS '' --request-target '*'
    [[ ${lines[0]} == "HTTP/1.1 204 "* ]] || false
    [[ $output == *"Allow: "*GET*POST* ]] || false
    [[ $output != *"Content-Length: "* ]] || false
    status_is 400 GET '' --request-target '*'
}

# --- HEAD ----------------------------------------------------------------------

@test "HEAD is the head of GET and nothing more, also when it is an error" {
    for path in / /hello/%3Cx%3E /nope; do
        client send "GET $path HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" \
            send 'GET /error/444 HTTP/1.1\r\nHost: a\r\n\r\n' \
            readuntil ' 444 ' | sed '/^Date:/d' > "$TMP/get"
        client send "HEAD $path HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" \
            send 'GET /error/444 HTTP/1.1\r\nHost: a\r\n\r\n' \
            readuntil ' 444 ' | sed '/^Date:/d' > "$TMP/head"
        grep ': ' "$TMP/head" | cmp - <(sed 's/<html>.*//' "$TMP/get" | grep ': ')

        # What follows the empty line is the next answer, and no body.
        [ "$(sed '1,/^\r$/d' "$TMP/head" | head -c 13)" = "HTTP/1.1 444 " ]
    done
    status_is 405 HEAD /echo

    # Neither chunks nor pieces of a body follow the head of an answer that
    # comes in several flushes.
    for path in '/stream?n=3' '/bytes?n=200000' '/slow?ms=1'; do
        client send "HEAD $path HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" \
            send 'GET /error/444 HTTP/1.1\r\nHost: a\r\n\r\n' \
            readuntil ' 444 ' > "$TMP/head"
        [ "$(sed '1,/^\r$/d' "$TMP/head" | head -c 13)" = "HTTP/1.1 444 " ]
    done
}

# --- Etag ------------------------------------------------------------------------

@test "a client that has the body already gets 304, in every form of the condition" {
    for path in / /hello/x /form /headers /whoami '/slow?ms=0'; do
        tag=$(header Etag GET "$path" -H 'If-None-Match: "x"')
        [[ $tag == \"*\" ]] || { echo "$path: no Etag"; return 1; }
        [ "$path" != /headers ] || continue # it shows the condition itself
        for known in "$tag" "W/$tag" "\"x\", $tag" "\"x\",W/$tag,\"y\"" \
            "\"a, b\" , $tag" ", ,$tag" '*'
        do
            run ask GET "$path" -H "If-None-Match: $known"
            [[ ${lines[0]} == "HTTP/1.1 304 "* ]] ||
                { echo "$path, $known: $output"; return 1; }
            [[ $output == *"Etag: $tag"* && $output != *Content-* ]] || false
        done
        for other in '"x"' "\"x$tag" "${tag%?}" "${tag#?}" "\"x${tag#?}" \
            "${tag%?}x\"" '"*"' '""' 'W/"x"' "\"x, $tag" '"*", "x"'
        do
            status_is 200 GET "$path" -H "If-None-Match: $other"
        done
    done
}

@test "conditions in two lines are one list" {
    tag=$(header Etag GET /)
    status_is 304 GET / -H 'If-None-Match: "x"' -H "If-None-Match: $tag"
    status_is 304 GET / -H "If-None-Match: $tag" -H 'If-None-Match: "x"'
    status_is 200 GET / -H 'If-None-Match: "x"' -H 'If-None-Match: "y"'
}

@test "HEAD has the Etag of GET and honours it" {
    tag=$(header Etag HEAD /hello/x)
    [ -n "$tag" ]
    [ "$tag" = "$(header Etag GET /hello/x)" ]
    [ "$tag" != "$(header Etag GET /hello/y)" ]
    status_is 304 HEAD /hello/x -H "If-None-Match: $tag"
    status_is 304 HEAD /hello/x -H 'If-None-Match: *'
    status_is 200 HEAD /hello/y -H "If-None-Match: $tag"
}

@test "an empty body has an Etag, too" {
    [ "$(header Content-Length GET /form)" = 0 ]
    tag=$(header Etag GET /form)
    [ -n "$tag" ]
    status_is 304 GET /form -H "If-None-Match: $tag"
    status_is 200 GET '/form?a=b' -H "If-None-Match: $tag"
}

@test "only a 200 to GET or HEAD can be known already" {
    status_is 404 GET /nope -H 'If-None-Match: *'
    status_is 500 GET /error -H 'If-None-Match: *'
    status_is 302 GET /redirect -H 'If-None-Match: *'
    status_is 400 GET '/slow?ms=x' -H 'If-None-Match: *'
    [ -z "$(header Etag GET /nope)$(header Etag POST /form)" ]
}

# --- names, and what can be hidden in them -----------------------------------------

@test "nothing in a name becomes markup" {
    body_is 'Hello, &amp;&lt;&gt;&quot;&#39;' '/hello/%26%3C%3E%22%27'
    body_is 'Hello, &amp;&#39;&lt;b&gt;' "/hello/&'<b>"
    body_is 'Hello, &amp;amp;' '/hello/%26amp;'
    body_is 'Hello, &lt;script&gt;' /hello -d 'name=%3Cscript%3E'
    body_is 'Hello, &quot;&gt;&#39;' /hello --data-urlencode "name=\">'"
}

@test "a name is decoded once, and is any bytes at all" {
    body_is 'Hello, J\xc3\xb6rg' '/hello/J%c3%B6rg'
    body_is 'Hello, J\xc3\xb6rg' "/hello/J"$'\xc3\xb6'rg
    body_is 'Hello, a/b' '/hello/a%2fb'
    body_is 'Hello, %2f' '/hello/%252f'
    body_is 'Hello, %41' '/hello/%2541'
    body_is 'Hello, a\0b' '/hello/a%00b'
    body_is 'Hello, \0' '/hello/%00'
    body_is 'Hello, \xff\xfe' '/hello/%ff%FE'
    body_is 'Hello, ..' '/hello/..'
    body_is 'Hello, ../..' '/hello/..%2f..'
    body_is 'Hello, a+b c' '/hello/a+b%20c'
    for broken in % %4 %zz %4g %%; do
        body_is "Hello, $broken" "/hello/$broken"
    done
    body_is 'Hello, %A' '/hello/%%41'
    [ "$(header Content-Length GET '/hello/a%00b')" = 10 ]
}

@test "a name with line breaks stays in the body" {
    body_is 'Hello, \r\n\r\nHTTP/1.1 200 OK\r\nX: y' \
        '/hello/%0d%0a%0d%0aHTTP%2f1.1%20200%20OK%0d%0aX:%20y'
    [ -z "$(header X GET '/hello/%0d%0aX:%20y')" ]
    ! ask HEAD '/hello/%0d%0aX:%20y' | grep '^X' || false
    ! ask GET '/nope%0d%0aX:%20y' | sed '/^$/q' | grep '^X' || false
    ! ask GET '/redirect?%0d%0aX:%20y' | sed '/^$/q' | grep '^X' || false
}

@test "no header can be smuggled through a Content-Type" {
    for bad in 'a\rX: y' 'a\nX: y' 'a\0' 'a\x01' 'a\x1b[31m' 'a\x7f' 'a\r\n X: y'; do
        client send 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n' \
            send "Content-Type: $bad\\r\\n\\r\\n" read > "$TMP/out"
        [[ $(head -n 1 "$TMP/out") == "HTTP/1.1 400 "* ]] ||
            { echo "$bad: $(cat "$TMP/out")"; return 1; }
        ! grep -a '^X' "$TMP/out" || false
    done
}

# --- targets -----------------------------------------------------------------------

@test "a whole URL is a target, and its host counts for more than Host" {
    run ask GET '' --request-target "http://x.example:81/whoami?a=b"
    [[ ${lines[0]} == "HTTP/1.1 200 OK" ]] || false
    [[ $output == *"host: x.example:81"* ]] || false
    body_is 'Hello, world' '' --request-target 'HTTP://a'
    body_is 'Hello, world' '' --request-target 'http://a?x=/hello/y'
    body_is 'a=b\n' '' --request-target 'http://[::1]:80/form?a=b'
    for bad in http:// http:///x 'http://a b/' http://a@b/ ftp://a/ a; do
        status_is 400 GET '' --request-target "$bad"
    done
}

# --- forms ---------------------------------------------------------------------------

@test "a form is its fields, in the order in which their names appear" {
    body_is 'a=1\na=3\nb=2\n' '/form?a=1&b=2&a=3'
    body_is 'a=1\na=3\nb=2\nc=4\n' '/form?a=1&b=2' -d 'a=3&c=4'
    body_is 'a=1 2+\nb=\xc3\xa9=&\n' '/form?a=1+2%2b&b=%c3%a9%3D%26'
    body_is 'a=1\na=1\n' '/form?a=1&a=1'
    body_is 'a=b=c\n' '/form?a=b=c'
    body_is 'a b=1\n' '/form?a+b=1'
    body_is 'a=%41\n' '/form?a=%2541'
}

@test "a field without a value is dropped" {
    body_is '' '/form?'
    body_is '' '/form?a&b=&&=&a='
    body_is 'c=1\n' '/form?a=&c=1&a'
    body_is 'c=1\n' /form -d '&&a=&c=1&'
}

@test "a form in parts says the same as one in a line" {
    body_is 'a=0\na=1\nb=2 +%41&\n' '/form?a=0' -F a=1 -F 'b=2 +%41&'
    body_is 'a=\n' /form -F a=
    status_is 400 POST /form -H 'Content-Type: multipart/form-data' -d x
    status_is 400 POST /form -H 'Content-Type: multipart/form-data; boundary=B' -d x
}

@test "a body that is no form is no mistake" {
    body_is 'a=1\n' '/form?a=1' -H 'Content-Type: text/plain' -d 'b=2'
    body_is 'a=1\n' '/form?a=1' -H 'Content-Type:' -d 'b=2'
    body_is 'b=2\n' /form -d 'b=2' \
        -H 'Content-Type: application/x-www-form-urlencoded; charset=UTF-8'
    body_is '' /upload -d 'a=1'
}

@test "of repeated fields the last one counts, and the body after the query" {
    body_is 'Hello, c' '/hello?name=a' -d 'name=b&name=c'
    body_is 'Hello, a' '/hello?name=a' -d 'other=c'
    body_is 'Hello, J' /hello -d 'name=%20%09J%0a'
    body_is 'slept 1 ms\n' '/slow?ms=60000&ms=1'
}

@test "a missing field is 400, and the page says which" {
    for body in '' other=x name= 'Name=x' 'name'; do
        run ask POST /hello -d "$body"
        [[ ${lines[0]} == "HTTP/1.1 400 "* && $output == *name* ]] ||
            { echo "$body: $output"; return 1; }
    done
}

# --- files, bodies, headers ------------------------------------------------------------

@test "an uploaded file is counted, whatever its bytes are" {
    printf '\r\n--x\0\xff\r\n' > "$TMP/odd name.bin"
    : > "$TMP/empty"
    head -c 300000 /dev/zero > "$TMP/big"
    body_is 'f odd name.bin image/png 9\nf empty text/x 0\ng big a/b 300000\n' \
        /upload -F "f=@$TMP/odd name.bin;type=image/png" \
        -F "f=@$TMP/empty;type=text/x" -F no=file -F "g=@$TMP/big;type=a/b"
}

@test "an echo is the same bytes, with the same type" {
    printf 'a\0b\r\n\r\n\xff%%' > "$TMP/bytes"
    head -c 1000000 /dev/urandom > "$TMP/big"
    : > "$TMP/empty"
    for method in POST PUT; do
        for file in bytes big empty; do
            rm -f "$TMP/head"
            http -X $method -H 'Content-Type: a/b; c="d"' -H Expect: \
                --data-binary "@$TMP/$file" -D "$TMP/head" "$URL/echo" |
                cmp - "$TMP/$file"
            grep -q '^Content-Type: a/b; c="d".$' "$TMP/head"
        done
    done
    [ "$(header Content-Type POST /echo -H $'Content-Type: \xe9' -d x)" = $'\xe9' ]
}

@test "headers are shown in order, in one spelling, and repeated ones joined" {
    client send 'GET /headers HTTP/1.1\r\nhOST: a:1\r\nx-fOO-bAR:1\r\nEmpty:\r\n' \
        send 'X:  two words \t\r\nX-FOO-BAR: 2,3\r\nx_y: \xe9\r\n' \
        send 'x-foo-bar:\r\nConnection: close\r\n\r\n' read |
        sed '1,/^\r$/d' > "$TMP/got"
    printf '%b' 'Host: a:1\nX-Foo-Bar: 1,2,3,\nEmpty: \nX: two words\n' \
        'X_y: \xe9\nConnection: close\n' | cmp - "$TMP/got"
}

@test "a client's address is the connection's, not what its headers say" {
    body_is 'remote_ip: 127.0.0.1\nprotocol: http\nhost: b.example:99\n' /whoami \
        -H 'Host: b.example:99' -H 'X-Real-Ip: 1.2.3.4' -H 'X-Scheme: https' \
        -H 'X-Forwarded-For: 1.2.3.4' -H 'X-Forwarded-Proto: https'
}

# --- other answers than 200 --------------------------------------------------------------

@test "a redirect goes to the front page" {
    run ask GET /redirect
    [[ ${lines[0]} == "HTTP/1.1 302 Found" ]] || false
    [[ $output =~ $'\nLocation: '(http://[^/]*)?/($'\n'|$) ]] || false
    [ "$(http -L "$URL/redirect")" = "Hello, world" ]
}

@test "every error status from 400 to 599 can be had, and the page says it" {
    http --fail-early --path-as-is -w '\n%{http_code}\n' "$URL/error/[400-599]" > "$TMP/out"
    grep -E '^[0-9]+$' "$TMP/out" > "$TMP/codes"
    seq 400 599 | cmp - "$TMP/codes"
    sed -n 's/.*<title>\([0-9]*\): [A-Z].*/\1/p' "$TMP/out" > "$TMP/codes"
    seq 400 599 | cmp - "$TMP/codes"
    status_is 500 GET /error
    for none in 399 600 40 4040 4x4 -404 +404 04 0404 404x; do
        status_is 404 GET "/error/$none"
    done
}

# --- numbers -------------------------------------------------------------------------------

@test "a sleep lasts 0 to 60000 milliseconds, and is a number" {
    body_is 'slept 0 ms\n' '/slow?ms=0'
    body_is 'slept 7 ms\n' '/slow?ms=007'
    for bad in 60001 x -1 %2B1 1.0 1e3 0x1 1x 99999999999999999999 \
        4294967296 18446744073709551616
    do
        status_is 400 GET "/slow?ms=$bad"
    done

    # Sixty seconds are allowed, but this test is not so patient.
    run client -t 1 send 'GET /slow?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n' readn 1
    [ "$status" -eq 3 ]
}

@test "a stream has as many lines as were asked for" {
    for n in 0 1 2 10 300; do
        http "$URL/stream?n=$n" > "$TMP/got"
        [ "$n" -eq 0 ] || seq -f 'line %g' "$n" | cmp - "$TMP/got"
        [ "$(wc -l < "$TMP/got")" -eq "$n" ]
        http --http1.0 "$URL/stream?n=$n" | cmp - "$TMP/got"
        [ "$n" -eq 0 ] ||
            [ "$(header Transfer-Encoding GET "/stream?n=$n")" = chunked ]
    done
    for bad in x -1 1.0 99999999999999999999; do
        status_is 400 GET "/stream?n=$bad"
    done
}

@test "of bytes there are as many as were asked for, up to a gibibyte" {
    for n in 0 1 65535 65536 65537 131072 1000000; do
        [ "$(header Content-Length GET "/bytes?n=$n")" = "$n" ] &&
            [ "$(http "$URL/bytes?n=$n" | wc -c)" -eq "$n" ] &&
            [ "$(http --http1.0 "$URL/bytes?n=$n" | wc -c)" -eq "$n" ] ||
            { echo "n=$n"; return 1; }
    done
    for bad in 1073741825 x -1 99999999999999999999; do
        status_is 400 GET "/bytes?n=$bad"
    done
    client send 'GET /bytes?n=1073741824 HTTP/1.1\r\nHost: a\r\n\r\n' \
        readuntil '\r\n\r\n' reset | grep -q '^Content-Length: 1073741824'
}

@test "all sorts of answers share a connection, in order" {
    for path in '/stream?n=3' '/bytes?n=70000' / '/slow?ms=20' /error/503 /form \
        '/bytes?n=0' '/stream?n=0' /redirect /nope '/slow?ms=0' /hello/z
    do
        printf 'GET %s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' "$path"
    done > "$TMP/questions"
    client send "$(cat "$TMP/questions")" shutdown read > "$TMP/out"
    [ "$(grep -ao 'HTTP/1.1 [0-9]*' "$TMP/out" | cut -d ' ' -f 2 | xargs)" = \
        "200 200 200 200 503 200 200 200 302 404 200 200" ]
    [ "$(tail -c 8 "$TMP/out")" = "Hello, z" ]
}

@test "a path that looks like a pattern is compared as any other path" {
    [ "$(http -g "$URL/hello/[^]+)")" = "Hello, [^]+)" ]
    for path in '/hello/([^/]+)' '/error/([45][0-9][0-9])' '/static/(.*)'; do
        [ "$(http -g -o /dev/null -w '%{http_code}' "$URL$path")" = 404 ]
    done
}

@test "a 400 says what was wrong with the request" {
    while read -r path why; do
        http --path-as-is "$URL$path" > "$TMP/page"
        grep -qF "400: Bad Request ($why" "$TMP/page" ||
            { echo "$path: $(cat "$TMP/page")"; return 1; }
    done << 'END'
/slow?ms=x ms is not a number from 0 to 60000)
/slow?ms=60001 ms is not a number from 0 to 60000)
/bytes?n=-1 n is not a number from 0 to 1073741824)
/work?n=x n is not a number from 0 to
/cookie/set?name=a Missing argument value)
/cookie/set?name=_xsrf&value=a not a valid cookie)
END
}
