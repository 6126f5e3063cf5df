/* [14] webstatic.c -- see webstatic.h.
 *
 * In the order of events: from a name to a descriptor, what the file is, what
 * the client has and wants of it, and how it leaves. */
#include "webstatic.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conditional.h"
#include "system.h"
#include "trace.h"

/* A piece of a file is read when the client has taken the one before. */
enum { PIECE = 65536 };

/* What is remembered while the file is sent. */
struct static_file {
    int fd;
    off_t next, left; /* where the next byte is, and how many bytes follow */
};

static_assert(sizeof(struct static_file) <= STATIC_FILE_STATE_SIZE,
              "handler_state() must have room for it");

/* --- from a name to a descriptor ----------------------------------------- */

/* A directory is opened to look up names in it, not to list them: permission to
 * search is enough. */
enum { DIRECTORY = SEARCH_ONLY | O_DIRECTORY };

int
static_open_root(const char *path)
{
    return open(path, DIRECTORY | O_CLOEXEC);
}

/* One step down; never through a link. O_NONBLOCK: to open a pipe must not wait
 * for the process at its other end. */
static int
step_down(int directory, const char *name, int flags)
{
    return openat(directory, name,
                  O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);
}

/* The last name of a path may be that of a directory, too. */
static int
open_last(int directory, const char *name)
{
    int fd = step_down(directory, name, O_RDONLY);

    return fd == -1 && errno == EACCES ? step_down(directory, name, DIRECTORY)
                                       : fd;
}

/* Opens what `path` names below `root`, and cuts the path to pieces. Each
 * name is looked up in a directory that is open, so no part of the path can be
 * exchanged between a check and the use of it. To clean the path and compare
 * prefixes, as Tornado 2.0 does, is to check one name and to open another: a
 * link is enough. -1 with errno. */
static int
open_below(int root, char *path)
{
    int fd = step_down(root, ".", DIRECTORY);
    char *name;

    while (fd != -1 && (name = strsep(&path, "/")) != NULL) {
        int directory = fd, error;

        if (*name == '\0' || strcmp(name, ".") == 0)
            continue;
        errno = ENOENT;
        if (strcmp(name, "..") == 0)
            fd = -1;
        else
            fd = path != NULL ? step_down(directory, name, DIRECTORY)
                              : open_last(directory, name);
        error = errno;
        close(directory);
        errno = error;
    }
    return fd;
}

/* What is open at `fd`? -1 with errno, and `fd` is closed, if that cannot be
 * known. */
static int
stat_or_close(int fd, struct stat *st)
{
    if (fd == -1 || fstat(fd, st) == 0)
        return fd;
    close(fd);
    errno = EIO;
    return -1;
}

/* A page in a folder names its neighbours relative to the folder, so the
 * folder's own name has to end with a slash. At the start there is one slash
 * only: "//docs/", and "/\docs/" in a browser, is a host. */
static void
redirect_to_slash(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    const char *path = r->path + strspn(r->path, "/\\");
    size_t size = strlen(path) + strlen(r->query) + 4;
    char *url = arena_alloc(&r->arena, size);

    if (url == NULL) {
        handler_send_error(self, 503);
        return;
    }
    snprintf(url, size, "/%s/%s%s", path, *r->query != '\0' ? "?" : "",
             r->query);
    handler_redirect(self, url, true);
}

/* The status for an errno. That a file is not there a client may remember;
 * where the server has failed it may try again. (A link is ELOOP or EMLINK, and
 * a root that is not there EBADF.) */
static int
status_of_errno(void)
{
    static const int not_there[] = {ENOENT, ENOTDIR,      ELOOP, EMLINK,
                                    ENXIO,  ENAMETOOLONG, EBADF};

    for (size_t i = 0; i < sizeof not_there / sizeof not_there[0]; i++)
        if (errno == not_there[i])
            return 404;
    return errno == EACCES ? 403 : 503;
}

/* Opens the file that is asked for; *name becomes the name that its type is
 * guessed from. -1 when the answer is complete. A name with a NUL in it names
 * nothing. */
