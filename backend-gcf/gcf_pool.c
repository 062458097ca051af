/* SPDX-License-Identifier: Apache-2.0
 * The pool of functions; see gcf_pool.h. */
#include "gcf_pool.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/gcp/gcp_id_token.h"
#include "cloud/gcp/gcp_label.h"
#include "gcf_names.h"
#include "json/json_doc.h"
#include "loop/co.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

enum {
    CLAIM_GRACE_MS = 60000, /* until a row says that it owns the function */
    WAIT_LONGEST_MS = 1200000,
    TOKEN_LEFT_S = 300,
};

enum function_state { FUNCTION_UNKNOWN, FUNCTION_BUSY, FUNCTION_READY };

struct function {
    UT_hash_handle hh;
    char name[GCF_NAME_MAX + 1];
    enum function_state state; /* BUSY: it is made, or deleted */
    char *uri;                 /* NULL: not known */
    struct access_token token;
    unsigned claims, waiters;
    bool spoiled;      /* it is not what it should be, and not kept */
    unsigned failures; /* counts; last_error is that of the last one */
    struct error last_error;
    int64_t checked_ms, unused_ms;
    struct co_cond changed;
};

/* One owner of a function. */
struct claim {
    UT_hash_handle hh;
    char owned[512];
    struct function *function;
    int64_t claimed_ms;
    bool in_row;
};

struct gcf_pool {
    struct function *functions;
    struct claim *claims;
    bool loaded, synced; /* functions are known from the cloud; owners from the rows */
};

struct gcf_pool *gcf_pool_new(void)
{
    return NEW(struct gcf_pool);
}

static void function_free(struct gcf_pool *pool, struct function *f)
{
    HASH_DEL(pool->functions, f);
    access_token_free(&f->token);
    free(f->uri);
    free(f);
}

static void claim_drop(struct gcf_pool *pool, struct claim *c)
{
    HASH_DEL(pool->claims, c);
    if (--c->function->claims == 0)
        c->function->unused_ms = time_mono_ms();
    free(c);
}

void gcf_pool_free(struct gcf_pool *pool)
{
    struct function *f, *next_f;
    struct claim *c, *next_c;
    HASH_ITER(hh, pool->claims, c, next_c)
    {
        claim_drop(pool, c);
    }
    HASH_ITER(hh, pool->functions, f, next_f)
    {
        function_free(pool, f);
    }
    free(pool);
}

static struct function *function_of(struct gcf_pool *pool, const char *name)
{
    struct function *f;
    HASH_FIND_STR(pool->functions, name, f);
    if (f)
        return f;
    f = NEW(struct function);
    snprintf(f->name, sizeof f->name, "%s", name);
    f->unused_ms = time_mono_ms();
    HASH_ADD_STR(pool->functions, name, f);
    return f;
}

/* NULL: it does not name a function. */
static struct claim *claim_of(struct gcf_pool *pool, const char *owned)
{
    char name[GCF_NAME_MAX + 1], container[65];
    struct claim *c;
    HASH_FIND_STR(pool->claims, owned, c);
    if (!c && strlen(owned) < sizeof c->owned && gcf_owned_parse(owned, name, container)) {
        c = NEW(struct claim);
        strcpy(c->owned, owned);
        c->function = function_of(pool, name);
        c->function->claims++;
        HASH_ADD_STR(pool->claims, owned, c);
    }
    if (c)
        c->claimed_ms = time_mono_ms();
    return c;
}

/* ---- claiming ---- */

static int co_await_idle(struct function *f, struct error *err)
{
    unsigned failures = f->failures;
    int rc = 0;
    f->waiters++;
    while (rc == 0 && f->state == FUNCTION_BUSY)
        rc = co_cond_wait(&f->changed, time_mono_ms() + WAIT_LONGEST_MS, err);
    f->waiters--;
    if (rc || f->failures == failures)
        return rc;
    *err = f->last_error;
    return -1;
}

