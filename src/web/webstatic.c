/* [28] webstatic.c -- see webstatic.h.
 *
 * In the order of events: from a name to a descriptor, what the file is, how it
 * is sent. */
#include "webstatic.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h> /* [29] */
#include <string.h>
#include <strings.h> /* [29] */
#include <sys/stat.h>
#include <unistd.h>

#include "handler.h"
#include "system.h"
#include "trace.h"

/* A larger file is read in pieces of this size, each one when the kernel has
 * taken the piece before; a smaller file is read whole. */
enum { PIECE = 65536 };

/* The state of a handler that sends a file. */
struct file {
    int fd; /* -1: closed */
    struct stat st;
    const char *type;
    off_t next, end; /* where the next byte is, and where the last one ends */

    /* [29] What describes it to a client. */
    char etag[64], modified[HTTP_DATE_SIZE];

    /* [29] With these, other requests of this turn find the file. */
    int root;
    const char *path; /* below the root, as the request names it */
    const char *content; /* NULL: to be read from `fd` */
};

static_assert(sizeof(struct file) <= STATIC_FILE_STATE_SIZE,
              "handler_state() must have room for it");

/* --- from a name to a descriptor ----------------------------------------- */

/* Opens one name in `directory`; never follows a symbolic link. O_NONBLOCK: to
 * open a pipe must not wait for the process at its other end. */
static int
step_down(int directory, const char *name, int flags)
{
    return openat(directory, name,
                  O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);
}

/* Opens what `path` names below `root`, and cuts the path to pieces.
 * - Each name is looked up in a directory that is open, so no part of the path
 *   can be exchanged between a check and the use of it. Tornado 2.0 cleans the
 *   path and compares it with the root; then the kernel looks up the whole
 *   path, and a symbolic link is enough to get out.
 * - The last name is not empty. It may be that of a directory, which need not
 *   be readable: the caller only redirects then.
 * - -1 with errno. */
static int
open_below(int root, char *path)
{
    int fd = root;
    char *name;

    errno = EBADF; /* if there is no root */
    while (fd != -1 && (name = strsep(&path, "/")) != NULL) {
        int directory = fd, error = ENOENT;

        if (*name == '\0' || (path != NULL && strcmp(name, ".") == 0))
            continue;
        fd = -1;
        if (strcmp(name, "..") != 0) {
            fd = step_down(directory, name,
                           path != NULL ? DIRECTORY : O_RDONLY);
            error = errno;
        }
        if (fd == -1 && error == EACCES && path == NULL)
            fd = step_down(directory, name, DIRECTORY);
        if (directory != root)
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
    struct httprequest *r = self->request;
    char url[HTTP_MAX_LINE + 4];

    snprintf(url, sizeof url, "/%s/%s%s", r->path + strspn(r->path, "/\\"),
             *r->query != '\0' ? "?" : "", r->query);
    handler_redirect(self, url, true);
}

/* The status for an errno. A client may remember that a file does not exist;
 * after an error of the server it may try again. (A symbolic link is ELOOP,
 * EMLINK or, in the place of a directory, ENOTDIR; a missing root is EBADF.) */
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
    {"wav", "audio/wav"}, {"ogg,oga,opus", "audio/ogg"}, {"flac", "audio/flac"},
    {"mp4", "video/mp4"}, {"webm", "video/webm"}, {"ogv", "video/ogg"},
};

static const char *
guess_type(const char *path)
{
    const char *dot = strrchr(path, '.');

    if (dot != NULL)
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            if (httputil_list_has(types[i].extensions, dot + 1))
                return types[i].type;
    return "application/octet-stream";
}

/* [29] Fills in what describes the file to a client.
 * - Last-Modified is never later than Date (RFC 9110, section 8.8.2.1).
 * - A changed file has another size, time or inode, so no byte of the file is
 *   read for the tag. (Two contents of one size that are written into the file
 *   within one tick of the file system's clock have one tag.) */
