/* [11] options.c -- see options.h. */
#include "options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is the `n` bytes long `given` this name, whatever its dashes look like? */
static bool
same_name(const char *name, const char *given, size_t n)
{
    if (strlen(name) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (name[i] != (given[i] == '_' ? '-' : given[i]))
            return false;
    return true;
}

/* Is `word` one of the words of `list`? */
static bool
is_one_of(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (; *list != '\0'; list += strspn(list, " ")) {
        size_t length = strcspn(list, " ");

        if (length == n && strncmp(list, word, n) == 0)
            return true;
        list += length;
    }
    return false;
}

/* Takes `value` (NULL: none was given) for the option, or says what would
 * have been right. */
static bool
set_option(const struct option *o, const char *value)
{
    const char *text = value != NULL ? value : "";
    char *end = NULL;
    long number;

    switch (o->kind) {
    case OPTION_BOOL:
        *(bool *)o->value = value == NULL || is_one_of("true yes on 1", text);
        if (value == NULL || is_one_of("true yes on 1 false no off 0", text))
            return true;
        fprintf(stderr, "dustdevil: --%s=%s: expected true or false\n",
                o->name, text);
        return false;
    case OPTION_NUMBER:
        errno = 0;
        number = strtol(text, &end, 10);
        if (errno == 0 && strspn(text, "0123456789") == strlen(text) &&
            *text != '\0' && number >= o->min && number <= o->max) {
            *(long *)o->value = number;
            return true;
        }
        fprintf(stderr, "dustdevil: --%s=%s: expected a number from %ld to "
                "%ld\n", o->name, text, o->min, o->max);
        return false;
    case OPTION_TEXT:
    case OPTION_SWITCH:
        *(const char **)o->value = text;
        if (o->choices == NULL && (value != NULL || o->kind != OPTION_TEXT))
            return true;
        if (o->choices != NULL && is_one_of(o->choices, text))
            return true;
        fprintf(stderr, "dustdevil: --%s=%s: expected %s%s\n", o->name, text,
                o->choices != NULL ? "one of: " : "a value",
                o->choices != NULL ? o->choices : "");
    }
    return false;
}

static void
print_help(const struct option *table)
{
    puts("Usage: dustdevil [OPTION]...\n"
         "A web server to read. It answers until SIGTERM or SIGINT.");
    for (const struct option *o = table; o->help != NULL; o++) {
        char name[64], fallback[64] = "";

        if (o->value == NULL) {
            printf("\n%s:\n", o->help);
            continue;
        }
        snprintf(name, sizeof name, "--%s%s", o->name,
                 o->kind == OPTION_BOOL     ? ""
                 : o->kind == OPTION_NUMBER ? "=N"
                 : o->kind == OPTION_SWITCH ? "[=FILE]"
                                            : "=TEXT");
        if (o->kind == OPTION_NUMBER)
            snprintf(fallback, sizeof fallback, " (%ld)", *(long *)o->value);
        else if (o->kind == OPTION_TEXT && *(char **)o->value != NULL)
            snprintf(fallback, sizeof fallback, " (%s)", *(char **)o->value);
        printf("  %-24s %s%s\n", name, o->help, fallback);
    }
    puts("\nOther:\n  --help                   this text\n"
         "  --version                name and version");
}

int
options_parse(const struct option *table, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + strspn(argv[i], "-");
        size_t dashes = (size_t)(name - argv[i]), n = strcspn(name, "=");
        const char *value = name[n] == '=' ? name + n + 1 : NULL;
        const struct option *o = table;

        if (dashes == 0 || dashes > 2 || n == 0) {
            fprintf(stderr, "dustdevil: unexpected argument '%s'; try "
                    "--help\n", argv[i]);
            return 2;
        }
        if (same_name("help", name, n)) {
            print_help(table);
            return 0;
        }
        if (same_name("version", name, n)) {
            puts("DustDevil/1.0");
            return 0;
        }
        while (o->help != NULL &&
               (o->value == NULL || !same_name(o->name, name, n)))
            o++;
        if (o->help == NULL) {
            fprintf(stderr, "dustdevil: unknown option '%s'; try --help\n",
                    argv[i]);
            return 2;
        }
        if (!set_option(o, value))
            return 2;
    }
    return -1;
}
