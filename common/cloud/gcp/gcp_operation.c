/* SPDX-License-Identifier: Apache-2.0
 * Long-running operations; see gcp_operation.h. */
#include "cloud/gcp/gcp_operation.h"

#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/gcp/gcp_settle.h"
#include "loop/co.h"
#include "json/json_doc.h"

#include <ctype.h>
#include <string.h>

/* What is made is ready a third later than it could be, at most. */
enum { LEAST_PAUSE_MS = 10, LONGEST_PAUSE_MS = 2000, PAUSE_SHARE = 3, NAME_MAX_LEN = 512 };

/* It becomes part of a path: "projects/P/locations/L/operations/O". */
static bool is_name(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++)
        if (!isalnum((unsigned char)name[n]) && !strchr("/-_.:~", name[n]))
            return false;
    return n && n <= NAME_MAX_LEN && !strstr(name, "..");
}

static int co_ask_again(const struct gcp_service *s, const char *what, json_t **operation,
                        struct cloud_error *why, struct error *err)
{
    const char *name = str_or_empty(json_doc_string(*operation, "name"));
    if (!is_name(name))
        return error_set(err, ERROR_SYSTEM, "%s: %s: the operation has no usable name", s->name,
                         what);
    json_t *reply;
    if (co_gcp_get(s, what, name, &reply, why, err))
        return -1;
    json_decref(*operation);
    *operation = reply;
    return 0;
}

static int64_t next_pause_ms(int64_t began_ms)
{
    int64_t ms = (time_mono_ms() - began_ms) / PAUSE_SHARE;
    return ms < LEAST_PAUSE_MS ? LEAST_PAUSE_MS : ms > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : ms;
}

int co_gcp_operation_wait(const struct gcp_service *s, const char *what, int64_t longest_ms,
                          json_t **operation, struct cloud_error *why, struct error *err)
{
    struct gcp_settle settle;
    int64_t began_ms = time_mono_ms(), deadline_ms = began_ms + longest_ms;
    gcp_settle_begin(&settle);
    *why = (struct cloud_error){0};
    for (;;) {
        if (json_is_true(json_object_get(*operation, "done"))) {
            const json_t *failure = json_object_get(*operation, "error");
            if (!json_is_object(failure))
                return 0;
            gcp_error_from_status(failure, why);
            return cloud_error_fill(why, s->name, what, err);
        }
        int64_t pause_ms = next_pause_ms(began_ms);
        int64_t left_ms = deadline_ms - time_mono_ms();
        if (left_ms <= 0)
            return error_set(err, ERROR_DEADLINE, "%s: %s: the operation did not end in time",
                             s->name, what);
        if (co_sleep(pause_ms < left_ms ? pause_ms : left_ms, err))
            return -1;
        if (co_ask_again(s, what, operation, why, err) &&
            (!gcp_error_is(why, "NOT_FOUND") || gcp_settle_over(&settle)))
            return -1;
    }
}
