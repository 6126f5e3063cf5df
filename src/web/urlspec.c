/* [13] urlspec.c -- see urlspec.h. */
#include "urlspec.h"

#include <errno.h> /* [23] */
#include <stdbool.h> /* [23] */
#include <stdlib.h> /* [23] */
#include <string.h>

#include "log.h" /* [23] */

/* [23] Without special characters the pattern is the path. */
static size_t
literal_size(const char *pattern)
{
    return strcspn(pattern, ".[]()*+?{}|^$\\");
}

const struct handler_class *
urlspec_find(const struct urlspec *specs, const char *path)
{
    for (; specs->pattern != NULL; specs++) {
        if (strcmp(specs->pattern, path) != 0)
            continue;

        /* [23] The path is equal to a regular expression, which need not match
         * itself: "/a+" does not match the path "/a+". */
        if (path[literal_size(path)] != '\0')
            return NULL;

        return specs->handler;
    }
    return NULL;
}

/* [23] --- regular expressions --------------------------------------------- */

struct route {
    const struct urlspec *spec;
    size_t prefix; /* [36] this many bytes begin each matching path */
    regex_t regex;
    bool compiled; /* `regex` can be used */
};

struct urlspecs {
    size_t n;
    struct route routes[];
};

static bool
compile(struct route *route)
{
    const char *pattern = route->spec->pattern;
    int error = regcomp(&route->regex, pattern, REG_EXTENDED);

    /* [36] The comparison with the prefix decides about most paths. A
     * repetition applies to the byte before it, as in "a*", so that byte is not
     * part of the prefix. A pattern with "|" has no prefix. */
    if (strchr(pattern, '|') == NULL) {
        size_t n = literal_size(pattern);

        route->prefix = n - (n > 0 && strspn(pattern + n, "*+?{") > 0);
    }

    if (error != 0 && error != REG_ESPACE)
        log_error("invalid pattern: %s (regcomp: %d)", pattern, error);
    errno = error == REG_ESPACE ? ENOMEM : EINVAL;
    route->compiled = error == 0;
    return error == 0;
}

/* Returns 0 if the pattern matches the whole path, else an error of regexec().
 * Tornado appends "$" to the pattern and matches from the start; here the
 * beginning and the end of the match are compared. Of several matches regexec()
 * takes the longest of the leftmost. */
static int
match(struct route *route, const char *path, regmatch_t *groups)
{
    size_t size = strlen(path);

    /* [36] Most paths do not begin with the prefix. If only "(.*)" follows it,
     * the group is the rest of the path. Neither case needs regexec(). */
    size_t n = route->prefix;
    if (strncmp(route->spec->pattern, path, n) != 0)
        return REG_NOMATCH;
    if (strcmp(route->spec->pattern + n, "(.*)") == 0) {
        memset(groups, -1, URLSPEC_GROUPS * sizeof *groups);
        groups[1] = (regmatch_t){(regoff_t)n, (regoff_t)size};
        return 0;
    }

    /* Without memory glibc's regexec() says that nothing matches, and it says
     * so later, too: it keeps its incomplete tables. So the pattern is compiled
     * again for the next match. */
    if (!route->compiled && !compile(route))
        return REG_ESPACE;
    errno = 0;
    int error = regexec(&route->regex, path, URLSPEC_GROUPS, groups, 0);
    if (error == REG_ESPACE || errno == ENOMEM) {
        regfree(&route->regex);
        route->compiled = false;
        return REG_ESPACE;
    }
    if (error == 0 &&
        (groups[0].rm_so != 0 || groups[0].rm_eo != (regoff_t)size))
        return REG_NOMATCH;
    return error;
}

/* In the order of the table. */
struct urlspecs *
urlspecs_new(const struct urlspec *specs)
{
    struct urlspecs *all;
    size_t size = 0;

    while (specs[size].pattern != NULL)
        size++;
    all = calloc(1, sizeof *all + size * sizeof all->routes[0]);
    for (; all != NULL && specs->pattern != NULL; specs++) {
        if (specs->pattern[literal_size(specs->pattern)] == '\0')
            continue;
        all->routes[all->n].spec = specs;
        if (!compile(&all->routes[all->n++])) {
            urlspecs_free(all);
            return NULL;
        }
    }
    return all;
}

void
urlspecs_free(struct urlspecs *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->routes[i].compiled)
            regfree(&all->routes[i].regex);
    free(all);
}

int
urlspecs_match(struct urlspecs *all, const char *path, regmatch_t *groups,
               const struct handler_class **class)
{
    for (size_t i = 0; i < all->n; i++) {
        int error = match(&all->routes[i], path, groups);

        if (error == 0)
            *class = all->routes[i].spec->handler;
        if (error != REG_NOMATCH)
            return error == 0 ? 0 : 503;
    }
    return 404;
}
