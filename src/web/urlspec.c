/* [11] urlspec.c -- see urlspec.h. */
#include "urlspec.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

struct route {
    const struct urlspec *spec;
    bool literal; /* nothing in the pattern is special: just compare */
    regex_t regex;
};

struct urlspecs {
    size_t n;
    struct route routes[];
};

static bool
compile(struct route *route, const struct urlspec *spec)
{
    int error = 0;

    route->spec = spec;
    route->literal = strpbrk(spec->pattern, ".[]()*+?{}|^$\\") == NULL;
    if (!route->literal)
        error = regcomp(&route->regex, spec->pattern, REG_EXTENDED);
    if (error != 0)
        log_error("bad pattern: %s (regcomp: %d)", spec->pattern, error);
    return error == 0;
}

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
    for (; all->n < n; all->n++)
        if (!compile(&all->routes[all->n], &specs[all->n])) {
            urlspecs_free(all);
            return NULL;
        }
    return all;
}

void
urlspecs_free(struct urlspecs *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (!all->routes[i].literal)
            regfree(&all->routes[i].regex);
    free(all);
}

/* Does the pattern match, and the whole path? Tornado appends "$" to it, and
 * matches from the start; we look where the match begins and ends. Of several
 * matches regexec() takes the longest of the leftmost. */
static bool
matches(const struct route *route, const char *path, regmatch_t *groups)
{
    if (route->literal)
        return strcmp(route->spec->pattern, path) == 0;
    return regexec(&route->regex, path, URLSPEC_GROUPS, groups, 0) == 0 &&
           groups[0].rm_so == 0 && path[groups[0].rm_eo] == '\0';
}

const struct urlspec *
urlspecs_find(const struct urlspecs *all, const char *path,
              regmatch_t *groups)
{
    memset(groups, -1, URLSPEC_GROUPS * sizeof *groups); /* there is none */
    for (size_t i = 0; i < all->n; i++)
        if (matches(&all->routes[i], path, groups))
            return all->routes[i].spec;
    return NULL;
}
