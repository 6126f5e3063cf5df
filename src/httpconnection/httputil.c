/* [10] httputil.c -- see httputil.h.
 *
 * No function copies or searches a string without need. */
#include "httputil.h"

#include <stdio.h> /* [15] */
#include <strings.h> /* [11] */

/* --- bytes ---------------------------------------------------------------- */

/* The kinds of each byte (enum httputil_kind). CONTROL: no part of a header may
 * contain the byte. 0: a byte of no kind, for example a blank, a tab, a slash
 * or a byte above 127; values may contain it (RFC 9110, section 5.5). */
enum { CONTROL = 4 };
static const unsigned char kinds[256] = {
    4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 4, 4, 4, 4, 4, 4, /* 9 is the tab */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    0, 3, 0, 1, 3, 1, 3, 3, 2, 2, 3, 3, 2, 3, 3, 0, /*  !"#$%&'()*+,-./ */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 2, 0, 2, 0, 0, /* 0123456789:;<=>? */
    0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* @ABCDEFGHIJKLMNO */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 1, 3, /* PQRSTUVWXYZ[\]^_ */
    1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* `abcdefghijklmno */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 1, 0, 3, 4, /* pqrstuvwxyz{|}~ */
};

size_t
httputil_span(const char *text, enum httputil_kind kind)
{
    size_t n = 0;

    while (kinds[(unsigned char)text[n]] & kind)
        n++;
    return n;
}

/* [21] For names that a handler gives. */
bool
httputil_is_token(const char *text)
{
    size_t n = httputil_span(text, HTTP_TOKEN);

    return n > 0 && text[n] == '\0';
}

/* [21] For values that a handler gives. */
bool
httputil_is_value(const char *text, size_t size)
{
    int kind = 0;

    for (size_t i = 0; i < size; i++)
        kind |= kinds[(unsigned char)text[i]];
    return !(kind & CONTROL);
}

/* [11] --- headers ------------------------------------------------------- */

bool
httpheaders_append(struct httpheaders *headers, struct httpheader header)
{
    void *items = arena_more(headers->arena, headers->items, headers->n,
                             &headers->size, sizeof *headers->items);

    if (items == NULL)
        return false;
    headers->items = items;
    headers->items[headers->n++] = header;

    /* [36] A second header of one name sets the bit in `twice`. */
    uint64_t bit = httpheaders_bit(header.name, header.name_size);
    headers->twice |= headers->seen & bit;
    headers->seen |= bit;

    return true;
}

/* A linear search is fast enough for a few dozen headers. */
const char *
httpheaders_search(const struct httpheaders *headers, const char *name,
                   size_t size, size_t i)
{
    for (size_t k = 0; k < headers->n; k++)
        if (headers->items[k].name_size == size &&
            strncasecmp(headers->items[k].name, name, size) == 0 && i-- == 0)
            return headers->items[k].value;
    return NULL;
}

/* [14] NULL also if there are several lines: none of them is valid then. */
const char *
httpheaders_get(const struct httpheaders *headers, const char *name)
{
    return httpheaders_get_list(headers, name, 1) == NULL
               ? httpheaders_get_list(headers, name, 0) : NULL;
}

/* [21] The other headers keep their order. */
void
httpheaders_del(struct httpheaders *headers, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < headers->n; i++)
        if (strcasecmp(headers->items[i].name, name) != 0)
            headers->items[kept++] = headers->items[i];
    headers->n = kept;
}

/* One pass over each line. The colon follows the last token byte of the name:
 * two servers can read "Host : x" in two ways, and that is how requests are
 * smuggled. The value ends at the first byte that is not part of one, and the
 * CR LF has to stand there. The colon and the first byte behind the value
 * become the NULs that end name and value. */
const char *
httpheaders_parse(struct httpheaders *headers, char *text, char *end)
{
    while (text < end) {
        size_t name_size = httputil_span(text, HTTP_TOKEN);
        char *name = text, *value, *stop;

        /* [21] Such a line is malformed anyway; this reason says more. */
        if (*name == ' ' || *name == '\t')
            return "400 folded header line";

        if (name_size == 0 || name[name_size] != ':')
            return "400 malformed header line";
        for (value = name + name_size + 1; *value == ' ' || *value == '\t';)
            value++;
        for (stop = value; !(kinds[(unsigned char)*stop] & CONTROL);)
            stop++;
        if (*stop != '\r' || stop[1] != '\n')
            return *stop == '\n' ? "400 a line does not end with CR LF"
                                 : "400 control byte in a header";

        /* [21] The limits. */
        if (stop - name > HTTP_MAX_LINE)
            return "431 header line too long";
        if (headers->n == HTTP_MAX_HEADERS)
            return "431 too many headers";

        text = stop + 2;
        while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        name[name_size] = *stop = '\0';
        if (!httpheaders_append(headers, (struct httpheader){
                                             name, value, name_size,
                                             (size_t)(stop - value)}))
            return HTTP_NO_MEMORY;
    }
    return NULL;
}

/* [16] Only commas separate: "keep alive" is one element, and not a token. */
bool
httputil_list_has(const char *list, const char *token)
{
    size_t size = strlen(token);

    while (*list != '\0') {
        list += strspn(list, " \t,");
        if (httputil_span(list, HTTP_TOKEN) == size &&
            strncasecmp(list, token, size) == 0 &&
            strchr(",", list[size + strspn(list + size, " \t")]) != NULL)
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

/* [16] All lines of that name are one list. */
bool
httpheaders_list_has(const struct httpheaders *headers, const char *name,
                     const char *token)
{
    const char *list;

    for (size_t i = 0;
         (list = httpheaders_get_list(headers, name, i)) != NULL; i++)
        if (httputil_list_has(list, token))
            return true;
    return false;
}

/* [11] --- numbers --------------------------------------------------------- */

int
httputil_hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* [14] A NUL is not a digit, so nothing behind the end of `text` is read. */
int
httputil_hex_byte(const char *text)
{
    int high = httputil_hex_digit(text[0]);
    int low = high >= 0 ? httputil_hex_digit(text[1]) : -1;

    return low >= 0 ? high * 16 + low : -1;
}

/* A number that is too large stays SIZE_MAX, and its other digits are
 * skipped. */
bool
httputil_parse_digits(const char **text, int base, size_t *n)
{
    const char *start = *text;
    int digit;

    for (*n = 0; (digit = httputil_hex_digit(**text)) >= 0 && digit < base;
         ++*text)
        *n = *n > (SIZE_MAX - (size_t)digit) / (size_t)base
                 ? SIZE_MAX : *n * (size_t)base + (size_t)digit;
    return *text > start;
}

/* [30] --- hexadecimal digits ---------------------------------------------- */

void
httputil_encode_hex(char *to, const unsigned char *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to += sprintf(to, "%02x", from[i]);
    *to = '\0'; /* also if there was no byte */
}

size_t
httputil_decode_hex(unsigned char *to, const char *from, size_t max)
{
    size_t n = 0;
    int byte;

    while (n < max && (byte = httputil_hex_byte(from + 2 * n)) >= 0)
        to[n++] = (unsigned char)byte;
    return n;
}

/* [15] --- status and date ----------------------------------------------- */

/* Clients ignore the reason; people read it. */
const char *
httputil_reason(int status)
{
    static const char *const reasons[] = {
        [200] = "OK", [400] = "Bad Request", [404] = "Not Found",
        [405] = "Method Not Allowed", [503] = "Service Unavailable",

        /* [21] The other statuses in use. */
        [201] = "Created", [202] = "Accepted", [204] = "No Content",
        [206] = "Partial Content", [301] = "Moved Permanently",
        [302] = "Found", [303] = "See Other", [304] = "Not Modified",
        [307] = "Temporary Redirect", [308] = "Permanent Redirect",
        [401] = "Unauthorized", [402] = "Payment Required",
        [403] = "Forbidden", [406] = "Not Acceptable",
        [407] = "Proxy Authentication Required", [408] = "Request Timeout",
        [409] = "Conflict", [410] = "Gone", [411] = "Length Required",
        [412] = "Precondition Failed", [413] = "Content Too Large",
        [414] = "URI Too Long", [415] = "Unsupported Media Type",
        [416] = "Range Not Satisfiable", [417] = "Expectation Failed",
        [421] = "Misdirected Request", [422] = "Unprocessable Content",
        [426] = "Upgrade Required", [428] = "Precondition Required",
        [429] = "Too Many Requests", [431] = "Request Header Fields Too Large",
        [500] = "Internal Server Error", [501] = "Not Implemented",
        [502] = "Bad Gateway", [504] = "Gateway Timeout",
        [505] = "HTTP Version Not Supported",
    };
    const size_t n = sizeof reasons / sizeof reasons[0];

    return (size_t)status < n && reasons[status] != NULL ? reasons[status]
                                                         : "Unknown";
}

/* [21] The names are English because this program does not call setlocale(). A
 * time outside the years 0 to 9999 becomes the first or last second of them.
 * "%Y" gives fewer than four digits for small years. */
void
httputil_format_date(char to[HTTP_DATE_SIZE], time_t when)
{
    const int64_t first = -62167219200, last = 253402300799;
    struct tm tm = {0};

    when = (time_t)(when < first ? first : when > last ? last : when);
    gmtime_r(&when, &tm);
    strftime(to, HTTP_DATE_SIZE, "%a, %d %b 0000 %H:%M:%S GMT", &tm);
    for (int i = 15, year = tm.tm_year + 1900; i > 11; i--, year /= 10)
        to[i] = (char)('0' + year % 10);
}

/* [29] RFC 9110, section 5.6.7: a year of two digits is one of this century,
 * unless the date would be more than fifty years ahead; strptime() has another
 * rule. */
static void
expand_year(struct tm *tm)
{
    time_t now = time(NULL);
    struct tm limit = {0}, date = *tm;

    gmtime_r(&now, &limit);
    tm->tm_year = date.tm_year = limit.tm_year / 100 * 100 + tm->tm_year % 100;
    limit.tm_year += 50;
    if (timegm(&date) > timegm(&limit))
        tm->tm_year -= 100;
}

/* [29] The form that this server writes, and two that are obsolete (RFC 9110,
 * section 5.6.7). timegm() takes 31 February for 3 March, so the day is
 * compared, without the seconds: a leap second (60) belongs to the next day for
 * timegm(). */
time_t
httputil_parse_date(const char *date)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT",
                                        "%a %b %d %H:%M:%S %Y",
                                        "%A, %d-%b-%y %H:%M:%S GMT"};

    for (size_t i = 0; i < 3; i++) {
        struct tm tm = {0}, day;
        const char *end = strptime(date, forms[i], &tm);

        if (end == NULL || *end != '\0')
            continue;
        if (i == 2)
            expand_year(&tm);
        day = tm;
        day.tm_sec = 0;
        timegm(&day);
        return day.tm_mday == tm.tm_mday ? timegm(&tm) : -1;
    }
    return -1;
}

/* [15] --- answers -------------------------------------------------------- */

/* The apostrophe ends attributes in single quotes (Tornado since 3.2). */
bool
httputil_xhtml_escape(struct buffer **to, const char *text, size_t size)
{
    static const char *const entities[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;",
        ['\''] = "&#39;"};
    const char *end = text + size, *start, *entity;
    bool ok = true;

    while (ok && text < end) {
        for (start = text, entity = NULL; text < end && entity == NULL; text++)
            entity = entities[(unsigned char)*text];
        size = (size_t)(text - start) - (entity != NULL);
        ok = buffer_append(to, start, size) &&
             (entity == NULL || buffer_append(to, entity, strlen(entity)));
    }
    return ok;
}

/* Copies `size` bytes, and returns where they end. */
static char *
put(char *to, const char *text, size_t size)
{
    memcpy(to, text, size);
    return to + size;
}

/* The most bytes that a head has without the headers that the caller gives. */
enum { OTHER_LINES = 320 };

/* Returns where the lines end. */
static char *
put_first_lines(char *to, int status)
{
    /* [36] These lines are the same for all answers with one status in one
     * second, so they are formatted once, and then copied. */
    static char lines[OTHER_LINES / 2];
    static time_t last = -1;
    static size_t size;
    static int last_status;
    char *start = to;
    time_t now = time(NULL);
    if (now == last && status == last_status)
        return put(to, lines, size);

    to += sprintf(to, "HTTP/1.1 %d %s\r\nServer: %s\r\n", status,
                  httputil_reason(status), HTTP_SERVER);

    /* [21] RFC 9110, section 6.6.1: the date, so that caches know the age. */
    char date[HTTP_DATE_SIZE];
    httputil_format_date(date, time(NULL));
    to += sprintf(to, "Date: %s\r\n", date);

    /* [36] For the next answer. */
    size = (size_t)(to - start);
    memcpy(lines, start, size);
    last = now;
    last_status = status;

    return to;
}

/* RequestHandler._generate_headers. The version is always HTTP/1.1: it is the
 * server's, not the client's (Tornado since 4.1). Room is made once, for
 * `headers` and OTHER_LINES, and filled from its start. Then the head moves to
 * the end of the room, where the body begins. */
bool
httputil_prepend_head(struct buffer **to, int status,
                      const struct httpheaders *headers,
                      const struct httpframing *framing)
{
    const struct httpheader *h = headers->items, *end = h + headers->n;
    size_t room = OTHER_LINES;
    uint64_t rest = framing->length;
    char text[] = "....................\r\n", *digits = text + 20, *start, *p;

    for (; h < end; h++)
        room += h->name_size + h->value_size + strlen(": \r\n");
    if ((start = buffer_front(to, room)) == NULL)
        return false;
    p = put_first_lines(start, status);
    for (h = headers->items; h < end; h++) {
        p = put(put(p, h->name, h->name_size), ": ", 2);
        p = put(put(p, h->value, h->value_size), "\r\n", 2);
    }
    if (framing->length_known) {
        do /* snprintf() would be much slower */
            *--digits = (char)('0' + rest % 10);
        while ((rest /= 10) > 0);
        p = put(put(p, "Content-Length: ", 16), digits, strlen(digits));
    }

    /* [25] The last chunk says where the body ends. */
    if (framing->chunked)
        p = stpcpy(p, "Transfer-Encoding: chunked\r\n");

    /* [16] The last line is about the connection. */
    if (framing->connection != NULL)
        p += sprintf(p, "Connection: %s\r\n", framing->connection);

    p = put(p, "\r\n", 2);
    (*to)->start += room - (size_t)(p - start);
    memmove((*to)->data + (*to)->start, start, (size_t)(p - start));
    return true;
}

/* RequestHandler.get_error_html. */
bool
httputil_append_error_page(struct buffer **to, int status, const char *detail)
{
    const char *reason = httputil_reason(status);
    char text[160];
    int n = snprintf(text, sizeof text, "<html><title>%d: %s</title>"
                     "<body>%d: %s", status, reason, status, reason);

    return buffer_append(to, text, (size_t)n) &&
           (detail == NULL ||
            (buffer_append(to, " (", 2) &&
             httputil_xhtml_escape(to, detail, strlen(detail)) &&
             buffer_append(to, ")", 1))) &&
           buffer_append(to, "</body></html>", 14);
}
