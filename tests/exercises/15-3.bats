# Exercise 15-3: a page with a status of its own.

setup()    { load ../helper; start_step 15; }
teardown() { stop_server clean; }

@test "/status is 503, and its body is the handler's" {
    run http -i "$URL/status"
    [[ ${lines[0]} == "HTTP/1.1 503 Service Unavailable"* ]] || false
    [[ $output == *$'\n'"closed for today" ]] || false
    [[ $output != *"<html>"* ]] || false
}

@test "the other pages are as before" {
    [ "$(http "$URL/")" = "Hello, world" ]
    [ "$(http -o /dev/null -w '%{http_code}' "$URL/statu")" = 404 ]
}
