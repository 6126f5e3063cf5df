# tags.awk -- where each name of the sources is defined, for an editor.
#
#     cd build && awk -f ../tests/tags.awk ../src/*.[ch] | LC_ALL=C sort
#
# One line a name, as vi and most editors read it: name, file, what to look for
# there. A function's name stands in column 0; the rest are struct and enum
# types, constants, macros and function types.

function tag(name) {
    if (name !~ /_H$/ && name != "static_assert")
        print name "\t" FILENAME "\t" FNR
}

FNR == 1 { listing = 0 }

/^[a-z_][a-z0-9_]*\(/ {
    sub(/\(.*/, "")
    tag($0)
    next
}

/^[ \t]*# *define / {
    sub(/^[ \t]*# *define +/, "")
    sub(/[^A-Za-z0-9_].*/, "")
    tag($0)
    next
}

# typedef void ioloop_callback(void *arg);
/^typedef / && match($0, /[a-z_0-9]+\(/) {
    tag(substr($0, RSTART, RLENGTH - 1))
    next
}

/^(struct|enum) [a-z_0-9]+ \{/ { tag($2) }

# The constants of an enum, on one line or several. Comments may name others.
/^enum .*\{|^enum \{/ { listing = 1; sub(/^enum [^{]*\{/, "") }
listing {
    line = $0
    gsub(/\/\*.*(\*\/|$)/, "", line)
    end = index(line, "}")
    if (end)
        line = substr(line, 1, end - 1)
    n = split(line, constant, ",")
    for (i = 1; i <= n; i++)
        if (match(constant[i], /^ *[A-Z][A-Z0-9_]+/)) {
            gsub(/^ *| *=.*| *$/, "", constant[i])
            tag(constant[i])
        }
    if (end)
        listing = 0
}
