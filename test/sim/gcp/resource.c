/* SPDX-License-Identifier: Apache-2.0
 * Resources; see resource.h. */
#include "test/sim/gcp/resource.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/http/form.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MASK_DEPTH_MAX = 8 };

char *resource_name(const struct gcp *gcp, const char *collection, const char *id)
{
    return xasprintf("projects/%s/locations/%s/%s/%s", gcp->project, gcp->region, collection, id);
}

void resource_begin(json_t *json, const char *name, const char *uid, const char *creator)
{
    value_set_text(json, "name", name);
    value_set_text(json, "uid", uid);
    value_set_text(json, "creator", creator);
    gcp_set_time(json, "createTime", time_now_ns());
}

void resource_stamp(json_t *json, int64_t *generation, const char *modifier)
{
    char etag[35], number[24], hex[33];
    value_random_hex(hex, 32);
    snprintf(etag, sizeof etag, "\"%s\"", hex);
    snprintf(number, sizeof number, "%lld", (long long)++*generation);
    value_set_text(json, "etag", etag);
    value_set_text(json, "generation", number);
    value_set_text(json, "lastModifier", modifier);
    gcp_set_time(json, "updateTime", time_now_ns());
}

void resource_keep(json_t *json, const json_t *before)
{
    static const char *const kept[] = {"name", "uid", "creator", "createTime"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        json_object_set(json, kept[i], json_object_get(before, kept[i]));
}

void resource_remove_members(json_t *json, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_object_del(json, names[i]);
}

bool resource_etag_fits(const struct gcp_call *call, const char *id, const json_t *json,
                        struct gcp_reply *reply)
{
    AUTO_FREE char *parameter = form_parameter(call->request, "etag");
    const char *given = parameter ? parameter : value_string(call->body, "etag");
    if (!*given || !strcmp(given, value_string(json, "etag")))
        return true;
    gcp_reply_error(reply, "ABORTED", "Conflict for resource '%s': etag does not match.", id);
    return false;
}

bool resource_location_fits(const struct gcp *gcp, const struct gcp_call *call,
                            struct gcp_reply *reply)
{
    if (!strcmp(call->part[1], gcp->region) || !strcmp(call->part[1], "-"))
        return true;
    gcp_reply_error(reply, "NOT_FOUND", "Location %s is not found or access is unauthorized.",
                    call->part[1]);
    return false;
}

/* ---- update masks ---- */

/* Paths have the names of proto fields or of JSON members: service_config is serviceConfig. */
static char *camel_case(const char *text, size_t len)
{
    char *out = xmalloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '_' && i + 1 < len)
            out[n++] = (char)toupper((unsigned char)text[++i]);
        else
            out[n++] = text[i];
    }
    out[n] = '\0';
    return out;
}

static bool is_known(const char *known, const char *member)
{
    size_t len = strlen(member);
    for (const char *at = known; *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n == len && !strncmp(at, member, len))
            return true;
        at += n;
    }
    return false;
}

static void apply_path(json_t *to, const json_t *from, const char *path, int depth)
{
    size_t len = strcspn(path, ".");
    AUTO_FREE char *member = camel_case(path, len);
    json_t *value = json_object_get(from, member);
    if (path[len] == '.' && depth < MASK_DEPTH_MAX) {
        json_t *inner = json_object_get(to, member);
        if (!json_is_object(inner))
            json_object_set_new(to, member, inner = json_object());
        apply_path(inner, value, path + len + 1, depth + 1);
    } else if (value) {
        json_object_set_new(to, member, json_deep_copy(value));
    } else {
        json_object_del(to, member);
    }
}

int resource_apply_mask(json_t *json, const json_t *from, const char *mask, const char *known,
                        struct error *err)
{
    struct strv paths AUTO(strv) = STRV_INIT;
    strv_push_list(&paths, mask);
    for (size_t i = 0; i < paths.count; i++) {
        AUTO_FREE char *member = camel_case(paths.items[i], strcspn(paths.items[i], "."));
        if (!is_known(known, member))
            return error_set(err, ERROR_INVALID_PARAMETER, "Invalid update mask path: %s",
                             paths.items[i]);
        apply_path(json, from, paths.items[i], 0);
    }
    return 0;
}

bool resource_mask_has(const char *mask, const char *member)
{
    struct strv paths AUTO(strv) = STRV_INIT;
    bool has = false;
    strv_push_list(&paths, mask);
    for (size_t i = 0; i < paths.count; i++) {
        AUTO_FREE char *first = camel_case(paths.items[i], strcspn(paths.items[i], "."));
        has = has || !strcmp(first, member);
    }
    return has;
}

void resource_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}
