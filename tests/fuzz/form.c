/* form.c -- the fields of a form: urlencoded, or multipart with files.
 *
 * - Of an urlencoded form, the fields are those that a plain decoder finds.
 * - A multipart form that is accepted has names that can stand in a header, and
 *   files that are parts of the body; and the same fields and files, written
 *   again with another boundary, are read as the same.
 * - Both keep the limits, and a form that is refused is a 400.
 *
 * If the first line of the input begins with "multipart", it is the
 * Content-Type of the other lines. Otherwise the whole input is urlencoded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "httpform.h"

static void
check_wrong(const char *wrong)
{
    check(strncmp(wrong, "400 ", 4) == 0, "a form that is refused is a 400");
}

static bool
is_same(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* --- urlencoded ------------------------------------------------------ */

/* Decodes up to the byte `stop`. Returns where it stands. */
static const char *
decode(char *to, size_t *n, const char *from, const char *end, char stop)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    for (*n = 0; from < end && *from != '&' && *from != stop; ++*n) {
        const char *high, *low;

        to[*n] = *from == '+' ? ' ' : *from;
        if (*from++ != '%' || end - from < 2 || from[0] == '\0' ||
            from[1] == '\0')
            continue;
        high = strchr(digits, from[0]);
        low = strchr(digits, from[1]);
        if (high != NULL && low != NULL) {
            to[*n] = (char)((high - digits) % 16 * 16 + (low - digits) % 16);
            from += 2;
        }
    }
    return from;
}

/* Makes blanks of control bytes, and removes the white space around it. Returns
 * the new size. */
static size_t
clean(char *value, size_t size)
{
    static const char space[] = " \t\n\v\f\r";
    size_t begin = 0;

    for (size_t i = 0; i < size; i++)
        if (value[i] == '\0' || (value[i] > '\0' && value[i] < ' ' &&
                                 strchr(space, value[i]) == NULL))
            value[i] = ' ';
    while (size > 0 && strchr(space, value[size - 1]) != NULL)
        size--;
    while (begin < size && strchr(space, value[begin]) != NULL)
        begin++;
    memmove(value, value + begin, size - begin);
    return size - begin;
}

static void
check_urlencoded(const char *data, size_t size)
{
    struct arena *arena = NULL;
    struct arguments all = {.list.arena = &arena};
    const char *end = data + size, *p = data;
    char *name = exact_copy(data, size), *value = exact_copy(data, size);
    const char *wrong = httpform_parse_qs(&all, data, size);
    const struct httpheader *f;
    size_t fields = 0, i = 0;

    while (p < end && fields < HTTP_MAX_FIELDS) {
        size_t name_size, value_size = 0;

        fields++;
        p = decode(name, &name_size, p, end, '=');
        if (p < end && *p == '=')
            p = decode(value, &value_size, p + 1, end, '&');
        p++;
        if (value_size == 0)
            continue;
        f = &all.list.items[i];
        check(i < all.list.n &&
              is_same(f->name, f->name_size, name, name_size),
              "a field has its name");
        check(is_same(f->value, f->value_size, value, value_size),
              "a field has its value");
        check(f->value[value_size] == '\0', "a NUL ends a value");
        if (++i == all.list.n && memchr(name, '\0', name_size) == NULL) {
            const char *text;

            name[name_size] = '\0';
            text = httpform_argument(&all, name, HTTP_LAST);
            value_size = clean(value, value_size);
            check(text == f->value, "the last field is found");
            check(is_same(f->value, f->value_size, value, value_size),
                  "a value that is asked for is clean");
            check(f->value[value_size] == '\0', "a NUL ends it, too");
        }
    }
    if (wrong != NULL)
        check_wrong(wrong);
    check((wrong != NULL) == (p < end), "only too many fields are refused");
    check(wrong != NULL || i == all.list.n, "there are no more fields");
    free(name);
    free(value);
    arena_release(&arena);
}

/* --- lookup ---------------------------------------------------------- */

/* The last field of a name, as a handler gets it: its value is clean. */
static void
check_lookup(struct arguments *all)
{
    const struct httpheader *fields = all->list.items;

    for (size_t i = 0; i < all->list.n; i++) {
        const struct httpheader *a = &fields[i], *last = NULL;
        const char *text = httpform_argument(all, a->name, HTTP_LAST);

        for (size_t k = 0; k < all->list.n; k++)
            if (is_same(fields[k].name, fields[k].name_size, a->name,
                        strlen(a->name)))
                last = &fields[k];
        check(text == last->value, "the last field of a name is found");
        check(strlen(last->value) == last->value_size,
              "its value is a string then");
    }
}

/* --- multipart ------------------------------------------------------- */