static int
open_file(struct handler *self, struct stat *st, const char **name)
{
    const int *root = handler_arg(self);
    struct httprequest *r = handler_request(self);
    size_t size = 0;
    const char *text = handler_path_argument(self, 0, &size);
    char *path = text != NULL ? arena_copy(&r->arena, text, size) : NULL;
    bool slash = size == 0 || text[size - 1] == '/';
    int fd = -1;

    if (text == NULL) {
        redirect_to_slash(self); /* the pattern has no group: "/static" */
        return -1;
    }
    errno = path == NULL ? ENOMEM : ENOENT;
    if (path != NULL && strlen(path) == size)
        fd = stat_or_close(open_below(*root, path), st);
    *name = text;
    if (fd != -1 && S_ISDIR(st->st_mode) && slash) {
        int directory = fd;

        *name = "index.html";
        fd = stat_or_close(step_down(directory, *name, O_RDONLY), st);
        close(directory);
    }
    if (fd != -1 && S_ISREG(st->st_mode))
        return fd;
    if (fd == -1)
        handler_send_error(self, status_of_errno());
    else if (S_ISDIR(st->st_mode) && !slash)
        redirect_to_slash(self);
    else
        handler_send_error(self, 404);
    if (fd != -1)
        close(fd);
    return -1;
}

/* --- what it is ---------------------------------------------------------- */

/* mimetypes.guess_type, for what a site has. */
static const char *
guess_type(const char *path)
{
    static const struct {
        const char *extensions, *type;
    } types[] = {
        {"html,htm", "text/html"}, {"css", "text/css"},
        {"js,mjs", "text/javascript"}, {"txt,log", "text/plain"},
        {"md", "text/markdown"}, {"csv", "text/csv"}, {"xml", "text/xml"},
        {"ics", "text/calendar"}, {"vtt", "text/vtt"},
        {"json,map", "application/json"},
        {"webmanifest", "application/manifest+json"},
        {"wasm", "application/wasm"}, {"pdf", "application/pdf"},
        {"zip", "application/zip"}, {"gz", "application/gzip"},
        {"svg", "image/svg+xml"}, {"png", "image/png"},
        {"jpg,jpeg", "image/jpeg"}, {"gif", "image/gif"},
        {"webp", "image/webp"}, {"avif", "image/avif"}, {"bmp", "image/bmp"},
        {"ico", "image/vnd.microsoft.icon"}, {"woff2", "font/woff2"},
        {"woff", "font/woff"}, {"ttf", "font/ttf"}, {"otf", "font/otf"},
        {"mp3", "audio/mpeg"}, {"m4a", "audio/mp4"}, {"wav", "audio/wav"},
        {"ogg,oga,opus", "audio/ogg"}, {"flac", "audio/flac"},
        {"mp4", "video/mp4"}, {"webm", "video/webm"}, {"ogv", "video/ogg"},
    };
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (dot != NULL && (slash == NULL || dot > slash) &&
            httputil_list_has(types[i].extensions, dot + 1))
            return types[i].type;
    return "application/octet-stream";
}

static void
set_type(struct handler *self, const char *name)
{
    const char *type = guess_type(name);
    bool text = strncmp(type, "text/", 5) == 0;
    char value[64];

    snprintf(value, sizeof value, "%s%s", type,
             text ? "; charset=utf-8" : "");
    handler_set_header(self, "Content-Type", value);
}

/* Another content means another size, another moment or another file, so this
 * is known without reading the file. (Two contents of one size within one tick
 * of the file system's clock have one tag: rename() avoids that.) */
enum { ETAG_SIZE = 64 };
static void
make_etag(char etag[ETAG_SIZE], const struct stat *st)
{
    snprintf(etag, ETAG_SIZE, "\"%llx-%llx-%llx.%lx\"",
             (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtime, st->st_mtim.tv_nsec);
}

/* With ?v= the URL changes when the file does (Tornado's static_url() writes
 * such URLs), so the answer may be kept for years. */
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

/* Last-Modified is never later than Date (RFC 9110, section 8.8.2.1). */
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
parse_number(const char **text, off_t *number)
{
    size_t digits = strspn(*text, "0123456789");
    unsigned long long n = strtoull(*text, NULL, 10);

    *number = n > INT64_MAX ? INT64_MAX : (off_t)n;
    *text += digits;
    return digits > 0;
}

/* RFC 9110, section 14: one range of bytes. 206, and which part it is; 416 if
 * the file has no such part; 200 if the range is to be ignored: another unit,
 * several ranges (a list of a thousand has brought down servers), an empty
 * file, or not valid. */
static int
parse_range(const char *text, off_t size, off_t *first, off_t *n)
{
    off_t from, to, last = size - 1;
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
        (has_from && has_to && to < from) || size == 0)
        return 200;
    if (has_from ? from >= size : to == 0)
        return 416;
    if (has_from)
        last = has_to && to < last ? to : last;
    else
        from = to < size ? size - to : 0; /* "-5": the last five */
    *first = from;
    *n = last - from + 1;
    return 206;
}

