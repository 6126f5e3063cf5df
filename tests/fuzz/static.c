/* static.c -- the path of a file, as a client writes it.
 *
 * The whole server answers GET /static/INPUT for a small tree of files, in
 * which each file contains its own path. Beside the tree are a file and a
 * folder, and in it links that lead to them, and a pipe.
 *
 * - The answer is that of a plain reading of the path: the file, a redirect for
 *   a folder, or 404.
 * - So nothing outside the tree is ever sent, however the path is written.
 * - A redirect leads to a path of this server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "httputil.h"
#include "log.h"
#include "system.h"
#include "webstatic.h"

/* --- the tree -------------------------------------------------------- */

enum kind { NONE, FOLDER, FILE_, OTHER };

static const struct node {
    const char *path;
    enum kind kind;
    const char *target; /* of a link */
} nodes[] = {
    {"", FOLDER, NULL}, {"index.html", FILE_, NULL}, {"a", FILE_, NULL},
    {"a b%", FILE_, NULL}, {"sub", FOLDER, NULL},
    {"sub/index.html", FILE_, NULL}, {"sub/b", FILE_, NULL},
    {"sub/empty", FOLDER, NULL}, {"sub/empty/.x", FILE_, NULL},
    {"out", OTHER, "../secret"}, {"up", OTHER, ".."}, {"pipe", OTHER, NULL},
    {"sub/in", OTHER, "b"},
};
enum { NODES = sizeof nodes / sizeof nodes[0] };

static char folder[] = "/tmp/fuzz-static-XXXXXX";
static int root = -1;

/* The path of a node, or of what stands beside the tree. */
static const char *
full_path(const char *top, const char *path)
{
    static char full[200];

    snprintf(full, sizeof full, "%s/%s/%s", folder, top, path);
    return full;
}

static void
write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (f == NULL || fputs(text, f) == EOF || fclose(f) == EOF)
        die(path);
}

static void
remove_tree(void)
{
    for (size_t i = NODES; i-- > 0;)
        remove(full_path("root", nodes[i].path));
    remove(full_path("root-other", "a"));
    remove(full_path("root-other", ""));
    remove(full_path("secret", ""));
    rmdir(full_path("root", ""));
    rmdir(folder);
}

static void
make_tree(void)
{
    if (mkdtemp(folder) == NULL)
        die(folder);
    atexit(remove_tree);
    for (size_t i = 0; i < NODES; i++) {
        const char *path = full_path("root", nodes[i].path);

        if (nodes[i].kind == FOLDER)
            mkdir(path, 0755);
        else if (nodes[i].kind == FILE_)
            write_file(path, nodes[i].path);
        else if (nodes[i].target == NULL)
            mkfifo(path, 0644);
        else if (symlink(nodes[i].target, path) == -1)
            die(path);
    }
    mkdir(full_path("root-other", ""), 0755);
    write_file(full_path("root-other", "a"), "other");
    root = open(full_path("root", ""), DIRECTORY | O_CLOEXEC);
    check(root != -1, "there is a tree");
}

/* --- plain ----------------------------------------------------------- */

static enum kind
find(const char *path)
{
    for (size_t i = 0; i < NODES; i++)
        if (strcmp(nodes[i].path, path) == 0)
            return nodes[i].kind;
    return NONE;
}

/* Decodes %XX. Returns the size. */
static size_t
decode(char *to, const char *from, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        bool coded = i + 2 < size && from[i] == '%';
        int byte = coded ? httputil_hex_byte(from + i + 1) : -1;

        to[n++] = byte != -1 ? (char)byte : from[i];
        i += byte != -1 ? 2 : 0;
    }
    to[n] = '\0';
    return n;
}

/* The status for a decoded path, which is cut to pieces, and what is sent. */
static int
plain_status(char *text, char *found)
{
    size_t size = strlen(text);
    bool is_folder = size == 0 || text[size - 1] == '/';
    char *name;
    enum kind kind = FOLDER;

    *found = '\0';
    while ((name = strsep(&text, "/")) != NULL) {
        if (*name == '\0' || (strcmp(name, ".") == 0 && text != NULL))
            continue;
        if (strcmp(name, "..") == 0 || kind != FOLDER)
            return 404;
        if (strcmp(name, ".") == 0)
            return 301;
        strcat(found, *found != '\0' ? "/" : "");
        strcat(found, name);
        kind = find(found);
    }
    if (is_folder != (kind == FOLDER))
        return kind == FOLDER ? 301 : 404;
    if (is_folder) {
        strcat(found, *found != '\0' ? "/" : "");
        kind = find(strcat(found, "index.html"));
    }
    return kind == FILE_ ? 200 : 404;
}

/* --- the harness ----------------------------------------------------- */

static void
file_get(struct handler *self)
{
    static_file_get(self, root);
}

static const struct handler_class files = {
    .get = file_get, .asynchronous = true,
    .state_size = STATIC_FILE_STATE_SIZE,
};
static const struct urlspec routes[] = {{"/static/(.*)", &files}, {0}};
static struct httpconnection_settings settings;

static void
handle_stream(struct iostream *stream)
{
    const struct sockaddr peer = {.sa_family = AF_UNIX};

    httpconnection_handle_stream(stream, &peer, sizeof peer, &settings);
}

static void
check_answer(const char *answer, int status, const char *found)
{
    char begin[20];
    const char *body = strstr(answer, "\r\n\r\n");
    const char *location = strstr(answer, "\r\nLocation: ");

    snprintf(begin, sizeof begin, "HTTP/1.1 %d ", status);
    check(strncmp(answer, begin, strlen(begin)) == 0 && body != NULL,
          "a path has the right status");
    if (status == 200)
        check(strcmp(body + 4, found) == 0, "a path leads to the right file");
    if (status == 301)
        check(location != NULL && location[12] == '/' &&
              strchr("/\\", location[13]) == NULL,
              "a redirect leads to this server");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_PATH = 4000 };
    static char text[MAX_PATH + 1], found[2 * MAX_PATH];
    static char request[MAX_PATH + 100];
    int status;
    char *answer;
    size_t n;

    if (root == -1) {
        log_level = LOG_NONE;
        make_tree();
        settings = (struct httpconnection_settings){
            .request_callback = application_call,
            .request_arg = application_new(routes),
            .max_header_size = sizeof request,
        };
    }

    /* Other bytes cannot stand in a path. */
    for (size_t i = 0; i < size; i++)
        if (data[i] <= ' ' || data[i] > '~' || strchr("?#", data[i]) != NULL)
            return 0;
    if (size > MAX_PATH)
        return 0;
    n = decode(text, (const char *)data, size);
    status = strlen(text) == n ? plain_status(text, found) : 404;
    n = (size_t)sprintf(request, "GET /static/%.*s HTTP/1.1\r\nHost: a\r\n\r\n",
                        (int)size, (const char *)data);
    answer = talk(handle_stream, request, n, WHOLE, 0, &n);
    check_answer(answer, status, found);
    free(answer);
    return 0;
}
