/* [11] options.c -- see options.h.
 *
 * The table says what there is; nothing here knows an option of the server
 * by name. So a new option is one new row, and --help cannot forget it. */
#include "options.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"

/* The name in `argument`, the way it stands in the table: "-max_body_size=9"
 * becomes "max-body-size". What does not begin like an option becomes "",
 * and what is too long is cut: neither is the name of anything. */
static void
copy_name(char *name, size_t size, const char *argument)
{
    size_t dashes = strspn(argument, "-"), n = 0;

    argument += dashes;
    if (dashes == 1 || dashes == 2)
        for (; argument[n] != '=' && argument[n] != '\0' && n < size - 1; n++)
            name[n] = argument[n] == '_' ? '-' : argument[n];
    name[n] = '\0';
}

/* Is `word` one of the words of `list`? */
static bool
is_one_of(const char *list, const char *word)
{
    size_t n;

    for (; *list != '\0'; list += n + strspn(list + n, " ")) {
        n = strcspn(list, " ");
        if (n == strlen(word) && strncmp(list, word, n) == 0)
            return true;
    }
    return false;
}

/* Takes what stands behind `equals` (NULL: nothing was given) for the option.
 * NULL, or what would have been right; the variable may hold nonsense then,
 * but nobody will read it: the program ends. strtol() alone would not do for
 * a number: it skips blanks, takes a sign, and is content with half of "8x".
 * One that is too large for it comes back as the largest there is. */
static const char *
set_option(const struct option *o, const char *equals)
{
    static char range[64];
    const char *text = equals != NULL ? equals + 1 : "";
    long number = strtol(text, NULL, 10);

    switch (o->kind) {
    case OPTION_BOOL:
        *(bool *)o->value = equals == NULL || is_one_of("true yes on 1", text);
        return *(bool *)o->value || is_one_of("false no off 0", text)
                   ? NULL : "true or false";
    case OPTION_NUMBER:
        *(long *)o->value = number;
        if (*text != '\0' && text[strspn(text, "0123456789")] == '\0' &&
            number >= o->min && number <= o->max)
            return NULL;
        snprintf(range, sizeof range, "a number, %ld to %ld", o->min, o->max);
        return range;
    default:
        *(const char **)o->value = text;
        if (o->choices != NULL)
            return is_one_of(o->choices, text) ? NULL : o->choices;
        return (equals != NULL || o->kind == OPTION_SWITCH) &&
                       strlen(text) >= (size_t)o->min
                   ? NULL : "a value";
    }
}

/* The defaults need no second list: until options_parse() has come to an
 * option, they are what its variable holds. */
static void
print_help(const struct option *table)
{
    static const char *const shapes[] = {"", "=N", "=TEXT", "[=FILE]"};

    puts("Usage: dustdevil [--help] [--version] [OPTION]...\n"
         "A web server to read. It answers until SIGTERM or SIGINT.");
    for (const struct option *o = table; o->help != NULL; o++) {
        if (o->value == NULL)
            printf("\n%s:", o->help);
        else
            printf("  --%s%-*s %s", o->name, 22 - (int)strlen(o->name),
                   shapes[o->kind], o->help);
        if (o->kind == OPTION_NUMBER)
            printf(" (%ld)", *(long *)o->value);
        if (o->kind == OPTION_TEXT && *(const char **)o->value != NULL)
            printf(" (%s)", *(const char **)o->value);
        putchar('\n');
    }
}

/* What is wrong takes one line, whatever it is: who starts a server from a
 * script will look for it in a log, among others. */
int
options_parse(const struct option *table, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct option *o = table;
        const char *equals = strchr(argv[i], '='), *expected;
        char name[32], printable[256];

        copy_name(name, sizeof name, argv[i]);
        if (strcmp(name, "help") == 0) {
            print_help(table);
            return 0;
        }
        if (strcmp(name, "version") == 0) {
            puts("DustDevil/1.0");
            return 0;
        }
        while (o->help != NULL &&
               (o->value == NULL || strcmp(o->name, name) != 0))
            o++;
        expected = o->help == NULL ? "a known option; try --help"
                                   : set_option(o, equals);
        if (expected != NULL) {
            make_printable(printable, sizeof printable, argv[i]);
            fprintf(stderr, "dustdevil: %s: expected: %s\n", printable,
                    expected);
            return 2;
        }
    }
    return -1;
}
