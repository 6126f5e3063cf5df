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

/* The state of a handler that sends a file. */
struct static_file {
    int fd;
    off_t next, end; /* where the next byte is, and where the last one ends */
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

/* Opens one name in `directory`; never follows a symbolic link. O_NONBLOCK: to
 * open a pipe must not wait for the process at its other end. */
static int
step_down(int directory, const char *name, int flags)
{
    return openat(directory, name,
                  O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);
}

/* Opens what `path` names below `root`, and cuts the path to pieces. Each name
 * is looked up in a directory that is open, so no part of the path can be
 * exchanged between a check and the use of it. Tornado 2.0 cleans the path and
 * compares prefixes: it checks one name and opens another, and a symbolic link
 * is enough to get out. The last name may be that of a directory, too. -1 with
 * errno. */
static int
open_below(int root, char *path)
{
    int fd = step_down(root, ".", DIRECTORY);
    char *name;

    while (fd != -1 && (name = strsep(&path, "/")) != NULL) {
        int directory = fd, error = ENOENT;

        if (*name == '\0' || strcmp(name, ".") == 0)
            continue;
        fd = -1;
        if (strcmp(name, "..") != 0) {
            fd = step_down(directory, name,
                           path != NULL ? DIRECTORY : O_RDONLY);
            error = errno;
        }
        if (fd == -1 && error == EACCES && path == NULL)
            fd = step_down(directory, name, DIRECTORY);
        close(directory);
        errno = error;
    }
    return fd;
}

/* The page of a directory has links relative to the directory, so the URL of
 * the directory has to end with a slash. The new URL begins with one slash
 * only: to a browser the "docs" of "//docs/" or "/\docs/" is a host. */
static void
redirect_to_slash(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    char url[HTTP_MAX_LINE + 4];

    snprintf(url, sizeof url, "/%s/%s%s", r->path + strspn(r->path, "/\\"),
             *r->query != '\0' ? "?" : "", r->query);
    handler_redirect(self, url, true);
}

/* The status for an errno. A client may remember that a file does not exist;
 * after an error of the server it may try again. (A symbolic link is ELOOP or
 * EMLINK, and a missing root EBADF.) */
static int
status_of(int error)
{
    static const int not_there[] = {ENOENT, ENOTDIR,      ELOOP, EMLINK,
                                    ENXIO,  ENAMETOOLONG, EBADF};

    for (size_t i = 0; i < sizeof not_there / sizeof not_there[0]; i++)
        if (error == not_there[i])
            return 404;
    return error == EACCES ? 403 : 503;
}

/* Opens the requested file; its type is guessed from *name. -1 when the answer
 * is complete. A name that contains a NUL does not exist. */
static int
open_file(struct handler *self, struct stat *st, const char **name)
{
    const int *root = handler_arg(self);
    size_t size = 0;
    const char *text = handler_path_argument(self, 0, &size);
    bool slash = size == 0 || text[size - 1] == '/';
    char path[HTTP_MAX_LINE + sizeof "index.html"];
    int fd = -1, status = 404;

    *name = slash ? "index.html" : text;
    if (text == NULL) {
        status = 301; /* the pattern has no group: "/static" */
    } else if (strlen(text) == size) {
        snprintf(path, sizeof path, "%s%s", text, slash ? *name : "");
        fd = open_below(*root, path);
        if (fd == -1)
            status = status_of(errno);
        else if (fstat(fd, st) == -1)
            status = 503;
        else if (S_ISREG(st->st_mode))
            return fd;
        else if (S_ISDIR(st->st_mode) && !slash)
            status = 301;
    }
    if (fd != -1)
        close(fd);
    if (status == 301)
        redirect_to_slash(self);
    else
        handler_send_error(self, status);
    return -1;
}

/* --- what it is ---------------------------------------------------------- */

/* mimetypes.guess_type, for what a site has. */
#define TEXT(type) "text/" type "; charset=utf-8"
static const struct {
    const char *extensions, *type;
} types[] = {
    {"html,htm", TEXT("html")}, {"css", TEXT("css")},
    {"js,mjs", TEXT("javascript")}, {"txt,log", TEXT("plain")},
    {"md", TEXT("markdown")}, {"csv", TEXT("csv")}, {"xml", TEXT("xml")},
    {"ics", TEXT("calendar")}, {"vtt", TEXT("vtt")},
    {"json,map", "application/json"}, {"wasm", "application/wasm"},
    {"webmanifest", "application/manifest+json"}, {"pdf", "application/pdf"},
    {"zip", "application/zip"}, {"gz", "application/gzip"},
    {"svg", "image/svg+xml"}, {"png", "image/png"}, {"jpg,jpeg", "image/jpeg"},
    {"gif", "image/gif"}, {"webp", "image/webp"}, {"avif", "image/avif"},
    {"bmp", "image/bmp"}, {"ico", "image/vnd.microsoft.icon"},
    {"woff2", "font/woff2"}, {"woff", "font/woff"}, {"ttf", "font/ttf"},
    {"otf", "font/otf"}, {"mp3", "audio/mpeg"}, {"m4a", "audio/mp4"},
    {"wav", "audio/wav"}, {"ogg,oga,opus", "audio/ogg"},
    {"flac", "audio/flac"}, {"mp4", "video/mp4"}, {"webm", "video/webm"},
    {"ogv", "video/ogg"},
};

static const char *
guess_type(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');

    if (dot != NULL && (slash == NULL || dot > slash))
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            if (httputil_list_has(types[i].extensions, dot + 1))
                return types[i].type;
    return "application/octet-stream";
}

/* A changed file has another size, time or inode, so the tag needs no read of
 * the file. (Two contents of one size within one tick of the file system's
 * clock have one tag: rename() avoids that.) */
static void
make_etag(char *etag, size_t size, const struct stat *st)
{
    snprintf(etag, size, "\"%llx-%llx-%llx.%lx\"",
             (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtime, st->st_mtim.tv_nsec);
}

/* Sets the headers that describe the file, whether it is sent or the client has
 * it already.
 * - Last-Modified is never later than Date (RFC 9110, section 8.8.2.1).
 * - With ?v= the URL changes when the file does (Tornado's static_url() writes
 *   such URLs), so the answer may be kept for ten years. An error may not. */
static void
set_headers(struct handler *self, const struct stat *st, const char *etag,
            bool error)
{
    enum { TEN_YEARS = 10 * 365 * 86400 };
    bool keep = handler_get_arguments(self, "v", 0) != NULL;
    time_t now = time(NULL);
    char date[HTTP_DATE_SIZE];

    httputil_format_date(date, st->st_mtime < now ? st->st_mtime : now);
    handler_set_header(self, "Last-Modified", date);
    handler_set_header(self, "Etag", etag);
    handler_set_header(self, "Accept-Ranges", "bytes");
    if (error)
        return;
    handler_set_header(self, "Cache-Control",
                       keep ? "public, max-age=315360000" : "public");
    httputil_format_date(date, now + TEN_YEARS);
    if (keep)
        handler_set_header(self, "Expires", date);
}

/* --- what is wanted of it ------------------------------------------------- */

/* Digits to a number, or to the largest there is; -1 if there are none. */
static off_t
read_number(const char **text)
{
    size_t digits = strspn(*text, "0123456789");
    unsigned long long n = strtoull(*text, NULL, 10);

    *text += digits;
    return digits == 0 ? -1 : n > INT64_MAX ? INT64_MAX : (off_t)n;
}

/* RFC 9110, section 14: one range of bytes. 206, and the file becomes that part
 * of it; 416 if it has no such part; 200 if the range is to be ignored: another
 * unit, several ranges (a list of a thousand has brought down servers), an
 * empty file, or not valid. */
static int
parse_range(const char *text, struct static_file *file)
{
    off_t from, to;

    if (strncasecmp(text, "bytes=", 6) != 0)
        return 200;
    text += 6;
    text += strspn(text, " \t");
    from = read_number(&text);
    if (*text++ != '-')
        return 200;
    to = read_number(&text);
    text += strspn(text, " \t,");
    if (*text != '\0' || (from == -1 && to == -1) || (to != -1 && to < from) ||
        file->end == 0)
        return 200;
    if (from == -1) { /* "-5": the last five */
        from = to < file->end ? file->end - to : 0;
        to = -1;
    }
    if (from >= file->end)
        return 416;
    file->next = from;
    if (to != -1 && to < file->end)
        file->end = to + 1;
    return 206;
}

/* RFC 9110, section 13.1.5: a part is of use only to a client that has the
 * other parts of the same file; all others get the whole file. A date
 * identifies a file only when its second is over: until then the file may
 * change and keep the date. */
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

/* 200, 206 or 416. A range is for GET only, and for one Range header. */
static int
check_range(struct handler *self, const char *etag, const struct stat *st)
{
    struct httprequest *r = handler_request(self);
    struct static_file *file = handler_state(self);
    const char *range = httpheaders_get(&r->headers, "Range");
    long long size = st->st_size;
    char text[80];
    int status = 200;

    if (range != NULL && strcmp(r->method, "GET") == 0 &&
        if_range(r, etag, st->st_mtime))
        status = parse_range(range, file);
    if (status == 206)
        snprintf(text, sizeof text, "bytes %lld-%lld/%lld",
                 (long long)file->next, (long long)file->end - 1, size);
    else
        snprintf(text, sizeof text, "bytes */%lld", size);
    if (status != 200)
        handler_set_header(self, "Content-Range", text);
    return status;
}

/* --- how it leaves -------------------------------------------------------- */

/* Sends the next piece, when the kernel has taken the one before. The promised
 * bytes are sent as long as the file has them, so a file that grows can be
 * fetched; if the file has become shorter, the answer is cut off. A file that
 * is overwritten in place is sent as it is read, partly old and partly new:
 * rename() is the safe way to replace it. */
static void
send_more(void *arg)
{
    struct handler *self = arg;
    struct static_file *file = handler_state(self);
    off_t left = file->end - file->next;
    char piece[PIECE];
    ssize_t n = 0;

    if (left > 0 && !handler_client_gone(self))
        n = pread(file->fd, piece, left < PIECE ? (size_t)left : PIECE,
                  file->next);
    if (n > 0) {
        handler_write_bytes(self, piece, (size_t)n);
        file->next += n;
        TRACE(httprequest_fd(handler_request(self)),
              "%zd bytes of the file, %lld left", n, (long long)(left - n));
    }
    if (n > 0 && n < left) {
        handler_flush(self, send_more, self);
    } else {
        close(file->fd);
        handler_finish(self);
    }
}

/* Answers 200, 206, 304, 412 or 416. */
void
static_file_get(struct handler *self)
{
    struct httprequest *r = handler_request(self);
    struct static_file *file = handler_state(self);
    struct stat st = {0};
    const char *name;
    char etag[64];
    int fd = open_file(self, &st, &name), status;

    if (fd == -1)
        return;
    *file = (struct static_file){fd, 0, st.st_size};
    make_etag(etag, sizeof etag, &st);
    status = conditional_check(r, etag, st.st_mtime);
    if (status == 0)
        status = check_range(self, etag, &st);
    handler_set_status(self, status);
    if (status != 412)
        set_headers(self, &st, etag, status >= 400);
    if (status >= 400) {
        handler_write_error(self, status, NULL);
    } else if (status != 304) {
        handler_set_header(self, "Content-Type", guess_type(name));
        handler_set_content_length(self, (uint64_t)(file->end - file->next));
    }
    if (status >= 300 || strcmp(r->method, "HEAD") == 0)
        file->end = file->next;
    send_more(self);
}