/* Writes a parameter in quotes. */
static char *
put_quoted(char *to, const char *name, const char *value)
{
    to += sprintf(to, "; %s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            *to++ = '\\';
        *to++ = *value;
    }
    *to++ = '"';
    return to;
}

static char *
put_part(char *to, const char *boundary, const struct httpfile *f)
{
    to += sprintf(to, "\r\n--%s\r\nContent-Disposition: form-data", boundary);
    to = put_quoted(to, "name", f->field);
    if (f->filename != NULL) {
        to = put_quoted(to, "filename", f->filename);
        to += sprintf(to, "\r\nContent-Type: %s", f->content_type);
    }
    to += sprintf(to, "\r\n\r\n");
    return (char *)memcpy(to, f->body, f->size) + f->size;
}

/* All fields and then all files. */
static size_t
write_form(char *to, const char *boundary, const struct arguments *all)
{
    char *p = to;

    for (size_t i = 0; i < all->list.n; i++)
        p = put_part(p, boundary, &(struct httpfile){
                         .field = all->list.items[i].name,
                         .body = all->list.items[i].value,
                         .size = all->list.items[i].value_size});
    for (size_t i = 0; i < all->nfiles; i++)
        p = put_part(p, boundary, &all->files[i]);
    p += sprintf(p, "\r\n--%s--\r\n", boundary);
    return (size_t)(p - to);
}

static void
check_again(const struct arguments *all, const char *data, size_t size)
{
    struct arena *arena = NULL;
    struct arguments again = {.list.arena = &arena};
    size_t room = 10 * size + 1000;
    char boundary[40] = "0", type[100];
    char *text = malloc(room);
    const char *wrong;

    for (int i = 1; memmem(data, size, boundary, strlen(boundary)) != NULL; i++)
        sprintf(boundary, "boundary-%d", i);
    sprintf(type, "multipart/form-data; boundary=\"%s\"", boundary);
    size = write_form(text, boundary, all);
    check(size <= room, "the form is not larger than the room for it");
    wrong = httpform_parse_multipart(&again, type, text, size);
    check(wrong == NULL, "a form is valid when it is written again");
    check(all->list.n == again.list.n && all->nfiles == again.nfiles,
          "it has as many fields and files then");
    for (size_t i = 0; i < all->list.n; i++) {
        const struct httpheader *f = &all->list.items[i];
        const struct httpheader *g = &again.list.items[i];

        check(is_same(f->name, f->name_size, g->name, g->name_size) &&
              is_same(f->value, f->value_size, g->value, g->value_size),
              "it has the same fields then");
    }
    for (size_t i = 0; i < all->nfiles; i++)
        check(strcmp(all->files[i].field, again.files[i].field) == 0 &&
              strcmp(all->files[i].filename, again.files[i].filename) == 0 &&
              strcmp(all->files[i].content_type,
                     again.files[i].content_type) == 0 &&
              is_same(all->files[i].body, all->files[i].size,
                      again.files[i].body, again.files[i].size),
              "it has the same files then");
    free(text);
    arena_release(&arena);
}

static void
check_multipart(const char *type, const char *data, size_t size)
{
    struct arena *arena = NULL;
    struct arguments all = {.list.arena = &arena};
    const char *wrong = httpform_parse_multipart(&all, type, data, size);

    check(all.list.n + all.nfiles <= HTTP_MAX_PARTS,
          "there are at most 100 parts");
    for (size_t i = 0; i < all.list.n; i++)
        check(httputil_is_value(all.list.items[i].name,
                                all.list.items[i].name_size),
              "a name can stand in a header");
    for (size_t i = 0; i < all.nfiles; i++) {
        const struct httpfile *f = &all.files[i];

        check(*f->filename != '\0' &&
              httputil_is_value(f->filename, strlen(f->filename)) &&
              httputil_is_value(f->field, strlen(f->field)),
              "the names of a file can stand in a header");
        check(f->body >= data && f->size <= size &&
              f->body + f->size <= data + size, "a file is a part of the body");
    }
    check_lookup(&all);
    if (wrong != NULL)
        check_wrong(wrong);
    else
        check_again(&all, data, size);
    arena_release(&arena);
}

/* --- the harness ----------------------------------------------------- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *lf = memchr(data, '\n', size);
    size_t line = lf != NULL ? (size_t)(lf - (const char *)data) : 0;
    char *type, *body;

    if (line < 9 || memcmp(data, "multipart", 9) != 0) {
        check_urlencoded((const char *)data, size);
        return 0;
    }

    /* A header has a limit, and no control bytes. */
    if (line > HTTP_MAX_LINE || !httputil_is_value((const char *)data, line))
        return 0;
    type = string_copy(data, line);
    body = exact_copy(data + line + 1, size - line - 1);
    check_multipart(type, body, size - line - 1);
    free(type);
    free(body);
    return 0;
}
