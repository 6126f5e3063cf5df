/* [9] httpform.c -- what people type into forms, and the files they choose.
 *
 * Two ways to write the same thing: all fields in one line, with the special
 * bytes as %XX, or one part for each with headers of its own. */
#include "httpform.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "httputil.h"

/* --- urlencoded ---------------------------------------------------------- */

/* A '%' that is not followed by two hex digits stands for itself, as in
 * Python. What is decoded is never looked at again: %2541 is "%41". */
size_t
httpform_unescape(char *text, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        char c = text[i], hex[3] = {0};

        if (c == '%' && i + 2 < size &&
            isxdigit((unsigned char)text[i + 1]) &&
            isxdigit((unsigned char)text[i + 2])) {
            memcpy(hex, text + i + 1, 2);
            c = (char)strtoul(hex, NULL, 16);
            i += 2;
        }
        text[n++] = c;
    }
    text[n] = '\0';
    return n;
}

/* A copy with '+' and %XX undone. */
static const char *
unquote_plus(struct arena **arena, const char *text, size_t *size)
{
    char *copy = arena_copy(arena, text, *size);

    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < *size; i++)
        if (copy[i] == '+')
            copy[i] = ' ';
    *size = httpform_unescape(copy, *size);
    return copy;
}

static bool
add_argument(struct arguments *arguments, struct argument a)
{
    void *items = arena_more(arguments->arena, arguments->items, arguments->n,
                             &arguments->size, sizeof a);

    if (items == NULL || a.name == NULL || a.value == NULL)
        return false;
    arguments->items = items;
    arguments->items[arguments->n++] = a;
    return true;
}

const char *
httpform_parse_qs(struct arguments *arguments, const char *text, size_t size)
{
    const char *end = text + size;

    while (text < end) {
        const char *amp = memchr(text, '&', (size_t)(end - text));
        const char *stop = amp != NULL ? amp : end;
        const char *equals = memchr(text, '=', (size_t)(stop - text));
        struct argument a = {.name = text};

        if (++arguments->fields > HTTP_MAX_FIELDS)
            return "too many form fields";
        if (equals != NULL && equals + 1 < stop) {
            a.name_size = (size_t)(equals - text);
            a.size = (size_t)(stop - equals - 1);
            a.name = unquote_plus(arguments->arena, text, &a.name_size);
            a.value = unquote_plus(arguments->arena, equals + 1, &a.size);
            if (!add_argument(arguments, a))
                return http_no_memory;
        }
        text = stop + 1;
    }
    return NULL;
}

const struct argument *
httpform_argument(const struct arguments *arguments, const char *name,
                  size_t i)
{
    const struct argument *last = NULL;
    bool want_last = i == HTTP_LAST;
    size_t size = strlen(name);

    for (size_t k = 0; k < arguments->n; k++) {
        const struct argument *a = &arguments->items[k];

        if (a->name_size != size || memcmp(a->name, name, size) != 0)
            continue;
        last = a;
        if (i-- == 0)
            return a;
    }
    return want_last ? last : NULL;
}

/* _ArgumentParser: control bytes (but not tab and line breaks) become blanks,
 * and white space around the value goes. */
const char *
httpform_clean(const struct arguments *arguments, const struct argument *a)
{
    char *copy = arena_copy(arguments->arena, a->value, a->size), *end;

    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < a->size; i++)
        if (copy[i] == '\0' || ((unsigned char)copy[i] < ' ' &&
                                strchr("\t\n\v\f\r", copy[i]) == NULL))
            copy[i] = ' ';
    for (end = copy + a->size; end > copy && strchr(" \t\n\v\f\r", end[-1]);)
        *--end = '\0';
    return copy + strspn(copy, " \t\n\v\f\r");
}

/* --- multipart ----------------------------------------------------------- */

/* The parameter `name` of a header value like `form-data; name="a"; b=c`,
 * or NULL (also when there is no memory). In quotes a semicolon is nothing
 * special, and a backslash makes a quote or a backslash nothing special. Each
 * byte is passed once; Tornado until 6.5.3 did work here that grew with the
 * square of the line's length. */
