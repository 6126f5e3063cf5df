/* [14] webstatic.c -- see webstatic.h.
 *
 * In the order of events: from a name to a descriptor, what the file is, what
 * the client has and wants of it, and how it leaves. */
#include "webstatic.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conditional.h"
#include "log.h"
#include "system.h"

/* What is remembered while the file is on its way. */
struct static_file {
    int fd;
    off_t last; /* where the last byte to be sent stands */
    off_t size;
    time_t modified;
    long nanoseconds;
};

static_assert(sizeof(struct static_file) <= STATIC_FILE_STATE_SIZE,
              "handler_state() must have room for it");

/* --- from a name to a descriptor ----------------------------------------- */

int
static_open_root(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* One step down. Not through a link; and not waiting for whoever may write
 * into a pipe that somebody has left here. */
static int
step_down(int directory, const char *name, int flags)
{
    return openat(directory, name,
                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);
}

/* Opens what `path` names below `root`, and cuts the path to pieces. Each
 * name is looked up in a directory that we hold open, so nobody can exchange a
 * part of the path between a check and the use of it. To clean the path and
 * compare prefixes, as Tornado 2.0 does, is to check one name and to open
 * another: a link is enough. -1 with errno. */
static int
open_below(int root, char *path)
{
    int fd = step_down(root, ".", O_DIRECTORY);
    char *name;

    while (fd != -1 && (name = strsep(&path, "/")) != NULL) {
        int directory = fd, error;

        if (*name == '\0' || strcmp(name, ".") == 0)
            continue;
        errno = ENOENT;
        fd = strcmp(name, "..") == 0
                 ? -1 : step_down(directory, name, path ? O_DIRECTORY : 0);
        error = errno;
        close(directory);
        errno = error;
    }
    return fd;
}

/* A page in a folder names its neighbours relative to the folder, so the
 * folder's own name has to end with a slash. */
static void
redirect_to_slash(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    size_t size = strlen(r->path) + strlen(r->query) + 3;
    char *url = arena_alloc(&r->arena, size);

    if (url == NULL) {
        handler_send_error(self, 503);
        return;
    }
    snprintf(url, size, "%s/%s%s", r->path, *r->query != '\0' ? "?" : "",
             r->query);
    handler_redirect(self, url, true);
}

/* Why there is no descriptor, as far as strangers are told. What is not there
 * may be remembered; what we failed at is to be tried again. (A link is ELOOP
 * or EMLINK, and a root that is not there EBADF.) */
static int
status_of_errno(void)
{
    static const int nowhere[] = {ENOENT, ENOTDIR,      ELOOP, EMLINK,
                                  ENXIO,  ENAMETOOLONG, EBADF};

    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
        if (errno == nowhere[i])
            return 404;
    return errno == EACCES ? 403 : 503;
}

/* Opens the file that was asked for, and says in *name what it is called. -1
 * when the answer has been given. A name with a NUL in it is no name. */
static int
open_file(struct handler *self, struct stat *st, const char **name)
{
    const int *root = handler_arg(self);
    struct httprequest *r = handler_request(self);
    size_t size = 0;
    const char *text = handler_path_argument(self, 0, &size);
    char *path = text != NULL ? arena_copy(&r->arena, text, size) : NULL;
    bool slash = size == 0 || (text != NULL && text[size - 1] == '/');
    int fd = -1, directory;

    errno = path == NULL ? ENOMEM : ENOENT;
    if (path != NULL && strlen(path) == size)
        fd = open_below(*root, path);
    *name = text;
    if (fd != -1 && fstat(fd, st) == 0 && S_ISDIR(st->st_mode) && slash) {
        directory = fd;
        *name = "index.html";
        fd = step_down(directory, *name, 0);
        close(directory);
    }
    if (fd == -1) {
        handler_send_error(self, status_of_errno());
        return -1;
    }
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) &&
        (uintmax_t)st->st_size <= SIZE_MAX)
        return fd;
    close(fd);
    if (S_ISDIR(st->st_mode) && !slash)
        redirect_to_slash(self);
    else
        handler_send_error(self, 404);
    return -1;
}

/* --- what it is ---------------------------------------------------------- */

