# Chapter 14, Handlers: from the bytes of a form to an argument.

setup()    { load helper; start_step 14 --trace; }
teardown() { stop_server clean; }

# greet FORM [OPTION...]: what /hello answers to this form.
greet() { http -d "$1" "${@:2}" "$URL/hello"; }

@test "a form's field reaches your code" {
    [ "$(greet name=world)" = "Hello, world" ]
    [ "$(greet 'other=x&name=a&more=y')" = "Hello, a" ]
}

@test "of repeated fields the last one counts" {
    [ "$(greet 'name=one&name=two')" = "Hello, two" ]
    [ "$(http -d name=body "$URL/hello?name=query")" = "Hello, body" ]
}

@test "a field may stand in the query" {
    [ "$(http -X POST "$URL/hello?name=query")" = "Hello, query" ]
    [ "$(http -d x=1 "$URL/hello?a=b&name=q+r")" = "Hello, q r" ]
}

@test "a missing field is the client's mistake, and the answer says which" {
    run http -i -d other=x "$URL/hello"
    [[ ${lines[0]} == "HTTP/1.1 400 "* ]] || false
    [[ $output == *"Missing argument name" ]] || false
    for form in '' '&' '=' 'name' 'name=' 'name&name=' 'Name=x' 'nam%00e=x'; do
        [ "$(greet "$form")" = "Missing argument name" ] ||
            { echo "$form"; return 1; }
    done
}

@test "a plus is a blank, and a byte is decoded once" {
    [ "$(greet 'name=a+b%2Bc')" = "Hello, a b+c" ]
    [ "$(greet 'name=%41%zz%2541%4')" = "Hello, A%zz%41%4" ]
    [ "$(greet 'n%61me=a=b')" = "Hello, a=b" ]
}

@test "a text is cut to fields before it is decoded" {
    [ "$(greet 'name=a%26name%3Db')" = "Hello, a&name=b" ]
}

@test "a form is a body that says so, and is posted or put" {
    [ "$(greet name=x -H 'Content-Type: text/plain')" = "Missing argument name" ]
    [ "$(greet name=x -H 'Content-Type:')" = "Missing argument name" ]
    type='Content-Type: application/X-WWW-form-urlencoded; charset=utf-8'
    [ "$(greet name=x -H "$type")" = "Hello, x" ]
}

@test "a form in pieces is the same form" {
    run client bytewise 'POST /hello HTTP/1.1\r\nHost: a\r\nContent-Type: ' \
        bytewise 'application/x-www-form-urlencoded\r\nContent-Length: 10\r\n' \
        bytewise '\r\nname=a%20b' read
    [[ $output == *"Hello, a b" ]] || false
}