static void
describe_file(struct file *f)
{
    const struct stat *st = &f->st;
    time_t now = time(NULL);

    snprintf(f->etag, sizeof f->etag, "\"%llx-%llx-%llx.%lx\"",
             (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtime, st->st_mtim.tv_nsec);
    httputil_format_date(f->modified, st->st_mtime < now ? st->st_mtime : now);
}

/* [29] --- the files of this turn ------------------------------------------ */

/* Many clients ask for the same files, and to open a file costs more than to
 * send it. So a small file that was read is known until the turn of the loop is
 * over, and answers all requests for its path until then. No answer is out of
 * date: forget_files() is queued when the file has been read, so it runs before
 * any request that arrives later. It also runs before the request that the file
 * was read for is freed, with the memory of the file. */
enum { TURN_FILES = 16 }; /* further files are read for each request */
static const struct file *turn_files[TURN_FILES];
static size_t nturn_files;

static void
forget_files(void *arg)
{
    (void)arg;
    nturn_files = 0;
}

/* True if the file at the root and path of *f was read in this turn. Then *f
 * becomes that file, with its content. */
static bool
find_file(struct file *f)
{
    for (size_t i = 0; i < nturn_files; i++)
        if (turn_files[i]->root == f->root &&
            strcmp(turn_files[i]->path, f->path) == 0) {
            *f = *turn_files[i];
            return true;
        }
    return false;
}

/* --- the requested file --------------------------------------------------- */

/* Opens the file that `text` names below the root. Returns 200, or the status
 * to answer with; 301 for a directory without a slash behind its name. A name
 * that contains a NUL does not exist. */
static int
open_file(struct file *f, int root, const char *text, size_t size)
{
    bool slash = size == 0 || text[size - 1] == '/';
    char path[HTTP_MAX_LINE + sizeof "index.html"];
    int status = 404;

    if (strlen(text) != size)
        return 404;

    /* [29] Another request of this turn may have read the file. */
    f->root = root;
    f->path = text;
    if (find_file(f))
        return 200;

    snprintf(path, sizeof path, "%s%s", text, slash ? "index.html" : "");
    f->type = guess_type(path);
    f->fd = open_below(root, path);
    if (f->fd == -1)
        return status_of(errno);
    if (fstat(f->fd, &f->st) == -1)
        status = 503;
    else if (S_ISREG(f->st.st_mode))
        status = 200;
    else if (S_ISDIR(f->st.st_mode) && !slash)
        status = 301;
    if (status != 200)
        close(f->fd);

    /* [29] The client may have the file already, or want a part of it. */
    if (status == 200)
        describe_file(f);

    return status;
}

/* [29] --- the version that the client has -------------------------------- */

/* Sets the headers that describe the file, whether it is sent or the client has
 * it already.
 * - With ?v= the URL changes when the file does (Tornado's static_url() writes
 *   such URLs), so the answer may be kept for ten years. An error may not.
 * - These strings are valid in a head, and live until it has been written. So
 *   they are neither checked nor copied; handler_set_header() does both. */
static void
set_validators(struct handler *self, const struct file *f)
{
    enum { TEN_YEARS = 10 * 365 * 86400 };
    bool keep = httpform_argument(&self->request->arguments, "v", 0) != NULL;
    struct httpheaders *to = &self->headers;
    char date[HTTP_DATE_SIZE];

    if (!httpheaders_add(to, "Last-Modified", f->modified) ||
        !httpheaders_add(to, "Etag", f->etag) ||
        !httpheaders_add(to, "Accept-Ranges", "bytes") ||
        (self->status < 400 &&
         !httpheaders_add(to, "Cache-Control",
                          keep ? "public, max-age=315360000" : "public")))
        handler_fail(self, 503, http_no_memory);
    if (keep && self->status < 400) {
        httputil_format_date(date, time(NULL) + TEN_YEARS);
        handler_set_header(self, "Expires", date);
    }
}

/* [29] --- the part that the client wants --------------------------------- */

/* The number that begins at *text, which moves behind it. strtoll() returns
 * INT64_MAX for a number that is too large. -1 if there is no digit. */
static off_t
read_number(const char **text)
{
    size_t digits = strspn(*text, "0123456789");
    off_t n = digits > 0 ? strtoll(*text, NULL, 10) : -1;

    *text += digits;
    return n;
}

/* RFC 9110, section 14: parses a header with one range of bytes. Returns
 * - 206, and *f has the beginning and the end of the range;
 * - 416 if the whole range lies behind the end of the file;
 * - 200 if the header is to be ignored: it is not valid, its unit is not bytes,
 *   it has several ranges (a list of a thousand has brought down servers), or
 *   the file is empty. */
static int
parse_range(const char *text, struct file *f)
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
        f->end == 0)
        return 200;
    if (from == -1) { /* "-5": the last five */
        from = to < f->end ? f->end - to : 0;
        to = -1;
    }
    if (from >= f->end)
        return 416;
    f->next = from;
    if (to != -1 && to < f->end)
        f->end = to + 1;
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

