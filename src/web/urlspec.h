/* [13] urlspec.h -- which path leads to which class.
 *
 *     Tornado 2.0: tornado/web.py, class URLSpec
 *     Layer 5: text in, values out. */
#ifndef URLSPEC_H
#define URLSPEC_H

#include <regex.h> /* [23] */

struct handler_class;

/* The pattern is the path. From chapter 23 on a pattern with special characters
 * is an extended regular expression of regcomp() that has to match the whole
 * path; handler_path_argument() returns what its groups match.
 * - A pattern without special characters comes before all others, at every
 *   place in the table. Among the others the first that matches is taken.
 * - The table ends with {0} and is not copied. */
struct urlspec {
    const char *pattern;
    const struct handler_class *handler;
};

/* The class of the pattern that is equal to the path; NULL if there is no such
 * pattern, or (chapter 23) if it has special characters. */
const struct handler_class *urlspec_find(const struct urlspec *specs,
                                         const char *path);

/* [23] --- regular expressions --------------------------------------------- */

enum { URLSPEC_GROUPS = 9 }; /* the whole match counts as one */

/* Compiles the patterns of a table that have special characters. NULL if there
 * is no memory left, or if a pattern is not valid: then the log says which
 * one. */
struct urlspecs;
struct urlspecs *urlspecs_new(const struct urlspec *specs);
void urlspecs_free(struct urlspecs *all);

/* Finds the class for a path for which urlspec_find() returns NULL.
 * - 0: *class is that of the pattern, and `groups`, which has room for
 *   URLSPEC_GROUPS, says where its groups are in the path (rm_so is -1 for a
 *   group that the match does not use).
 * - 404: no pattern matches. *class is as before then, and `groups` is not
 *   valid. The same for 503: regexec() had no memory. */
int urlspecs_match(struct urlspecs *all, const char *path, regmatch_t *groups,
                   const struct handler_class **class);

/* ------------------------------------------------------------------------- */

#endif
