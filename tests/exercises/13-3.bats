# Exercise 13-3: a class may have a function for PATCH.

setup()    { load ../helper; start_step 13; }
teardown() { stop_server clean; }

@test "PATCH /note has a function" {
    [ "$(http -X PATCH "$URL/note")" = "The note is as before." ]
}

@test "the other methods and classes are as before" {
    [ "$(http -X DELETE "$URL/note")" = "The note stays." ]
    [ "$(http -o /dev/null -w '%{http_code}' -X PATCH "$URL/")" = 405 ]
    [ "$(http -o /dev/null -w '%{http_code}' -X BREW "$URL/note")" = 405 ]
}
