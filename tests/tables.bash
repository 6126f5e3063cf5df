# tables.bash -- many requests in one test: what each of them should get.
#
# shellcheck disable=SC2034 # NEXT is for those who load this.

NEXT='GET /next HTTP/1.1\r\nHost: x\r\n\r\n'

many() { printf "%${1}s" '' | tr ' ' "${2:-a}"; }

# table FUNCTION [BEFORE [AFTER]]: a line of standard input that begins with a
# status says what is expected; each indented line below it, between BEFORE
# and AFTER, is a request. client.c says how they are written.
table() {
    local row status='' text=''
    while IFS= read -r row; do
        case $row in
        '    '*) "$1" "$status" "$text" "${2:-}${row#    }${3:-}" || return 1 ;;
        '') wrong "an empty line in the table of" "$1" || return 1 ;;
        *) status=${row%% *} text=${row#"$status"} text=${text# } ;;
        esac
    done
}

wrong() { printf '%s\n' "$1: ${2:0:150}" "${3:0:700}"; return 1; }
