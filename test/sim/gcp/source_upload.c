/* SPDX-License-Identifier: Apache-2.0
 * Archives of functions' sources: URLs to put them to, and what Cloud Build says of them; see
 * function.h. A signed URL is for one object, for a while, and for application/zip; the storage
 * takes whatever comes, the build looks at it. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/gcp/function.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/form.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>

enum {
    UPLOADS_MAX = 256, /* the oldest is forgotten */
    LIFETIME_S = 1800,
    FILES_MAX = 1000,
    FILE_MAX = 1024 * 1024,
    SIGNATURE_LEN = 32
};

struct upload {
    UT_hash_handle hh; /* oldest first */
    char object[48], signature[SIGNATURE_LEN + 1];
    int64_t expires_ms;
    int64_t generation; /* 0: nothing was put yet */
    struct buf bytes;
};

struct source_uploads {
    pthread_mutex_t lock;
    struct upload *all; /* by object */
};

struct source_uploads *source_uploads_new(void)
{
    struct source_uploads *u = NEW(struct source_uploads);
    pthread_mutex_init(&u->lock, NULL);
    return u;
}

static void forget(struct source_uploads *u, struct upload *one)
{
    HASH_DEL(u->all, one);
    buf_free(&one->bytes);
    free(one);
}

void source_uploads_free(struct source_uploads *u)
{
    if (!u)
        return;
    while (u->all)
        forget(u, u->all);
    pthread_mutex_destroy(&u->lock);
    free(u);
}

static char *bucket_name(const struct gcp *gcp)
{
    return xasprintf(UPLOAD_BUCKET_PREFIX GCP_PROJECT_NUMBER ".%s.cloudfunctions.appspot.com",
                     gcp->region);
}

json_t *source_upload_offer(struct gcp *gcp)
{
    struct source_uploads *u = gcp->uploads;
    struct upload *one = NEW(struct upload);
    char id[37];
    AUTO_FREE char *bucket = bucket_name(gcp);
    value_uuid(id);
    snprintf(one->object, sizeof one->object, "%s.zip", id);
    value_random_hex(one->signature, SIGNATURE_LEN);
    one->expires_ms = value_now_ms() + LIFETIME_S * 1000;
    AUTO_FREE char *url = xasprintf(
        "http://%s/%s/%s?GoogleAccessId=service-" GCP_PROJECT_NUMBER
        "%%40gcf-admin-robot.iam.gserviceaccount.com&Expires=%lld&Signature=%s",
        gcp->address, bucket, one->object, (long long)(one->expires_ms / 1000), one->signature);
    json_t *out = json_pack("{s:s, s:{s:s, s:s}}", "uploadUrl", url, "storageSource", "bucket",
                            bucket, "object", one->object);
    pthread_mutex_lock(&u->lock);
    HASH_ADD_STR(u->all, object, one);
    while (HASH_COUNT(u->all) > UPLOADS_MAX)
        forget(u, u->all);
    pthread_mutex_unlock(&u->lock);
    return out;
}

static struct upload *find(const struct gcp *gcp, const char *bucket, const char *object)
{
    struct upload *one = NULL;
    AUTO_FREE char *own = bucket_name(gcp);
    if (!strcmp(bucket, own))
        HASH_FIND_STR(gcp->uploads->all, object, one);
    return one;
}

/* ---- PUT ---- */

static void refuse(struct http_reply *reply, int status, const char *code, const char *message)
{
    AUTO_FREE char *text = xasprintf("<?xml version='1.0' encoding='UTF-8'?><Error><Code>%s</Code>"
                                     "<Message>%s</Message></Error>",
                                     code, message);
    http_reply_text(reply, status, "application/xml; charset=UTF-8", text);
}

/* What is signed: the object, the time, the type. Who has an access token does not need the URL. */
static void put(const struct gcp *gcp, const struct http_request *request, const char *bucket,
                const char *object, struct http_reply *reply)
{
    AUTO_FREE char *signature = form_parameter(request, "Signature");
    struct upload *one = find(gcp, bucket, object);
    if (http_request_header(request, "Authorization"))
        refuse(reply, 400, "InvalidArgument",
               "Only one authentication method may be specified: a signed URL has no Authorization "
               "header.");
    else if (!one || str_empty(signature) || strcmp(signature, one->signature) != 0 ||
             strcmp(str_or_empty(http_request_header(request, "Content-Type")),
                    "application/zip") != 0)
        refuse(reply, 403, "SignatureDoesNotMatch",
               "The request signature we calculated does not match the signature you provided. "
               "Check your Google secret key and signing method.");
    else if (one->expires_ms < value_now_ms())
        refuse(reply, 400, "ExpiredToken", "The provided token has expired.");
    if (reply->status)
        return;
    buf_clear(&one->bytes);
    buf_append(&one->bytes, request->body, request->body_len);
    one->generation = time_now_ns() / 1000;
    AUTO_FREE char *generation = xasprintf("%lld", (long long)one->generation);
    http_reply_header(reply, "x-goog-generation", generation);
    http_reply_text(reply, 200, "text/html; charset=UTF-8", "");
}

