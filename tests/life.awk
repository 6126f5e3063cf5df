# life.awk -- draw the life of a request from the records of --trace=FILE.
#
#     ls src/*.c src/*/*.c | awk -f tests/life.awk -v title='...' \
#         -v request='...' - chapters/tour.md records > life.svg
#
# A column is a part: a file at the top of src, with the folder of its name. A
# band is a turn of the loop, a row is a record: a stop of the tour, an event of
# a connection, a wait, or a timeout of the loop. Times, descriptors, ports and
# line numbers are left out, so equal behaviour gives equal bytes, with every
# POSIX awk.

function escape(s) {
    gsub(/&/, "\\&amp;", s)
    gsub(/</, "\\&lt;", s)
    gsub(/>/, "\\&gt;", s)
    return s
}

BEGIN {
    FS = "\t"
    parts = split("ioloop httpserver iostream httpconnection web app", part, " ")
    split("lo se st co we ma", class, " ")
    for (i = 1; i <= parts; i++) {
        place[part[i]] = i
        x[i] = 82 + 22 * (i - 1)
    }
}

# The sources: which part is a file of?
FILENAME == "-" {
    n = split($0, piece, "/")
    name = piece[2]
    sub(/\.c$/, "", name)
    part_of[piece[n]] = name
    next
}

# The table of the tour: in which chapter is a stop learned?
FILENAME ~ /\.md$/ {
    n = split($0, cell, "|")
    if (n > 2 && match(cell[2], /[0-9]+/)) {
        stop = substr(cell[2], RSTART, RLENGTH)
        chapter[stop] = cell[n - 1]
        gsub(/[^0-9]/, "", chapter[stop])
    }
    next
}

# The records; the first line says which column is which.
!columns {
    columns = NF
    for (i = 1; i <= NF; i++)
        column[$i] = i
    next
}

{
    stop = $(column["stop"])
    who = $(column["conn"])
    file = $(column["file"])
    text = $(column["note"])
    wait = text ~ /^--- waited/
    # What a wing does for itself is no part of a request's life.
    if (stop == 0 && who == 0 && part_of[file] != "ioloop")
        next
    if (!(part_of[file] in place)) {
        print "no column for " file > "/dev/stderr"
        exit failed = 1
    }

    rows++
    turn[rows] = $(column["turn"])
    at[rows] = place[part_of[file]]
    if (file != "" && !((at[rows], file) in seen)) {
        seen[at[rows], file]
        label[at[rows]] = label[at[rows]] (label[at[rows]] == "" ? "" : ", ") file
    }
    number[rows] = stop
    function_[rows] = $(column["function"])
    connection[rows] = who
    waits[rows] = wait
    if (who > 0) {
        last = rows # What comes after it is the server's end.
        if (!(who in letter))
            letter[who] = substr("ABCDEFGH", ++clients, 1)
    }

    # What varies from run to run.
    sub(/as descriptor [0-9]+/, "as a descriptor of its own", text)
    sub(/^descriptor [0-9]+ listens/, "the listening socket joins the loop", text)
    note[rows] = escape(text)
    if (rows > 1 && waits[rows - 1])
        note[rows - 1] = "waits until " \
            (stop == 2 ? "a descriptor is ready" : text)
}

