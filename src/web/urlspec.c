/* [13] urlspec.c -- see urlspec.h. */
#include "urlspec.h"

#include <errno.h> /* [23] */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h" /* [23] */

struct route {
    const struct urlspec *spec;
    size_t prefix; /* [36] this many bytes begin each matching path */
    regex_t regex; /* [23] */
    bool compiled; /* [23] `regex` can be used */
};

struct urlspecs {
    size_t literals; /* how many routes, the first ones, are literal paths */
    size_t n; /* [23] */
    struct route routes[];
};

/* Without special characters the pattern is the path. */
static size_t
literal_size(const char *pattern)
{
    return strcspn(pattern, ".[]()*+?{}|^$\\");
}

/* [23] --- patterns -------------------------------------------------------- */

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

/* --- the table ------------------------------------------------------------ */

/* Literal patterns come first: their comparison is fast. */
struct urlspecs *
urlspecs_new(const struct urlspec *specs)
{
    struct urlspecs *all;
    size_t n = 0;

    while (specs[n].pattern != NULL)
        n++;
    all = calloc(1, sizeof *all + n * sizeof all->routes[0]);
    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (specs[i].pattern[literal_size(specs[i].pattern)] == '\0')
            all->routes[all->literals++].spec = &specs[i];

    /* [23] The others follow, in the order of the table. */
    all->n = all->literals;
    for (size_t i = 0; i < n; i++)
        if (specs[i].pattern[literal_size(specs[i].pattern)] != '\0') {
            all->routes[all->n].spec = &specs[i];
            if (!compile(&all->routes[all->n])) {
                urlspecs_free(all);
                return NULL;
            }
            all->n++;
        }

    return all;
}

/* [23] regcomp() has allocated memory. */
void
urlspecs_free(struct urlspecs *all)
{
    for (size_t i = all->literals; i < all->n; i++)
        if (all->routes[i].compiled)
            regfree(&all->routes[i].regex);
    free(all);
}

int
urlspecs_find(struct urlspecs *all, const char *path,
              regmatch_t *groups, const struct handler_class **class)
{
    size_t i;

    memset(groups, -1, URLSPEC_GROUPS * sizeof *groups);
    for (i = 0; i < all->literals; i++)
        if (strcmp(all->routes[i].spec->pattern, path) == 0) {
            *class = all->routes[i].spec->handler;
            return 0;
        }

    /* [23] No pattern is equal to the path; perhaps one matches it. */
    for (; i < all->n; i++) {
        int error = match(&all->routes[i], path, groups);

        if (error == 0)
            *class = all->routes[i].spec->handler;
        if (error != REG_NOMATCH)
            return error == 0 ? 0 : 503;
    }

    return 404;
}
