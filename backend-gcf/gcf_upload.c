/* SPDX-License-Identifier: Apache-2.0
 * Uploading the stub; see gcf_upload.h. The URL is signed: it takes no other authorization, and the
 * content type is part of what was signed. */
#include "gcf_upload.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cloud/cloud_call.h"
#include "gcf_archive.h"
#include "json/json_doc.h"

struct upload {
    const char *url;
    struct buf archive;
};

static int co_authorise(void *arg, struct cloud_attempt *attempt, struct error *err)
{
    const struct upload *u = arg;
    (void)err;
    attempt->request.method = "PUT";
    attempt->request.url = u->url;
    attempt->request.body = u->archive.data;
    attempt->request.body_len = u->archive.len;
    cloud_attempt_header(attempt, xstrdup("Content-Type: application/zip"));
    return 0;
}

static void refusal(void *arg, struct http_response *res, struct cloud_error *why)
{
    (void)arg;
    gcp_error_parse(res, why);
}

static int co_take(void *arg, struct http_response *res, struct error *err)
{
    (void)arg;
    (void)res;
    (void)err;
    return 0;
}

static const struct cloud_vendor vendor = {
    .name = "Google",
    .policy = CLOUD_POLICY_API(32000),
    .co_authorise = co_authorise,
    .refusal = refusal,
    .co_take = co_take,
};

static int co_put(struct gcf_api *api, const char *url, struct error *err)
{
    struct upload u = {.url = url, .archive = BUF_INIT};
    struct cloud_error why;
    const struct cloud_call call = {
        .vendor = &vendor,
        .arg = &u,
        .http = api->http,
        .service = "storage",
        .what = "upload the stub",
        .repeatable = true,
    };
    gcf_archive_write(&u.archive);
    int rc = co_cloud_call(&call, &why, err);
    buf_free(&u.archive);
    return rc;
}

int co_gcf_upload(struct gcf_api *api, json_t **source, struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    const struct gcp_service functions = gcf_functions(api);
    AUTO_FREE char *target = xasprintf("projects/%s/locations/%s/functions:generateUploadUrl",
                                       api->config->project, api->config->region);
    json_t *reply AUTO(json) = NULL;
    struct cloud_error why;
    buf_puts(&body, "{\"environment\":\"GEN_2\"}");
    if (co_gcp_change(&functions, "generate upload URL", "POST", target, &body, &reply, &why, err))
        return -1;
    const char *url = json_doc_text(reply, "uploadUrl");
    json_t *storage = json_object_get(reply, "storageSource");
    if ((!str_starts(url, "https://") && !str_starts(url, "http://")) || !json_is_object(storage))
        return error_set(err, ERROR_SYSTEM,
                         "cloudfunctions: generate upload URL: the answer holds no URL");
    if (co_put(api, url, err))
        return -1;
    *source = json_incref(storage);
    return 0;
}
