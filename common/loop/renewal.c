/* SPDX-License-Identifier: Apache-2.0
 * Renewing what expires; see renewal.h. */
#include "loop/renewal.h"

#include "base/log.h"
#include "base/timefmt.h"

enum {
    EARLY_S = 300,          /* renew this long before the end … */
    EARLY_SHARE = 4,        /* … but not before three quarters of the lifetime are over */
    RENEW_PAUSE_MS = 30000, /* after a failed renewal of what still holds */
    WAIT_MS = 120000,       /* for another caller's renewal */
};
static const int64_t ns_per_s = 1000000000;

static bool is_usable(const struct renewal *r)
{
    return r->has_value && !r->rejected &&
           (!r->expires_ns || r->expires_ns > time_now_ns() + ns_per_s);
}

static bool is_due(const struct renewal *r)
{
    if (!is_usable(r))
        return true;
    if (!r->expires_ns || time_mono_ms() < r->pause_until_ms)
        return false;
    int64_t early = (r->expires_ns - r->obtained_ns) / EARLY_SHARE;
    if (early > EARLY_S * ns_per_s)
        early = EARLY_S * ns_per_s;
    return time_now_ns() >= r->expires_ns - early;
}

static void note_success(struct renewal *r, int64_t expires_ns)
{
    r->has_value = true;
    r->rejected = false;
    r->obtained_ns = time_now_ns();
    r->expires_ns = expires_ns;
    r->generation++;
    r->last_error.code = ERROR_NONE;
    log_debug("credentials obtained", LOG_STR("what", r->name),
              LOG_INT("valid_s", expires_ns ? (expires_ns - r->obtained_ns) / ns_per_s : 0));
    if (!is_usable(r))
        error_set(&r->last_error, ERROR_SYSTEM,
                  "%s: what was given has expired already; is this machine's clock right?",
                  r->name);
}

static void note_failure(struct renewal *r, const struct error *err)
{
    r->last_error = *err;
    r->pause_until_ms = time_mono_ms() + RENEW_PAUSE_MS;
    if (is_usable(r))
        log_warn("credentials not renewed; the old ones still hold", LOG_STR("what", r->name),
                 LOG_STR("error", err->message));
}

static void co_renew_once(struct renewal *r, co_renew_fn co_renew, void *owner)
{
    struct error err = {0};
    int64_t expires_ns = 0;
    r->under_way = true;
    int rc = co_renew(owner, &expires_ns, &err);
    r->under_way = false;
    if (rc == 0)
        note_success(r, expires_ns);
    else
        note_failure(r, &err);
    co_cond_broadcast(&r->ended);
}

int co_renewal_ensure(struct renewal *r, co_renew_fn co_renew, void *owner, struct error *err)
{
    bool waited = false;
    while (is_due(r)) {
        if (r->under_way && is_usable(r))
            break;
        if (r->under_way) {
            if (co_cond_wait(&r->ended, time_mono_ms() + WAIT_MS, err))
                return error_wrap(err, "%s", r->name);
            waited = true;
            continue;
        }
        /* A renewal that another caller cancelled says nothing about this one. */
        bool failed =
            waited && r->last_error.code != ERROR_NONE && r->last_error.code != ERROR_CANCELLED;
        if (!failed)
            co_renew_once(r, co_renew, owner);
        if (!is_usable(r)) {
            *err = r->last_error;
            return -1;
        }
        break;
    }
    return 0;
}

void renewal_reject(struct renewal *r, unsigned generation)
{
    if (generation == r->generation)
        r->rejected = true;
}
