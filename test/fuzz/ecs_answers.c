/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: what AWS services answer: errors of both protocols, credentials, task descriptions, log
 * pages, registry tokens. The first byte chooses the reader.
 */
#include "backend-ecs/aws_error.h"
#include "backend-ecs/aws_sts.h"
#include "backend-ecs/credentials_source.h"
#include "backend-ecs/ecr.h"
#include "backend-ecs/ecs_logs.h"
#include "backend-ecs/ecs_status.h"
#include "backend-ecs/ecs_task.h"
#include "base/alloc.h"
#include "json/json_doc.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *canned;

static int co_canned(void *arg, const struct ecs_log_request *request, json_t **reply,
                     enum ecs_log_result *result, struct error *err)
{
    (void)arg;
    (void)request;
    (void)err;
    *reply = json_incref(canned);
    *result = ECS_LOG_PAGE;
    return 0;
}

static void read_error(const char *text, size_t len)
{
    struct cloud_error why = {.http = 400};
    struct error err;
    aws_error_parse_body(NULL, text, len, &why);
    aws_error_judge(&why);
    (void)cloud_error_fill(&why, "ecs", "RunTask", &err);
}

static void read_credentials(const char *text, size_t len)
{
    AUTO(aws_credentials) struct aws_credentials a = {0}, b = {0};
    struct error err;
    (void)!aws_sts_parse(text, len, &a, &err);
    (void)!credentials_parse_json(text, len, "fuzz", &b, &err);
}

static void read_json(const char *text, size_t len)
{
    static const struct ecs_config config = {.log_group = (char *)"/g"};
    struct error err;
    struct workload_status status;
    struct workload w = {0};
    struct log_page page;
    canned = json_doc_load_with_nul(text, len, &err);
    if (!canned)
        return;
    ecs_status_read(canned, &status);
    (void)ecs_task_tag(canned, "sockerless:instance");
    (void)ecs_task_failure(canned, &err);
    if (!ecs_task_workload(&config, canned, &w))
        strcpy(w.log_ref, "g\ns");
    for (int backward = 0; backward < 2; backward++) {
        const struct log_query query = {.workload = &w, .backward = backward != 0};
        arena_init(&page.arena);
        (void)!co_ecs_log_page(co_canned, NULL, &query, &page, &err);
        arena_fini(&page.arena);
    }
    json_decref(canned);
}

static void read_names(const char *text)
{
    char region[32], *username = NULL, *password = NULL;
    struct log_query query = {.token = text};
    struct workload w = {.log_ref = "g\ns"};
    struct log_page page;
    struct error err;
    (void)ecr_host_region(text, region, sizeof region);
    if (ecr_decode_token(text, &username, &password)) {
        free(username);
        free(password);
    }
    canned = json_object();
    query.workload = &w;
    arena_init(&page.arena);
    (void)!co_ecs_log_page(co_canned, NULL, &query, &page, &err);
    arena_fini(&page.arena);
    json_decref(canned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    AUTO_FREE char *text = xmalloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 4) {
    case 0: read_error(text, size - 1); break;
    case 1: read_credentials(text, size - 1); break;
    case 2: read_json(text, size - 1); break;
    default: read_names(text); break;
    }
    return 0;
}
