# requests.bash -- requests in bytes, and what their answers are. For the steps
# from 10 on; `load requests` after `load helper`.

# ask TEXT [OP...]: the answer to these bytes; client.c says how they are written.
ask() { client send "$1" "${@:2}" read; }

# wants STATUS TEXT...: each of the texts is answered with that status.
wants() {
    local want=$1 text got
    shift
    for text; do
        got=$(ask "$text" | sed -n '1s/^HTTP\/1\.[01] \([0-9]*\) .*/\1/p')
        [ "$got" = "$want" ] ||
            { echo "${text:0:100}: '$got' and not $want"; return 1; }
    done
}

# get LINES, post LINES BODY: a request with these header lines, too.
get() { printf '%s' "GET / HTTP/1.1\\r\\nHost: x\\r\\n$1\\r\\n"; }
post() { printf '%s' "POST / HTTP/1.1\\r\\nHost: x\\r\\n$1\\r\\n$2"; }

# many N [BYTE]: N of them.
many() { printf "%${1}s" '' | tr ' ' "${2:-a}"; }

# body_of: what follows the head of an answer.
body_of() { sed '1,/^.$/d'; }
