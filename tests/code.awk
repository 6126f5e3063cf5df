# code.awk -- how many lines of code a C file has: neither blank nor comment.
#
#     awk -f tests/code.awk src/ioloop.c           just the number
#     awk -v functions=1 -f tests/code.awk FILE    "NAME LINES" per function

{
    line = $0
    if (open) {                               # the rest of a comment
        if (!index(line, "*/")) next
        sub(/^.*\*\//, "", line)
        open = 0
    }
    gsub(/'"'|"([^"\\]|\\.)*"/, "x", line)    # no comment begins in a string
    gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
    if (index(line, "/*")) { open = 1; sub(/\/\*.*$/, "", line) }
    if (line ~ /^[ \t]*$/) next
    n++
}

# The name of a function stands in column 0, its braces as well.
/^[a-z_][a-z0-9_]*\(/ { name = $0; sub(/\(.*/, "", name) }
/^[{]/ { start = n }
/^[}]/ && start { if (functions) print name, n - start - 1; start = 0 }

END { if (!functions) print n + 0 }
