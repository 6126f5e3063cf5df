# book.awk -- the whole course in one HTML file.
#
#     awk -f tests/book.awk STEPS DIAGRAM... PAGE... > book.html
#
# STEPS is every source file, as src/stage.awk prints it with steps=1, each behind
# a line `== PATH`. A DIAGRAM is an .svg file, a PAGE any other text; an .md file
# is written in the part of Markdown that this project uses. What a page shows in
# a picture is in the book itself, and no link leaves the book but those to
# http: and https:. book.sh calls it.

function escape(s) {
    gsub(/&/, "\\&amp;", s)
    gsub(/</, "\\&lt;", s)
    gsub(/>/, "\\&gt;", s)
    gsub(/"/, "\\&quot;", s)
    return s
}

# --- names: what a link leads to ----------------------------------------------

function base(path) {
    sub(/.*\//, "", path)
    return path
}

# The anchor of a file: chapters/06-reading.md is chapter-6.
function anchor(path,    name) {
    name = base(path)
    if (path ~ /^chapters\/[0-9]+-[^\/]*\.md$/)
        return "chapter-" (name + 0)
    if (path ~ /^chapters\/answers\/.*\.md$/)
        return "answer-" substr(name, 1, length(name) - 3)
    if (path == "diagrams/README.md")
        return "pictures"
    if (path ~ /\.md$/)
        return substr(name, 1, length(name) - 3)
    if (path ~ /\.svg$/)
        return "picture-" substr(name, 1, length(name) - 4)
    gsub(/\./, "-", name)
    return (path ~ /^src\// ? "src-" : "file-") name
}

# A link of a page, seen from the top of the tree.
function resolve(from, to,    n, piece, i, path) {
    sub(/[^\/]*$/, "", from)
    n = split(from to, piece, "/")
    path = ""
    for (i = 1; i <= n; i++)
        if (piece[i] == "..")
            sub(/[^\/]*\/$/, "", path)
        else
            path = path piece[i] (i < n ? "/" : "")
    return path
}

# The name that a heading has in a link, as at GitHub.
function slug(s) {
    s = tolower(s)
    gsub(/[^a-z0-9 _-]/, "", s)
    gsub(/ /, "-", s)
    return s
}

# --- Markdown, within a paragraph ----------------------------------------------

function code(s,    name) {
    name = s
    if (s ~ /^[a-z_0-9]+\(\)$/) {
        sub(/\(\)$/, "", name)
        if (functions[name] == 1)
            return "<a href=\"#f-" name "\"><code>" s "</code></a>"
    }
    if (s ~ /^[a-z_0-9]+\.[ch]$/ && s in source_named)
        return "<a href=\"#" anchor(source_named[s]) "\"><code>" s "</code></a>"
    return "<code>" escape(s) "</code>"
}

function link(text, to,    hash, path) {
    if (to ~ /^https?:/)
        return "<a href=\"" escape(to) "\">" text "</a>"
    hash = ""
    if (match(to, /#/)) {
        hash = substr(to, RSTART + 1)
        to = substr(to, 1, RSTART - 1)
    }
    path = to == "" ? page : resolve(page, to)
    if (!(path in known))
        return text
    return "<a href=\"#" anchor(path) (hash == "" ? "" : "-" hash) "\">" text "</a>"
}

# The first `[` of s that begins a link or a picture; sets l_text, l_to, l_size.
function find_link(s,    i, j) {
    if (!match(s, /\[[^]]*\]\([^)]*\)/))
        return 0
    i = RSTART
    l_size = RLENGTH
    j = index(substr(s, i), "](")
    l_text = substr(s, i + 1, j - 2)
    l_to = substr(s, i + j + 1, l_size - j - 2)
    gsub(/^ +| +$/, "", l_to)
    return i
}

# What no code and no link is.
function plain(s,    out, c) {
    out = ""
    while (match(s, /\\[^a-zA-Z0-9 ]|\*\*[^*]+\*\*|\*[^* ][^*]*\*|\[[0-9]+\]/)) {
        out = out escape(substr(s, 1, RSTART - 1))
        c = substr(s, RSTART, RLENGTH)
        s = substr(s, RSTART + RLENGTH)
        if (c ~ /^\\/)
            out = out escape(substr(c, 2))
        else if (c ~ /^\*\*/)
            out = out "<strong>" plain(substr(c, 3, length(c) - 4)) "</strong>"
        else if (c ~ /^\*/)
            out = out "<em>" plain(substr(c, 2, length(c) - 2)) "</em>"
        else if (("chapter" substr(c, 2, length(c) - 2)) in known && !in_link)
            out = out "<a href=\"#chapter-" substr(c, 2, length(c) - 2) "\">" c "</a>"
        else
            out = out c
    }
    return out escape(s)
}

# Code first: in it nothing else means anything. Bold or slanted text may have
# code in it: such code is put back at the end.
function inline(s,    out, kept, n, i, before, text, rest) {
    n = 0
    out = ""
    while (match(s, /`[^`]+`/)) {
        kept[++n] = code(substr(s, RSTART + 1, RLENGTH - 2))
        out = out substr(s, 1, RSTART - 1) "\001" n "\002"
        s = substr(s, RSTART + RLENGTH)
    }
    s = out s
    out = ""
    while ((i = find_link(s)) > 0) {
        before = substr(s, 1, i - 1)
        text = l_text
        rest = substr(s, i + l_size)
        if (before ~ /!$/) {
            out = out plain(substr(before, 1, length(before) - 1)) picture(resolve(page, l_to), text)
        } else {
            in_link = 1
            text = plain(text)
            in_link = 0
            out = out plain(before) link(text, l_to)
        }
        s = rest
    }
    s = out plain(s)
    out = ""
    while (match(s, /\001[0-9]+\002/)) {
        i = substr(s, RSTART + 1, RLENGTH - 2)
        text = kept[i]
        before = out substr(s, 1, RSTART - 1)
        # No link in a link.
        if (before ~ /<a [^>]*>[^<]*$/)
            gsub(/<\/?a[^>]*>/, "", text)
        out = before text
        s = substr(s, RSTART + RLENGTH)
    }
    return out s
}

# A picture is in the page, as an address of its own: its style and its ids are
# apart from those of the page, and it knows the dark.
function picture(path, alt) {
    return "<span class=\"picture\" tabindex=\"0\" role=\"group\" aria-label=\"Picture\"><img alt=\"" \
        escape(alt) "\" src=\"data:image/svg+xml," svg[path] "\"/></span>"
}

# --- Markdown, the blocks -------------------------------------------------------

function flush_text() {
    if (text != "") {
        # A paragraph that is nothing but a picture.
        if (item)
            print inline(text)
        else
            print "<p>" inline(text) "</p>"
    }
    text = ""
}

function end_list() {
    flush_text()
    if (item)
        print "</li></" list ">"
    item = 0
}

function end_table() {
    if (rows)
        print "</tbody></table></div>"
    rows = 0
}

function end_blocks() {
    end_list()
    end_table()
}

# Headings that occur twice in a page would have the same name.
function heading(level, title,    id) {
    if (level == 1) {
        id = anchor(page)
        if (page ~ /answers/)
            level = 3
        else if (page ~ /^chapters\/[0-9]/ || page ~ /\.md$/)
            level = 2
    } else {
        level++
        id = anchor(page) "-" slug(title)
        while (id in ids)
            id = id "-"
        ids[id]
    }
    print "<h" level " id=\"" id "\">" inline(title) "</h" level ">"
}

function table_row(line,    n, cell, i, tag) {
    sub(/^\| */, "", line)
    sub(/ *\|$/, "", line)
    n = split(line, cell, / *\| */)
    if (!rows) {
        print "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><thead>"
        tag = "th"
    } else
        tag = "td"
    if (rows == 1)
        print "<tbody>"
    printf "<tr>"
    for (i = 1; i <= n; i++)
        if (cell[i] == "")
            printf "<td></td>"
        else
            printf "<%s>%s</%s>", tag, inline(cell[i]), tag
    print "</tr>"
    if (!rows)
        print "</thead>"
    rows++
}

function markdown(line,    level, marker, n, word) {
    if (line ~ /^ *```/) {
        fence = !fence
        if (fence) {
            end_table()
            flush_text()
            sub(/^ *```/, "", line)
            n = split(line, word, " ")
            if (word[1] == "c" && n > 1)
                printf "<p class=\"file\">%s</p>", code(word[2])
            printf "<pre tabindex=\"0\">"
        } else
            print "</pre>"
        return
    }
    if (fence) {
        print escape(line)
        return
    }
    if (line ~ /^\|/) {
        end_list()
        if (line !~ /^\|[-|: ]+\|$/)
            table_row(line)
        return
    }
    end_table()
    if (line ~ /^ *$/) {
        flush_text()
        gap = 1
        return
    }
    if (line ~ /^#+ /) {
        end_blocks()
        match(line, /^#+/)
        level = RLENGTH
        sub(/^#+ */, "", line)
        if (in_read) {
            # What the chapter tells to read stands beside it.
            chapter_code()
            in_read = 0
        }
        heading(level, line)
        if (level == 2 && line == "Read" && page ~ /^chapters\/[0-9]/)
            in_read = 1
        gap = 0
        return
    }
    if (in_read)
        note_files(line)
    if (line ~ /^([-*]|[0-9]+\.) /) {
        flush_text()
        marker = line ~ /^[0-9]/ ? "ol" : "ul"
        if (item && list == marker)
            print "</li>"
        else {
            end_list()
            match(line, /^[0-9]+/)
            level = RLENGTH > 0 ? substr(line, 1, RLENGTH) + 0 : 1
            print "<" marker (level != 1 ? " start=\"" level "\"" : "") ">"
        }
        printf "<li>"
        list = marker
        item = 1
        sub(/^([-*]|[0-9]+\.) +/, "", line)
        text = line
    } else {
        if (item && gap && line !~ /^ /)
            end_list()
        else if (item && gap && text == "")
            print "<br/>"
        sub(/^ +/, "", line)
        text = text (text == "" ? "" : " ") line
    }
    gap = 0
}

# --- code -----------------------------------------------------------------------

# One line of C, its comments marked.
function paint(s,    out, i) {
    out = ""
    for (;;) {
        if (in_comment) {
            i = index(s, "*/")
            if (!i)
                return out "<i>" escape(s) "</i>"
            out = out "<i>" escape(substr(s, 1, i + 1)) "</i>"
            s = substr(s, i + 2)
            in_comment = 0
        }
        i = index(s, "/*")
        if (!i)
            return out escape(s)
        out = out escape(substr(s, 1, i - 1))
        s = substr(s, i)
        in_comment = 1
        # The "/*" itself may not end its comment.
        if (index(substr(s, 3), "*/") == 0)
            return out "<i>" escape(s) "</i>"
        i = index(substr(s, 3), "*/") + 3
        out = out "<i>" escape(substr(s, 1, i)) "</i>"
        s = substr(s, i + 1)
        in_comment = 0
    }
}

function is_new(f, i) { return step[f, i] + 0 == chapter }

# What chapter N adds to a file: each function and each declaration that has a
# new line, as it stands at that step; the lines that were there are dimmed.
function file_code(f,    i, j, first, last, found, gap, before, old, shown) {
    shown = 0
    for (first = 1; first <= lines[f]; first = last + 1) {
        # A block ends before an empty line that no indented line follows.
        found = 0
        for (last = first; last <= lines[f]; last++) {
            if (is_new(f, last))
                found = 1
            if (last < lines[f] && line_of[f, last] == "" && line_of[f, last + 1] ~ /^[^ \t]/)
                break
        }
        if (!found)
            continue
        if (!shown++)
            printf "<h4>%s</h4><pre tabindex=\"0\">", code(base(path_of[f]))
        else
            print ""
        gap = in_comment = 0
        before = ""
        for (j = first; j <= last && j <= lines[f]; j++) {
            if (line_of[f, j] == "") {
                gap = 1
                continue
            }
            if (step[f, j] + 0 > chapter)
                continue
            if (gap && before != "" && before !~ /[{]$/ && line_of[f, j] !~ /^ *[}]/)
                print ""
            gap = 0
            before = line_of[f, j]
            if (is_new(f, j))
                print paint(before)
            else
                print "<s>" escape(before) "</s>"
        }
    }
    if (shown)
        print "</pre>"
}

# The files that *Read* names, in its order.
function note_files(line,    name) {
    while (match(line, /`[a-z_0-9]+\.[ch]`/)) {
        name = substr(line, RSTART + 1, RLENGTH - 2)
        line = substr(line, RSTART + RLENGTH)
        if (!(name in noted)) {
            noted[name]
            order[++norder] = name
        }
    }
}

function chapter_code(    i, f, name) {
    print "</div><aside class=\"code\" aria-label=\"The new lines of chapter " chapter "\">"
    print "<h3 id=\"chapter-" chapter "-code\">What chapter " chapter " adds</h3>"
    print "<p>What was there before is <s>dimmed</s>. The first comment of a block says what it is for.</p>"
    for (i = 1; i <= norder; i++)
        for (f = 1; f <= files; f++)
            if (base(path_of[f]) == order[i] || (order[i] == "main.c" && path_of[f] ~ /steps\/[0-9]/))
                file_code(f)
    for (f = 1; f <= files; f++) {
        name = base(path_of[f])
        if (!(name in noted) && !(path_of[f] ~ /steps\/[0-9]/ && "main.c" in noted))
            file_code(f)
    }
    print "</aside><div class=\"text rest\">"
}

# The whole file, each line with the step that brings it.
function source(f,    i, last, mark, name) {
    print "<h3 id=\"" anchor(path_of[f]) "\">" path_of[f] "</h3>"
    printf "<pre class=\"source\" tabindex=\"0\">"
    last = ""
    in_comment = 0
    for (i = 1; i <= lines[f]; i++) {
        mark = ""
        if (step[f, i] != "" && step[f, i] != last) {
            last = step[f, i]
            mark = "[" last "]"
        }
        printf "<b>%4s</b> ", mark
        name = line_of[f, i]
        sub(/\(.*/, "", name)
        if (line_of[f, i] ~ /^[a-z_][a-z0-9_]*\(/ && functions[name] == 1 && path_of[f] ~ /\.c$/ && !(("f-" name) in ids)) {
            ids["f-" name]
            printf "<span id=\"f-%s\">%s</span>\n", name, paint(line_of[f, i])
        } else
            print paint(line_of[f, i])
    }
    print "</pre>"
}

# --- pages ------------------------------------------------------------------------

function open_page() {
    page = FILENAME
    in_read = norder = 0
    split("", noted)
    print "<article" (page ~ /^chapters\/[0-9]/ ? " class=\"two\"" : "") ">"
    if (page ~ /^chapters\/[0-9]/) {
        chapter = base(page) + 0
        print "<div class=\"text\">"
    } else {
        chapter = -1
        if (page ~ /\.md$/)
            print "<div class=\"text wide\">"
        else {
            print "<h3 id=\"" anchor(page) "\">" base(page) "</h3>"
            printf "<pre tabindex=\"0\">"
        }
    }
}

function close_page() {
    if (page == "")
        return
    if (page ~ /\.md$/) {
        end_blocks()
        print "</div>"
    } else
        print "</pre>"
    print "</article>"
    page = ""
}

function head(    i) {
    print "<!DOCTYPE html>"
    print "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/>"
    print "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
    print "<title>Dust Devil: a web server to be read</title><style>"
    print ":root { color-scheme: light dark; --paper: #fbfaf7; --ink: #1b2230; --dim: #5b6577; --soft: #f0eee7; --line: #d8d3c4; --link: #1d4fd0; --note: #0b6b62 }"
    print "@media (prefers-color-scheme: dark) { :root { --paper: #12161e; --ink: #eceff5; --dim: #a3adbf; --soft: #1b212c; --line: #3a4250; --link: #8fb3ff; --note: #4fd1bf } }"
    print "* { box-sizing: border-box } body { margin: 0; padding: 0 1rem 4rem; background: var(--paper); color: var(--ink); font: 1.05rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere }"
    print "a { color: var(--link) } h1, h2, h3, h4 { line-height: 1.25; margin: 2em 0 .5em } h1 { margin-top: 1em } h2 { font-size: 1.7rem } h4 { margin: 1.2em 0 .3em }"
    print "code, pre { font: .9em/1.45 ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace } pre { background: var(--soft); padding: .7em .9em; border-radius: 8px; overflow: auto; tab-size: 4 }"
    print ".source b { color: var(--dim); font-weight: 400; user-select: none } i { color: var(--note); font-style: normal } s { color: var(--dim); text-decoration: none }"
    print ".text { max-width: 42rem } .wide { max-width: 60rem } article { border-top: 1px solid var(--line); margin-top: 3rem } .file { margin: 1em 0 -.6em; color: var(--dim) }"
    print ".picture { display: block; overflow-x: auto } .picture img { display: block; width: 100%; min-width: 36rem; max-width: 52rem; height: auto }"
    print ".table { overflow-x: auto } table { border-collapse: collapse } th, td { text-align: left; vertical-align: top; padding: .3em .7em .3em 0; border-bottom: 1px solid var(--line) }"
    print ".skip { position: absolute; left: -99rem } .skip:focus { left: 1rem; top: .5rem; background: var(--paper) } nav ol, nav ul { columns: 20rem; padding-left: 1.4rem }"
    print "@media (min-width: 75rem) { article.two { display: grid; grid-template-columns: minmax(30rem, 38rem) minmax(0, 1fr); grid-template-rows: auto 1fr; column-gap: 2.5rem }"
    print "  article.two > .text { grid-column: 1 } article.two > .code { grid-column: 2; grid-row: 1 / span 2; position: sticky; top: 0; max-height: 100vh; overflow: auto; align-self: start } .code pre { font-size: .78em } }"
    print "@media print { body { font-size: 10pt } .code, pre { overflow: visible; white-space: pre-wrap; max-height: none } article { break-before: page } nav a { color: inherit } }"
    print "</style></head><body><a class=\"skip\" href=\"#contents\">To the contents</a><main>"
    print "<h1 id=\"top\">Dust Devil</h1>"
    print "<div class=\"text\"><p>A web server in C that is written to be read: the chapters, the answers to the exercises, the tour, the glossary and the whole source. Beside each chapter stand the lines that it adds; at the end stands every file, with the chapter of each line in its margin.</p></div>"
    if ("diagrams/life-of-a-request.svg" in svg)
        print picture("diagrams/life-of-a-request.svg", "The life of one request, from accept to close")
    print "<nav aria-label=\"Contents\" id=\"contents\"><h2>Contents</h2>"
    print "<ul>"
    for (i = 1; i <= npages; i++)
        if (pages[i] ~ /^chapters\/[0-9a-z-]+\.md$/ || pages[i] == "diagrams/README.md")
            print "<li><a href=\"#" anchor(pages[i]) "\">" escape(title_of[pages[i]]) "</a></li>"
    print "<li><a href=\"#answers\">Answers</a></li><li><a href=\"#source\">The source</a></li></ul></nav>"
}

# --- what is read -------------------------------------------------------------------

# Every title, before the first page: the contents stand before it.
BEGIN {
    for (i = 1; i < ARGC; i++) {
        path = ARGV[i]
        known[path]
        if (path ~ /^chapters\/[0-9]/)
            known["chapter" (base(path) + 0)]
        if (path ~ /\.md$/) {
            getline title < path
            close(path)
            sub(/^# */, "", title)
            gsub(/`/, "", title)
            title_of[path] = title
            pages[++npages] = path
        }
    }
}

FNR == 1 { close_page() }

FILENAME == ARGV[1] {
    if ($0 ~ /^== /) {
        path_of[++files] = substr($0, 4)
        lines[files] = 0
        known[path_of[files]]
        source_named[base(path_of[files])] = path_of[files]
        next
    }
    i = ++lines[files]
    tab = index($0, "\t")
    step[files, i] = substr($0, 1, tab - 1)
    line_of[files, i] = substr($0, tab + 1)
    if (path_of[files] ~ /\.c$/ && line_of[files, i] ~ /^[a-z_][a-z0-9_]*\(/) {
        name = line_of[files, i]
        sub(/\(.*/, "", name)
        functions[name]++
    }
    next
}

FILENAME ~ /\.svg$/ {
    line = $0
    gsub(/%/, "%25", line)
    gsub(/#/, "%23", line)
    gsub(/"/, "%22", line)
    gsub(/</, "%3C", line)
    gsub(/>/, "%3E", line)
    gsub(/&/, "%26", line)
    svg[FILENAME] = svg[FILENAME] line "%0A"
    next
}

FNR == 1 {
    if (!headed++)
        head()
    if (FILENAME ~ /answers\/01-1\.md$/)
        print "<h2 id=\"answers\">Answers</h2>"
    open_page()
}

{
    if (page ~ /\.md$/)
        markdown($0)
    else
        print escape($0)
    # The pictures in words: and in pictures.
    if (page == "diagrams/README.md" && match($0, /^## \[[a-z-]*\.svg\]/))
        print "<div id=\"" anchor(substr($0, RSTART + 4, RLENGTH - 5)) "\">" picture("diagrams/" substr($0, RSTART + 4, RLENGTH - 5), "The picture that the text below describes") "</div>"
}

END {
    close_page()
    print "<article><h2 id=\"source\">The source</h2>"
    print "<div class=\"text\"><p>Every file as it stands at the end. The number in the margin is the chapter that brings a line.</p></div>"
    for (f = 1; f <= files; f++)
        source(f)
    print "</article></main></body></html>"
}