END {
    if (failed || !last)
        exit 1
    width = 572
    top = 78 + 18 * parts

    # Where each row stands, and each band begins and ends.
    y = top
    for (i = 1; i <= last; i++) {
        if (i == 1 || turn[i] != turn[i - 1]) {
            band[++bands] = turn[i]
            begins[bands] = y
            # Every turn begins in the loop.
            y += at[i] == 1 ? 8 : 22
        }
        row[i] = y + 17
        y += 38
        ends[bands] = y
        if (i == last || turn[i + 1] != turn[i])
            y += 10
    }
    height = y + 14

    print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" width \
        "\" height=\"" height "\" viewBox=\"0 0 " width " " height \
        "\" role=\"img\" aria-labelledby=\"t d\">"
    print "<!-- Drawn by `make diagrams`. -->"
    print "<title id=\"t\">" escape(title) "</title>"
    print "<desc id=\"d\">" escape(request) \
        " Drawn from the records of a run. One line, the only thread of the server," \
        " goes from stop to stop; each column is a part, each band a turn of the loop."
    for (i = 1; i <= last; i++) {
        if (i == 1 || turn[i] != turn[i - 1])
            printf "%sTurn %d:", (i == 1 ? "" : ".\n"), turn[i]
        else
            printf ","
        if (waits[i])
            printf " the loop %s", note[i]
        else
            printf " %s%s%s", function_[i], (number[i] ? " (" number[i] ")" : ""), \
                (clients == 1 || !connection[i] ? "" : \
                " for client " letter[connection[i]])
    }
    print ".</desc>"

    print "<style>"
    print "/* In a window of its own: as wide as the window, but never too small to read. */"
    print "@media (scripting: enabled) { :root { width: 100%; min-width: 520px; height: auto } }"
    print "text { font: 14px system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif; fill: #1b2230 }"
    print ".code { font: 600 15px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace }"
    print ".title { font-size: 22px; font-weight: 700 } .head { font-size: 14px }"
    print ".dim, .turn { fill: #5b6577 } .turn { font-weight: 700 } .dim.code { font-weight: 400 } .n { fill: #1b2230 }"
    print ".in { text-anchor: middle; fill: #fff; font-size: 13px; font-weight: 700 } .end { text-anchor: end }"
    print ".paper { fill: #fbfaf7; stroke: #d8d3c4 } .band { fill: #f0eee7 } .column { stroke: #d5d1c5; stroke-width: 1.5 }"
    print ".run { fill: none; stroke: #1b2230; stroke-width: 2.4; stroke-linejoin: round }"
    print ".sleep { stroke: #5b6577; stroke-width: 3; stroke-dasharray: .1 6; stroke-linecap: round }"
    print ".hollow { fill: #fbfaf7; stroke: #1b2230; stroke-width: 2 }"
    print ".A { fill: #1b2230 } .B { fill: #fbfaf7; stroke: #1b2230; stroke-width: 1.5 } .inB { text-anchor: middle; font-size: 13px; font-weight: 700 }"
    print ".lo { fill: #a34a00 } .se { fill: #1d4fd0 } .st { fill: #0b6b62 } .co { fill: #6d28d9 } .we { fill: #b3123c } .ma { fill: #4a6112 }"
    print "@media (prefers-color-scheme: dark) {"
    print "  text, .n { fill: #eceff5 } .dim, .turn { fill: #a3adbf } .in { fill: #12161e }"
    print "  .paper { fill: #12161e; stroke: #3a4250 } .band { fill: #1b212c } .column { stroke: #38404f }"
    print "  .run { stroke: #eceff5 } .sleep { stroke: #a3adbf } .hollow { fill: #12161e; stroke: #eceff5 }"
    print "  .A { fill: #eceff5 } .B { fill: #12161e; stroke: #eceff5 }"
    print "  .lo { fill: #f6ad55 } .se { fill: #8fb3ff } .st { fill: #4fd1bf } .co { fill: #bfa2ff } .we { fill: #ff92a8 } .ma { fill: #bcd67a }"
    print "}"
    print "</style>"
    printf "<rect class=\"paper\" x=\"1\" y=\"1\" width=\"%d\" height=\"%d\" rx=\"12\"/>\n", width - 2, height - 2
    printf "<text class=\"title\" x=\"20\" y=\"38\">%s</text>\n", escape(title)
    printf "<text class=\"dim\" x=\"20\" y=\"60\">%s</text>\n", escape(request)
    hint[1] = "(7): when it happens; [6]: when you learn it"
    hint[2] = "line: the only thread; dotted: it waits"
    hint[3] = "drawn from the trace of a run"
    for (i = 1; i <= 3; i++)
        printf "<text class=\"dim end\" x=\"%d\" y=\"%d\">%s</text>\n", width - 18, 64 + 19 * i, hint[i]

    for (i = 1; i <= bands; i++) {
        printf "<rect class=\"band\" x=\"10\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>", begins[i], width - 20, ends[i] - begins[i] + 4
        printf "<text class=\"turn\" x=\"18\" y=\"%d\">turn %d</text>\n", begins[i] + 22, band[i]
    }

    # The columns: a stair of names.
    for (i = 1; i <= parts; i++)
        if (label[i] != "") {
            printf "<path class=\"column\" d=\"M%d %dV%d\"/>", x[i], 84 + 18 * (i - 1), height - 14
            printf "<text class=\"code head %s\" x=\"%d\" y=\"%d\">%s</text>\n", class[i], x[i] - 4, 80 + 18 * (i - 1), label[i]
        }

    # The thread: dotted where it waits.
    for (i = 1; i <= last; i++) {
        new = i == 1 || turn[i] != turn[i - 1]
        if (new)
            b++
        if (i > 1) {
            from = x[at[i - 1]]
            down = row[i - 1]
            if (new && at[i] != 1) {
                # Back to the loop, which calls what was queued.
                printf "<path class=\"run\" d=\"M%d %dV%dH%dV%dH%d\"/>\n", from, down, begins[b] + 12, x[1], row[i], x[at[i]]
                dot[b] = 1
            } else if (waits[i - 1])
                printf "<path class=\"sleep\" d=\"M%d %dV%d\"/>\n", from, down + 8, row[i] - 12
            else
                printf "<path class=\"run\" d=\"M%d %dV%dH%d\"/>\n", from, down, row[i], x[at[i]]
        }
    }
    for (i = 1; i <= bands; i++)
        if (dot[i])
            printf "<circle class=\"hollow\" cx=\"%d\" cy=\"%d\" r=\"5\"/>\n", x[1], begins[i] + 12

    # The rows.
    for (i = 1; i <= last; i++) {
        c = class[at[i]]
        if (number[i] > 0) {
            printf "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"11\"/>", c, x[at[i]], row[i]
            printf "<text class=\"in\" x=\"%d\" y=\"%d\">%d</text>\n", x[at[i]], row[i] + 5, number[i]
            printf "<text class=\"dim end\" x=\"%d\" y=\"%d\">[%d]</text>", width - 18, row[i], chapter[number[i]]
        } else
            printf "<circle class=\"hollow\" cx=\"%d\" cy=\"%d\" r=\"5\"/>\n", x[at[i]], row[i]
        printf "<text class=\"code %s\" x=\"212\" y=\"%d\">%s%s</text>", (waits[i] ? "dim" : c), row[i], \
            (number[i] ? "<tspan class=\"n\">(" number[i] ")</tspan> " : ""), function_[i]
        printf "<text class=\"dim\" x=\"212\" y=\"%d\">%s</text>\n", row[i] + 17, note[i]
        if (clients > 1 && connection[i] > 0) {
            l = letter[connection[i]]
            printf "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"20\" height=\"17\" rx=\"4\"/>", l, width - 82, row[i] - 15
            printf "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", (l == "A" ? "in" : "inB"), width - 72, row[i] - 1, l
        }
    }
    print "</svg>"
}