/* True when a fault has answered. */
static bool begin(struct gcp *gcp, struct fault *f, struct http_reply *reply)
{
    call_counts_add(gcp->counts, "storage", "objects.insert");
    if (!fault_list_take(gcp->faults, "storage", "objects.insert", f) ||
        f->kind == FAULT_LOST_ANSWER)
        return false;
    if (f->kind == FAULT_TIMEOUT || f->kind == FAULT_LATENCY)
        fault_delay(&gcp->closing, f->latency_ms ? f->latency_ms : 60000);
    if (f->kind == FAULT_LATENCY)
        return false;
    reply->drop = f->kind == FAULT_TIMEOUT || f->kind == FAULT_DROP_CONNECTION;
    if (f->kind == FAULT_ACCESS_DENIED)
        refuse(reply, 403, "AccessDenied", "Access denied.");
    else if (f->kind == FAULT_THROTTLE)
        refuse(reply, 429, "SlowDown", "Please reduce your request rate.");
    else
        refuse(reply, f->status ? f->status : 503, "ServiceUnavailable",
               fault_text(f->message, "We encountered an internal error. Please try again."));
    return true;
}

void source_upload_put(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    struct fault fault = {0};
    const char *slash = strchr(request->path + 1, '/');
    if (begin(gcp, &fault, reply))
        return;
    AUTO_FREE char *bucket =
        slash ? xstrndup(request->path + 1, (size_t)(slash - request->path - 1)) : xstrdup("");
    pthread_mutex_lock(&gcp->uploads->lock);
    put(gcp, request, bucket, slash ? slash + 1 : "", reply);
    pthread_mutex_unlock(&gcp->uploads->lock);
    reply->drop = fault.kind == FAULT_LOST_ANSWER;
}

bool source_upload_exists(struct gcp *gcp, const char *bucket, const char *object)
{
    pthread_mutex_lock(&gcp->uploads->lock);
    const struct upload *one = find(gcp, bucket, object);
    bool exists = one && one->generation;
    pthread_mutex_unlock(&gcp->uploads->lock);
    return exists;
}

/* ---- what Cloud Build says ---- */

struct contents {
    bool manifest; /* go.mod, package.json … */
    bool entry;    /* a file names the entry point */
    size_t files;
};

static const char *manifest_of(const char *runtime)
{
    return str_starts(runtime, "go")       ? "go.mod"
           : str_starts(runtime, "nodejs") ? "package.json"
           : str_starts(runtime, "python") ? "main.py"
                                           : NULL;
}

static void look_at(struct archive *a, struct archive_entry *entry, const char *manifest,
                    const char *entry_point, struct contents *out)
{
    const char *name = archive_entry_pathname(entry);
    struct buf text AUTO(buf) = BUF_INIT;
    char piece[16384];
    la_ssize_t n;
    out->files++;
    out->manifest = out->manifest || (manifest && name && !strcmp(name, manifest));
    while (text.len < FILE_MAX && (n = archive_read_data(a, piece, sizeof piece)) > 0)
        buf_append(&text, piece, (size_t)n);
    out->entry = out->entry || (text.len && memmem(text.data, text.len, entry_point,
                                                   strlen(entry_point)) != NULL);
}

/* False: it is not a zip archive, or a broken one. */
static bool read_archive(const struct buf *bytes, const char *manifest, const char *entry_point,
                         struct contents *out)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    int rc = ARCHIVE_FATAL;
    archive_read_support_format_zip(a);
    if (archive_read_open_memory(a, bytes->data, bytes->len) == ARCHIVE_OK)
        while (out->files < FILES_MAX && (rc = archive_read_next_header(a, &entry)) == ARCHIVE_OK)
            look_at(a, entry, manifest, entry_point, out);
    archive_read_free(a);
    return rc == ARCHIVE_EOF && out->files;
}

int source_upload_check(struct gcp *gcp, const json_t *build_config, struct error *err)
{
    const json_t *storage =
        json_object_get(json_object_get(build_config, "source"), "storageSource");
    const char *runtime = value_string(build_config, "runtime"), *manifest = manifest_of(runtime);
    const char *entry_point = value_string(build_config, "entryPoint");
    struct contents found = {.manifest = !manifest};
    pthread_mutex_lock(&gcp->uploads->lock);
    const struct upload *one =
        find(gcp, value_string(storage, "bucket"), value_string(storage, "object"));
    bool readable = one && read_archive(&one->bytes, manifest, entry_point, &found);
    pthread_mutex_unlock(&gcp->uploads->lock);
    if (!readable)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Build failed with status: FAILURE and message: the source is not a valid "
                         "zip archive.");
    if (!found.manifest)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Build failed with status: FAILURE and message: %s: no %s was found.",
                         runtime, manifest);
    if (!found.entry)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Build failed with status: FAILURE and message: function '%s' is not "
                         "defined in the source.",
                         entry_point);
    return 0;
}
