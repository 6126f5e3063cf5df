# limits.bash -- for the tests of chapters 32 and 34: requests whose body is cut
# short, or comes slowly, and the statuses of their answers. `load limits` after
# `load helper`.
#
# shellcheck disable=SC2034 # They are for those who load this.

HEAD='POST /echo HTTP/1.1\r\nHost: a\r\n'
CHUNKED=$HEAD'Transfer-Encoding: chunked\r\n\r\n'

# each N OP...: the ops, N times over, in OPS.
each() {
    local n=$1 i
    shift
    OPS=()
    for i in $(seq "$n"); do OPS+=("$@"); done
}

# answers FILE WORD...: these are the statuses in it, and there are no others.
answers() {
    local file=$1
    shift
    [ "$(grep -aoE 'HTTP/1.1 [0-9]+' "$file" | cut -c 10- | xargs)" = "$*" ] ||
        { printf '%s, not %s:\n' "$file" "$*"; head -c 2000 "$file"; return 1; }
}
