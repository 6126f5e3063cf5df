/* [11] urlspec.h -- which path leads to which class.
 *
 *     Tornado 2.0: tornado/web.py, class URLSpec
 *     Floor 3: text in, values out. */
#ifndef URLSPEC_H
#define URLSPEC_H

#include <regex.h>

struct handler_class;

/* A pattern is an extended regular expression of regcomp() that has to match
 * the whole path; what its groups match is handler_path_argument(). The first
 * pattern that matches wins. The table ends with {0} and is not copied. */
struct urlspec {
    const char *pattern;
    const struct handler_class *handler;
};

enum { URLSPEC_GROUPS = 9 }; /* the whole match counts as one */

/* A table that is ready to be searched. NULL, after an error in the log, if a
 * pattern is none or memory is short. */
struct urlspecs;
struct urlspecs *urlspecs_new(const struct urlspec *specs);
void urlspecs_free(struct urlspecs *all);

/* The first that matches, and where its groups are in the path (rm_so is -1
 * for a group that there is not). NULL if nothing matches. */
const struct urlspec *urlspecs_find(const struct urlspecs *all,
                                    const char *path, regmatch_t *groups);

#endif