static const char *
parameter(struct arena **arena, const char *value, const char *name)
{
    char text[HTTP_MAX_LINE];

    while ((value = strchr(value, ';')) != NULL) {
        const char *key = value + 1 + strspn(value + 1, " \t");
        size_t size = strcspn(key, "=;"), n = 0;
        bool quoted = key[size] == '=' && key[size + 1] == '"';

        value = key + size + (key[size] == '=') + quoted;
        for (; *value != '\0' && n < sizeof text; value++) {
            if (quoted ? *value == '"' : strchr("; \t", *value) != NULL)
                break;
            if (quoted && *value == '\\' && value[1] != '\0' &&
                strchr("\"\\", value[1]) != NULL)
                value++;
            text[n++] = *value;
        }
        if (size == strlen(name) && strncasecmp(key, name, size) == 0)
            return arena_copy(arena, text, n);
    }
    return NULL;
}

/* One part without its delimiters: headers, an empty line, a body. */
static const char *
parse_part(struct arguments *arguments, const char *data, size_t size)
{
    struct httpheaders headers = {.arena = arguments->arena};
    const char *blank = memmem(data, size, "\r\n\r\n", 4), *why, *value;
    size_t head = blank != NULL ? (size_t)(blank - data) + 2 : 0;
    struct httpfile f = {.body = data + head + 2, .size = size - head - 2};
    char *copy;
    void *files;

    if (blank == NULL || head > HTTP_MAX_LINE)
        return "malformed multipart: a part without headers";
    copy = arena_copy(arguments->arena, data, head);
    if (copy == NULL)
        return http_no_memory;
    if (httpheaders_parse(&headers, copy, copy + head, &why) != 0)
        return "malformed multipart: bad header in a part";
    value = httpheaders_get(&headers, "Content-Disposition");
    if (value == NULL || strncasecmp(value, "form-data;", 10) != 0 ||
        (f.field = parameter(arguments->arena, value, "name")) == NULL)
        return "malformed multipart: a part without a name";
    f.filename = parameter(arguments->arena, value, "filename");
    f.content_type = httpheaders_get(&headers, "Content-Type");
    if (f.filename == NULL || *f.filename == '\0') {
        struct argument a = {.name = f.field, .name_size = strlen(f.field),
                             .size = f.size};

        a.value = arena_copy(arguments->arena, f.body, f.size);
        return add_argument(arguments, a) ? NULL : http_no_memory;
    }
    if (f.content_type == NULL)
        f.content_type = "application/unknown";
    files = arena_more(arguments->arena, arguments->files, arguments->nfiles,
                       &arguments->files_size, sizeof f);
    if (files == NULL)
        return http_no_memory;
    arguments->files = files;
    arguments->files[arguments->nfiles++] = f;
    return NULL;
}

/* A delimiter is CRLF, "--" and the boundary; the CRLF before the first may
 * be missing, and "--" behind the last says that it was the last. What stands
 * before the first and behind the last means nothing. (Tornado 2.0 cut the
 * body wherever the boundary stood, also in the middle of a line.) */
static const char *
parse_parts(struct arguments *arguments, const char *delimiter,
            const char *data, size_t size)
{
    const char *end = data + size, *part = NULL, *next = data;
    size_t n = strlen(delimiter), skip = n - 2, parts = 0;

    if (size < skip || memcmp(data, delimiter + 2, skip) != 0) {
        next = memmem(data, size, delimiter, n);
        skip = n;
    }
    while (next != NULL) {
        const char *why = NULL;

        if (part != NULL && ++parts > HTTP_MAX_PARTS)
            return "too many multipart parts";
        if (part != NULL)
            why = parse_part(arguments, part, (size_t)(next - part));
        if (why != NULL)
            return why;
        next += skip;
        skip = n;
        if (end - next >= 2 && memcmp(next, "--", 2) == 0)
            return NULL;
        while (next < end && (*next == ' ' || *next == '\t'))
            next++;
        if (end - next < 2 || memcmp(next, "\r\n", 2) != 0)
            return "malformed multipart: bad delimiter line";
        part = next + 2;
        next = memmem(part, (size_t)(end - part), delimiter, n);
    }
    return "malformed multipart: no final delimiter";
}

const char *
httpform_parse_multipart(struct arguments *arguments, const char *content_type,
                         const char *data, size_t size)
{
    const char *boundary = parameter(arguments->arena, content_type,
                                     "boundary");
    char *delimiter;
    size_t n;

    if (boundary == NULL || *boundary == '\0' || strlen(boundary) > 200)
        return "malformed multipart: no boundary";
    n = strlen(boundary);
    delimiter = arena_alloc(arguments->arena, n + 5);
    if (delimiter == NULL)
        return http_no_memory;
    memcpy(delimiter, "\r\n--", 4);
    memcpy(delimiter + 4, boundary, n + 1);
    return parse_parts(arguments, delimiter, data, size);
}
