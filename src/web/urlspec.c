/* [16] urlspec.c -- see urlspec.h. */
#include "urlspec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* The comparison with the prefix decides about most paths. */
struct route {
    const struct urlspec *spec;
    size_t prefix; /* bytes that begin every path that matches */
    bool literal; /* no special character: the pattern is the path */
    regex_t regex;
};

struct urlspecs {
    size_t n;
    struct route routes[];
};

/* A repetition applies to the byte before it, as in "a*", so that byte is not
 * part of the prefix. A pattern with "|" has no prefix. */
static bool
compile(struct route *route, const struct urlspec *spec)
{
    size_t n = strcspn(spec->pattern, ".[]()*+?{}|^$\\");
    int error;

    route->spec = spec;
    route->prefix = n;
    route->literal = spec->pattern[n] == '\0';
    if (route->literal)
        return true;
    if (strchr(spec->pattern, '|') != NULL)
        route->prefix = 0;
    else if (n > 0 && strspn(spec->pattern + n, "*+?{") > 0)
        route->prefix--;
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
 * takes the longest of the leftmost. "(.*)" at the end is the rest of the path,
 * which needs no regexec(). */
static int
match(const struct route *route, const char *path, size_t size,
      regmatch_t *groups)
{
    const char *pattern = route->spec->pattern;
    size_t n = route->prefix;
    int error;

    if (n > size || (route->literal && n < size) ||
        memcmp(pattern, path, n) != 0)
        return REG_NOMATCH;
    memset(groups, -1, URLSPEC_GROUPS * sizeof *groups);
    if (route->literal)
        return 0;
    if (strcmp(pattern + n, "(.*)") == 0) {
        groups[1] = (regmatch_t){(regoff_t)n, (regoff_t)size};
        return 0;
    }

    /* Without memory glibc's regexec() says that nothing matches. */
    errno = 0;
    error = regexec(&route->regex, path, URLSPEC_GROUPS, groups, 0);
    if (error == REG_NOMATCH && errno == ENOMEM)
        return REG_ESPACE;
    if (error == 0 &&
        (groups[0].rm_so != 0 || groups[0].rm_eo != (regoff_t)size))
        return REG_NOMATCH;
    return error;
}

/* Literal patterns come first: their comparison is fast. */
int
urlspecs_find(const struct urlspecs *all, const char *path,
              regmatch_t *groups, const struct handler_class **class)
{
    size_t size = strlen(path);
    int error = REG_NOMATCH;

    for (int literal = 1; literal >= 0; literal--)
        for (size_t i = 0; i < all->n && error == REG_NOMATCH; i++)
            if (all->routes[i].literal == literal) {
                error = match(&all->routes[i], path, size, groups);
                if (error == 0)
                    *class = all->routes[i].spec->handler;
            }
    return error == 0 ? 0 : error == REG_NOMATCH ? 404 : 503;
}
