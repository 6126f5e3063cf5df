/* [28] webstatic.h -- files below a directory, the root.
 *
 *     Tornado 2.0: tornado/web.py, class StaticFileHandler
 *     Layer 5: a handler like any other.
 *
 *     static void
 *     static_get(struct handler *self)
 *     {
 *         static_file_get(self, root); (a directory, opened before)
 *     }
 *
 *     static const struct handler_class static_handler = {
 *         .get = static_get, .asynchronous = true,
 *         .state_size = STATIC_FILE_STATE_SIZE,
 *     };
 *     ... {"/static/(.*)", &static_handler}, {"/static", &static_handler},
 *
 * - Only files below that directory are served: no "..", however it is written,
 *   leads out of it, and no symbolic link is followed. This holds even against
 *   processes that can write into it.
 * - Content-Length comes from the size of the file when it is opened. If the
 *   file becomes shorter while it is sent, the connection is reset. If it is
 *   overwritten, the answer may be partly old and partly new: to replace a
 *   file, rename() a new one over it. */
#ifndef WEBSTATIC_H
#define WEBSTATIC_H

#include "web.h"

/* StaticFileHandler.get, and .head: the file that the first group of the
 * pattern names, below the directory `root`.
 * - `root` is a descriptor that belongs to the caller, from open() with
 *   the flag DIRECTORY of system.h.
 * - For a directory its index.html is sent. A pattern without a group redirects
 *   to the same path with a slash behind it. */
void static_file_get(struct handler *self, int root);
enum { STATIC_FILE_STATE_SIZE = 512 };

/* [29] static_file_get() sends only a part if the client asks for one. It
 * answers 304 if the client has the file already, 412 if the client means
 * another version, and 416 if there is no such part. */

/* [29] Requests that arrive together share what was read of a small file. A
 * request that arrives later gets the file as it is then. */

#endif
