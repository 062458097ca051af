/* SPDX-License-Identifier: Apache-2.0
 * What Google's services do not find yet; see gcp_settle.h. */
#include "cloud/gcp/gcp_settle.h"

#include "base/timefmt.h"
#include "loop/co.h"

enum { LONGEST_MS = 8000, FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 1000 };

void gcp_settle_begin(struct gcp_settle *s)
{
    s->deadline_ms = time_mono_ms() + LONGEST_MS;
    s->pause_ms = FIRST_PAUSE_MS;
}

bool gcp_settle_over(const struct gcp_settle *s)
{
    return time_mono_ms() >= s->deadline_ms;
}

int co_gcp_settle(struct gcp_settle *s, struct error *err)
{
    struct error cancelled;
    if (gcp_settle_over(s))
        return -1;
    if (co_sleep(s->pause_ms, &cancelled)) {
        *err = cancelled;
        return -1;
    }
    s->pause_ms = s->pause_ms * 2 < LONGEST_PAUSE_MS ? s->pause_ms * 2 : LONGEST_PAUSE_MS;
    return 0;
}
