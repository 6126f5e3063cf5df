# Build 5: a message may say how many bytes come after it.

setup() { load ../helper; start_step 6 --trace; }
teardown() { stop_server clean; }

saw() { wait_for_line "$SERVER_LOG" "$1"; }

# said OP...: what the server says that we said.
said() { client "$@" read | sed '1,/^you said:$/d'; }

@test "five bytes are announced, and five bytes are heard" {
    [ "$(said send '5\r\n\r\nhello')" = hello ]
    [ "$(said send '5\r\n\r\nhello, world')" = hello ]
    [ "$(said bytewise '5\n\nhello')" = hello ]
}

@test "the server waits until the last of them is here" {
    {
        printf '5\r\n\r\nhell'; saw '\+9 bytes' >&2
        printf 'o'
    } | raw | grep -axq hello
}

@test "a read of zero bytes is a read, too" {
    [ "$(said send '0\r\n\r\n')" = "" ]
}

@test "a message without a number is heard as before" {
    [ "$(said send 'hello\r\n\r\n' | tr -d '\r')" = hello ]
}
