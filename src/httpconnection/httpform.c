/* [14] httpform.c -- see httpform.h.
 *
 * There are two formats: all fields in one line, with the special bytes as
 * %XX; or (chapter 22) one part for each field, with headers of its own. */
#include "httpform.h"

#include <ctype.h> /* [21] */
#include <stdlib.h> /* [22] */
#include <string.h>
#include <strings.h> /* [22] */

/* --- %XX ------------------------------------------------------------------ */

/* A '%' without two hex digits behind it stays, as in Python. What has been
 * decoded is not decoded again: %2541 is "%41". */
size_t
httpform_unescape(char *text, size_t size, const char *only)
{
    const char *end = text + size;
    char *from = memchr(text, '%', size), *to;

    /* [21] The number of bytes from the last '%' that stays. */
    size_t since = 3;

    from = to = from != NULL ? from : text + size;
    while (from < end) {
        int c = *from == '%' ? httputil_hex_byte(from + 1) : -1;

        if (only != NULL && (c <= 0 || strchr(only, c) == NULL))
            c = -1;

        /* [21] The other bytes are decoded later, so no digit may join a '%'
         * that stays: "%%361" must not become "%61". */
        if (only != NULL && since < 3)
            c = -1;
        since = *from == '%' && c < 0 ? 1 : since + 1;

        *to++ = c >= 0 ? (char)c : *from;
        from += c >= 0 ? 3 : 1;
    }
    *to = '\0';
    return (size_t)(to - text);
}

/* --- urlencoded ------------------------------------------------------- */

/* [21] Bytes below 32 (but not white space, such as tabs) become blanks, and
 * white space around the value is removed. */
static void
clean(struct httpheader *field)
{
    char *value = (char *)field->value, *end = value + field->value_size;

    for (char *c = value; c < end; c++)
        if ((unsigned char)*c < ' ' && !isspace((unsigned char)*c))
            *c = ' ';
    while (end > value && isspace((unsigned char)end[-1]))
        *--end = '\0';
    field->value = value + strspn(value, " \t\n\v\f\r");
    field->value_size = (size_t)(end - field->value);
}

/* Parses one "name=value". Name and value are parts of one copy. */
static const char *
parse_pair(struct arguments *arguments, const char *text, size_t size)
{
    const char *equals = memchr(text, '=', size);
    size_t n = equals != NULL ? (size_t)(equals - text) : size;
    char *copy;

    if (n + 1 >= size)
        return NULL;
    copy = arena_copy(arguments->list.arena, text, size);
    if (copy == NULL)
        return HTTP_NO_MEMORY;
    for (size_t i = 0; i < size; i++)
        if (copy[i] == '+')
            copy[i] = ' ';

    struct httpheader field = {
        .name = copy,
        .value = copy + n + 1,
        .name_size = httpform_unescape(copy, n, NULL),
        .value_size = httpform_unescape(copy + n + 1, size - n - 1, NULL),
    };
    return httpheaders_append(&arguments->list, field) ? NULL : HTTP_NO_MEMORY;
}

const char *
httpform_parse_qs(struct arguments *arguments, const char *text, size_t size)
{
    const char *end = text + size, *wrong = NULL;

    while (wrong == NULL && text < end) {
        const char *amp = memchr(text, '&', (size_t)(end - text));
        const char *stop = amp != NULL ? amp : end;

        wrong = parse_pair(arguments, text, (size_t)(stop - text));

        /* [21] Otherwise a large body could have millions of fields. */
        if (++arguments->fields > HTTP_MAX_FIELDS)
            wrong = "400 too many form fields";

        text = stop + 1;
    }
    return wrong;
}

const char *
httpform_argument(struct arguments *arguments, const char *name, size_t i)
{
    struct httpheader *field = arguments->list.items, *found = NULL;
    bool last = i == HTTP_LAST;
    size_t size = strlen(name);

    for (size_t k = 0; k < arguments->list.n; k++, field++)
        if (field->name_size == size && memcmp(field->name, name, size) == 0 &&
            (last || i-- == 0))
            found = field;
    if (found == NULL)
        return NULL;

    /* [21] Only what a handler asks for is cleaned: the others are as sent. */
    clean(found);

    return found->value;
}

/* [22] --- multipart ------------------------------------------------------- */

#define BAD "400 malformed multipart: "

/* Copies the parameter `name` of a header value such as `form-data; name="a";
 * b=c` to *to, or sets *to to NULL if the value has no such parameter. Inside
 * quotes a semicolon is an ordinary byte, and so is a quote or a backslash
 * after a backslash. Each byte is read once (in Tornado until 6.5.3 the work
 * grew with the square of the line's length). False when there is no memory
 * left. */
static bool
parameter(struct arena **arena, const char *value, const char *name,
          const char **to)
{
    char text[HTTP_MAX_LINE];

    *to = NULL;
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
            return (*to = arena_copy(arena, text, n)) != NULL;
    }
    return true;
}

/* Reads the value of Content-Disposition (RFC 7578, section 4.2). The name of a
 * file may come in the extended form, `filename*`, alone: that is
 * charset'language'bytes, with special bytes as %XX (RFC 8187, section 3.2). */
