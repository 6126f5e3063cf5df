/* [8] httputil.c -- see httputil.h for what these are for. */
#include "httputil.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- headers ------------------------------------------------------------ */

/* RFC 9110, section 5.6.2: !#$%&'*+-.^_`|~ and letters and digits. One bit
 * for each byte, the bit of byte 33 ('!') being bit 1 of word 1. */
static const uint32_t token_bits[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};

bool
httputil_is_token_byte(unsigned char c)
{
    return token_bits[c / 32] >> c % 32 & 1;
}

/* Visible bytes, blanks, tabs, and all above 127 (RFC 9110, section 5.5). No
 * early exit: a loop without one is turned into vector instructions. */
static bool
is_value(const char *text, size_t size)
{
    unsigned bad = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        bad |= (c < ' ' && c != '\t') || c == 0x7f;
    }
    return bad == 0;
}

bool
httputil_is_value(const char *text)
{
    return is_value(text, strlen(text));
}

static bool
add_header(struct httpheaders *headers, const char *name, size_t name_size,
           const char *value)
{
    void *items = arena_more(headers->arena, headers->items, headers->n,
                             &headers->size, sizeof *headers->items);

    if (items == NULL)
        return false;
    headers->items = items;
    headers->items[headers->n++] =
        (struct httpheader){name, value, name_size};
    return true;
}

bool
httpheaders_add(struct httpheaders *headers, const char *name,
                const char *value)
{
    return add_header(headers, name, strlen(name), value);
}

/* The place of the first header of that name from `i` on. With a hundred
 * headers at most, of mostly different lengths, nothing beats looking. */
static size_t
find_header(const struct httpheaders *headers, const char *name, size_t i)
{
    size_t size = strlen(name);

    for (; i < headers->n; i++)
        if (headers->items[i].name_size == size &&
            strncasecmp(headers->items[i].name, name, size) == 0)
            break;
    return i;
}

const char *
httpheaders_get_list(const struct httpheaders *headers, const char *name,
                     size_t i)
{
    size_t at = find_header(headers, name, 0);

    while (i-- > 0 && at < headers->n)
        at = find_header(headers, name, at + 1);
    return at < headers->n ? headers->items[at].value : NULL;
}

const char *
httpheaders_get(struct httpheaders *headers, const char *name)
{
    size_t first = find_header(headers, name, 0), size = 0;
    char *joined, *p;

    if (first == headers->n)
        return NULL;
    if (find_header(headers, name, first + 1) == headers->n)
        return headers->items[first].value;
    for (size_t i = first; i < headers->n;
         i = find_header(headers, name, i + 1))
        size += strlen(headers->items[i].value) + 1;
    joined = p = arena_alloc(headers->arena, size);
    if (joined == NULL)
        return NULL;
    for (size_t i = first; i < headers->n;
         i = find_header(headers, name, i + 1)) {
        size_t n = strlen(headers->items[i].value);

        memcpy(p, headers->items[i].value, n);
        p[n] = ',';
        p += n + 1;
    }
    p[-1] = '\0';
    return joined;
}

void
httpheaders_del(struct httpheaders *headers, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < headers->n; i++)
        if (strcasecmp(headers->items[i].name, name) != 0)
            headers->items[kept++] = headers->items[i];
    headers->n = kept;
}

void
httpheaders_normalize_name(char *to, const char *name)
{
    bool start = true;

    for (; *name != '\0'; name++) {
        char c = *name;

        if (start && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        else if (!start && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        *to++ = c;
        start = c == '-';
    }
    *to = '\0';
}

/* HTTPHeaders.parse_line, for a line without its line break. */
static int
parse_line(struct httpheaders *headers, char *line, char *end,
           const char **why)
{
    char *name = line, *value;

    while (line < end && httputil_is_token_byte((unsigned char)*line))
        line++;
    if (line == end || *line != ':' || line == name) {
        *why = "malformed header line";
        return 400;
    }
    value = line + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (!is_value(value, (size_t)(end - value))) {
        *why = "control byte in a header";
        return 400;
    }
    if (headers->n == HTTP_MAX_HEADERS) {
        *why = "too many headers";
        return 431;
    }
    *line = '\0';
    *end = '\0';
    if (add_header(headers, name, (size_t)(line - name), value))
        return 0;
    *why = "out of memory";
    return 503;
}

int
httpheaders_parse(struct httpheaders *headers, char *text, char *end,
                  const char **why)
{
    while (text < end) {
        char *lf = memchr(text, '\n', (size_t)(end - text));
        int status;

        if (lf == NULL || lf == text || lf[-1] != '\r') {
            *why = "a line does not end with CR LF";
            return 400;
        }
        if (lf - 1 - text > HTTP_MAX_LINE) {
            *why = "header line too long";
            return 431;
        }
        if (*text == ' ' || *text == '\t') {
            *why = "folded header line";
            return 400;
        }
        status = parse_line(headers, text, lf - 1, why);
        if (status != 0)
            return status;
        text = lf + 1;
    }
    return 0;
}

bool
httputil_list_has(const char *list, const char *token)
{
    size_t size = strlen(token);

    while (list != NULL && *list != '\0') {
        size_t n;

        list += strspn(list, " \t,");
        n = strcspn(list, " \t,");
        if (n == size && strncasecmp(list, token, n) == 0 &&
            (list[n + strspn(list + n, " \t")] == ',' ||
             list[n + strspn(list + n, " \t")] == '\0'))
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

/* --- status and date ---------------------------------------------------- */

const char *
httputil_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"}, {201, "Created"}, {202, "Accepted"},
        {203, "Non-Authoritative Information"}, {204, "No Content"},
        {205, "Reset Content"}, {206, "Partial Content"},
        {300, "Multiple Choices"}, {301, "Moved Permanently"},
        {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
        {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
        {400, "Bad Request"}, {401, "Unauthorized"},
        {402, "Payment Required"}, {403, "Forbidden"}, {404, "Not Found"},
        {405, "Method Not Allowed"}, {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"}, {408, "Request Timeout"},
        {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"},
        {412, "Precondition Failed"}, {413, "Content Too Large"},
        {414, "URI Too Long"}, {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"}, {417, "Expectation Failed"},
        {421, "Misdirected Request"}, {422, "Unprocessable Content"},
        {426, "Upgrade Required"}, {428, "Precondition Required"},
        {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"}, {501, "Not Implemented"},
        {502, "Bad Gateway"}, {503, "Service Unavailable"},
        {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

/* strftime() would write the names of days in the language of the server. */
void
httputil_format_date(char to[HTTP_DATE_SIZE], time_t when)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm = {0};

    gmtime_r(&when, &tm);
    snprintf(to, HTTP_DATE_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
             days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100,
             months + 3 * tm.tm_mon, (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
             (unsigned)tm.tm_sec % 100);
}

const char *
httputil_date(void)
{
    static char date[HTTP_DATE_SIZE];
    static time_t last;
    time_t now = time(NULL);

    if (now != last)
        httputil_format_date(date, now);
    last = now;
    return date;
}

/* [11] --- text --------------------------------------------------------- */

bool
httputil_xhtml_escape(struct buffer **to, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const char *entity = text[i] == '&'    ? "&amp;"
                             : text[i] == '<'  ? "&lt;"
                             : text[i] == '>'  ? "&gt;"
                             : text[i] == '"'  ? "&quot;"
                             : text[i] == '\'' ? "&#39;"
                                               : NULL;

        if (entity != NULL ? !buffer_append(to, entity, strlen(entity))
                           : !buffer_append(to, text + i, 1))
            return false;
    }
    return true;
}