/* mimetypes.guess_type, for what a small site has. */
static const char *
guess_type(const char *path)
{
    static const struct {
        const char *extension, *type;
    } types[] = {
        {".html", "text/html"}, {".htm", "text/html"}, {".css", "text/css"},
        {".js", "text/javascript"}, {".mjs", "text/javascript"},
        {".json", "application/json"}, {".txt", "text/plain"},
        {".md", "text/markdown"}, {".csv", "text/csv"}, {".xml", "text/xml"},
        {".svg", "image/svg+xml"}, {".png", "image/png"},
        {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"},
        {".gif", "image/gif"}, {".webp", "image/webp"},
        {".ico", "image/vnd.microsoft.icon"}, {".woff2", "font/woff2"},
        {".woff", "font/woff"}, {".pdf", "application/pdf"},
        {".wasm", "application/wasm"}, {".mp3", "audio/mpeg"},
        {".mp4", "video/mp4"}, {".webm", "video/webm"},
        {".zip", "application/zip"}, {".gz", "application/gzip"},
    };
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (dot != NULL && (slash == NULL || dot > slash) &&
            strcasecmp(dot, types[i].extension) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/* Another content means another size, another moment or another file, so this
 * follows the file without reading it. (Not two of one size within one tick of
 * the file system's clock: who writes like that should rename instead.) */
enum { ETAG_SIZE = 64 };
static void
make_etag(char etag[ETAG_SIZE], const struct stat *st)
{
    snprintf(etag, ETAG_SIZE, "\"%llx-%llx-%llx.%lx\"",
             (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtime, modified_nanoseconds(st));
}

/* With ?v= the URL changes when the file does (Tornado's static_url() writes
 * such URLs), so it may be kept for as long as anybody likes. */
enum { TEN_YEARS = 10 * 365 * 86400 };

static void
set_caching(struct handler *self)
{
    char date[HTTP_DATE_SIZE];

    if (handler_get_arguments(self, "v", 0) != NULL) {
        httputil_format_date(date, time(NULL) + TEN_YEARS);
        handler_set_header(self, "Expires", date);
        handler_set_header(self, "Cache-Control", "public, max-age=315360000");
    } else {
        handler_set_header(self, "Cache-Control", "public");
    }
}

/* A date that lies ahead of ours would be a promise (RFC 9110, 8.8.2.1). */
static void
set_headers(struct handler *self, const struct stat *st, const char *etag)
{
    time_t now = time(NULL);
    char date[HTTP_DATE_SIZE];

    httputil_format_date(date, st->st_mtime < now ? st->st_mtime : now);
    handler_set_header(self, "Last-Modified", date);
    handler_set_header(self, "Etag", etag);
    handler_set_header(self, "Accept-Ranges", "bytes");
}

/* --- what is wanted of it ------------------------------------------------- */

/* Digits to a number, or to the largest there is; false if there are none. */
static bool
parse_number(const char **text, size_t *number)
{
    size_t digits = strspn(*text, "0123456789");

    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        size_t digit = (size_t)((*text)[i] - '0');

        *number = *number > (SIZE_MAX - digit) / 10 ? SIZE_MAX
                                                    : *number * 10 + digit;
    }
    *text += digits;
    return digits > 0;
}

/* RFC 9110, section 14: one range of bytes. 206, and which part it is; 416 if
 * the file has no such part; 200 if this is nothing that we have to heed: other
 * units, several ranges (a list of a thousand has brought down servers), or no
 * range at all. */
static int
parse_range(const char *text, size_t size, size_t *first, size_t *n)
{
    size_t from, to, last = size - 1;
    bool has_from, has_to;

    if (strncasecmp(text, "bytes=", 6) != 0)
        return 200;
    text += 6;
    text += strspn(text, " \t");
    has_from = parse_number(&text, &from);
    if (*text++ != '-')
        return 200;
    has_to = parse_number(&text, &to);
    text += strspn(text, " \t,");
    if (*text != '\0' || (!has_from && !has_to) ||
        (has_from && has_to && to < from))
        return 200;
    if (size == 0 || (has_from ? from >= size : to == 0))
        return 416;
    if (has_from)
        last = has_to && to < last ? to : last;
    else
        from = to < size ? size - to : 0; /* "-5": the last five */
    *first = from;
    *n = last - from + 1;
    return 206;
}

/* RFC 9110, section 13.1.5: a part is of use only to whoever has the other
 * parts of the same file; all others get the whole. A date says which file only
 * when its second is over: until then there may be another of the same date. */
static bool
if_range(struct httprequest *r, const char *etag, time_t modified)
{
    const char *condition = httpheaders_get(&r->headers, "If-Range");

    return condition == NULL || strcmp(condition, etag) == 0 ||
           (modified != -1 && modified < time(NULL) &&
            httputil_parse_date(condition) == modified);
}

/* --- how it leaves -------------------------------------------------------- */

/* All but the last byte has been handed to the kernel, or the client has gone.
 * A file that is no longer what it was when its size and tag were promised has
 * gone out half old, half new: then the last byte never leaves, and nobody
 * takes the mixture for the file. (What is written into a file in place while
 * the kernel still holds its pages to be sent goes out all the same: replace
 * files, do not edit them.) */
static void
on_sent(void *arg)
{
    struct handler *self = arg;
    struct static_file *file = handler_state(self);
    struct stat now;
    char byte = 0;

    if (!handler_client_gone(self) &&
        (pread(file->fd, &byte, 1, file->last) != 1 ||
         fstat(file->fd, &now) == -1 || now.st_size != file->size ||
         now.st_mtime != file->modified ||
         modified_nanoseconds(&now) != file->nanoseconds)) {
        log_warning("%s changed while it was sent",
                    handler_request(self)->uri);
        httprequest_abort(handler_request(self));
    } else {
        handler_write_bytes(self, &byte, 1);
    }
    close(file->fd);
    handler_finish(self);
}

static void
send_range(struct handler *self, size_t first, size_t n)
{
    struct static_file *file = handler_state(self);

    handler_set_content_length(self, n);
    if (n == 0 || strcmp(handler_request(self)->method, "HEAD") == 0) {
        close(file->fd);
        handler_finish(self);
        return;
    }
    file->last = (off_t)(first + n - 1);
    if (n == 1) {
        on_sent(self);
        return;
    }
    handler_flush(self, NULL, NULL);
    handler_send_file(self, file->fd, (off_t)first, n - 1, on_sent, self);
}

/* RFC 9110, section 14.4: which part of how much. */
static void
set_content_range(struct handler *self, int status, size_t size, size_t first,
                  size_t n)
{
    char text[80];

    if (status == 206)
        snprintf(text, sizeof text, "bytes %zu-%zu/%zu", first, first + n - 1,
                 size);
    else
        snprintf(text, sizeof text, "bytes */%zu", size);
    handler_set_header(self, "Content-Range", text);
}

/* 200, 206 or 416. A range is for GET only. */
static int
check_range(struct handler *self, const char *etag, const struct stat *st,
            size_t *first, size_t *n)
{
    struct httprequest *r = handler_request(self);
    const char *range = httpheaders_get(&r->headers, "Range");

    if (range == NULL || strcmp(r->method, "GET") != 0 ||
        !if_range(r, etag, st->st_mtime))
        return 200;
    return parse_range(range, (size_t)st->st_size, first, n);
}

/* What the client has, and what it wants, decide between five answers. */
void
static_file_get(struct handler *self)
{
    struct static_file *file = handler_state(self);
    struct stat st = {0};
    const char *name;
    char etag[ETAG_SIZE];
    size_t first = 0, n;
    int fd = open_file(self, &st, &name), status;

    if (fd == -1)
        return;
    *file = (struct static_file){fd, 0, st.st_size, st.st_mtime,
                                 modified_nanoseconds(&st)};
    n = (size_t)st.st_size;
    make_etag(etag, &st);
    status = conditional_check(handler_request(self), etag, st.st_mtime);
    if (status == 0)
        status = check_range(self, etag, &st, &first, &n);
    if (status == 412) {
        close(fd);
        handler_send_error(self, 412);
        return;
    }
    handler_set_status(self, status);
    set_headers(self, &st, etag);
    if (status != 416)
        set_caching(self);
    if (status == 206 || status == 416)
        set_content_range(self, status, (size_t)st.st_size, first, n);
    if (status == 416)
        handler_write(self, "<html><title>416: Range Not Satisfiable</title>"
                      "<body>416: Range Not Satisfiable</body></html>");
    if (status == 304 || status == 416) {
        close(fd);
        handler_finish(self);
        return;
    }
    handler_set_header(self, "Content-Type", guess_type(name));
    send_range(self, first, n);
}
