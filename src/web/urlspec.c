/* [11] urlspec.c -- see urlspec.h. */
#include "urlspec.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static const char special[] = ".[]()*+?{}|^$\\";

struct route {
    const struct urlspec *spec;
    size_t prefix; /* bytes at the start of the pattern that mean themselves */
    bool literal; /* all of them do */
    regex_t regex;
};

struct urlspecs {
    size_t n;
    struct route routes[];
};

/* The byte before a special one may be what that one is about, as in "a*". With
 * a "|" no byte is sure to be in the path. */
static bool
compile(struct route *route, const struct urlspec *spec)
{
    size_t prefix = strcspn(spec->pattern, special);
    int error;

    route->spec = spec;
    route->literal = spec->pattern[prefix] == '\0';
    if (!route->literal && prefix > 0)
        prefix--;
    route->prefix = strchr(spec->pattern, '|') == NULL ? prefix : 0;
    if (route->literal)
        return true;
    error = regcomp(&route->regex, spec->pattern, REG_EXTENDED);
    if (error != 0)
        log_error("invalid pattern: %s (regcomp: %d)", spec->pattern, error);
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

/* 0 if the pattern matches, and the whole path; else what regexec() returns.
 * Tornado appends "$" to the pattern and matches from the start; here the
 * beginning and the end of the match are compared. Of several matches regexec()
 * takes the longest of the leftmost. */
static int
match(const struct route *route, const char *path, regmatch_t *groups)
{
    int error;

    if (strncmp(route->spec->pattern, path, route->prefix) != 0)
        return REG_NOMATCH;
    for (size_t i = 0; i < URLSPEC_GROUPS; i++)
        groups[i].rm_so = groups[i].rm_eo = -1;
    if (route->literal)
        return path[route->prefix] == '\0' ? 0 : REG_NOMATCH;
    error = regexec(&route->regex, path, URLSPEC_GROUPS, groups, 0);
    if (error == 0 && (groups[0].rm_so != 0 || path[groups[0].rm_eo] != '\0'))
        return REG_NOMATCH;
    return error;
}

int
urlspecs_find(const struct urlspecs *all, const char *path,
              regmatch_t *groups, const struct handler_class **class)
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
