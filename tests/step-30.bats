# Chapter 30: cookies, and forms that are the server's own.

setup()    { load helper; load tables; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

status() { http -o "$TMP/page" -w '%{http_code}' "$@"; }

# cookie NAME FILE: its value in a jar of curl's.
cookie() { awk -v name="$1" -F '\t' '$6 == name { print $7 }' "$2"; }

# --- plain cookies -------------------------------------------------------------

# shows WHAT REQUEST: what the server has understood.
shows() {
    local answer want
    printf -v want %b. "$2"
    answer=$(client send "$3" read; printf .)
    [[ $answer == "HTTP/1.1 $1 "* && ${answer#*$'\r\n\r\n'} == "$want" ]] ||
        wrong "not '$2'" "$3" "$answer"
}

@test "a cookie is a name and a value, and an invalid one harms no other" {
    start_step 30
    table shows 'GET /cookie HTTP/1.1\r\nHost: x\r\nConnection: close\r\n' '\r\n\r\n' <<'END'
200
    A: b
    Cookie:
    Cookie: ;
    Cookie: ;;; ; ;
    Cookie: a
    Cookie: =
    Cookie: =a
    Cookie: ; =a; b
200 a=1\n
    Cookie: a=1
    cookie: a=1;
    COOKIE:a=1; ;b;=c
    Cookie: nothing; a=1
    Cookie: a="1"
    Cookie: \t a=1
200 a=1\nb=2\n
    Cookie: a=1; b=2
    Cookie: a=1;b=2
    Cookie: a=1;\tb=2
    Cookie: a=1;; ;  b=2;
    Cookie: a=1\r\nCookie: b=2
    Cookie: a=1;\r\nX: y\r\nCookie: ;b=2
    Cookie: a="1"; b="2"
200 b=2\na=1\na=3\n
    Cookie: b=2; a=1; a=3
    Cookie: b=2; a=1\r\nCookie: a=3
200 a=\n
    Cookie: a=
    Cookie: a=;
    Cookie: a=""
200 a="\n
    Cookie: a="
200 a="b\n
    Cookie: a="b
200 a=b"\n
    Cookie: a=b"
200 a=b=c==\n
    Cookie: a=b=c==
200 a==\n
    Cookie: a==
200 a="b\nc=d"\n
    Cookie: a="b;c=d"
200 a=b,c=d\n
    Cookie: a=b,c=d
200 a=\\"\n
    Cookie: a=\\"
200 a=%41+b\n
    Cookie: a=%41+b
200 a=ä\n
    Cookie: a=ä
200 $Version=1\n_a=b c\n__Host-x=y\n
    Cookie: $Version=1; _a=b c; __Host-x=y
400 <html><title>400: Bad Request</title><body>400: Bad Request (control byte in a header)</body></html>
    Cookie: a=\x01
    Cookie: a=\0
END
}

@test "a hundred cookies are enough, and a hundred and one too many" {
    start_step 30
    hundred=$(for i in $(seq 100); do printf 'a%d=%d; ' "$i" "$i"; done)
    http -b "$hundred" "$URL/cookie" > "$TMP/out"
    for i in $(seq 100); do echo "a$i=$i"; done | cmp - "$TMP/out"
    [ "$(http -b "$hundred;;; nothing; =x" "$URL/cookie" | wc -l)" -eq 100 ]
    for path in /cookie /xsrf; do
        [ "$(status -b "${hundred}a=b" "$URL$path")" = 400 ] || wrong 400 "$path"
        grep -q '(too many cookies)' "$TMP/page"
    done
    [ "$(status -b "${hundred}a=b" -d _xsrf=a "$URL/xsrf")" = 400 ]

    # Where no handler asks for them, they are a header like any other.
    [ "$(status -b "${hundred}a=b" "$URL/")" = 200 ]
    # In several lines, too.
    [ "$(status -H "Cookie: $hundred" -H 'Cookie: a=b' "$URL/cookie")" = 400 ]
    [ "$(status -H "Cookie: $hundred" -H 'Cookie: ;b' "$URL/cookie")" = 200 ]
    # There is room for one of our own.
    http -i -b "$hundred" "$URL/xsrf" | grep -q '^Set-Cookie: _xsrf='
}

# set_cookie STATUS HEADER REQUEST: never more than that one line.
set_cookie() {
    local answer head
    answer=$(client send "$3" read)
    head=${answer%%$'\r\n\r\n'*}
    [[ $head == "HTTP/1.1 $1 "* ]] || wrong "not $1" "$3" "$answer" || return 1
    [ "$(grep -ciE 'set-cookie|injected' <<< "$head")" -eq $((1 - $1 / 400)) ] ||
        wrong "other lines" "$3" "$answer" || return 1
    [ "$1" = 400 ] || grep -qxF "Set-Cookie: $2; Path=/; SameSite=Lax"$'\r' <<< "$head" ||
        wrong "not '$2'" "$3" "$answer"
}

@test "a cookie is set as it is, or not at all" {
    start_step 30
    table set_cookie 'GET /cookie/set?' ' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' <<'END'
200 a=b
    name=a&value=b
    value=b&name=a
    name=a&value=%20b%0d%0a
    name=x&name=a&value=b
200 a=b=c
    name=a&value=b%3Dc
    name=a&value=b=c
200 !#$%&'*+-.^_`|~=!#$%&'()*+-./:<=>?@[]^_`{|}~
    name=!%23$%25%26'*%2B-.^_`|~&value=!%23$%25%26'()*%2B-./:<=>?@[]^_`{|}~
400
    name=_xsrf&value=x
    name=a
    value=b
    name=a&value=
    name=&value=b
    name=%20&value=b
    name=a%20b&value=b
    name=a%3Db&value=b
    name=a%3Bb&value=b
    name=a%2Cb&value=b
    name=%22a%22&value=b
    name=a%0d%0aInjected:%20b&value=b
    name=a%0aInjected&value=b
    name=a%00b&value=b
    name=a%09b&value=b
    name=a%7fb&value=b
    name=%c3%a4&value=b
    name=a/b&value=b
    name=(a)&value=b
    name=a:b&value=b
    name=[a]&value=b
    name={a}&value=b
    name=a%5c&value=b
    name=a%40b&value=b
    name=a&value=b%20c
    name=a&value=b;c
    name=a&value=b%3B%20Path=/admin
    name=a&value=b,c
    name=a&value=%22b%22
    name=a&value=b%5c
    name=a&value=b%0d%0aSet-Cookie:%20injected=c
    name=a&value=b%0d%0a%0d%0aInjected
    name=a&value=b%0aInjected:%20c
    name=a&value=b%0dInjected:%20c
    name=a&value=b%00c
    name=a&value=b%01c
    name=a&value=b%09c
    name=a&value=b%7fc
    name=a&value=%c3%a4
    name=a&value=b%e5%98%8d%e5%98%8aInjected:c
END
    # A cookie is set with 304, too.
    http -i -H 'If-None-Match: *' "$URL/cookie/set?name=a&value=b" > "$TMP/out"
    grep -q '^HTTP/1.1 304 ' "$TMP/out"
    grep -q '^Set-Cookie: a=b; Path=/; SameSite=Lax' "$TMP/out"
}

# --- forms of the server ---------------------------------------------------------

# unmask TOKEN: what is behind the mask.
unmask() {
    for ((i = 0; i < 32; i += 2)); do
        printf '%02x' $((16#${1:i:2} ^ 16#${1:32 + i:2}))
    done
    echo
}

# page: a form of ours, for the browser whose jar is $TMP/jar; its token.
page() {
    http -b "$TMP/jar" -c "$TMP/jar" "$URL/xsrf" |
        sed -n 's/.*<input type="hidden" name="_xsrf" value="\([^"]*\)".*/\1/p'
}

T=000102030405060708090a0b0c0d0e0f
ZEROS=00000000000000000000000000000000
PLAIN=$ZEROS$T
MASKED=ffffffffffffffffffffffffffffffffFFFEFDFCFBFAf9f8f7f6f5f4f3f2f1f0

@test "a form of ours is known by its token" {
    start_step 30
    token=$(page)
    ours() { [ "$(http -b "$TMP/jar" "$@")" = "The form was ours." ] || wrong "not ours" "$*"; }
    ours -d "_xsrf=$token" "$URL/xsrf"
    ours -d "a=b&_xsrf=$(printf %%%x "'$token")${token:1}&c=d" "$URL/xsrf"
    ours -F "_xsrf=$token" -F file=@/dev/null "$URL/xsrf"
    ours -d '' "$URL/xsrf?_xsrf=$token"
    ours -d '' -H "X-XSRFToken: $token" "$URL/xsrf"
    ours -d '' -H "X-CSRFToken: $token" "$URL/xsrf"
    ours -d '' -H "x-xsrftoken:  $token " "$URL/xsrf"
    # Scripts take what is in the cookie, which has a mask of its own.
    ours -d '' -H "X-XSRFToken: $(cookie _xsrf "$TMP/jar")" "$URL/xsrf"
    ours -d "_xsrf=$token" "$URL/xsrf"
}

@test "one token that matches is enough, whatever else is shown" {
    start_step 30
    ours() { [ "$(http -b "_xsrf=$PLAIN" "$@" "$URL/xsrf")" = "The form was ours." ] || wrong "not ours" "$*"; }
    for bad in '' x "$T"; do
        ours -F "_xsrf=$bad" -H "X-XSRFToken: $PLAIN"
        ours -d "_xsrf=$bad" -H "X-CSRFToken: $PLAIN"
        ours -d a=b -H "X-XSRFToken;" -H "X-CSRFToken: $PLAIN"
        ours -d "_xsrf=$PLAIN" -H "X-XSRFToken: x$bad"
    done
}

@test "no two pages show the same letters of a token" {
    start_step 30
    one=$(page)
    [ "$(grep -c _xsrf "$TMP/jar")" -eq 1 ]
    kept=$(cookie _xsrf "$TMP/jar")
    two=$(page)
    [ "$(cookie _xsrf "$TMP/jar")" = "$kept" ]
    for token in "$one" "$two" "$kept"; do
        [[ $token =~ ^[0-9a-f]{64}$ ]] || wrong form "$token"
        [ "$(unmask "$token")" = "$(unmask "$kept")" ] || wrong token "$token"
        cut -c 1-32 <<< "$token" >> "$TMP/masks"
        cut -c 33-64 <<< "$token" >> "$TMP/masked"
    done
    [ "$(sort -u "$TMP/masks" | wc -l)" -eq 3 ]
    [ "$(sort -u "$TMP/masked" | wc -l)" -eq 3 ]
    for token in "$one" "$two"; do
        [ "$(http -b "$TMP/jar" -d "_xsrf=$token" "$URL/xsrf")" = "The form was ours." ]
    done
}

@test "a token is set when there is no valid one, and lasts" {
    start_step 30
    http -i "$URL/xsrf" | tr -d '\r' > "$TMP/out"
    grep -qE '^Set-Cookie: _xsrf=[0-9a-f]{64}; Expires=[^;]+ GMT; Path=/; SameSite=Lax$' "$TMP/out"
    ! http -i -b "_xsrf=$PLAIN" "$URL/xsrf" | grep '^Set-Cookie' || return 1
    for broken in x '' "$T" "${PLAIN%?}" "${PLAIN}0" "g${PLAIN:1}" "${PLAIN%?}g"; do
        [ "$(http -i -b "_xsrf=$broken" "$URL/xsrf" | grep -c '^Set-Cookie: _xsrf=')" -eq 1 ] ||
            wrong kept "$broken"
    done
}

@test "a form that does not show our token is not ours" {
    start_step 30
    other=$(page)
    theirs() {
        [ "$(status "$@" "$URL/xsrf")" = 403 ] || wrong "taken for ours" "$*" || return 1
        ! grep ours "$TMP/page" || false
    }
    for same in "$PLAIN" "$MASKED" "$T$ZEROS"; do
        [ "$(status -b "_xsrf=$PLAIN" -d "_xsrf=$same" "$URL/xsrf")" = 200 ]
    done

    # One half is missing.
    theirs -d a=b
    theirs -d "_xsrf=$PLAIN"
    theirs -b "_xsrf=$PLAIN" -d a=b
    theirs -b "_xsrf=$PLAIN" -d _xsrf=
    theirs -b "_xsrf=$PLAIN" -F _xsrf=
    theirs -b "a=$PLAIN" -d "_xsrf=$PLAIN"
    theirs -b "_xsrf=$PLAIN" -d "xsrf=$PLAIN"
    theirs -b "_xsrf=$PLAIN" -H "X-XSRF: $PLAIN" -d a=b
    theirs -b "_xsrf=$PLAIN" -H "Content-Type: text/plain" -d "_xsrf=$PLAIN"
    # Two halves that are equal, and no token.
    for bad in x 0 "$T" "${PLAIN%?}" "${PLAIN%??}" "${PLAIN}0" "${PLAIN}00" "$PLAIN$PLAIN" \
        "g${PLAIN:1}" "0g${PLAIN:2}" "${PLAIN%?}g" "$ZEROS|${T%?}"; do
        theirs -b "_xsrf=$bad" -d "_xsrf=$bad"
    done
    # The token of another client, or not quite ours.
    for bad in "$other" "$T" "${PLAIN%?}" "${PLAIN%??}" "${PLAIN}0" "${PLAIN:1}" \
        "0$PLAIN" "f${PLAIN:1}" "${PLAIN:0:31}1$T" "${ZEROS}8${T:1}" "${PLAIN%?}e" \
        "g${PLAIN:1}" "${PLAIN%?}g" "$ZEROS${T:0:30} f" "$ZEROS|${T:1}" "$(many 8000 2)" \
        "$PLAIN,$PLAIN"; do
        theirs -b "_xsrf=$PLAIN" -d "_xsrf=$bad"
        theirs -b "_xsrf=$PLAIN" -H "X-XSRFToken: $bad" -d a=b
    done
    # To look is free, and what is no form of ours does not exist.
    [ "$(status -b "_xsrf=$PLAIN" "$URL/xsrf")" = 200 ]
    [ "$(status -X PUT -d "_xsrf=$PLAIN" "$URL/xsrf")" = 405 ]
}

@test "no two browsers have the same token" {
    start_step 30
    client send "$(for _ in $(seq 40); do
        printf 'GET /xsrf HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'
    done)GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" read |
        sed -n 's/^Set-Cookie: _xsrf=\([^;]*\);.*/\1/p' > "$TMP/tokens"
    [ "$(wc -l < "$TMP/tokens")" -eq 40 ]
    while read -r token; do unmask "$token"; done < "$TMP/tokens" > "$TMP/plain"
    [ "$(sort -u "$TMP/plain" | wc -l)" -eq 40 ]
    [ "$(cut -c 1-32 "$TMP/tokens" | sort -u | wc -l)" -eq 40 ]
    # No byte of it is always the same, nor one of its masks.
    for file in plain tokens; do
        for i in $(seq 1 2 31); do
            [ "$(cut -c "$i-$((i + 1))" "$TMP/$file" | sort -u | wc -l)" -gt 1 ] ||
                wrong "always the same in $file" "byte $i"
        done
    done
}

@test "a link to /cookie/set cannot choose the token of forms" {
    start_step 30
    [ "$(http -i -o "$TMP/page" -w '%{http_code}' "$URL/cookie/set?name=_xsrf&value=a")" = 400 ]
    run ! grep -i '^Set-Cookie' "$TMP/page"
    [ "$(http "$URL/cookie/set?name=_xsrf_&value=a")" = "_xsrf_=a" ]
}

@test "two texts are equal only if every byte is" {
    build_driver 30 << 'END'
#include <stdlib.h>
#include <string.h>

#include "system.h"

/* driver TEXT TEXT: each in memory of its own size, so that a step beyond it is
 * noticed. hex: before a text: it is in hexadecimal. */
static unsigned char *
bytes(const char *text, size_t *size)
{
    int hex = strncmp(text, "hex:", 4) == 0;
    size_t n = hex ? strlen(text + 4) / 2 : strlen(text);
    unsigned char *b = malloc(n + (n == 0));

    for (size_t i = 0; i < n; i++) {
        char digits[3] = {0};

        if (hex)
            memcpy(digits, text + 4 + 2 * i, 2);
        b[i] = (unsigned char)(hex ? strtol(digits, NULL, 16) : text[i]);
    }
    *size = n;
    return b;
}

int
main(int argc, char **argv)
{
    size_t n, m;
    unsigned char *a = bytes(argv[1], &n), *b = bytes(argv[argc - 1], &m);
    int equal = n == m && equal_in_constant_time(a, b, n);

    free(a);
    free(b);
    return equal ? 0 : 3;
}
END
    DRIVER=$BATS_FILE_TMPDIR/driver
    "$DRIVER" '' ''
    "$DRIVER" abcdefgh abcdefgh
    "$DRIVER" hex:00ff80 hex:00ff80
    for other in Xbcdefgh abcXefgh abcdefgX XXXXXXXX; do
        run -3 "$DRIVER" abcdefgh "$other"
    done
    run -3 "$DRIVER" hex:ff hex:7f
    run -3 "$DRIVER" hex:00 hex:80
}

@test "without random bytes there is no token, and the answer says so" {
    local program=${SERVER:-$BUILD/step-30/server}
    SERVER=$(without_random_bytes "${program%/*}")
    start_step 30
    [ "$(http "$URL/")" = "Hello, world" ]
    [ "$(status "$URL/xsrf")" = 503 ]
    ! grep '_xsrf' "$TMP/page" || return 1
    token=$(many 64 0)
    [ "$(status -b "_xsrf=$token" "$URL/xsrf")" = 503 ]
    ! grep '_xsrf' "$TMP/page" || return 1
    [ "$(status -d a=b "$URL/xsrf")" = 403 ]
    [ "$(status -b "_xsrf=$token" -d "_xsrf=$token" "$URL/xsrf")" = 200 ]
}
