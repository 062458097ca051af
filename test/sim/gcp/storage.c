/* SPDX-License-Identifier: Apache-2.0
 * Objects; see storage.h. */
#include "test/sim/gcp/storage.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/gcp/dispatch.h"
#include "test/sim/gcp/token_store.h"
#include "test/sim/host/files.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/form.h"

#include <string.h>

enum { OBJECT_MAX = 256 * 1024 * 1024 };

static bool object_valid(const char *bucket, const char *object)
{
    return *bucket && *object && *bucket != '.' && !strchr(bucket, '/') && *object != '/' &&
           !strstr(object, "..");
}

static void answer(struct http_reply *reply, const char *status, json_t *value)
{
    AUTO_FREE char *text = json_dumps(value, JSON_COMPACT);
    http_reply_text(reply, status ? gcp_status_http(status) : 200, "application/json",
                    text ? text : "{}");
    json_decref(value);
}

static void refuse(struct http_reply *reply, const char *status, const char *message)
{
    answer(reply, status, gcp_error_json(status, message));
}

static void send_object(const struct gcp *gcp, const char *bucket, const char *object, bool media,
                        struct http_reply *reply)
{
    struct error err;
    AUTO_FREE char *path = xasprintf("%s/%s/%s", gcp->gcs_dir, bucket, object);
    AUTO_FREE char *missing = xasprintf("No such object: %s/%s", bucket, object);
    buf_clear(&reply->body);
    if (!object_valid(bucket, object) || files_read(path, OBJECT_MAX, &reply->body, &err)) {
        refuse(reply, "NOT_FOUND", missing);
        return;
    }
    reply->status = 200;
    reply->content_type = "application/octet-stream";
    if (media)
        return;
    AUTO_FREE char *size = xasprintf("%zu", reply->body.len);
    answer(reply, NULL,
           json_pack("{s:s, s:s, s:s, s:s}", "kind", "storage#object", "bucket", bucket, "name",
                     object, "size", size));
}

/* True when a fault has answered. */
static bool begin(struct gcp *gcp, struct http_reply *reply)
{
    struct fault f = {0};
    call_counts_add(gcp->counts, "storage", "objects.get");
    if (!fault_list_take(gcp->faults, "storage", "objects.get", &f))
        return false;
    if (f.kind == FAULT_TIMEOUT || f.kind == FAULT_LATENCY)
        fault_delay(&gcp->closing, f.latency_ms ? f.latency_ms : 60000);
    if (f.kind == FAULT_LATENCY)
        return false;
    reply->drop =
        f.kind == FAULT_TIMEOUT || f.kind == FAULT_DROP_CONNECTION || f.kind == FAULT_LOST_ANSWER;
    refuse(reply,
           f.kind == FAULT_THROTTLE        ? "RESOURCE_EXHAUSTED"
           : f.kind == FAULT_ACCESS_DENIED ? "PERMISSION_DENIED"
                                           : "UNAVAILABLE",
           fault_text(f.message, "injected"));
    return true;
}

void storage_api(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    char part[GCP_PATH_PARTS][GCP_PART_MAX], principal[256];
    AUTO_FREE char *alt = form_parameter(request, "alt");
    if (begin(gcp, reply))
        return;
    if (!dispatch_path_match("/storage/v1/b/*/o/*", request->path, part))
        refuse(reply, "NOT_FOUND", "Not Found");
    else if (!token_store_find(gcp->tokens, form_bearer(request), principal))
        refuse(reply, "UNAUTHENTICATED",
               "Anonymous caller does not have storage.objects.get "
               "access to the Google Cloud Storage object.");
    else
        send_object(gcp, part[0], part[1], alt && !strcmp(alt, "media"), reply);
}

/* /BUCKET/OBJECT, the object's slashes as they are. */
void storage_public(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    const char *slash = strchr(request->path + 1, '/');
    if (begin(gcp, reply))
        return;
    AUTO_FREE char *bucket =
        slash ? xstrndup(request->path + 1, (size_t)(slash - request->path - 1)) : xstrdup("");
    AUTO_FREE char *object = slash ? form_decode(slash + 1, strlen(slash + 1), false) : xstrdup("");
    send_object(gcp, bucket, object, true, reply);
}
