# Exercise 28-3: names that begin with a dot are not served.

setup() {
    load ../helper
    load ../files
    make_site
    mkdir "$FILES/.git" "$FILES/sub/.hidden"
    for f in .env .git/config sub/.htpasswd sub/.hidden/page; do
        echo SECRET > "$FILES/$f"
    done
    start_step 28 --static-path="$FILES"
}
teardown() { stop_server clean; }

@test "a path with a name that begins with a dot does not exist" {
    for path in .env .git/config .git .git/ sub/.htpasswd sub/.hidden/page \
        %2eenv %2Egit/config sub%2f.htpasswd ./.env sub/../ten ..; do
        get "$path" > "$TMP/out"
        grep -q '^HTTP/1.1 404 ' "$TMP/out" || { echo "$path"; cat "$TMP/out"; return 1; }
        run ! grep SECRET "$TMP/out"
    done
}

@test "other names, and the name that is only a dot, are as before" {
    echo dotted > "$FILES/a.b.c"
    [ "$(http --path-as-is "$URL/static/ten")" = 0123456789 ]
    [ "$(http --path-as-is "$URL/static/./ten")" = 0123456789 ]
    [ "$(http --path-as-is "$URL/static/sub/./page.html")" = '<p>a page' ]
    [ "$(http "$URL/static/sub/")" = '<p>the index' ]
    [ "$(http "$URL/static/a.b.c")" = dotted ]
}