/* RFC 9110, section 13.1.5: a part is of use only to a client that has the
 * other parts of the same file; all others get the whole. A date says which
 * file only when its second is over: until then there may be another of the
 * same date. */
static bool
if_range(struct httprequest *r, const char *etag, time_t modified)
{
    const char *condition = httpheaders_get(&r->headers, "If-Range");

    if (condition == NULL)
        return httpheaders_get_list(&r->headers, "If-Range", 0) == NULL;
    return strcmp(condition, etag) == 0 ||
           (modified != -1 && modified < time(NULL) &&
            httputil_parse_date(condition) == modified);
}

/* --- how it leaves -------------------------------------------------------- */

/* The next piece, when the kernel has taken the one before. What was promised
 * is sent as long as the file has those bytes, so a file that grows can be
 * fetched; one that has become shorter is cut off. A file that is overwritten
 * in place is sent as it is read, partly old and partly new: rename() is the
 * safe way to replace it. */
static void
send_more(void *arg)
{
    struct handler *self = arg;
    struct static_file *file = handler_state(self);
    char piece[PIECE];
    ssize_t n = 0;

    if (file->left > 0 && !handler_client_gone(self))
        n = pread(file->fd, piece,
                  file->left < PIECE ? (size_t)file->left : PIECE, file->next);
    if (n > 0) {
        handler_write_bytes(self, piece, (size_t)n);
        file->next += n;
        file->left -= n;
        TRACE(httprequest_fd(handler_request(self)),
              "%zd bytes of the file, %lld left", n, (long long)file->left);
    }
    if (n > 0 && file->left > 0) {
        handler_flush(self, send_more, self);
    } else {
        close(file->fd);
        handler_finish(self);
    }
}

/* RFC 9110, section 14.4: which part of how much. */
static void
set_content_range(struct handler *self, int status, off_t size, off_t first,
                  off_t n)
{
    char text[80];

    if (status == 206)
        snprintf(text, sizeof text, "bytes %lld-%lld/%lld", (long long)first,
                 (long long)(first + n - 1), (long long)size);
    else
        snprintf(text, sizeof text, "bytes */%lld", (long long)size);
    handler_set_header(self, "Content-Range", text);
}

/* 200, 206 or 416. A range is for GET only, and for one Range header. */
static int
check_range(struct handler *self, const char *etag, const struct stat *st,
            off_t *first, off_t *n)
{
    struct httprequest *r = handler_request(self);
    const char *range = httpheaders_get(&r->headers, "Range");

    if (range == NULL || strcmp(r->method, "GET") != 0 ||
        !if_range(r, etag, st->st_mtime))
        return 200;
    return parse_range(range, st->st_size, first, n);
}

/* What the client has, and what it wants, decide between five answers. */
void
static_file_get(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    struct static_file *file = handler_state(self);
    struct stat st = {0};
    const char *name;
    char etag[ETAG_SIZE];
    int fd = open_file(self, &st, &name), status;

    if (fd == -1)
        return;
    *file = (struct static_file){fd, 0, st.st_size};
    make_etag(etag, &st);
    status = conditional_check(r, etag, st.st_mtime);
    if (status == 0)
        status = check_range(self, etag, &st, &file->next, &file->left);
    handler_set_status(self, status);
    if (status != 412)
        set_headers(self, &st, etag);
    if (status == 206 || status == 416)
        set_content_range(self, status, st.st_size, file->next, file->left);
    if (status < 400)
        set_caching(self);
    if (status >= 400) {
        handler_write_error(self, status, NULL);
    } else if (status != 304) {
        set_type(self, name);
        handler_set_content_length(self, (uint64_t)file->left);
    }
    if (status >= 300 || strcmp(r->method, "HEAD") == 0)
        file->left = 0;
    send_more(self);
}
