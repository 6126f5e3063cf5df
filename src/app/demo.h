/* [15] demo.h -- the demonstration application; see demo.c.
 *
 *     Layer 6: it may use every layer below. */
#ifndef DEMO_H
#define DEMO_H

#include "web.h"

extern const struct urlspec demo_routes[];

#endif
