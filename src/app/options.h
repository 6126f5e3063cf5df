/* [11] options.h -- the command line.
 *
 *     Tornado 2.0: tornado/options.py, define() and parse_command_line()
 *     Floor 0.
 *
 * Tornado's manners: --name=value, one dash or two, '_' and '-' alike, and a
 * bool without a value is true. */
#ifndef OPTIONS_H
#define OPTIONS_H

enum option_kind {
    OPTION_BOOL,   /* value is a bool */
    OPTION_NUMBER, /* value is a long, from `min` to `max` */
    OPTION_TEXT,   /* value is a const char *, at least `min` bytes long; one of
                      `choices` if not NULL */
    OPTION_SWITCH  /* a text that need not be given: NULL unless named, "" */
};

/* One option; the variable at `value` holds the default. A row without a
 * value is a title in the list that --help prints. A row without a help text
 * ends the table. `choices` is separated by blanks. */
struct option {
    const char *name, *help;
    void *value;
    enum option_kind kind;
    long min, max;
    const char *choices;
};

/* Sets the variables of `table`. -1: go on. Else the status to exit with: 0
 * after --help or --version, 2 after one line on stderr that says what was
 * expected. */
int options_parse(const struct option *table, int argc, char **argv);

#endif
