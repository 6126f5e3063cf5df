# Exercise 30-3: a cookie that the browser deletes.

setup()    { load ../helper; start_step 30; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

# browse PATH: by the browser whose cookies are in $TMP/jar.
browse() { http -b "$TMP/jar" -c "$TMP/jar" "$URL$1"; }

@test "a cookie that was cleared is not sent any more, and the others are" {
    browse '/cookie/set?name=theme&value=dark' > "$TMP/page"
    browse '/cookie/set?name=size&value=large' > "$TMP/page"
    [ "$(browse /cookie | sort | xargs)" = "size=large theme=dark" ]
    [ "$(browse '/cookie/clear?name=theme')" = "theme is gone" ]
    [ "$(browse /cookie)" = "size=large" ]
    [ "$(browse '/cookie/clear?name=nothing')" = "nothing is gone" ]
    [ "$(browse /cookie)" = "size=large" ]
}

@test "a name that cannot be one is 400, and so is the token's" {
    for query in 'name=a%20b' 'name=a%0d%0aInjected:%20b' 'name=_xsrf' 'name=' ''; do
        http -i "$URL/cookie/clear?$query" > "$TMP/page"
        grep -q '^HTTP/1.1 400 ' "$TMP/page" || { echo "$query"; cat "$TMP/page"; return 1; }
        run ! grep -iE '^(Set-Cookie|Injected)' "$TMP/page"
    done
}
