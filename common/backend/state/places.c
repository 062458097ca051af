/* SPDX-License-Identifier: Apache-2.0
 * Bounded places; see places.h. */
#include "backend/state/places.h"

#include "base/timefmt.h"

static int wait_failed(unsigned max, const char *what, struct error *err)
{
    if (err->code != ERROR_DEADLINE)
        return -1;
    return error_set(err, ERROR_UNAVAILABLE, "%u %s already; try again later", max, what);
}

static int co_wait(struct places *p, unsigned max, const char *what, bool (*given_up)(void *arg),
                   void *arg, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + PLACES_WAIT_MS;
    while (p->taken >= max) {
        if (given_up && given_up(arg))
            return error_set(err, ERROR_CANCELLED, "the client is gone");
        if (co_cond_wait(&p->freed, deadline_ms, err))
            return wait_failed(max, what, err);
    }
    return 0;
}

int co_places_take(struct places *p, unsigned max, const char *what, bool (*given_up)(void *arg),
                   void *arg, struct error *err)
{
    if (p->taken >= max && p->waiting >= PLACES_WAITING_MAX)
        return error_set(err, ERROR_TOO_MANY_REQUESTS, "%u %s, and %u wait; try again later", max,
                         what, p->waiting);
    p->waiting++;
    int rc = co_wait(p, max, what, given_up, arg, err);
    p->waiting--;
    if (rc == 0)
        p->taken++;
    return rc;
}

void places_give(struct places *p)
{
    p->taken--;
    co_cond_broadcast(&p->freed);
}

void places_stir(struct places *p)
{
    co_cond_broadcast(&p->freed);
}
