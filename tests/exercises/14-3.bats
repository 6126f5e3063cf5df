# Exercise 14-3: the greeting is a field, too.

setup()    { load ../helper; start_step 14; }
teardown() { stop_server clean; }

@test "a greeting takes the place of Hello" {
    [ "$(http -d 'greeting=Good+day&name=you' "$URL/hello")" = "Good day, you" ]
    [ "$(http -d 'name=you' "$URL/hello?greeting=Hi")" = "Hi, you" ]
}

@test "without a greeting, or without a name, the answer is as before" {
    [ "$(http -d name=you "$URL/hello")" = "Hello, you" ]
    [ "$(http -d 'greeting=&name=you' "$URL/hello")" = "Hello, you" ]
    [ "$(http -d greeting=Hi "$URL/hello")" = "Missing argument name" ]
}
