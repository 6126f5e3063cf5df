# Chapter 31: what the server has signed.

setup_file() {
    load helper
    local program=${SERVER:-$BUILD/step-31/server}
    export STAGE=${program%/*} DRIVER=$BATS_FILE_TMPDIR/driver

    # The hash by itself: driver sha256 TEXT [TIMES], driver lengths N,
    # driver hmac KEY TEXT. TEXT may be hex:DIGITS.
    cat > "$BATS_FILE_TMPDIR/driver.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sha256.c"

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
        if (argv[1][0] == 's')
            sha256(digest, NULL, a, n);
        else
            hmac_sha256(digest, a, n, b, m);
        free(a);
        free(b);
    }
    for (size_t i = 0; i < sizeof digest; i++)
        printf("%02x", digest[i]);
    return 0;
}
END
    # shellcheck disable=SC2086 # The flags are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE ${CFLAGS:--O1 -g} -I "$STAGE" \
        "$BATS_FILE_TMPDIR/driver.c" ${LDFLAGS:-} -o "$DRIVER"
}

setup()    { load helper; load tables; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

SECRET=open-sesame-open
DAY=86400

# hex TEXT: it, in hexadecimal digits.
hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }

# mac TEXT [SECRET]: its signature.
mac() { "$DRIVER" hmac "${2-$SECRET}" "$1"; }

# signed NAME HEX TIME [SECRET]: a signed value, as the server writes it.
signed() { printf '%s|%s|%s' "$2" "$3" "$(mac "$2|$3|$1" "${4-$SECRET}")"; }
N41=3431 # 41, in hexadecimal

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

# --- signed cookies ----------------------------------------------------------

@test "a signed value is the text in hexadecimal, the time, and a signature over both and the name" {
    start_step 31 --secret="It's a secret to everybody"
    before=$(date +%s)
    http -c "$TMP/jar" -o "$TMP/page" "$URL/visits"
    after=$(date +%s)
    value=$(cookie visits "$TMP/jar")
    IFS='|' read -r hex when signature <<< "$value"
    [ "$hex" = 31 ]
    [ "$when" -ge "$before" ]
    [ "$when" -le "$after" ]
    [ "$signature" = "$(mac "31|$when|visits" "It's a secret to everybody")" ]
}

@test "what we have signed comes back, and counts" {
    start_step 31 --secret="$SECRET"
    for n in 1 2 3; do
        [ "$(http -b "$TMP/jar" -c "$TMP/jar" "$URL/visits")" = "visits: $n" ]
    done
    now=$(date +%s)
    for n in 0 9 99 999 9999 999999999; do
        [ "$(visits "$(signed visits "$(hex $n)" "$now")")" = "visits: $((n + 1))" ] ||
            wrong "not counted" "$n"
    done
}

@test "a count that is too large for a number has no sign" {
    start_step 31 --secret="$SECRET"
    now=$(date +%s)
    for n in 2147483647 9223372036854775807 "$(many 30 9)"; do
        [[ $(visits "$(signed visits "$(hex "$n")" "$now")") =~ ^'visits: '[0-9]+$ ]] ||
            wrong "not a count" "$n"
    done
}

@test "a value may have any bytes, and none; and digits without an end are no value" {
    cat > "$TMP/values.c" << 'END'
#include <stdio.h>
#include <string.h>

#include "handler.h"
#include "sha256.h"
#include "webcookie.h"

/* Signs all strings of one byte, one with all bytes, and an empty one; reads
 * them as they were, and under no other name. */
static bool
check(struct handler *self, const char *value)
{
    const char *line, *got;
    char text[1024];

    handler_clear(self);
    if (!handler_set_secure_cookie(self, "name", value, 1))
        return false;
    line = httpheaders_get(&self->headers, "Set-Cookie");
    if (line == NULL || sscanf(line, "name=%1000[^;]", text) != 1)
        return false;
    httpheaders_add(&self->request->cookies, "name", text);
    httpheaders_add(&self->request->cookies, "nam", text);
    httpheaders_add(&self->request->cookies, "names", text);
    got = handler_get_secure_cookie(self, "name", 1);
    return got != NULL && strcmp(got, value) == 0 &&
           handler_get_secure_cookie(self, "nam", 1) == NULL &&
           handler_get_secure_cookie(self, "names", 1) == NULL &&
           handler_get_secure_cookie(self, "name", -1) == NULL;
}

/* All digits of the signed text, and all of its signature, could be read as one
 * value. */
static bool
check_digits(struct handler *self)
{
    enum { DIGITS = 20000 };
    static char text[DIGITS + 2 * SHA256_SIZE + 1];
    unsigned char mac[SHA256_SIZE];

    memset(text, '3', DIGITS);
    strcpy(text + DIGITS, "name");
    hmac_sha256(mac, self->cookie_secret, strlen(self->cookie_secret), text,
                strlen(text));
    httputil_encode_hex(text + DIGITS, mac, sizeof mac);
    httpheaders_add(&self->request->cookies, "name", text);
    return handler_get_secure_cookie(self, "name", 1) == NULL;
}

int
main(void)
{
    static const struct handler_class class = {0};
    struct handler self = {.class = &class, .request = httprequest_new(),
                           .cookie_secret = "open-sesame-open"};
    char all[256] = "";
    int i = 1;
    bool ok = check(&self, "");

    for (; ok && i < 256; i++) {
        char one[2] = {(char)i, '\0'};

        all[i - 1] = (char)i;
        ok = check(&self, one) && check(&self, all);
    }
    ok = ok && check_digits(&self);
    httprequest_free(self.request);
    if (!ok)
        printf("not read as it was: byte %d\n", i - 1);
    return ok ? 0 : 1;
}
END
    # shellcheck disable=SC2046,SC2086 # These are words.
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -pthread ${CFLAGS:--O1 -g} -I "$STAGE" "$TMP/values.c" \
        $(find "$STAGE" -name '*.c' ! -name main.c) ${LDFLAGS:-} -o "$TMP/values"
    "$TMP/values"
}

@test "the count is for us alone: no script reads it, it goes everywhere, and ends" {
    start_step 31
    head=$(http -i "$URL/visits" | tr -d '\r' | grep '^Set-Cookie: ')
    date=${head#*; Expires=} date=${date%%;*}
    [[ $head == "Set-Cookie: visits=31|"*"; Expires=$date; Path=/; HttpOnly; SameSite=Lax" ]]
    [[ $date == [A-Z][a-z][a-z],\ [0-9][0-9]\ [A-Z][a-z][a-z]\ 20[0-9][0-9]\ ??:??:??\ GMT ]]
    # A month from now, as curl reads it.
    http -c "$TMP/jar" -o "$TMP/page" "$URL/visits"
    ends=$(awk -F '\t' '$6 == "visits" { print $5 }' "$TMP/jar") now=$(date +%s)
    [ "$ends" -ge $((now + 30 * DAY - 60)) ]
    [ "$ends" -le $((now + 30 * DAY + 60)) ]
}

@test "whichever byte of a signed cookie is changed, it counts as none" {
    start_step 31 --secret="$SECRET"
    good=$(signed visits "$N41" "$(date +%s)")
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
    good=$(signed visits "$N41" "$t")
    text="$N41|$t|" mac=${good: -64}
    [ "$(visits "$good")" = "visits: 42" ]
    for bad in "${good:0:${#good}-1}" "${good}0" "$text" "$mac" "$text$text$mac" \
        "$text$mac$mac" "${good:1}" "0$good" "00$good" "|$good" "|$mac" "||$mac" "" "|" "||" \
        "$(many 64 0)" "$(many 63 0)" "||$(many 64 0)" "$text$(many 64 0)" \
        "343|1$t|$mac" "$N41|${t}0|$mac" "$N41|${t%?}|$mac" "$N41$t||$mac" "|$N41$t|$mac" \
        "$N41|$t$mac" "$N41$t|$mac" "$N41$t$mac" "$N41|$t||$mac" "$N41||$t|$mac" \
        "$N41|$t|v$mac" "$N41|$t|visits$mac" "$N41|$t|visits|$mac" "$t|$N41|$mac" \
        "$text${mac:0:32}" "\"$good" "$N41|$t|$(printf %s "$mac" | tr a-f A-F)"; do
        # Without letters in it the last one would be the good one itself.
        [ "$bad" != "$good" ] || continue
        [ "$(visits "$bad")" = "visits: 1" ] || wrong counted "$bad"
    done
    [ "$(visits "\"$good\"")" = "visits: 42" ]
}

@test "a signature counts for one name and one key" {
    start_step 31 --secret="$SECRET"
    t=$(date +%s)
    [ "$(visits "$(signed visits "$N41" "$t")")" = "visits: 42" ]
    for name in visit visitss Visits session '' 'a|visits' 'visits|a'; do
        [ "$(visits "$(signed "$name" "$N41" "$t")")" = "visits: 1" ] ||
            wrong "signed for" "$name"
    done
    for key in '' "${SECRET%?}" "${SECRET}x" "$SECRET$SECRET" Open-sesame; do
        [ "$(visits "$(signed visits "$N41" "$t" "$key")")" = "visits: 1" ] ||
            wrong "signed with" "$key"
    done
}

@test "a cookie whose name ends like another is never taken for that one" {
    start_step 31 --secret="$SECRET"
    t=$(date +%s)
    # The name a|visits, and others: what is signed ends with "visits", and the
    # client can write what stands before that in front of the signature.
    for before in '|' 'a|' '||' "$N41|" "$N41|$t|" "|$t|" a 0 "$t"; do
        text="$N41|$t|$before"
        [ "$(visits "$text$(mac "${text}visits")")" = "visits: 1" ] ||
            wrong "taken for visits" "$before"
    done
    [ "$(visits "$N41|$t|$(mac "$N41|$t|visits")")" = "visits: 42" ]
}

@test "a signature counts for a month, and not before its time" {
    start_step 31 --secret="$SECRET"
    t=$(date +%s)
    while read -r n when; do
        [ "$(visits "$(signed visits "$N41" "$when")")" = "visits: $n" ] ||
            wrong "not $n" "$when, and it is $t"
    done <<END
42 $((t - 31 * DAY + 60))
1 $((t - 31 * DAY - 60))
42 0$t
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
    for text in '' '|' '||' '|||' "$N41" "$t" "$N41|" "$N41|$t" "$N41|$t||" "$N41||$t|" "$N41||" \
        "|$N41|$t|" "$N41|$t|$t|" "$N41|$t|visits" "$N41|$t| " " $N41|$t|" "$N41 |$t|" \
        "$N41| $t|" "$N41|$t |" "$N41|+$t|" "$N41|0x$t|" "$N41|$t.0|" "$N41|${t}s|" \
        "343|$t|" "343g|$t|" "g$N41|$t|" "+$N41|$t|" "0x$N41|$t|" "$N41:$t:" "$N41:$t|" "$N41|$t:" \
        "41|1:0|10:$t|6:visits|" "$(many 3001 3)" "$(many 3001 3)|$t|" "$N41|$(many 3000 9)|"; do
        [ "$(visits "$text$(mac "${text}visits")")" = "visits: 1" ] || wrong counted "$text"
    done
    # The value may be anything: the server takes no harm.
    for value in '' 00 003431 ff "$(many 3000 f)"; do
        [ "$(visits "$(signed visits "$value" "$t")")" = "visits: 1" ] ||
            wrong counted "$value"
    done
    [ "$(visits "$(signed visits 343100 "$t")")" = "visits: 42" ]
}

@test "a hundred and one cookies are too many for a signed one, too" {
    start_step 31
    [ "$(status -b "$(for i in $(seq 101); do printf 'a%d=%d; ' "$i" "$i"; done)" "$URL/visits")" = 400 ]
    grep -q '(too many cookies)' "$TMP/page"
}

# --- the secret ----------------------------------------------------------------

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

@test "without random bytes there is no secret, and the server says so" {
    SERVER=$(without_random_bytes "$STAGE")
    "$SERVER" --port=0 > "$TMP/out" 2> "$TMP/err" < /dev/null 3>&- 4>&- &
    SERVER_PID=$!
    server_ends 5
    [ "$SERVER_STATUS" -eq 1 ]
    [ ! -s "$TMP/out" ]
    [ "$(wc -l < "$TMP/err")" -eq 1 ]
    grep -q 'no randomness' "$TMP/err"

    start_step 31 --secret="$SECRET"
    [ "$(http "$URL/visits")" = "visits: 1" ]
}
