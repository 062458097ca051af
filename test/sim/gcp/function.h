/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Cloud Functions, 2nd gen, under the lock of run.h. A function is its source, a
 * build of it and a service of Cloud Run with the built image; what that service becomes later is
 * not the function's any more, until it is deployed again. A file per noun: function.c (functions
 * and their JSON), function_check.c (the rules), function_build.c (the thread that builds and
 * deploys), function_methods.c (the API calls), source_upload.c (archives).
 */
#ifndef SOCKERLESS_SIM_GCP_FUNCTION_H
#define SOCKERLESS_SIM_GCP_FUNCTION_H

#include "test/sim/gcp/service.h"

enum { FUNCTIONS_MAX = 1000, FUNCTION_ID_MAX = 63, FUNCTION_ID_MIN = 4 };

enum function_state { FUNCTION_DEPLOYING, FUNCTION_ACTIVE, FUNCTION_FAILED, FUNCTION_DELETING };

struct function {
    UT_hash_handle hh;
    struct run *run;
    char id[FUNCTION_ID_MAX + 1];
    json_t *json; /* the model's Function but for what function_json() adds */
    enum function_state state;
    struct fate fate; /* of the last build or deployment */
    char build[37];
    char revision[SERVICE_ID_MAX + 12]; /* that it deployed */
    unsigned versions;
    bool busy; /* an operation goes on */
};

struct function *function_find(struct run *run, const char *id);
/* json: checked, transferred. */
struct function *function_new(struct run *run, const char *id, json_t *json);
void function_replace(struct function *function, json_t *json);
/* Out of the table. */
void function_free(struct function *function);
void function_free_all(struct run *run);
/* with_uri false: as the service answers in lists. */
json_t *function_json(const struct function *function, bool with_uri);
/* The Service of Cloud Run that the function's deployment makes. */
json_t *function_service_json(const struct function *function);

/* The rules; fills in Google's defaults. */
extern const char function_members[];
int function_check(json_t *function, struct error *err) MUST_CHECK;

/* function_build.c */
enum function_work {
    FUNCTION_CREATE,
    FUNCTION_UPDATE,
    FUNCTION_RELABEL, /* an update that deploys nothing */
    FUNCTION_DELETE
};
/* Does the work in a thread; the operation's JSON, NULL with err. */
json_t *function_build_start(struct function *function, enum function_work work,
                             struct error *err) MUST_CHECK;

/* source_upload.c: the bucket that upload URLs lead to. */
#define UPLOAD_BUCKET_PREFIX "gcf-v2-uploads-"
#define UPLOAD_PATH_PREFIX "/" UPLOAD_BUCKET_PREFIX
struct source_uploads;
struct source_uploads *source_uploads_new(void);
void source_uploads_free(struct source_uploads *uploads);
/* {uploadUrl, storageSource} */
json_t *source_upload_offer(struct gcp *gcp);
/* Whether there is such an archive (404), and then whether it can be built: a zip archive with the
 * runtime's files and the entry point. ERROR_NOT_FOUND, ERROR_INVALID_PARAMETER. */
bool source_upload_exists(struct gcp *gcp, const char *bucket, const char *object);
int source_upload_check(struct gcp *gcp, const json_t *build_config, struct error *err) MUST_CHECK;
/* Route handler of PUT; ctx: the struct gcp. */
void source_upload_put(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