static int co_make(struct gcf_api *api, struct function *f, const struct gcf_deployment *d,
                   struct error *err)
{
    char *uri = NULL;
    f->state = FUNCTION_BUSY;
    int rc = co_gcf_deploy(api, d, &uri, err);
    f->state = rc ? FUNCTION_UNKNOWN : FUNCTION_READY;
    f->spoiled = rc != 0;
    if (rc) {
        f->last_error = *err;
        f->failures++;
    } else {
        free(f->uri);
        f->uri = uri;
        f->checked_ms = time_mono_ms();
    }
    co_cond_broadcast(&f->changed);
    return rc;
}

int co_gcf_pool_claim(struct gcf_api *api, const struct gcf_deployment *d, const char *owned,
                      struct error *err)
{
    struct claim *c = owned ? claim_of(api->pool, owned) : NULL;
    if (owned && !c)
        return error_set(err, ERROR_SYSTEM, "\"%.100s\" names no function", owned);
    struct function *f = c ? c->function : function_of(api->pool, d->name);
    int64_t arrived_ms = time_mono_ms();
    if (co_await_idle(f, err))
        return -1;
    bool known =
        f->state == FUNCTION_READY &&
        (f->checked_ms > arrived_ms || time_mono_ms() - f->checked_ms < api->config->check_ms);
    int rc = known ? 0 : co_make(api, f, d, err);
    if (owned)
        claim_of(api->pool, owned); /* it took long */
    else
        f->unused_ms = time_mono_ms();
    return rc;
}

/* ---- deleting ---- */

struct deletion {
    struct gcf_api *api;
    struct function *function;
};

static void co_delete(void *arg)
{
    struct deletion *d AUTO_FREE = arg;
    struct function *f = d->function;
    struct error err;
    int rc = co_cancelled() ? 0 : co_gcf_delete(d->api, f->name, true, &err);
    if (rc)
        log_warn("a function that is not used could not be deleted", LOG_STR("function", f->name),
                 LOG_STR("error", err.message));
    f->state = FUNCTION_UNKNOWN;
    f->unused_ms = time_mono_ms();
    co_cond_broadcast(&f->changed);
    if (rc == 0 && f->claims == 0 && f->waiters == 0 && !co_cancelled())
        function_free(d->api->pool, f);
}

static void delete_later(struct gcf_api *api, struct function *f)
{
    struct deletion *d = NEW(struct deletion);
    struct error err;
    *d = (struct deletion){api, f};
    log_info("a function that no container needs is deleted", LOG_STR("function", f->name));
    f->state = FUNCTION_BUSY;
    if (co_spawn(api->loop, co_delete, d, &err) == 0)
        return;
    f->state = FUNCTION_UNKNOWN;
    free(d);
}

static bool is_unused(const struct function *f)
{
    return f->claims == 0 && f->waiters == 0 && f->state != FUNCTION_BUSY;
}

/* The one to go first: spoiled, or not used for the longest time; NULL: none. */
static struct function *oldest_unused(const struct gcf_pool *pool, int64_t *count)
{
    struct function *oldest = NULL;
    *count = 0;
    for (struct function *f = pool->functions; f; f = f->hh.next) {
        if (!is_unused(f))
            continue;
        ++*count;
        if (!oldest || f->spoiled > oldest->spoiled ||
            (f->spoiled == oldest->spoiled && f->unused_ms < oldest->unused_ms))
            oldest = f;
    }
    return oldest;
}

static void trim(struct gcf_api *api)
{
    const struct gcf_config *config = api->config;
    struct function *f;
    int64_t count;
    while ((f = oldest_unused(api->pool, &count))) {
        bool idle = time_mono_ms() - f->unused_ms >= config->pool_idle_s * 1000;
        if (count <= config->pool_max && !idle && !f->spoiled)
            return;
        delete_later(api, f);
        if (f->state != FUNCTION_BUSY)
            return; /* another time */
    }
}

void gcf_pool_release(struct gcf_api *api, const char *owned)
{
    struct claim *c;
    HASH_FIND_STR(api->pool->claims, owned, c);
    if (c)
        claim_drop(api->pool, c);
    if (api->pool->synced)
        trim(api);
}

/* ---- what there is ---- */

