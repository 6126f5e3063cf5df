# What requests and answers mean: methods, tags, dates, conditions, parts of
# files, bodies in chunks. http-requirements.md says which rule each of these
# tests is for.

setup()    { load helper; load tables; TMP=$BATS_TEST_TMPDIR; }
teardown() { [ -z "${SHM:-}" ] || rm -rf "$SHM"; stop_server clean; }

MODIFIED='Tue, 05 Mar 2024 06:07:08 GMT'
FILE=/static/ten.txt
CHUNKED='POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n'

# serve_files: a server, and a folder for it with one file in it.
serve_files() {
    mkdir "$TMP/files"
    printf 0123456789 > "$TMP/files/ten.txt"
    TZ=UTC touch -t 202403050607.08 "$TMP/files/ten.txt"
    start_server --static-path="$TMP/files"
}

# ask METHOD TARGET [HEADER...]: the answer's status is in STATUS, its head,
# without CR, in $TMP/head, and all that follows in $TMP/body.
ask() {
    local text="$1 $2 HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n" line
    for line in "${@:3}"; do text+="$line\\r\\n"; done
    client send "$text\\r\\n" read > "$TMP/answer" ||
        wrong "the client ended with $?" "$text" || return 1
    sed '/^.$/q' "$TMP/answer" | tr -d '\r' > "$TMP/head"
    sed '1,/^.$/d' "$TMP/answer" > "$TMP/body"
    STATUS=$(sed -n '1s/^HTTP\/1\.1 \([0-9]*\) .*/\1/p' "$TMP/head")
}

# is STATUS METHOD TARGET [HEADER...]: STATUS is a regular expression.
is() {
    local want=$1
    shift
    ask "$@" || return 1
    [[ $STATUS =~ ^($want)$ ]] ||
        wrong "$STATUS and not $want" "$*" "$(cat "$TMP/head")"
}

# value NAME: what the last answer says in that header; nothing, if it has none.
value() {
    awk -v name="$1:" 'tolower(substr($0, 1, length(name))) == tolower(name) {
        sub(/^[^:]*: */, ""); print }' "$TMP/head"
}
has() {
    [ "$(value "$1")" = "$2" ] ||
        wrong "$1 is '$(value "$1")' and not '$2'" "" "$(cat "$TMP/head")"
}
body_is() {
    printf '%s' "$1" | cmp - "$TMP/body" ||
        wrong "not '$1'" "$(cat "$TMP/body")" "$(cat "$TMP/head")"
}

# tag_of TARGET: its entity tag.
tag_of() { is 200 GET "$1" && value Etag; }

