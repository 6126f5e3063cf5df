# Chapter 31: cookies, signed values, forms of our own, and what a proxy says.

setup_file() {
    load helper
    local program=${SERVER:-$BUILD/step-31/server}
    export STAGE=${program%/*} DRIVER=$BATS_FILE_TMPDIR/driver

    # The hash by itself: driver sha256 TEXT [TIMES], driver lengths N,
    # driver hmac KEY TEXT, driver equal TEXT TEXT. TEXT may be hex:DIGITS.
    cat > "$BATS_FILE_TMPDIR/driver.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sha256.h"

/* Each in memory of its own size, so that a step beyond it is noticed. */
static unsigned char *
bytes(const char *text, size_t times, size_t *size)
{
    int hex = strncmp(text, "hex:", 4) == 0;
    size_t n = hex ? strlen(text + 4) / 2 : strlen(text);
    unsigned char *b = malloc(n * times + (n * times == 0));

    for (size_t i = 0; i < n * times; i++) {
        unsigned byte = (unsigned char)text[i % n];

        if (hex)
            sscanf(text + 4 + i % n * 2, "%2x", &byte);
        b[i] = (unsigned char)byte;
    }
    *size = n * times;
    return b;
}

int
main(int argc, char **argv)
{
    unsigned char digest[SHA256_SIZE], *a, *b, *all;
    size_t n, m;
    int equal;

    if (argc < 3)
        return 2;
    if (strcmp(argv[1], "lengths") == 0) {
        n = (size_t)atoi(argv[2]);
        all = malloc(n * SHA256_SIZE);
        for (size_t i = 0; i < n; i++) {
            a = bytes("a", i, &m);
            sha256(all + i * SHA256_SIZE, NULL, a, m);
            free(a);
        }
        sha256(digest, NULL, all, n * SHA256_SIZE);
        free(all);
    } else {
        a = bytes(argv[2], argc > 3 && argv[1][0] == 's' ? (size_t)atoi(argv[3]) : 1, &n);
        b = bytes(argc > 3 ? argv[3] : "", 1, &m);
        equal = n == m && equal_in_constant_time(a, b, n);
        if (argv[1][0] == 's')
            sha256(digest, NULL, a, n);
        else
            hmac_sha256(digest, a, n, b, m);
        free(a);
        free(b);
        if (argv[1][0] == 'e')
            return equal ? 0 : 1;
    }
    for (size_t i = 0; i < sizeof digest; i++)
        printf("%02x", digest[i]);
    return 0;
}
END
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE ${CFLAGS:--O1 -g} -I "$STAGE" \
        "$BATS_FILE_TMPDIR/driver.c" "$STAGE/sha256.c" ${LDFLAGS:-} -o "$DRIVER"
}

setup()    { load helper; load tables; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

SECRET=open-sesame-open
DAY=86400

# sign TEXT [SECRET]: it, and its signature behind it.
sign() { printf '%s%s' "$1" "$("$DRIVER" hmac "${2-$SECRET}" "$1")"; }

# signed NAME BASE64 TIME [SECRET]: a signed value, field by field.
signed() {
    sign "2|1:0|${#3}:$3|${#1}:$1|${#2}:$2|" "${4-$SECRET}"
}
NDE='NDE='      # 41, in base64

visits() { http -b "visits=$1" "$URL/visits"; }
status() { http -o "$TMP/page" -w '%{http_code}' "$@"; }

# cookie NAME FILE: its value in a jar of curl's.
cookie() { awk -v name="$1" -F '\t' '$6 == name { print $7 }' "$2"; }

# --- the hash --------------------------------------------------------------

@test "the hash is that of FIPS 180-4" {
    while read -r want times text; do
        [ "$("$DRIVER" sha256 "$text" "$times")" = "$want" ] || wrong "$text" "$want"
    done <<'END'
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 a
ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 1 abc
248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1 1 abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq
cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1 1 abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu
cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0 1000000 a
END
    # All lengths around the ends of blocks: the hash of their hashes.
    [ "$("$DRIVER" lengths 300)" = \
        80e953e3b006c4bab43fd5d792f8bd29c122f6cf1497318365fe66bf2d61398d ]
}

@test "the signature is that of RFC 4231" {
    aa=$(many 131) aa=${aa//a/aa}
    while read -r want key data; do
        key=${key/131aa/$aa}
        [ "$("$DRIVER" hmac "$key" "$data")" = "$want" ] || wrong "$key" "$data"
    done <<'END'
b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7 hex:0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b Hi There
5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843 Jefe what do ya want for nothing?
773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe hex:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa hex:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b hex:0102030405060708090a0b0c0d0e0f10111213141516171819 hex:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
a3b6167473100ee06e0c796c2955552bfa6f7c0a6a8aef8b93f860aab0cd20c5 hex:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c Test With Truncation
60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54 hex:131aa Test Using Larger Than Block-Size Key - Hash Key First
9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2 hex:131aa This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.
END
    # And keys that are about as long as a block.
    while read -r want n; do
        [ "$("$DRIVER" hmac "$(many "$n")" abc)" = "$want" ] || wrong "$want" "$n"
    done <<'END'
b4ffe67d267d9eb19f81ccd6ffcde1443294d00892d5b648f03e590b56250ced 1
0a261b1a2941dfb294b904f925c4fafa1746eaa1f1d2318964ab2650b8908777 63
6608ac82dca1cb1fddbb5d81e3d9877642b744f565cd9697ac27daa250c80d28 64
c0d2f0e7f578e80e4996cf2ffb922ea70fe1094e693f2cd75bbba0281add9da5 65
0c4848880b965d427100cd3d4aa0c4520631a73daafa6be9b19a06f3e25a93c2 128
END
}

@test "two texts are equal only if every byte is" {
    "$DRIVER" equal '' ''
    "$DRIVER" equal abcdefgh abcdefgh
    "$DRIVER" equal hex:00ff80 hex:00ff80
    for other in Xbcdefgh abcXefgh abcdefgX XXXXXXXX; do
        ! "$DRIVER" equal abcdefgh "$other" || wrong equal "$other"
    done
    ! "$DRIVER" equal hex:ff hex:7f || return 1
    ! "$DRIVER" equal hex:00 hex:80 || return 1
}

# --- signed cookies ----------------------------------------------------------

@test "a signed value is written as Tornado writes it" {
    # SignedValueTest.test_known_values of Tornado's own tests.
    [ "$(signed key 'dmFsdWU=' 1300000000 "It's a secret to everybody")" = \
        '2|1:0|10:1300000000|3:key|8:dmFsdWU=|3d4e60b996ff9c5d5788e333a0cba6f238a22c6c0f94788870e1a9ecd482e152' ]

    start_step 31 --secret="It's a secret to everybody"
    before=$(date +%s)
    http -c "$TMP/jar" -o "$TMP/page" "$URL/visits"
    after=$(date +%s)
    value=$(cookie visits "$TMP/jar")
    when=${value#*|*|10:} when=${when%%|*}
    [ "$when" -ge "$before" ]
    [ "$when" -le "$after" ]
    [ "$value" = "$(signed visits 'MQ==' "$when" "It's a secret to everybody")" ]
}

@test "what we have signed comes back, and counts" {
    start_step 31 --secret="$SECRET"
    for n in 1 2 3; do
        [ "$(http -b "$TMP/jar" -c "$TMP/jar" "$URL/visits")" = "visits: $n" ]
    done
    # Every number of digits modulo three, and so every kind of ending.
    now=$(date +%s)
    while read -r text n; do
        [ "$(visits "$(signed visits "$text" "$now")")" = "visits: $n" ] ||
            wrong "$text" "not $n"
    done <<'END'
OQ== 10
OTk= 100
OTk5 1000
OTk5OQ== 10000
OTk5OTk5OTk5 1000000000
MDA= 1
END
}

@test "the count is for us alone: no script reads it, it goes everywhere, and ends" {
    start_step 31
    head=$(http -i "$URL/visits" | tr -d '\r' | grep '^Set-Cookie: ')
    date=${head#*; Expires=} date=${date%%;*}
    [[ $head == "Set-Cookie: visits=2|1:0|10:"*"; Expires=$date; Path=/; HttpOnly; SameSite=Lax" ]]
    [[ $date == [A-Z][a-z][a-z],\ [0-9][0-9]\ [A-Z][a-z][a-z]\ 20[0-9][0-9]\ ??:??:??\ GMT ]]
    # A month from now, as curl reads it.
    http -c "$TMP/jar" -o "$TMP/page" "$URL/visits"
    ends=$(awk -F '\t' '$6 == "visits" { print $5 }' "$TMP/jar") now=$(date +%s)
    [ "$ends" -ge $((now + 30 * DAY - 60)) ]
    [ "$ends" -le $((now + 30 * DAY + 60)) ]
}

@test "whichever byte of a signed cookie is changed, it counts as none" {
    start_step 31 --secret="$SECRET"
    good=$(signed visits "$NDE" "$(date +%s)")
    before='GET /visits HTTP/1.1\r\nHost: x\r\nCookie: visits='
    text=$before$good'\r\n\r\n'
    for ((i = 0; i < ${#good}; i++)); do
        c=0
        [ "${good:i:1}" != 0 ] || c=1
        text+=$before${good:0:i}$c${good:i+1}'\r\n\r\n'
    done
    client send "${text%'\r\n'}Connection: close"'\r\n\r\n' read > "$TMP/out"
    [ "$(grep -o 'visits: [0-9]*' "$TMP/out" | head -n 1)" = "visits: 42" ]
    [ "$(grep -o 'visits: [0-9]*' "$TMP/out" | sort | uniq -c | xargs)" = \
        "${#good} visits: 1 1 visits: 42" ]
}

@test "cut, extended, shifted, or made of nothing, it counts as none" {
    start_step 31 --secret="$SECRET"
    t=$(date +%s)
    good=$(signed visits "$NDE" "$t")
    text=${good:0:${#good}-64} mac=${good:${#good}-64}
    [ "$(visits "$good")" = "visits: 42" ]
    for bad in "${good:0:${#good}-1}" "${good}0" "$text" "$mac" "$text$text$mac" \
        "$text$mac$mac" "${good:1}" "0$good" "2|$good" "2|$mac" "2||$mac" "" "2|" \
        "$(many 64 0)" "2|$(many 64 0)" "2|x$(many 64 0)" "${text}$(many 64 0)" \
        "2|1:0|10:$t|6:visits|3:NDE|=$mac" "2|1:0|10:$t|6:visits|5:NDE=||$mac" \
        "2|1:0|11:${t}0|6:visits|4:$NDE|$mac" "2|1:0|9:${t:0:9}|6:visits|4:$NDE|$mac" \
        "2|1:0|10:$t|5:visit|4:sNDE|$mac" "$NDE|$t|$mac" \
        "1${good:1}" "3${good:1}" "$text${mac:0:32}" "\"$good" \
        "$(printf %s "$good" | tr a-f A-F)"; do
        # Without letters in it the last one would be the good one itself.
        [ "$bad" != "$good" ] || continue
        [ "$(visits "$bad")" = "visits: 1" ] || wrong counted "$bad"
    done
    [ "$(visits "\"$good\"")" = "visits: 42" ]
}

@test "a signature counts for one name and one key" {
    start_step 31 --secret="$SECRET"
    t=$(date +%s)
    [ "$(visits "$(signed visits "$NDE" "$t")")" = "visits: 42" ]
    for name in visit visitss Visits session ''; do
        [ "$(visits "$(signed "$name" "$NDE" "$t")")" = "visits: 1" ] ||
            wrong "signed for" "$name"
    done
    for key in '' "${SECRET%?}" "${SECRET}x" "$SECRET$SECRET" Open-sesame; do
        [ "$(visits "$(signed visits "$NDE" "$t" "$key")")" = "visits: 1" ] ||
            wrong "signed with" "$key"
    done
}

@test "a signature counts for a month, and not before its time" {
    start_step 31 --secret="$SECRET"
    t=$(date +%s)
    while read -r n when; do
        [ "$(visits "$(signed visits "$NDE" "$when")")" = "visits: $n" ] ||
            wrong "not $n" "$when, and it is $t"
    done <<END
42 $((t - 31 * DAY + 60))
1 $((t - 31 * DAY - 60))
42 $((t + 31 * DAY - 60))
1 $((t + 31 * DAY + 60))
1 0
1 -1
1 1
1 -$t
1 ${t}0000
1 99999999999999999999
1 -99999999999999999999
1 soon
END
}

@test "even what is signed has to have the form of a signed value" {
    start_step 31 --secret="$SECRET"
    t=$(date +%s)
    for text in '2|' '2||' '2|1:0|' "2|1:0|10:$t|" "2|1:0|10:$t|6:visits|" \
        "2|1:0|10:$t|6:visits|4:NDE" "2|1:0|10:$t|6:visits|5:NDE=|" \
        "2|1:0|10:$t|6:visits|99999999999999999999999:NDE=|" \
        "2|1:0|10:$t|6:visits|100000:NDE=|" \
        "2|1:0|10:$t|6:visits|18446744073709551594:NDE=|" \
        "2|1:0|10:$t|18446744073709551594:visits|4:NDE=|" \
        "2|1:0|10:$t|6:visits|-1:NDE=|" "2|1:0|10:$t|6:visits|4:NDE=" \
        "2|1:0|10:$t|6:visits|:NDE=|" "2|1:0|10:$t|6visits|4:NDE=|" \
        "2|1:0|0:|6:visits|4:NDE=|" "2|18446744073709551615:0|10:$t|6:visits|4:NDE=|" \
        "1|1:0|10:$t|6:visits|4:NDE=|" "$NDE|$t|"; do
        [ "$(visits "$(sign "$text")")" = "visits: 1" ] || wrong counted "$text"
    done
    # The value may be anything: the server takes no harm.
    for value in '' '=' '====' 'N' 'A===' '????' "$(many 3000 /)"; do
        [ "$(visits "$(signed visits "$value" "$t")")" = "visits: 1" ] ||
            wrong counted "$value"
    done
}

# --- chance ------------------------------------------------------------------

@test "every start has a secret of its own, unless it is told one" {
    start_step 31
    http -o "$TMP/page" -c "$TMP/jar" "$URL/visits"
    [ "$(http -b "$TMP/jar" "$URL/visits")" = "visits: 2" ]
    stop_server clean
    start_step 31
    [ "$(visits "$(cookie visits "$TMP/jar")")" = "visits: 1" ]
    stop_server clean

    start_step 31 --secret="$SECRET"
    http -o "$TMP/page" -c "$TMP/jar" "$URL/visits"
    stop_server clean
    start_step 31 --secret="$SECRET"
    [ "$(visits "$(cookie visits "$TMP/jar")")" = "visits: 2" ]
}

@test "no two browsers have the same token" {
    start_step 31
    client send "$(for _ in $(seq 40); do
        printf 'GET /xsrf HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'
    done)GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" read |
        sed -n 's/^Set-Cookie: _xsrf=\([^;]*\);.*/\1/p' > "$TMP/tokens"
    [ "$(wc -l < "$TMP/tokens")" -eq 40 ]
    while read -r token; do unmask "$token"; done < "$TMP/tokens" > "$TMP/plain"
    [ "$(sort -u "$TMP/plain" | wc -l)" -eq 40 ]
    [ "$(cut -d '|' -f 2 "$TMP/tokens" | sort -u | wc -l)" -eq 40 ]
    # No byte of it is always the same.
    for i in $(seq 1 2 31); do
        [ "$(cut -c "$i-$((i + 1))" "$TMP/plain" | sort -u | wc -l)" -gt 1 ] ||
            wrong "always the same" "byte $i"
    done
}

@test "a link to /cookie/set cannot choose the token of forms" {
    start_step 31
    [ "$(http -o "$TMP/page" -w '%{http_code}' "$URL/cookie/set?name=_xsrf&value=a")" = 400 ]
    run ! grep -i '^Set-Cookie' "$TMP/page"
    [ "$(http "$URL/cookie/set?name=_xsrf_&value=a")" = "_xsrf_=a" ]
}

@test "without random bytes there is no secret, and the server says so" {
    echo '#include <errno.h>
#include <stddef.h>
int no_entropy(void *to, size_t size);
int no_entropy(void *to, size_t size) { (void)to, (void)size; errno = EIO; return -1; }' \
        > "$TMP/no_entropy.c"
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O0} -Dgetentropy=no_entropy \
        "$STAGE"/*.c "$TMP/no_entropy.c" ${LDFLAGS:-} -o "$TMP/server"

    "$TMP/server" --port=0 > "$TMP/out" 2> "$TMP/err" < /dev/null 3>&- 4>&- &
    SERVER_PID=$!
    server_ends 5
    [ "$SERVER_STATUS" -eq 1 ]
    [ ! -s "$TMP/out" ]
    [ "$(wc -l < "$TMP/err")" -eq 1 ]
    grep -q 'no randomness' "$TMP/err"

    SERVER=$TMP/server start_step 31 --secret="$SECRET"
    [ "$(http "$URL/visits")" = "visits: 1" ]
    [ "$(status "$URL/xsrf")" = 503 ]
    ! grep '_xsrf' "$TMP/page" || return 1
    token="2|00000000|$(many 32 0)|1"
    [ "$(status -b "_xsrf=$token" "$URL/xsrf")" = 503 ]
    ! grep '_xsrf' "$TMP/page" || return 1
    [ "$(status -d a=b "$URL/xsrf")" = 403 ]
    [ "$(status -b "_xsrf=$token" -d "_xsrf=$token" "$URL/xsrf")" = 200 ]
}

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
    start_step 31
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
    start_step 31
    hundred=$(for i in $(seq 100); do printf 'a%d=%d; ' "$i" "$i"; done)
    http -b "$hundred" "$URL/cookie" > "$TMP/out"
    for i in $(seq 100); do echo "a$i=$i"; done | cmp - "$TMP/out"
    [ "$(http -b "$hundred;;; nothing; =x" "$URL/cookie" | wc -l)" -eq 100 ]
    for path in /cookie /visits /xsrf; do
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
    start_step 31
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

# --- forms that are ours ---------------------------------------------------------

# unmask TOKEN: what is behind the mask.
unmask() {
    local mask masked i
    IFS='|' read -r _ mask masked _ <<< "$1"
    for ((i = 0; i < 16; i++)); do
        printf '%02x' $((16#${masked:2 * i:2} ^ 16#${mask:i % 4 * 2:2}))
    done
    echo
}

# page: a form of ours, for the browser whose jar is $TMP/jar; its token.
page() {
    http -b "$TMP/jar" -c "$TMP/jar" "$URL/xsrf" |
        sed -n 's/.*<input type="hidden" name="_xsrf" value="\([^"]*\)".*/\1/p'
}

T=000102030405060708090a0b0c0d0e0f
PLAIN="2|00000000|$T|1"
MASKED='2|ffffffff|fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0|1300000000'

@test "a form of ours is known by its token" {
    start_step 31
    token=$(page)
    ours() { [ "$(http -b "$TMP/jar" "$@")" = "The form was ours." ] || wrong "not ours" "$*"; }
    ours -d "_xsrf=$token" "$URL/xsrf"
    ours -d "a=b&_xsrf=${token//|/%7C}&c=d" "$URL/xsrf"
    ours -F "_xsrf=$token" -F file=@/dev/null "$URL/xsrf"
    ours -d '' "$URL/xsrf?_xsrf=$token"
    ours -d '' -H "X-XSRFToken: $token" "$URL/xsrf"
    ours -d '' -H "X-CSRFToken: $token" "$URL/xsrf"
    ours -d '' -H "x-xsrftoken:  $token " "$URL/xsrf"
    # Scripts take what is in the cookie, which has a mask of its own.
    ours -d '' -H "X-XSRFToken: $(cookie _xsrf "$TMP/jar")" "$URL/xsrf"
    ours -d "_xsrf=$token" "$URL/xsrf"
}

@test "no two pages show the same letters of a token" {
    start_step 31
    one=$(page)
    [ "$(grep -c _xsrf "$TMP/jar")" -eq 1 ]
    kept=$(cookie _xsrf "$TMP/jar")
    two=$(page)
    [ "$(cookie _xsrf "$TMP/jar")" = "$kept" ]
    for token in "$one" "$two" "$kept"; do
        [[ $token =~ ^2\|[0-9a-f]{8}\|[0-9a-f]{32}\|[0-9]{10}$ ]] || wrong form "$token"
        [ "$(unmask "$token")" = "$(unmask "$kept")" ] || wrong token "$token"
        cut -d '|' -f 2 <<< "$token" >> "$TMP/masks"
        cut -d '|' -f 3 <<< "$token" >> "$TMP/masked"
    done
    [ "$(sort -u "$TMP/masks" | wc -l)" -eq 3 ]
    [ "$(sort -u "$TMP/masked" | wc -l)" -eq 3 ]
    for token in "$one" "$two"; do
        [ "$(http -b "$TMP/jar" -d "_xsrf=$token" "$URL/xsrf")" = "The form was ours." ]
    done
}

@test "a token is set when there is no valid one, and lasts" {
    start_step 31
    http -i "$URL/xsrf" | tr -d '\r' > "$TMP/out"
    grep -qE '^Set-Cookie: _xsrf=2\|[0-9a-f]{8}\|[0-9a-f]{32}\|[0-9]{10}; Expires=[^;]+ GMT; Path=/; SameSite=Lax$' "$TMP/out"
    ! http -i -b "_xsrf=$PLAIN" "$URL/xsrf" | grep '^Set-Cookie' || return 1
    for broken in x '' "$T" "${PLAIN%|1}" "1${PLAIN:1}"; do
        [ "$(http -i -b "_xsrf=$broken" "$URL/xsrf" | grep -c '^Set-Cookie: _xsrf=2')" -eq 1 ] ||
            wrong kept "$broken"
    done
}

@test "a form that does not show our token is not ours" {
    start_step 31
    other=$(page)
    theirs() {
        [ "$(status "$@" "$URL/xsrf")" = 403 ] || wrong "taken for ours" "$*" || return 1
        ! grep ours "$TMP/page" || false
    }
    [ "$(status -b "_xsrf=$PLAIN" -d "_xsrf=$MASKED" "$URL/xsrf")" = 200 ]

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
    for bad in x 2 '2|' '2||' '2||||' "$T" "2|$T" "2|00000000|$T" "2||$T|1"; do
        theirs -b "_xsrf=$bad" -d "_xsrf=$bad"
    done
    # The token of another client, or not quite ours.
    for bad in "$other" "2|00000000|${T%?}|1" "2|00000000|${T}0|1" "2|0000000|$T|1" \
        "2|000000000|$T|1" "1${PLAIN:1}" "3${PLAIN:1}" "22${PLAIN:1}" "2|ffffffff|$T|1" \
        "2|00000001|$T|1" "2|00000000|g${T:1}|1" "2|0000000g|$T|1" \
        "2|00000000|1${T:1}|1" "2|00000000|${T%?}e|1" "2|00000000|${T:0:30}|1" \
        "$(many 8000 2)" "$PLAIN,$PLAIN"; do
        case $bad in "$PLAIN"*) continue ;; esac
        theirs -b "_xsrf=$PLAIN" -d "_xsrf=$bad"
        theirs -b "_xsrf=$PLAIN" -H "X-XSRFToken: $bad" -d a=b
    done
    # To look is free, and what is no form of ours does not exist.
    [ "$(status -b "_xsrf=$PLAIN" "$URL/xsrf")" = 200 ]
    [ "$(status -X PUT -d "_xsrf=$PLAIN" "$URL/xsrf")" = 405 ]
}

# --- who is behind the proxy -------------------------------------------------------

whoami() {
    shows 200 "remote_ip: $1\\nprotocol: $2\\nhost: x\\n" "$3"
}
ASK='GET /whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'

@test "without --xheaders no client's word about itself is believed" {
    start_step 31
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
    start_step 31 --xheaders
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
    start_step 31 --xheaders
    client send 'GET /one HTTP/1.1\r\nHost: x\r\nX-Real-Ip: 2001:db8::1\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' \
        read > "$TMP/out"
    http -H 'X-Real-Ip: a-name' "$URL/three" > "$TMP/out"
    wait_for_line "$SERVER_LOG" '404 GET /one \(2001:db8::1\)'
    wait_for_line "$SERVER_LOG" '404 GET /two \(127.0.0.1\)'
    wait_for_line "$SERVER_LOG" '404 GET /three \(127.0.0.1\)'
}

@test "a request for https has to come that way" {
    absolute='GET https://x/whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
    start_step 31
    for how in '' 'X-Scheme: https\r\n'; do
        client send "$absolute$how\\r\\n" read | grep -q '^HTTP/1.1 421 ' || wrong 421 "$how"
    done
    stop_server clean
    start_step 31 --xheaders
    whoami 127.0.0.1 https "${absolute}X-Scheme: https\\r\\n\\r\\n"
    for how in '' 'X-Scheme: http\r\n' 'X-Scheme: x\r\n'; do
        client send "$absolute$how\\r\\n" read | grep -q '^HTTP/1.1 421 ' || wrong 421 "$how"
    done
}

@test "a cookie that was set over https never goes over http" {
    start_step 31 --xheaders
    for path in '/cookie/set?name=a&value=b' /visits /xsrf; do
        http -i -H 'X-Scheme: https' "$URL$path" | grep -q '^Set-Cookie: .*; Secure;' ||
            wrong "not Secure" "$path"
        ! http -i "$URL$path" | grep '^Set-Cookie: .*Secure' || return 1
    done
    stop_server clean
    start_step 31
    ! http -i -H 'X-Scheme: https' "$URL/visits" | grep '^Set-Cookie: .*Secure' || return 1
}
