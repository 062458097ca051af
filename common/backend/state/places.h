/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded number of places for work that takes memory; more wait, and not too many of those.
 */
#ifndef SOCKERLESS_BACKEND_PLACES_H
#define SOCKERLESS_BACKEND_PLACES_H

#include "base/error.h"
#include "loop/co.h"

#include <stdbool.h>

struct places { /* zero-initialised is ready */
    unsigned taken, waiting;
    struct co_cond freed;
};

enum { PLACES_WAITING_MAX = 64, PLACES_WAIT_MS = 1800 * 1000 };

/* One of `max`. what: "images are being loaded", for the message of ERROR_TOO_MANY_REQUESTS (too
 * many wait) and ERROR_UNAVAILABLE (waited too long). given_up (may be NULL) is looked at whenever
 * places_stir() was called. */
int co_places_take(struct places *p, unsigned max, const char *what, bool (*given_up)(void *arg),
                   void *arg, struct error *err) MUST_CHECK;
void places_give(struct places *p);
void places_stir(struct places *p); /* waiting callers look whether they should go on */

#endif