static const char *
parse_disposition(struct arena **arena, const char *value, struct httpfile *f)
{
    static const char no_name[] = BAD "a part without a name";
    const char *extended;
    char *quote;

    if (value == NULL || strncasecmp(value, "form-data", 9) != 0 ||
        value[9 + strspn(value + 9, " \t")] != ';')
        return no_name;
    if (!parameter(arena, value, "name", &f->field) ||
        !parameter(arena, value, "filename", &f->filename) ||
        !parameter(arena, value, "filename*", &extended))
        return HTTP_NO_MEMORY;
    if (extended != NULL) {
        quote = strncasecmp(extended, "UTF-8'", 6) == 0
                    ? strchr(extended + 6, '\'') : NULL;
        if (quote == NULL ||
            !httputil_is_value(quote + 1, httpform_unescape(
                quote + 1, strlen(quote + 1), NULL)))
            return BAD "a file name that is not UTF-8";
        f->filename = f->filename != NULL ? f->filename : quote + 1;
    }
    return f->field == NULL ? no_name : NULL;
}

/* A part that names no file is a field. */
static const char *
add_part(struct arguments *arguments, struct httpfile f)
{
    struct httpheaders *list = &arguments->list;
    void *files;

    if (f.filename == NULL || *f.filename == '\0') {
        char *value = arena_copy(list->arena, f.body, f.size);
        struct httpheader field = {f.field, value, strlen(f.field), f.size};

        return value != NULL && httpheaders_append(list, field)
                   ? NULL : HTTP_NO_MEMORY;
    }
    files = arena_more(list->arena, arguments->files, arguments->nfiles,
                       &arguments->files_size, sizeof f);
    if (files == NULL)
        return HTTP_NO_MEMORY;
    arguments->files = files;
    arguments->files[arguments->nfiles++] = f;
    return NULL;
}

/* One part without its delimiters: headers, an empty line, a body. */
static const char *
parse_part(struct arguments *arguments, const char *data, size_t size)
{
    struct httpheaders headers = {.arena = arguments->list.arena};
    const char *blank = memmem(data, size, "\r\n\r\n", 4), *wrong;
    size_t head = blank != NULL ? (size_t)(blank - data) + 2 : 0;
    struct httpfile f = {.body = data + head + 2, .size = size - head - 2};
    char *copy;

    if (blank == NULL || head > HTTP_MAX_LINE)
        return BAD "a part without headers";
    copy = arena_copy(arguments->list.arena, data, head);
    if (copy == NULL)
        return HTTP_NO_MEMORY;
    wrong = httpheaders_parse(&headers, copy, copy + head);
    if (wrong != NULL)
        return atoi(wrong) == 503 ? wrong : BAD "bad header in a part";
    wrong = parse_disposition(arguments->list.arena,
                              httpheaders_get(&headers, "Content-Disposition"),
                              &f);
    if (wrong != NULL)
        return wrong;
    f.content_type = httpheaders_get(&headers, "Content-Type");
    if (f.content_type == NULL)
        f.content_type = "application/unknown";
    return add_part(arguments, f);
}

/* A delimiter is CRLF, "--" and the boundary. Before the first delimiter the
 * CRLF may be missing; after the last delimiter there is another "--". Bytes
 * before the first and after the last delimiter are ignored. (Tornado 2.0 also
 * cut the body where a boundary stood behind other bytes of a line.) `next` is
 * where a delimiter begins, and `skip` is its length. */
static const char *
parse_parts(struct arguments *arguments, const char *delimiter,
            const char *data, size_t size)
{
    const char *end = data + size, *part, *next = data, *wrong;
    size_t n = strlen(delimiter), skip = n - 2;

    if (size < skip || memcmp(data, delimiter + 2, skip) != 0) {
        next = memmem(data, size, delimiter, n);
        skip = n;
    }
    for (size_t parts = 0; next != NULL; parts++) {
        next += skip;
        skip = n;
        if (end - next >= 2 && memcmp(next, "--", 2) == 0)
            return NULL;
        if (parts == HTTP_MAX_PARTS)
            return "400 too many multipart parts";
        while (next < end && (*next == ' ' || *next == '\t'))
            next++;
        if (end - next < 2 || memcmp(next, "\r\n", 2) != 0)
            return BAD "bad delimiter line";
        part = next + 2;
        next = memmem(part, (size_t)(end - part), delimiter, n);
        wrong = next != NULL ? parse_part(arguments, part,
                                          (size_t)(next - part)) : NULL;
        if (wrong != NULL)
            return wrong;
    }
    return BAD "no final delimiter";
}

const char *
httpform_parse_multipart(struct arguments *arguments, const char *content_type,
                         const char *data, size_t size)
{
    enum { MAX_BOUNDARY = 200 };
    char delimiter[4 + MAX_BOUNDARY + 1] = "\r\n--";
    const char *boundary;

    if (!parameter(arguments->list.arena, content_type, "boundary", &boundary))
        return HTTP_NO_MEMORY;
    if (boundary == NULL || *boundary == '\0' ||
        strlen(boundary) > MAX_BOUNDARY)
        return BAD "no boundary";
    strcat(delimiter, boundary);
    return parse_parts(arguments, delimiter, data, size);
}
