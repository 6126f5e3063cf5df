/* [15] demo.h -- the demonstration application; see demo.c.
 *
 *     Layer 6: everything below may be used. */
#ifndef DEMO_H
#define DEMO_H

#include "web.h"

extern const struct urlspec demo_routes[];

#endif
