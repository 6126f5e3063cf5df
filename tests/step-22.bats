# Chapter 22, Uploads: forms in parts, and the question before a body.

setup()    { load helper; start_step 22 --trace; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

# post LINES BODY: a request with these header lines.
post() { printf '%s' "POST /form HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n$1\\r\\n$2"; }

form='Content-Type: application/x-www-form-urlencoded\r\n'

# wants STATUS TEXT...: each of the texts is answered with that status.
wants() {
    local want=$1 text got
    shift
    for text; do
        got=$(client send "$text" read | sed -n '1s/^HTTP\/1\.1 \([0-9]*\) .*/\1/p')
        [ "$got" = "$want" ] ||
            { echo "${text:0:100}: '$got' and not $want"; return 1; }
    done
}

# fields TYPE BODY: what the server finds in a form of that type.
fields() {
    printf '%b' "$2" > "$TMP/body"
    http -H "Content-Type: $1" --data-binary @"$TMP/body" "$URL/form"
}

many() { printf "%${1}s" '' | tr ' ' "${2:-a}"; }

@test "the fields of the query come first, then those of the body" {
    http -d 'name=world&x=%41%zz%2541&y=a+b%2Bc&name=again&empty=&none&=no' \
        "$URL/form?q=1&name=query" > "$TMP/have"
    printf '%s\n' 'q=1' 'name=query' 'name=world' 'name=again' 'x=A%zz%41' \
        'y=a b+c' '=no' | cmp - "$TMP/have"

    # A form is what says that it is one, and is posted or put.
    [ "$(http "$URL/form?a=1")" = a=1 ]
    [ "$(http -w '%{http_code}' -d a=1 -H 'Content-Type: text/plain' "$URL/form")" = 200 ]
}

@test "a form in parts says the same as a form in one line" {
    printf 'not a field' > "$TMP/file"
    http -F 'name=a & b = c' -F "upload=@$TMP/file" -F 'empty=' -F 'last=2' \
        "$URL/form" > "$TMP/have"
    printf 'name=a & b = c\nempty=\nlast=2\n' | cmp - "$TMP/have"

    # Boundaries in quotes and not at the end, words before the first and
    # behind the last part, blanks behind a delimiter; and a delimiter is one
    # only at the start of a line.
    fields 'multipart/form-data; boundary="a;b"; x=y' \
        'before\r\n--a;b \t\r\ncontent-disposition: form-data; x="\\"; name=no"; name="q;\\""\r\n\r\nin --a;b the\r\nmiddle\r\n--a;b--after' \
        > "$TMP/have"
    printf 'q;"=in --a;b the\r\nmiddle\n' | cmp - "$TMP/have"
}

@test "a file has a field, a name, a type and its bytes" {
    head -c 100000 /dev/urandom > "$TMP/file"
    printf 'text' > "$TMP/b.txt"
    [ "$(http -F "a=@$TMP/file" -F "b=@$TMP/b.txt;type=text/x-b" -F c=d "$URL/upload")" = \
        "$(printf 'a file application/octet-stream 100000\nb b.txt text/x-b 4\n')" ]
    [ "$(http -w '%{http_code}' -d a=1 "$URL/upload")" = 200 ]
}

@test "a form in parts that is not whole is refused" {
    local type='multipart/form-data; boundary=B' body
    local head='Content-Disposition: form-data; name=a\r\n\r\n'
    [ "$(fields "$type" "--B\\r\\n${head}1\\r\\n--B--")" = "a=1" ]
    for body in '' 'x' '--B' "--B\\r\\n${head}1" \
        "--B\\r\\n${head}1\\r\\n--B" "--B\\r\\n${head}1\\r\\n--Bad\\r\\n" \
        "--B\\r\\nA: b\\r\\n\\r\\n1\\r\\n--B--" \
        '--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--' \
        '--B\r\nContent-Disposition: x; name=a\r\n\r\n1\r\n--B--' \
        '--B\r\nContent-Disposition: form-data; name=a\r\n--B--' \
        '--B\r\nContent-Disposition : form-data; name=a\r\n\r\n1\r\n--B--'; do
        printf '%b' "$body" > "$TMP/body"
        http -H "Content-Type: $type" --data-binary @"$TMP/body" \
            -w '\n%{http_code}' "$URL/form" > "$TMP/answer"
        [ "$(tail -n 1 "$TMP/answer")" = 400 ] || { echo "$body"; false; }
        grep -q '(malformed multipart: ' "$TMP/answer"
    done
}

@test "a form may have 1000 fields, or 100 parts" {
    local n want body
    for n in 999 1000 1001; do
        [ "$n" -le 1000 ] && want=200 || want=400
        body=$(many "$n" '&')
        wants "$want" "$(post "${form}Content-Length: $n\\r\\n" "$body")"

        # The fields of a text are not counted.
        wants 200 "$(post "Content-Type: text/plain\\r\\nContent-Length: $n\\r\\n" "$body")"

        # One of them can be in the query.
        wants "$want" "POST /form?a HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n${form}Content-Length: $((n - 1))\\r\\n\\r\\n${body:1}"
    done
    for n in 99 100 101; do
        [ "$n" -le 100 ] && want=200 || want=400
        for _ in $(seq "$n"); do
            printf -- '--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n'
        done > "$TMP/body"
        printf -- '--B--' >> "$TMP/body"
        [ "$(http -o "$TMP/answer" -w '%{http_code}' \
            -H 'Content-Type: multipart/form-data; boundary=B' \
            --data-binary @"$TMP/body" "$URL/form")" = "$want" ]
    done
}

@test "a client that asks whether to send the body is told to" {
    local expect
    for expect in 100-continue 100-Continue; do
        client send "$(post "${form}Content-Length: 3\\r\\nExpect: $expect\\r\\n" '')" \
            readuntil '\r\n\r\n' send a=1 read > "$TMP/answer"
        [ "$(head -n 1 "$TMP/answer")" = $'HTTP/1.1 100 Continue\r' ]
        grep -qx 'a=1' "$TMP/answer"
    done

    # HTTP/1.0 does not know such answers, and without a body there is no
    # question.
    wants 200 "$(post 'Expect: 100-continue\r\n' '')" \
        'POST /form HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na' \
        'POST /form HTTP/1.0\r\nExpect: tea\r\n\r\n'
    wants 417 "$(post 'Content-Length: 3\r\nExpect: tea\r\n' '')" \
        "$(post 'Expect: 100-continue, tea\r\n' '')"
}

@test "a client that asks whether to send too much is told not to" {
    local expect='Expect: 100-continue\r\n'
    wants 413 "$(post "Content-Length: 16777217\\r\\n$expect" '')"
    wants 400 "$(post "Content-Length: +1\\r\\n$expect" '')"
    wants 501 "$(post "Transfer-Encoding: chunked\\r\\n$expect" '')"
}