# refused STATUS WHAT REQUEST: there is one answer, the last one, and what
# follows the request is none. WHAT is for the reader.
refused() {
    local answer
    answer=$(client send "$3$NEXT$NEXT" read < /dev/null) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    [[ ${answer:0:13} =~ ^HTTP/1.1\ ($1)\ $ && ${answer#?*HTTP/1.1 } == "$answer" ]] ||
        wrong "not one $1" "$3" "$answer" || return 1
    [[ ${answer%%$'\r\n\r\n'*} == *$'\r\nConnection: close'* ]] ||
        wrong "no Connection: close" "$3" "$answer"
}
nothing_after() { ! grep -F /next "$SERVER_LOG" || return 1; }

# answered STATUS BODY REQUEST: this is the answer, and the request behind it,
# which is served too, begins where it should.
answered() {
    local answer head rest length
    answer=$(client send "$3HEAD /hello/then HTTP/1.0\\r\\n\\r\\n" read < /dev/null) ||
        wrong "the client ended with $?" "$3" "$answer" || return 1
    head=${answer%%$'\r\n\r\n'*} rest=${answer#*$'\r\n\r\n'}
    length=${head#*$'\r\nContent-Length: '} length=${length%%$'\r'*}
    [[ $head == "HTTP/1.1 $1 "* ]] || wrong "not $1" "$3" "$answer" || return 1
    [[ ${rest:0:$length} == "$2" ]] || wrong "not '$2'" "$3" "$answer" || return 1
    [[ ${rest:$length} == "HTTP/1.1 200 "*$'\nContent-Length: 11\r\n'* ]] ||
        wrong "the next request is not served" "$3" "$answer"
}

# --- every answer --------------------------------------------------------------

@test "an answer begins with a version, a status and a reason" {
    start_server
    local path
    for path in / /nope /redirect /error /error/418 /error/444 /error/599 '/stream?n=1'; do
        ask GET "$path"
        head -n 1 "$TMP/answer" | grep -qE '^HTTP/1\.1 [2-5][0-9][0-9] [ -~]+.$' ||
            wrong "$path" "" "$(cat "$TMP/head")"
    done
}

@test "an answer's head is names, colons and values, and no name stands twice" {
    start_server
    local target
    for target in 'GET /' 'HEAD /' 'GET /nope' 'GET /redirect' 'GET /error' 'PUT /' \
        'GET /stream?n=1' 'GET /bytes?n=1' 'BREW /' 'GET /slow?ms=x' 'OPTIONS *' \
        'GET /#a' 'GET /headers'; do
        # shellcheck disable=SC2086 # Method and target are two words.
        ask $target
        sed '1d;$d' "$TMP/head" > "$TMP/lines"
        [ -s "$TMP/lines" ]
        ! grep -vE '^[A-Za-z-]+: [!-~]([ -~]*[!-~])?$' "$TMP/lines" || wrong "$target"
        [ -z "$(cut -d : -f 1 "$TMP/lines" | tr '[:upper:]' '[:lower:]' | sort | uniq -d)" ] ||
            wrong "$target" "" "$(cat "$TMP/head")"
        ! { grep -q '^Content-Length' "$TMP/lines" && grep -q '^Transfer-Encoding' "$TMP/lines"; } ||
            wrong "$target has two lengths"
    done
}

@test "a version of HTTP that comes later is answered in the one that is spoken here" {
    start_server
    local version
    for version in 1.0 1.1 1.2 1.9 2.0 3.0; do
        client send "GET / HTTP/$version\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" read > "$TMP/answer"
        [ "$(head -c 9 "$TMP/answer")" = 'HTTP/1.1 ' ] || wrong "$version"
    done
    grep -q 'HTTP/1.0 and HTTP/1.1' "$TMP/answer"
}

@test "an error is explained on a page, and the page has a type" {
    start_server
    local target
    for target in 'GET /nope' 'PUT /' 'BREW /' 'GET /error' 'GET /#a' 'GET /slow?ms=x'; do
        # shellcheck disable=SC2086 # Method and target are two words.
        ask $target
        [[ $STATUS == [45]?? ]] || false
        has Content-Type 'text/html; charset=UTF-8'
        grep -q "$STATUS: [A-Z]" "$TMP/body" || wrong "$target" "" "$(cat "$TMP/body")"
    done
}

# --- what changes nothing --------------------------------------------------------

@test "unknown headers change nothing" {
    start_server
    local line
    ask GET /hello/x
    sed '/^Date/d' "$TMP/head" > "$TMP/want"
    for line in 'X-Unknown: yes' 'Accept: image/png' 'Accept-Language: tlh' \
        'Accept-Charset: koi8-r' 'Accept-Encoding: gzip, identity;q=0' 'TE: trailers' \
        'TE: gzip, ,chunked;q=0.5' 'Max-Forwards: 0' 'Via: 1.0 fred' 'From: a@b' \
        'Referer: \xff' 'User-Agent:' 'Content-Range: bytes 0-1/2' 'Trailer: Host' \
        'Content-Type: nonsense' 'Content-Encoding: br' 'Content-Location: /nope' \
        'Authorization: Basic x' 'Proxy-Authorization: y' 'Prefer: return=minimal' \
        'Keep-Alive: timeout=0' 'Cache-Control: only-if-cached' 'Pragma: no-cache'; do
        is 200 GET /hello/x "$line"
        sed '/^Date/d' "$TMP/head" | diff "$TMP/want" - || wrong "$line"
        body_is 'Hello, x'
    done
}

@test "the server never switches to another protocol" {
    start_server
    local protocol version
    for protocol in h2c websocket TLS/1.0 HTTP/2.0 'h2c, websocket'; do
        for version in 1.0 1.1; do
            client send "GET / HTTP/$version\\r\\nHost: x\\r\\nConnection: Upgrade, keep-alive\\r\\n" \
                send "Upgrade: $protocol\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n" \
                send 'GET /hello/b HTTP/1.0\r\n\r\n' read > "$TMP/answer"
            [ "$(grep -ao 'HTTP/1.1 ...' "$TMP/answer" | xargs)" = 'HTTP/1.1 200 HTTP/1.1 200' ] ||
                wrong "$protocol" "$version" "$(cat "$TMP/answer")"
            ! grep -i '^Upgrade' "$TMP/answer" || wrong "$protocol"
        done
    done
}

@test "TRACE gives nothing back of what it was given" {
    start_server
    is '405|501' TRACE / 'Cookie: a=secret' 'Authorization: secret'
    ! grep secret "$TMP/answer" || false
    is '405|501' TRACE /headers 'Cookie: a=secret'
    ! grep secret "$TMP/answer" || false
}

@test "an answer to POST or PUT has no tag and no date of a file" {
    start_server
    local method
    for method in POST PUT; do
        answered 200 abc "$method /echo HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 3\\r\\n\\r\\nabc"
        ask "$method" /echo
        [ "$STATUS" = 200 ]
        [ -z "$(value Etag)$(value Last-Modified)" ]
    done
}

@test "a request that says no length has no body" {
    start_server
    answered 200 '' 'POST /echo HTTP/1.1\r\nHost: x\r\n\r\n'
    answered 200 '' 'PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\r\n'
}

@test "nothing is done before the whole head is here" {
    start_server
    client_bg "$TMP/out" send 'GET /hello/early HTTP/1.1\r\nHost: x\r\n' \
        pause 200 send 'Host: y\r\n\r\n' read
    [ "$(http "$URL/")" = 'Hello, world' ]
    wait "$CLIENT_PID"
    [ "$(grep -o '^HTTP/1.1 ...' "$TMP/out")" = 'HTTP/1.1 400' ]
    ! grep early "$SERVER_LOG" || false
}

# --- targets ---------------------------------------------------------------------

@test "what is to be had by TLS only is not given without it" {
    start_server
    is '4[0-9][0-9]' GET https://x/
    ! grep 'Hello, world' "$TMP/body" || false
    is '4[0-9][0-9]' GET HTTPS://x:443/hello/x
    is '4[0-9][0-9]' POST https://x/echo 'Content-Length: 0'
    is 200 GET http://x/
}

# --- tags and conditions, of pages that are made on demand --------------------------

@test "a page with another tag than the one that was meant is not given" {
    start_server
    local tag line
    tag=$(tag_of /hello/x)
    for line in '"x"' "W/$tag" '"x", "y"' "\"x$tag" "${tag%?}" '"*"'; do
        is 412 GET /hello/x "If-Match: $line"
    done
    for line in "$tag" '*' "\"x\", $tag" ",,$tag,"; do
        is 200 GET /hello/x "If-Match: $line"
    done
    is 412 HEAD /hello/x 'If-Match: "x"'
    is 404 GET /nope 'If-Match: "x"'
    is 405 PUT /hello/x 'If-Match: "x"'
}

@test "a condition on the date of a page that has none is no condition" {
    start_server
    is 200 GET / 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT'
    is 200 GET / 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT'
    is 200 GET / 'If-Range: "x"' 'Range: bytes=0-1'
    is 200 GET / 'If-Range: "x"'
}

@test "conditions mean nothing to OPTIONS" {
    start_server
    is 204 OPTIONS '*' 'If-Match: "x"' 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT'
    is 204 OPTIONS '*' 'If-None-Match: *'
}

# --- files: what is said about them ------------------------------------------------

@test "a file has a type, a length, a date and a strong tag" {
    serve_files
    local name type
    is 200 GET "$FILE"
    body_is 0123456789
    has Content-Length 10
    has Last-Modified "$MODIFIED"
    [[ $(value Etag) =~ ^\"[^\"]+\"$ ]] || false
    while read -r name type; do
        cp "$TMP/files/ten.txt" "$TMP/files/$name"
        is 200 GET "/static/$name"
        # shellcheck disable=SC2053 # The type is a pattern.
        [[ $(value Content-Type) == $type ]] || wrong "$name: $(value Content-Type)"
    done << 'END'
a.txt text/plain*
a.html text/html*
a.css text/css*
a.js */javascript*
a.png image/png
a.jpg image/jpeg
a.svg image/svg+xml*
a.zzz application/octet-stream
none application/octet-stream
END
}

@test "HEAD says of a file what GET says, and no more" {
    serve_files
    local line
    : > "$TMP/files/empty"
    # shellcheck disable=SC2089,SC2090 # The quotes are a part of the value.
    for line in '' 'If-None-Match: *' "If-Modified-Since: $MODIFIED" 'If-Match: "x"'; do
        for path in "$FILE" /static/empty /static/nope; do
            ask GET "$path" ${line:+"$line"}
            sed '/^Date/d' "$TMP/head" > "$TMP/want"
            ask HEAD "$path" ${line:+"$line"}
            sed '/^Date/d' "$TMP/head" | diff "$TMP/want" - || wrong "$path" "$line"
            [ ! -s "$TMP/body" ]
        done
    done
}

@test "the tag of a file is another when the file is another" {
    serve_files
    local first second third
    first=$(tag_of "$FILE")
    [ "$first" = "$(tag_of "$FILE")" ]

    # The same length, a second later; and no second later.
    printf abcdefghij > "$TMP/files/ten.txt"
    TZ=UTC touch -t 202403050607.09 "$TMP/files/ten.txt"
    second=$(tag_of "$FILE")
    [ "$second" != "$first" ]
    printf ABCDEFGHIJ > "$TMP/new"
    touch -r "$TMP/files/ten.txt" "$TMP/new"
    mv "$TMP/new" "$TMP/files/ten.txt"
    third=$(tag_of "$FILE")
    [ "$third" != "$second" ]

    # Another length, the same date.
    printf abc > "$TMP/files/ten.txt"
    TZ=UTC touch -t 202403050607.08 "$TMP/files/ten.txt"
    [ "$(tag_of "$FILE")" != "$first" ]
}

@test "no file was changed later than now" {
    serve_files
    TZ=UTC touch -t 209901010000.00 "$TMP/files/ten.txt"
    is 200 GET "$FILE"
    ! grep 2099 "$TMP/head" || false
    [ -z "$(value Last-Modified)" ] || has Last-Modified "$(value Date)"
}

@test "dates are in GMT, wherever the server stands" {
    TZ=EAST-13 serve_files
    is 200 GET "$FILE"
    has Last-Modified "$MODIFIED"
    is 304 GET "$FILE" "If-Modified-Since: $MODIFIED"
    is 200 GET "$FILE" 'If-Modified-Since: Tue, 05 Mar 2024 06:07:07 GMT'
}

@test "a file cannot be posted to, and what can be done is said" {
    serve_files
    local method
    for method in POST PUT DELETE OPTIONS; do
        is 405 "$method" "$FILE"
        [ "$(value Allow | tr -d ' ' | tr , '\n' | sort | xargs)" = 'GET HEAD' ]
    done
}

@test "a folder is told by its slash" {
    serve_files
    mkdir "$TMP/files/dir"
    printf index > "$TMP/files/dir/index.html"
    is '30[1278]' GET /static/dir
    [[ $(value Location) =~ ^(http://[^/]*)?/static/dir/$ ]] || false
    is 200 GET /static/dir/
    body_is index
}

@test "no path leads out of the folder" {
    serve_files
    local path
    printf secret > "$TMP/secret"
    mkdir "$TMP/filesed"
    printf secret > "$TMP/filesed/secret"
    for path in ../secret %2e%2e/secret ..%2fsecret %2e%2e%2fsecret ten.txt/../../secret \
        ./../secret ..%5csecret //../secret ../filesed/secret "%2f$TMP/secret" "/$TMP/secret" \
        %00../secret ..%00/secret ../secret%00.txt %252e%252e/secret; do
        is '40[034]' GET "/static/$path"
        ! grep secret "$TMP/body" || wrong "$path" || return 1
    done
    for path in ten.txt%00 ten.txt/ ten.txt%00.html nope .. .; do
        is '40[034]|30[1278]' GET "/static/$path"
    done
}

# --- files: conditions -------------------------------------------------------------

@test "a date is read in all three of its forms" {
    serve_files
    while IFS='|' read -r want date; do
        is "$want" GET "$FILE" "If-Modified-Since: $date"
    done << 'END'
304|Tue, 05 Mar 2024 06:07:08 GMT
304|Tuesday, 05-Mar-24 06:07:08 GMT
304|Tue Mar  5 06:07:08 2024
304|Tue, 05 Mar 2024 06:07:09 GMT
304|Tuesday, 05-Mar-24 06:07:09 GMT
304|Tue Mar  5 06:07:09 2024
304|Fri Mar 15 06:07:08 2024
304|Sun, 29 Feb 2032 00:00:00 GMT
304|Wed, 31 Dec 2025 23:59:60 GMT
200|Tue, 05 Mar 2024 06:07:07 GMT
200|Tuesday, 05-Mar-24 06:07:07 GMT
200|Tue Mar  5 06:07:07 2024
200|Thu Feb 15 06:07:08 2024
200|Sun, 06 Nov 1994 08:49:37 GMT
200|Sunday, 06-Nov-94 08:49:37 GMT
200|Sun Nov  6 08:49:37 1994
END
}

@test "a year of two digits is not more than fifty years ahead" {
    serve_files
    local year now
    now=$(date -u +%Y)
    for year in $((now + 1)) $((now + 40)); do
        is 304 GET "$FILE" "If-Modified-Since: Friday, 05-Mar-${year: -2} 06:07:08 GMT"
    done
    for year in $((now + 52)) $((now + 60)); do
        is 200 GET "$FILE" "If-Modified-Since: Friday, 05-Mar-${year: -2} 06:07:08 GMT"
    done
}

@test "a date of 29 February is valid in a leap year" {
    serve_files
    is 304 GET "$FILE" 'If-Modified-Since: Wed, 29 Feb 2096 06:07:08 GMT'
}

# Not every file system has such years; that of /dev/shm has.
@test "a year has four digits" {
    local year known=0
    if SHM=$(mktemp -d /dev/shm/years.XXXXXX 2> /dev/null); then TMP=$SHM; fi
    serve_files
    for year in 0007 0950; do
        TZ=UTC touch -d "$year-03-05 06:07:08" "$TMP/files/ten.txt" || continue
        [ "$(TZ=UTC date -r "$TMP/files/ten.txt" +%-Y)" = "$((10#$year))" ] || continue
        known=1
        is 200 GET "$FILE"
        [[ "$(value Last-Modified)" == ???", 05 Mar $year 06:07:08 GMT" ]] || false
    done
    [ "$known" -eq 1 ] || skip "no file can be so old here"
}

@test "an invalid date is ignored" {
    serve_files
    local date
    for date in '' x 0 1709618828 'Tue, 05 Mar 2099' '05 Mar 2099 06:07:08 GMT' \
        'Tue, 05 Mar 2099 06:07:08' 'Tue, 05 Mar 2099 06:07:08 CET' \
        'Tue, 05 Mar 2099 06:07:08 GMT+1' 'Tue, 05 Mar 2099 06:07:08 GMTx' \
        'Tue, 32 Mar 2099 06:07:08 GMT' 'Tue, 00 Mar 2099 06:07:08 GMT' \
        'Tue, 05 Mrz 2099 06:07:08 GMT' 'Tue, 05 Mar 2099 25:07:08 GMT' \
        'Tue, 05 Mar 2099 06:60:08 GMT' 'Tue, 05 Mar 99999999999 06:07:08 GMT' \
        'Sat, 31 Feb 2099 06:07:08 GMT' 'Sun, 29 Feb 2099 06:07:08 GMT' \
        'Fri, 31 Apr 2099 06:07:08 GMT' 'Saturday, 31-Feb-26 06:07:08 GMT' \
        'Sat Feb 31 06:07:08 2099' \
        'Tue, 05 Mar 20x9 06:07:08 GMT' '2099-03-05T06:07:08Z' \
        'Tue, 05 Mar 2099 06:07:08 GMT, Tue, 05 Mar 2099 06:07:08 GMT'; do
        is 200 GET "$FILE" "If-Modified-Since: $date"
    done
    is 200 GET "$FILE" 'If-Modified-Since: Tue, 05 Mar 2024 06:07:08 GMT' \
        'If-Modified-Since: Tue, 05 Mar 2024 06:07:08 GMT'
    for date in '' x 'Tue, 05 Mar 1999' 'Sun, 06 Nov 1994 08:49:37' 'Sun, 32 Nov 1994 08:49:37 GMT' \
        'Thu, 31 Feb 1994 08:49:37 GMT' \
        'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT'; do
        is 200 GET "$FILE" "If-Unmodified-Since: $date"
    done
}

@test "a file that has not changed is not sent again" {
    serve_files
    local tag line
    tag=$(tag_of "$FILE")
    for line in "If-Modified-Since: $MODIFIED" "If-None-Match: $tag" "If-None-Match: W/$tag" \
        'If-None-Match: *' "If-None-Match: \"a\", $tag" "If-None-Match: ,\"a,b\" ,W/$tag,,"; do
        is 304 GET "$FILE" "$line"
        [ ! -s "$TMP/body" ]
        has Etag "$tag"
        [ -n "$(value Date)" ]
        [ -z "$(value Transfer-Encoding)" ]
        [[ $(value Content-Length) =~ ^(10)?$ ]] || false
        is 304 HEAD "$FILE" "$line"
    done
    for line in 'If-None-Match: "a"' "If-None-Match: x$tag" "If-None-Match: ${tag%?}" \
        "If-None-Match: ${tag//\"/}" 'If-None-Match: "*"'; do
        is 200 GET "$FILE" "$line"
        body_is 0123456789
    done
}

@test "where there is a tag, the date does not count" {
    serve_files
    local tag
    tag=$(tag_of "$FILE")
    is 200 GET "$FILE" 'If-None-Match: "a"' "If-Modified-Since: $MODIFIED"
    is 304 GET "$FILE" "If-None-Match: $tag" 'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT'
    is 200 GET "$FILE" "If-Match: $tag" 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT'
    is 412 GET "$FILE" 'If-Match: "a"' "If-Unmodified-Since: $MODIFIED"
}

@test "a file that is not the one that was meant is not sent" {
    serve_files
    local tag line
    tag=$(tag_of "$FILE")
    for line in 'If-Match: "a"' "If-Match: W/$tag" "If-Match: \"a\", W/$tag" "If-Match: ${tag%?}" \
        'If-Unmodified-Since: Tue, 05 Mar 2024 06:07:07 GMT' \
        'If-Unmodified-Since: Tuesday, 05-Mar-24 06:07:07 GMT' \
        'If-Unmodified-Since: Tue Mar  5 06:07:07 2024'; do
        is 412 GET "$FILE" "$line"
        ! grep 0123 "$TMP/body" || wrong "$line"
        is 412 HEAD "$FILE" "$line"
        is 412 GET "$FILE" "$line" 'Range: bytes=0-1'
    done
    for line in "If-Match: $tag" 'If-Match: *' "If-Match: \"a\" ,,$tag" \
        "If-Unmodified-Since: $MODIFIED" 'If-Unmodified-Since: Tue, 05 Mar 2024 06:07:09 GMT'; do
        is 200 GET "$FILE" "$line"
        body_is 0123456789
    done
}

@test "what was meant is asked first, what is known second, for a part last" {
    serve_files
    local tag
    tag=$(tag_of "$FILE")
    is 412 GET "$FILE" 'If-Match: "a"' "If-None-Match: $tag"
    is 412 GET "$FILE" 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT' "If-None-Match: $tag"
    is 412 GET "$FILE" 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT' "If-Modified-Since: $MODIFIED"
    is 304 GET "$FILE" "If-Match: $tag" "If-None-Match: $tag"
    is 304 GET "$FILE" "If-None-Match: $tag" 'Range: bytes=0-1' "If-Range: $tag"
    is 304 GET "$FILE" "If-Modified-Since: $MODIFIED" 'Range: bytes=99-'
    is 206 GET "$FILE" "If-Match: $tag" 'If-None-Match: "a"' 'Range: bytes=0-1' "If-Range: $tag"
}

@test "of what is not there nothing can be meant or known" {
    serve_files
    local line
    mkdir "$TMP/files/dir"
    : > "$TMP/files/dir/index.html"
    for line in 'If-Match: *' 'If-Match: "a"' 'If-None-Match: *' "If-Modified-Since: $MODIFIED" \
        'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT' 'Range: bytes=99-'; do
        is 404 GET /static/nope "$line"
        is '30[1278]' GET /static/dir "$line"
        is 405 POST "$FILE" "$line"
    done
}

# --- files: parts -------------------------------------------------------------------

@test "a part of a file is the bytes that were asked for, and says which they are" {
    serve_files
    local tag
    tag=$(tag_of "$FILE")
    while read -r range first last; do
        is 206 GET "$FILE" "Range: bytes=$range"
        has Content-Range "bytes $first-$last/10"
        has Content-Length $((last - first + 1))
        has Etag "$tag"
        has Last-Modified "$MODIFIED"
        [[ $(value Content-Type) == text/plain* ]] || false
        [ -n "$(value Date)" ]
        x=0123456789
        body_is "${x:first:last - first + 1}"
    done << 'END'
0-0 0 0
0-3 0 3
000-003 0 3
4- 4 9
9-9 9 9
9- 9 9
8-99 8 9
-1 9 9
-9 1 9
2-99999999999999999999999999 2 9
2-18446744073709551616 2 9
END
}

@test "a part that is the whole is the whole" {
    serve_files
    local range
    for range in 0- 0-9 0-99 -10 -99 -18446744073709551617 0-18446744073709551616; do
        is '200|206' GET "$FILE" "Range: bytes=$range"
        body_is 0123456789
        [ "$STATUS" = 200 ] || has Content-Range 'bytes 0-9/10'
    done
}

@test "the name of the unit of a part has no case" {
    serve_files
    is 206 GET "$FILE" 'Range: Bytes=2-3'
    body_is 23
    is 206 GET "$FILE" 'rANGE: BYTES=2-3'
    body_is 23
}

@test "a part behind the end is refused, and the length is told" {
    serve_files
    local range
    : > "$TMP/files/empty"
    for range in 10- 10-10 10-20 99- -0 18446744073709551616- \
        18446744073709551617-18446744073709551618 99999999999999999999999999-; do
        is 416 GET "$FILE" "Range: bytes=$range"
        has Content-Range 'bytes */10'
        ! grep 0123 "$TMP/body" || false
    done
    is '200|416' GET /static/empty 'Range: bytes=0-'
    is '200|416' GET /static/empty 'Range: bytes=-1'
}

@test "a part that was refused is not kept for years" {
    serve_files
    is 200 GET "$FILE?v=1"
    [[ $(value Cache-Control) == *max-age=* ]] || false
    is 416 GET "$FILE?v=1" 'Range: bytes=99-'
    [[ $(value Cache-Control) != *max-age=* ]] || false
    [ -z "$(value Expires)" ]
}

@test "a Range that makes no sense is ignored as a whole" {
    serve_files
    local range
    for range in lines=0-1 none=0-1 bytesx=0-1 byte=0-1; do
        is 200 GET "$FILE" "Range: $range"
        body_is 0123456789
    done
    for range in x bytes 'bytes 0-1' 0-1 =0-1 bytes= bytes=- bytes=3-1 bytes=a-b bytes=1-b bytes=--1 bytes=+1-2 'bytes=1 - 2' \
        bytes=1-2-3 bytes=0x1-2 bytes=1.0-2 'bytes=-1-2' 'bytes=1;2'; do
        is '200|400|416' GET "$FILE" "Range: $range"
        [ "$STATUS" != 200 ] || body_is 0123456789
    done
}

@test "many parts at once are the whole" {
    serve_files
    local many
    many=$(seq -s , 2000 | sed 's/[0-9]*/0-/g')
    for range in 0-0,9-9 0-,0-,0- 0-4,2-6 "${many:0:8000}"; do
        is 200 GET "$FILE" "Range: bytes=$range"
        body_is 0123456789
    done
    is 206 GET "$FILE" 'Range: bytes=0-1'
    [[ $(value Content-Type) != multipart* ]] || false
}

@test "only GET can be for a part" {
    serve_files
    is 200 HEAD "$FILE" 'Range: bytes=0-1'
    has Content-Length 10
    is 200 HEAD "$FILE" 'Range: bytes=99-'
    is 405 POST "$FILE" 'Range: bytes=0-1'
}

@test "a part is sent only of the file that the rest is of" {
    serve_files
    local tag line
    tag=$(tag_of "$FILE")
    for line in "$tag" "$MODIFIED" 'Tuesday, 05-Mar-24 06:07:08 GMT' 'Tue Mar  5 06:07:08 2024'; do
        is 206 GET "$FILE" 'Range: bytes=2-3' "If-Range: $line"
        body_is 23
        has Content-Range 'bytes 2-3/10'
    done
    for line in '"a"' "W/$tag" "${tag%?}" "${tag//\"/}" 'Tue, 05 Mar 2024 06:07:07 GMT' \
        'Tue, 05 Mar 2024 06:07:09 GMT' x '*'; do
        is 200 GET "$FILE" 'Range: bytes=2-3' "If-Range: $line"
        body_is 0123456789
        is 200 GET "$FILE" 'Range: bytes=99-' "If-Range: $line"
    done
    is 200 GET "$FILE" 'If-Range: "a"'
    is 200 GET "$FILE" "If-Range: $tag"
    body_is 0123456789
}

# --- bodies in chunks ---------------------------------------------------------------

@test "a body in chunks is put together again" {
    start_server
    answered 200 '' "${CHUNKED}\\r\\n0\\r\\n\\r\\n"
    answered 200 hello "${CHUNKED}\\r\\n5\\r\\nhello\\r\\n0\\r\\n\\r\\n"
    answered 200 hello "${CHUNKED}\\r\\n1\\r\\nh\\r\\n1\\r\\ne\\r\\n3\\r\\nllo\\r\\n0\\r\\n\\r\\n"
    answered 200 hello "${CHUNKED}\\r\\n0005\\r\\nhello\\r\\n0000\\r\\n\\r\\n"
    answered 200 "$(many 26)" "${CHUNKED}\\r\\n1a\\r\\n$(many 26)\\r\\n0\\r\\n\\r\\n"
    answered 200 "$(many 26)" "${CHUNKED}\\r\\n1A\\r\\n$(many 26)\\r\\n0\\r\\n\\r\\n"
    answered 200 "$(many 5000)" "${CHUNKED}\\r\\n1388\\r\\n$(many 5000)\\r\\n0\\r\\n\\r\\n"
    answered 200 $'0\r\n\r\nGET' "${CHUNKED}\\r\\n8\\r\\n0\\r\\n\\r\\nGET\\r\\n0\\r\\n\\r\\n"

    # Each byte by itself.
    client bytewise "${CHUNKED}Connection: close\\r\\n\\r\\n3\\r\\nabc\\r\\nA;x=y\\r\\n0123456789\\r\\n0\\r\\nT: u\\r\\n\\r\\n" \
        read > "$TMP/answer"
    [ "$(tail -c 13 "$TMP/answer")" = abc0123456789 ]
}

@test "a body in chunks may be as large as any other" {
    start_server --log=none
    head -c 300000 /dev/urandom > "$TMP/body"
    http -H 'Transfer-Encoding: chunked' -H Expect: --data-binary @"$TMP/body" "$URL/echo" |
        cmp - "$TMP/body"
}

@test "the name of a transfer coding has no case" {
    start_server
    local name
    for name in chunked Chunked CHUNKED; do
        answered 200 hello "POST /echo HTTP/1.1\\r\\nHost: x\\r\\nTRANSFER-encoding: $name\\r\\n\\r\\n5\\r\\nhello\\r\\n0\\r\\n\\r\\n"
    done
}

@test "an extension of a chunk is skipped" {
    start_server
    local extension
    for extension in ';a' ';a=b' ';a=b;c=d' ';a="b;c"' ';a=""' '; a = b'; do
        answered 200 hello "${CHUNKED}\\r\\n5$extension\\r\\nhello\\r\\n0$extension\\r\\n\\r\\n"
    done
    refused 4.. 'an extension without an end' "${CHUNKED}\\r\\n5;$(many 70000)"
    nothing_after
}

@test "a size of a chunk is hexadecimal digits, and no more than can be" {
    start_server
    table refused "${CHUNKED}\\r\\n" 'hello\r\n0\r\n\r\n' <<'END'
4.. no size
    \r\n
    g\r\n
    -5\r\n
    +5\r\n
    0x5\r\n
    5_\r\n
    _5\r\n
    5,5\r\n
     5\r\n
    5x\r\n
    \xd9\xa5\r\n
4.. too large
    7fffffff\r\n
    ffffffff\r\n
    100000005\r\n
    7fffffffffffffff\r\n
    fffffffffffffffe\r\n
    ffffffffffffffff\r\n
    10000000000000005\r\n
    100000000000000000000000000000005\r\n
END
    nothing_after
}

@test "what stands between chunks is CR LF and nothing else" {
    start_server
    table refused "${CHUNKED}\\r\\n" '' <<'END'
400 framing
    5\nhello\r\n0\r\n\r\n
    5\rhello\r\n0\r\n\r\n
    5\r\nhello\n0\r\n\r\n
    5\r\nhelloX\r\n0\r\n\r\n
    5\r\nhello0\r\n\r\n
    5\r\nhello\r\r\n0\r\n\r\n
    5\r\nhello\r\n\r\n0\r\n\r\n
    5;a\nb\r\nhello\r\n0\r\n\r\n
    5;a\rb\r\nhello\r\n0\r\n\r\n
    5;\0\r\nhello\r\n0\r\n\r\n
    5\r\nhello\r\n0\n\r\n
    5\r\nhello\r\n0\r\n\n
END
    nothing_after
}

@test "trailers are dropped, and never become headers" {
    start_server
    answered 200 hello "${CHUNKED}\\r\\n5\\r\\nhello\\r\\n0\\r\\nX-Trailer: a\\r\\nX-Other:b\\r\\n\\r\\n"
    client send 'GET /headers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n' \
        send 'Trailer: X-Trailer\r\n\r\n1\r\na\r\n0\r\nX-Trailer: bad\r\nhost: bad\r\n\r\n' read > "$TMP/answer"
    ! grep -a bad "$TMP/answer" || false
    grep -qE '^HTTP/1.1 (200|400) ' "$TMP/answer"

    # A length that comes last is no length.
    client send "${CHUNKED}\\r\\n5\\r\\nhello\\r\\n0\\r\\nContent-Length: 40\\r\\n\\r\\n" \
        send 'HEAD /hello/then HTTP/1.0\r\n\r\n' read > "$TMP/answer"
    grep -qE '^HTTP/1.1 400 |Content-Length: 11.$' "$TMP/answer"
    table refused "${CHUNKED}\\r\\n0\\r\\n" '\r\n' <<'END'
4.. trailer
    A\r\n
    : b\r\n
    A : b\r\n
     A: b\r\n
    A: b\r\n c\r\n
    A: b\0\r\n
    A: b\rc\r\n
END
    nothing_after
}

@test "chunked is the only transfer coding, and once is enough" {
    start_server
    table refused 'POST /echo HTTP/1.1\r\nHost: x\r\n' '\r\n0\r\n\r\n' <<'END'
400|501 chunked is not the last one
    Transfer-Encoding: chunked, gzip\r\n
    Transfer-Encoding: gzip\r\n
    Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n
    Transfer-Encoding: chunked, identity\r\n
400|501 there is another one
    Transfer-Encoding: gzip, chunked\r\n
    Transfer-Encoding: gzip;q=1, chunked\r\n
    Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n
    Transfer-Encoding: identity, chunked\r\n
400|501 twice
    Transfer-Encoding: chunked, chunked\r\n
    Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n
400|501 something like it
    Transfer-Encoding: chunked;a=b\r\n
    Transfer-Encoding: "chunked"\r\n
    Transfer-Encoding: chunked x\r\n
    Transfer-Encoding: \x0bchunked\r\n
    Transfer-Encoding: chunke\r\n
END
    nothing_after
}

@test "HTTP/1.0 knows no chunks" {
    start_server
    table refused 'POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n' '\r\n5\r\nhello\r\n0\r\n\r\n' <<'END'
4..|501 a coding in HTTP/1.0
    Transfer-Encoding: chunked\r\n
    Transfer-Encoding: chunked\r\nContent-Length: 5\r\n
END
    nothing_after
}

@test "a body in chunks without an end is never served" {
    start_server
    local part
    for part in '' '5' '5\r\n' '5\r\nhel' '5\r\nhello\r\n' '5\r\nhello\r\n0\r\n' \
        '5\r\nhello\r\n0\r\nA: b\r\n'; do
        client send "${CHUNKED}\\r\\n$part" shutdown read > "$TMP/answer"
        ! grep -a 'HTTP/1.1 200' "$TMP/answer" || wrong "$part"
    done
    [ "$(http "$URL/")" = 'Hello, world' ]
    ! grep ' 200 POST' "$SERVER_LOG" || false
}

@test "a body in chunks may not be too long either" {
    start_server --max-body-size=10
    answered 200 0123456789 "${CHUNKED}\\r\\nA\\r\\n0123456789\\r\\n0\\r\\n\\r\\n"
    answered 200 0123456789 "${CHUNKED}\\r\\n4\\r\\n0123\\r\\n6\\r\\n456789\\r\\n0\\r\\n\\r\\n"
    refused 413 'one chunk' "${CHUNKED}\\r\\nB\\r\\n0123456789a\\r\\n0\\r\\n\\r\\n"
    refused 413 'two chunks' "${CHUNKED}\\r\\n5\\r\\n01234\\r\\n6\\r\\n56789a\\r\\n0\\r\\n\\r\\n"
    nothing_after
}

@test "a client that asks before it sends chunks is told to go on" {
    start_server
    client send "${CHUNKED}Expect: 100-continue\\r\\n\\r\\n" readuntil '\r\n\r\n' \
        send '5\r\nhello\r\n0\r\n\r\n' readuntil hello > "$TMP/answer"
    [ "$(grep -ao '^HTTP/1.1 ...' "$TMP/answer" | xargs)" = 'HTTP/1.1 100 HTTP/1.1 200' ]
    refused 417 'another expectation' "${CHUNKED}Expect: tea\\r\\n\\r\\n5\\r\\nhello\\r\\n0\\r\\n\\r\\n"
    refused 400 'two lengths' "${CHUNKED}Content-Length: 5\\r\\nExpect: 100-continue\\r\\n\\r\\n"
    nothing_after
}

# --- the end -------------------------------------------------------------------------

@test "a client that never completes its head is answered and disconnected" {
    start_server --header-timeout=1
    client send 'GET / HT' read > "$TMP/answer"
    grep -q '^HTTP/1.1 408 ' "$TMP/answer"
    grep -q '^Connection: close' "$TMP/answer"
}

@test "a client that never completes its body is disconnected and not served" {
    start_server --body-timeout=1
    client send 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe' read > "$TMP/answer"
    ! grep 'HTTP/1.1 200' "$TMP/answer" || false
    client send "${CHUNKED}\\r\\n5\\r\\nhe" read > "$TMP/answer"
    ! grep 'HTTP/1.1 200' "$TMP/answer" || false
    ! grep ' 200 POST' "$SERVER_LOG" || false
}

@test "a server that is about to leave says so in its last answers" {
    start_server --trace
    client_bg "$TMP/answer" send 'GET /slow?ms=700 HTTP/1.1\r\nHost: x\r\n\r\n' read
    wait_for_line "$SERVER_LOG" '\(12\)'
    kill -TERM "$SERVER_PID"
    wait "$CLIENT_PID"
    grep -q '^slept 700 ms' "$TMP/answer"
    grep -q '^Connection: close' "$TMP/answer"
    server_ends
    [ "$SERVER_STATUS" -eq 0 ]
}
