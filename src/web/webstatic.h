/* [14] webstatic.h -- files.
 *
 *     Tornado 2.0: tornado/web.py, class StaticFileHandler
 *     Floor 5: a handler like any other.
 *
 *     static int root; (a directory; see static_open_root())
 *     static const struct handler_class static_handler = {
 *         .get = static_file_get, .head = static_file_get, .arg = &root,
 *         .asynchronous = true, .state_size = STATIC_FILE_STATE_SIZE,
 *     };
 *     ... {"/static/(.*)", &static_handler},
 *
 * Nothing is ever served that does not stand below that very directory: not by
 * "..", however it is written, and not by a symbolic link, wherever it leads.
 * Who may write into the directory may still not point out of it. */
#ifndef WEBSTATIC_H
#define WEBSTATIC_H

#include "web.h"

/* Opens the directory at `path`, for the rest of the program's life: -1 with
 * errno if it cannot. */
int static_open_root(const char *path);

/* StaticFileHandler.get, and .head: the file that the first group of the
 * pattern names, or the part that is asked for, or the news that the client
 * has it already. A directory is its index.html. */
void static_file_get(struct handler *self);
enum { STATIC_FILE_STATE_SIZE = 48 };

#endif
