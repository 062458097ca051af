/* SPDX-License-Identifier: Apache-2.0
 * What the connections of one server share; see http_shared.h. */
#include "frontend/http/http_shared.h"

enum { SCRATCH_KEEP_MAX = 256 * 1024 };

struct buf *http_shared_scratch(struct http_shared *s)
{
    buf_clear(&s->scratch);
    return &s->scratch;
}

void http_shared_trim(struct http_shared *s)
{
    if (s->scratch.cap > SCRATCH_KEEP_MAX)
        buf_free(&s->scratch);
}

void http_shared_fini(struct http_shared *s)
{
    buf_free(&s->scratch);
}

const char *http_shared_date(struct http_shared *s)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != s->date_second) {
        struct tm tm;
        s->date_second = now.tv_sec;
        gmtime_r(&now.tv_sec, &tm);
        strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return s->date;
}
