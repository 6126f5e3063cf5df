/* [11] demo.h -- the demonstration application; see demo.c.
 *
 *     Floor 6: everything below may be used. */
#ifndef DEMO_H
#define DEMO_H

#include "web.h"

extern const struct urlspec demo_routes[];

extern int demo_static_root; /* [14] a directory, or -1 */

/* [18] To be called when all clients have gone: ends what was begun. */
void demo_end(void);

#endif