static void take_function(void *arg, const json_t *item)
{
    struct gcf_api *api = arg;
    char instance[GCP_LABEL_MAX + 1];
    const char *name = json_doc_text(item, "name");
    const json_t *labels = json_object_get(item, "labels");
    gcp_label_value(api->instance, instance);
    if (strcmp(json_doc_text(labels, GCP_LABEL_INSTANCE), instance) == 0 && gcf_name_valid(name))
        function_of(api->pool, name);
}

int co_gcf_pool_load(struct gcf_api *api, struct error *err)
{
    const struct gcp_service functions = gcf_functions(api);
    char instance[GCP_LABEL_MAX + 1];
    gcp_label_value(api->instance, instance);
    AUTO_FREE char *path = xasprintf(
        "projects/%s/locations/%s/functions?filter=labels." GCP_LABEL_INSTANCE "%%3A%%22%s%%22",
        api->config->project, api->config->region, instance);
    if (co_gcp_list(&functions, "list functions", path, "functions", take_function, api, err))
        return -1;
    api->pool->loaded = true;
    return 0;
}

static void sync_claims(struct gcf_pool *pool, const char *const *in_use, size_t count)
{
    struct claim *c, *next;
    int64_t now = time_mono_ms();
    HASH_ITER(hh, pool->claims, c, next)
    {
        c->in_row = false;
    }
    for (size_t i = 0; i < count; i++) {
        c = claim_of(pool, in_use[i]);
        if (c)
            c->in_row = true;
    }
    HASH_ITER(hh, pool->claims, c, next)
    {
        if (!c->in_row && now - c->claimed_ms > CLAIM_GRACE_MS)
            claim_drop(pool, c);
    }
    pool->synced = true;
}

static int co_close(struct gcf_api *api, struct error *err)
{
    struct function *f;
    int64_t count;
    int rc = 0;
    while (rc == 0 && (f = oldest_unused(api->pool, &count))) {
        rc = co_gcf_delete(api, f->name, false, err);
        f->state = FUNCTION_BUSY; /* under way */
    }
    return rc;
}

int co_gcf_pool_maintain(struct gcf_api *api, const char *const *in_use, size_t count, bool closing,
                         struct error *err)
{
    sync_claims(api->pool, in_use, count);
    if (!api->pool->loaded && !closing && co_gcf_pool_load(api, err))
        return -1;
    if (closing)
        return co_close(api, err);
    trim(api);
    return 0;
}

/* ---- calling ---- */

int co_gcf_pool_uri(struct gcf_api *api, const char *name, char **uri, struct error *err)
{
    struct function *f = function_of(api->pool, name);
    if (f->uri) {
        *uri = xstrdup(f->uri);
        return 0;
    }
    f->waiters++; /* it stays meanwhile */
    int rc = co_gcf_find_uri(api, name, uri, err);
    f->waiters--;
    if (rc == 0 && *uri && !f->uri)
        f->uri = xstrdup(*uri);
    return rc;
}

void gcf_pool_forget(struct gcf_api *api, const char *name)
{
    struct function *f = function_of(api->pool, name);
    if (f->state == FUNCTION_READY)
        f->state = FUNCTION_UNKNOWN;
    free(STEAL(f->uri));
}

void gcf_pool_spoil(struct gcf_api *api, const char *name)
{
    function_of(api->pool, name)->spoiled = true;
}

int co_gcf_pool_token(struct gcf_api *api, const char *name, const char *uri,
                      struct access_token *out, struct error *err)
{
    struct function *f = function_of(api->pool, name);
    int64_t soon_ns = time_now_ns() + (int64_t)TOKEN_LEFT_S * 1000000000;
    if (!f->token.value || f->token.expires_ns < soon_ns) {
        struct access_token fresh;
        f->waiters++;
        int rc = co_gcp_id_token(api->credentials, uri, &fresh, err);
        f->waiters--;
        if (rc)
            return -1;
        access_token_free(&f->token);
        f->token = fresh;
    }
    *out = (struct access_token){xstrdup(f->token.value), f->token.expires_ns};
    return 0;
}

void gcf_pool_reject_token(struct gcf_api *api, const char *name)
{
    access_token_free(&function_of(api->pool, name)->token);
}
