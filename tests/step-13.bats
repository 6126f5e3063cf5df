# Chapter 13, Routes: from a path to a class, from a method to a function.

setup()    { load helper; start_step 13 --trace; }
teardown() { stop_server clean; }

# status METHOD PATH: the number in the first line of the answer.
status() {
    http -o /dev/null -w '%{http_code}' --path-as-is -X "$1" "$URL$2"
}

@test "a path leads to a class, and the method to a function of it" {
    [ "$(http "$URL/")" = "Hello, world" ]
    [ "$(http "$URL/note")" = "Hello, world" ]
    [ "$(http -X DELETE "$URL/note")" = "The note stays." ]
}

@test "the query is no part of the path" {
    [ "$(http "$URL/note?a=b/c")" = "Hello, world" ]
    [ "$(status GET '/?/note')" = 200 ]
}

@test "a path that is not in the table is 404, however close" {
    for path in /note/ /not /notes //note /NOTE /note/note /%6eote /./note; do
        [ "$(status GET "$path")" = 404 ] || { echo "$path"; return 1; }
    done
}

@test "a method that the class does not have is 405" {
    for method in POST PUT OPTIONS PATCH get; do
        [ "$(status $method /note)" = 405 ] || { echo "$method"; return 1; }
    done
    [ "$(status DELETE /)" = 405 ]
}

@test "only a path that is in the table comes to a handler's execution" {
    http -o /dev/null -o /dev/null "$URL/" "$URL/nothing"
    http -o /dev/null -X DELETE "$URL/"
    [ "$(stops | grep -cx 11)" -eq 3 ]
    [ "$(stops | grep -cx 12)" -eq 2 ]
    grep -q '/nothing has no handler' "$SERVER_LOG"
    grep -q 'the handler has no method DELETE' "$SERVER_LOG"
}

@test "the body of a request without a function is read all the same" {
    [ "$(http -o /dev/null -w '%{http_code}' -d a=1 "$URL/nothing")" = 404 ]
    [ "$(stops | grep -cx 10)" -eq 1 ]
}
