/* [14] httpform.h -- from a query or a body to named values.
 *
 *     Tornado 2.0: parse_multipart_form_data in tornado/httputil.py,
 *     parse_qs_bytes and url_unescape in tornado/escape.py
 *     Layer 4: text in, values out; it knows no streams.
 *
 * - The results are allocated in the arena of the caller, and freed with it.
 * - The work is linear in the size of the input.
 * - The parsers return NULL, or what is wrong (see httputil.h). */
#ifndef HTTPFORM_H
#define HTTPFORM_H

#include "httputil.h"

/* --- arguments ------------------------------------------------------- */

/* [21] The limits of one request; beyond them the answer is 400. */
enum { HTTP_MAX_FIELDS = 1000 };
enum { HTTP_MAX_PARTS = 100 }; /* [22] */

/* [22] HTTPFile (in Tornado 2.0 a dictionary): one uploaded file. `body` points
 * into the request's body, and no NUL ends it; the other three are strings. */
struct httpfile {
    const char *field, *filename, *content_type, *body;
    size_t size;
};

/* request.arguments: a list like that of headers, but upper and lower case are
 * different in the names. An empty one has `list.arena` set and zeros in all
 * other fields. A name or a value may contain any byte, also NUL. A NUL stands
 * behind it, so it can be used as a string where a NUL inside does not
 * matter. */
struct arguments {
    struct httpheaders list;
    size_t fields; /* [21] of urlencoded forms, also the empty ones */
    struct httpfile *files;    /* [22] request.files */
    size_t nfiles, files_size; /* [22] */
};

/* parse_qs_bytes: adds the fields of "a=1&b=2" ('+' is a space, %XX a byte).
 * Empty values are dropped, as in Tornado 2.0. */
const char *httpform_parse_qs(struct arguments *arguments, const char *text,
                              size_t size);

/* [22] parse_multipart_form_data: adds the parts of a form whose Content-Type
 * was `content_type` (RFC 7578). The bodies of files point into `data`. A part
 * with `filename`, or else `filename*` in UTF-8 (RFC 8187), is a file. */
const char *httpform_parse_multipart(struct arguments *arguments,
                                     const char *content_type,
                                     const char *data, size_t size);

/* The value of the i-th field of that name, or, for HTTP_LAST, of the last;
 * NULL if there is no such field. From chapter 21 on the value is cleaned, in
 * place: then it has no white space around it, and no bytes below 32 but white
 * space. */
#define HTTP_LAST SIZE_MAX
const char *httpform_argument(struct arguments *arguments, const char *name,
                              size_t i);

/* --- %XX ---------------------------------------------------------------- */

/* Decodes %XX in `size` bytes, in place, and puts a NUL behind the result:
 * text[size] must exist. If `only` is not NULL, only its bytes are decoded.
 * Returns the new length. */
size_t httpform_unescape(char *text, size_t size, const char *only);

#endif
