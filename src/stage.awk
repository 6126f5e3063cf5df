# stage.awk -- print a source file as it stands at step N.
#
#     awk -v n=4 -f src/stage.awk src/ioloop.c
#
# A tag is a number in square brackets at the start of a comment. It says in
# which chapter the thing beside it enters the program:
#
#   on line 1 of a file       the file, wherever nothing else is said
#   on a `/* --- heading`     everything up to the next heading
#   on a comment of its own   the paragraph it opens: up to a line indented
#                             less, or a blank line and one indented no more
#   after code on a line      that line
#
# With -v n=0 -v steps=1 every line is printed as it is, behind its step and a
# tab.
#
# Tags may nest; an inner one must be later than the one around it. What looks
# like a tag and is not in its place ends the run: a piece of code that silently
# moves to another chapter would be worse.

NR == 1 && !/^\/\* \[[0-9]+\] [^ ]/ { fail("line 1 needs a tag: /* [N] name") }

# The rest of a comment goes where its first line went, however it is indented.
steps && (open || /^[ \t]*$/) { print (open ? step : "") "\t" $0 }
open { if (step <= n) print (last = $0); open = !/\*\//; fresh = 0; next }

/^[ \t]*$/ { blank = gap = fresh = 1; next }

{
    match($0, /^ */); indent = RLENGTH
    for (; depth && indent <= at[depth] - !blank; depth--)
        if (!blank && !/^ *[}]/) fail("the paragraph before needs a blank line")
    heading = /^\/\* (\[[0-9]+\] )?---/
    if (heading) { depth = 0; base = born }
    step = depth ? of[depth] : base
    text = rest = $0
    gsub(/'"'|"([^"\\]|\\.)*"/, "", rest)                # a "/*" is no comment
    if (match(rest, /\/\*[^ a-zA-Z]*\[[0-9]/)) fail("write a tag as /* [N] ...")
    gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", rest)
    open = index(rest, "/*")
    if (match($0, /\/\* \[[0-9]+\]/)) {
        tag = substr($0, RSTART + 4, RLENGTH - 5) + 0
        own = (RSTART == indent + 1)
        if (NR > 1 && tag <= step) fail("[" tag "] inside [" step "]")
        if (NR > 1 && own && !fresh) fail("a tag opens a paragraph here")
        if (!open && !/\*\/$/) fail("nothing may follow a tagged comment")
        if (NR == 1) born = base = tag
        else if (heading) base = tag
        else if (own) { at[++depth] = indent; of[depth] = tag }
        step = tag
        sub(/\[[0-9]+\] ?/, "", text)       # a stage has no use for tags,
        sub(/ *\/\* *\*\/$/, "", text)      # nor for a comment that was only one
        if (text ~ /^ *(\/\*)? *$/) fail("a paragraph's tag needs a sentence")
    }
    if (steps) print step "\t" $0
    if (step <= n) {
        if (gap && last != "" && last !~ /[{]$/ && text !~ /^ *[}]/) print ""
        print (last = text)
        gap = 0
    }
    blank = 0
    fresh = (rest ~ /[{] *$/)
}

function fail(why) { print FILENAME ":" FNR ": " why > "/dev/stderr"; exit 1 }
