# analyzers.sh -- what programs that read C have to say about src.
#
#     sh tests/analyzers.sh gcc|clang|cppcheck
#
# Prints each report, and fails if there is one, apart from those of the list:
# tool, file, function, and why the report is wrong.

known='
gcc samples.c form_any: bsearch() finds the name, because it is taken from the same array
clang memory.c buffer_front: a buffer that is NULL has room for 0 bytes, and every caller needs more
clang listen.c add_socket: getsockname() has set the address
clang ioloop.c has_handler: while entries is NULL, nentries is 0
clang ioloop.c run_timeouts: a removed timeout is not the first one any more
cppcheck ioloop.c reserve: if there is no memory the array still has the old items
cppcheck samples.c form_any: the elements that are read have been set
'

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

set -- "$1" -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
! echo '#include <openssl/ssl.h>' | ${CC:-cc} -E - > /dev/null 2>&1 || set -- "$@" -DTLS
for f in src src/*/; do set -- "$@" -I "$f"; done
tool=$1
shift
case $tool in
gcc) set -- gcc -std=c11 -pthread -O1 -fanalyzer -c -o /dev/null "$@" ;;
clang) set -- clang --analyze -Xclang -analyzer-output=text -std=c11 "$@" ;;
cppcheck) # Version 2.10 does not know _Noreturn.
    set -- cppcheck -q --std=c11 --enable=warning,performance,portability \
        --inline-suppr -D__linux__ '-D_Noreturn=__attribute__((noreturn))' \
        --suppress=normalCheckLevelMaxBranches --template=gcc "$@" ;;
*) echo "There is no analyzer '$tool'."; exit 1 ;;
esac

# Each file has its own report, because several run at the same time.
# shellcheck disable=SC2010,SC2016 # The names are ours; the inner shell has its own variables.
ls src/*.c src/*/*.c | grep -v '^src/steps/' |
    xargs -P "$(getconf _NPROCESSORS_ONLN)" -I {} sh -c '
        out=$0/$(echo "$1" | tr / _)
        shift
        "$@" > "$out" 2>&1 || { cat "$out"; exit 1; }' \
        "$tmp" {} "$@" {} || exit 1

# The function around a line is the last name before it in column 0.
echo "$known" | awk -v tool="$tool" '
    FILENAME == "-" { if ($1 == tool) { sub(/:/, "", $3); known[$2, $3] = 1 } next }
    /^src\/[^ ]*:[0-9]+:.*(warning|error): / {
        split($0, at, ":")
        name = "?"
        for (n = 1; n <= at[2] && (getline line < at[1]) > 0; n++)
            if (match(line, /^[a-z_][a-z0-9_]*\(/))
                name = substr(line, 1, RLENGTH - 1)
        close(at[1])
        file = at[1]
        sub(/.*\//, "", file)
        if ((file, name) in known) next
        print name "(): " $0
        bad = 1
    }
    END { exit bad }' - "$tmp"/*