/* Returns 200, 206 or 416. Range counts for GET only, and only if there is one
 * such header. */
static int
check_range(struct handler *self, struct file *f)
{
    const char *range = httpheaders_get(&self->request->headers, "Range");
    long long size = f->st.st_size;
    char text[80];
    int status;

    if (range == NULL || self->method != METHOD_GET ||
        !if_range(self->request, f->etag, f->st.st_mtime))
        return 200;
    status = parse_range(range, f);
    if (status == 206)
        snprintf(text, sizeof text, "bytes %lld-%lld/%lld",
                 (long long)f->next, (long long)f->end - 1, size);
    else
        snprintf(text, sizeof text, "bytes */%lld", size);
    if (status != 200)
        handler_set_header(self, "Content-Range", text);
    return status;
}

/* True if the file is to be sent, or a part of it, which is recorded in *f.
 * False if the answer is 304, 412 or 416. */
static bool
check_request(struct handler *self, struct file *f)
{
    int status = conditional_check(self->request, f->etag, f->st.st_mtime);

    if (status == 0)
        status = check_range(self, f);
    handler_set_status(self, status);
    if (status != 412)
        set_validators(self, f);
    if (status >= 400)
        handler_write_error(self, status, NULL);
    return status < 300;
}

/* --- how it is sent ------------------------------------------------------- */

/* [29] Reads a small file, and closes it. If it has become shorter, or there is
 * no memory, it stays open, and is sent like a large one. */
static void
read_file(struct handler *self, struct file *f)
{
    size_t size = (size_t)f->st.st_size;
    char *content = arena_alloc(&self->request->arena, size);

    if (content == NULL || pread(f->fd, content, size, 0) != (ssize_t)size)
        return;
    close(f->fd);
    f->fd = -1;
    f->content = content;
    if (nturn_files == 0)
        ioloop_add_callback(self->request->loop, forget_files, NULL);
    turn_files[nturn_files++] = f;
}

/* Sends the file, or the next piece of a large one, when the kernel has taken
 * the piece before. A file that grows is sent up to the length that the head
 * has promised. If the file has become shorter, the answer is cut off. */
static void
send_more(void *arg)
{
    enum { FEW = 2048 }; /* so few bytes are copied and sent with others */
    struct handler *self = arg;
    struct file *f = handler_state(self);
    off_t left = f->end - f->next;
    ssize_t n = left < PIECE ? (ssize_t)left : PIECE;
    char piece[PIECE];
    const char *data = piece;
    bool last;

    if (handler_client_gone(self))
        n = 0;

    /* [29] The content of a small file has been read. */
    if (f->content != NULL)
        data = f->content + f->next;

    if (n > 0 && f->fd != -1)
        n = pread(f->fd, piece, (size_t)n, f->next);
    if (n == -1)
        handler_fail(self, 503, strerror(errno));
    if (n > 0) {
        f->next += n;
        TRACE(httprequest_fd(self->request), "%zd bytes of the file, %lld left",
              n, (long long)(left - n));
    }
    last = n <= 0 || n == left;
    if (n > FEW || !last)
        handler_flush_bytes(self, data, (size_t)n, last ? NULL : send_more,
                            self);
    else if (n > 0)
        handler_write_bytes(self, data, (size_t)n);
    if (last) {
        if (f->fd != -1)
            close(f->fd);
        handler_finish(self);
    }
}

/* The pattern may have no group: "/static". (Without memory for the group the
 * answer becomes a 503.) */
void
static_file_get(struct handler *self, int root)
{
    struct file *f = handler_state(self);
    size_t size;
    const char *path = handler_path_argument(self, 0, &size);
    int status = path == NULL ? 301 : open_file(f, root, path, size);

    if (status == 301)
        redirect_to_slash(self);
    else if (status != 200)
        handler_send_error(self, status, NULL);
    if (status != 200)
        return;
    f->next = 0;
    f->end = f->st.st_size;

    /* [29] The client may have the file, or want a part of it. */
    if (!check_request(self, f)) {
        f->end = f->next;
        send_more(self);
        return;
    }

    handler_set_header(self, "Content-Type", f->type);
    handler_set_content_length(self, (uint64_t)(f->end - f->next));
    if (self->method == METHOD_HEAD)
        f->end = f->next;

    /* [29] Other requests of this turn may be for this file. */
    if (f->content == NULL && f->end > f->next && f->st.st_size <= PIECE &&
        nturn_files < TURN_FILES)
        read_file(self, f);

    send_more(self);
}
