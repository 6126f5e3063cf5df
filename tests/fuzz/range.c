/* range.c -- the part of a file that a client wants, and the dates and tags of
 * its conditions.
 *
 * - A Range header selects the bytes that a plain reading of it selects, and
 *   never one that is not in the file.
 * - A date that is valid, formatted again, is the same date; and a time that is
 *   formatted is the same time when it is parsed.
 * - A tag is found in a list that is valid if it is one of its elements.
 *
 * The first eight bytes of the input are a time, and select the size of the
 * file. The others are the header. */
#include <regex.h>

/* For its static functions. */
#include "webstatic.c"

#include "fuzz.h"

static void
compile(regex_t *regex, const char *pattern)
{
    if (regcomp(regex, pattern, REG_EXTENDED | REG_ICASE) != 0)
        abort();
}

/* --- ranges ---------------------------------------------------------- */

/* The number in text[from..to), at most INT64_MAX; -1: no digits. */
static int64_t
plain_number(const char *text, regmatch_t at)
{
    int64_t n = at.rm_so < at.rm_eo ? 0 : -1;

    for (regoff_t i = at.rm_so; i < at.rm_eo; i++) {
        int digit = text[i] - '0';

        n = n > (INT64_MAX - digit) / 10 ? INT64_MAX : 10 * n + digit;
    }
    return n;
}

/* The status, and the first and the last byte. */
static int
plain_range(const char *text, int64_t size, int64_t *first, int64_t *last)
{
    static regex_t regex;
    static bool compiled;
    regmatch_t part[3];

    if (!compiled)
        compile(&regex, "^bytes=[ \t]*([0-9]*)-([0-9]*)[ \t,]*$");
    compiled = true;
    if (size == 0 || regexec(&regex, text, 3, part, 0) != 0)
        return 200;
    *first = plain_number(text, part[1]);
    *last = plain_number(text, part[2]);
    if (*first == -1 && *last == -1)
        return 200;
    if (*first != -1 && *last != -1 && *last < *first)
        return 200;
    if (*first == -1) {
        *first = *last < size ? size - *last : 0;
        *last = -1;
    }
    if (*last == -1 || *last >= size)
        *last = size - 1;
    return *first < size ? 206 : 416;
}

static void
check_parsed_range(const char *text, int64_t size)
{
    struct file file = {.end = size};
    int64_t first = 0, last = 0;
    int status = parse_range(text, &file);

    check(status == plain_range(text, size, &first, &last),
          "a range has the right status");
    if (status == 206)
        check(0 <= file.next && file.next < file.end && file.end <= size &&
              file.next == first && file.end == last + 1,
              "a range has the right bytes");
    else
        check(file.next == 0 && file.end == size, "no range changes nothing");
}

/* --- dates ----------------------------------------------------------- */

static const time_t first_time = -62167219200, last_time = 253402300799;

static void
check_time(time_t when)
{
    char text[HTTP_DATE_SIZE];

    httputil_format_date(text, when);
    check(strlen(text) == HTTP_DATE_SIZE - 1, "a date has 29 bytes");
    when = when < first_time ? first_time : when > last_time ? last_time : when;
    check(httputil_parse_date(text) == when, "a time is read as written");
}

static void
check_date(const char *text)
{
    time_t when = httputil_parse_date(text);
    char again[HTTP_DATE_SIZE];
    int day, second;

    check(when == -1 || (when >= first_time && when <= last_time),
          "a date is in the years 0 to 9999");
    check_time(when);
    httputil_format_date(again, when);

    /* The next minute, and maybe the next day, begins with the second 60. */
    if (when != -1 && sscanf(text, "%*[^,], %d %*s %*d %*d:%*d:%d", &day,
                             &second) == 2 && second < 60)
        check(day == atoi(again + 5), "a date has its day");
}

/* --- tags ------------------------------------------------------------ */

/* Is the tag an element of this list? */
static bool
plain_has(const char *list, const char *tag, bool weak)
{
    while (*list != '\0') {
        bool is_weak = strncmp(list, "W/", 2) == 0;
        size_t size;

        list += is_weak ? 2 : 0;
        if (*list++ != '"')
            continue;
        size = strcspn(list, "\"");
        if ((weak || !is_weak) && size == strlen(tag) - 2 &&
            strncmp(list, tag + 1, size) == 0)
            return true;
        list += size + 1;
    }
    return false;
}

static int
check_condition(const char *name, const char *list, const char *tag)
{
    struct httprequest *r = httprequest_new();
    int status;

    httpheaders_add(&r->headers, name, list);
    status = conditional_check_tag(r, tag);
    check(conditional_check(r, tag, 0) == status, "there is no date");
    httprequest_free(r);
    return status;
}

static void
check_tags(const char *list)
{
    static const char tag[] = "\"a,b\"";
    static regex_t regex;
    static bool compiled;
    int none, match;

    if (!compiled)
        compile(&regex, "^[ \t,]*(W/)?\"[^\"]*\"([ \t]*,[ \t,]*"
                        "(W/)?\"[^\"]*\")*[ \t,]*$");
    compiled = true;
    none = check_condition("If-None-Match", list, tag);
    match = check_condition("If-Match", list, tag);
    check(none == 0 || none == 304, "the client has it or not");
    check(match == 0 || match == 412, "it is what the client means or not");
    if (strstr(list, "w/") == NULL && regexec(&regex, list, 0, NULL, 0) == 0) {
        check((none == 304) == plain_has(list, tag, true),
              "a tag is found in a list");
        check((match == 0) == plain_has(list, tag, false),
              "a weak tag is no strong one");
    }
}

/* --- the harness ----------------------------------------------------- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t sizes[] = {0, 1, 2, 10, 100, 65536, INT64_MAX};
    int64_t number;
    char *text;

    if (size < sizeof number)
        return 0;
    memcpy(&number, data, sizeof number);
    text = string_copy(data + sizeof number, size - sizeof number);

    /* Half of all numbers are times of these ten thousand years. */
    check_time((time_t)number);
    check_time((time_t)(number % last_time));

    /* A header has a limit, and no control bytes. */
    if (size < HTTP_MAX_LINE && httputil_is_value(text, strlen(text))) {
        check_parsed_range(text, sizes[data[0] % 7]);
        check_date(text);
        check_tags(text);
    }
    free(text);
    return 0;
}
