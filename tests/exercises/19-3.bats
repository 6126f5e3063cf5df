# Exercise 19.3: TLS to a server that speaks HTTP.

setup()    { load ../helper; load ../requests; start_step 19; }
teardown() { stop_server clean; }

@test "the first message of TLS is told from other bytes" {
    for text in '\x16' '\x16\x03\x01' '\r\n\x16\x03'; do
        ask "$text" | head -n 1 | tr -d '\r' |
            grep -qx 'HTTP/1.1 400 this port speaks HTTP, not TLS'
    done
}

@test "other bytes are answered as before" {
    for text in '\x15' '\x17\x03\x01' '\0' 'hello\r'; do
        ask "$text" | head -n 1 | tr -d '\r' |
            grep -qx 'HTTP/1.1 400 malformed request line'
    done
    wants 200 "$(get 'Connection: close\r\n')"
}
