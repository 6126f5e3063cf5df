# The stage filter, on small inputs: what belongs to a chapter, and what it
# refuses. Every awk that this machine has must agree.

setup() { load helper; }

# stage N: filter standard input, in every awk there is; they must all say the
# same. The input is a file, because the filter names it when it complains.
stage() {
    local a first=yes status=0 want=0
    cat > "$BATS_TEST_TMPDIR/in.c"
    for a in awk mawk gawk "gawk --posix" "busybox awk" original-awk; do
        command -v "${a%% *}" > /dev/null || continue
        status=0
        (cd "$BATS_TEST_TMPDIR" &&
            $a -v n="$1" -f "$ROOT/src/stage.awk" in.c) \
            > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" || status=$?
        cat "$BATS_TEST_TMPDIR/err" >> "$BATS_TEST_TMPDIR/out"
        if [ -n "$first" ]; then
            mv "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/all"
            want=$status
        elif ! diff "$BATS_TEST_TMPDIR/all" "$BATS_TEST_TMPDIR/out" >&2 || [ $status -ne $want ]; then
            return 99
        fi
        first=
    done
    cat "$BATS_TEST_TMPDIR/all"
    return $status
}

sample() {
    cat <<'END'
/* [2] in.c -- a sample.
 *
 * It has more than one line. */
#include "in.h"
#include "late.h"  /* [4] */

struct s {
    int fd;
    char *text; /* [3] not "/*" */

    /* [4] Two lines of comment
     * and then one field. */
    long when;
};

/* [6] Contract, in a comment whose
 * second line is indented by one. */
int
f(int a,
  int b)
{
    int c = a;

    /* [7] First the inner one. */
    c += b;

    return c; /* this line [9] is no tag, and it goes
               * where its comment goes */
}

void
g(void)
{
    /* [3] Once
     * more.
     */
    if (x) {
        a();

        b(); /* [5] */
    }

    c("/*");
}

/* [4] --- later --- */

int h;

/* [5] Even later. */
int i;

int j;

/* --- from the start --- */

int k;
END
}

@test "a stage has its own lines and no tags" {
    sample | stage 2 > "$BATS_TEST_TMPDIR/got"
    diff - "$BATS_TEST_TMPDIR/got" <<'END'
/* in.c -- a sample.
 *
 * It has more than one line. */
#include "in.h"

struct s {
    int fd;
};

void
g(void)
{
    c("/*");
}

/* --- from the start --- */

int k;
END
}

@test "a paragraph ends where the eye ends it" {
    sample | stage 4 > "$BATS_TEST_TMPDIR/got"
    diff - "$BATS_TEST_TMPDIR/got" <<'END'
/* in.c -- a sample.
 *
 * It has more than one line. */
#include "in.h"
#include "late.h"

struct s {
    int fd;
    char *text; /* not "/*" */

    /* Two lines of comment
     * and then one field. */
    long when;
};

void
g(void)
{
    /* Once
     * more.
     */
    if (x) {
        a();
    }

    c("/*");
}

/* --- later --- */

int h;

int j;

/* --- from the start --- */

int k;
END
}

@test "a function follows the tag of its contract, with its whole body" {
    sample | stage 6 | sed -n '/^\/\* Contract/,/^}/p' > "$BATS_TEST_TMPDIR/got"
    diff - "$BATS_TEST_TMPDIR/got" <<'END'
/* Contract, in a comment whose
 * second line is indented by one. */
int
f(int a,
  int b)
{
    int c = a;

    return c; /* this line [9] is no tag, and it goes
               * where its comment goes */
}
END
}

@test "a file that is born later is empty before" {
    sample | stage 1 > "$BATS_TEST_TMPDIR/got"
    [ ! -s "$BATS_TEST_TMPDIR/got" ]
}

@test "the last stage is the file without its tags" {
    sample | stage 7 > "$BATS_TEST_TMPDIR/got"
    sample | sed -e 's| *\(/\*\) \[[0-9]\] \*/$||' -e 's|/\* \[[0-8]\] |/* |' |
        diff - "$BATS_TEST_TMPDIR/got"
}

# refused WHERE WHY <text: the filter ends with a sentence and a status.
refused() {
    run stage 9
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"in.c:$1: "*"$2"* ]] || false
}

@test "a file without a tag in its first line is refused" {
    refused 1 "line 1 needs a tag" <<'END'
/* in.c -- nobody knows when. */
END
}

@test "a tag that is not later than the one around it is refused" {
    refused 7 "[3] inside [4]" <<'END'
/* [2] in.c */

/* [4] Something. */
int
f(void)
{
    /* [3] Earlier. */
    g();
}
END
    refused 3 "[2] inside [2]" <<'END'
/* [2] in.c */

/* [2] Says nothing. */
int i;
END
}

@test "a paragraph's tag in the middle of a paragraph is refused" {
    refused 4 "opens a paragraph" <<'END'
/* [2] in.c */

int i;
/* [3] Too close. */
int j;
END
}

@test "a tagged comment without a sentence is refused" {
    refused 3 "needs a sentence" <<'END'
/* [2] in.c */

/* [3] */
int j;
END
    refused 3 "needs a sentence" <<'END'
/* [2] in.c */

/* [3]
 * Too late. */
int j;
END
}

@test "a paragraph that ends without a blank line or brace is refused" {
    refused 8 "needs a blank line" <<'END'
/* [2] in.c */

void f(void)
{
    switch (i) {
        /* [3] One. */
        g();
    default:
        h();
    }
}
END
}

@test "a line's tag that does not end the line is refused" {
    refused 3 "nothing may follow" <<'END'
/* [2] in.c */

enum { A, /* [3] */ B };
END
}

@test "a tag that is written almost right is refused" {
    refused 3 "write a tag as" <<'END'
/* [2] in.c */

/*[3] Almost. */
int i;
END
}
