/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a task's log from CloudWatch Logs, page by page in either direction. The paging logic is
 * apart from the call, so that it can be tested with canned answers.
 */
#ifndef SOCKERLESS_ECS_LOGS_H
#define SOCKERLESS_ECS_LOGS_H

#include "aws_client.h"
#include "cloud/driver.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "group\nstream" of a task, into out; false when too long. */
bool ecs_log_ref(const char *group, const char *task_id, char *out, size_t size);

struct ecs_log_request {
    const char *group, *stream;
    const char *token; /* NULL: by time */
    bool from_head;
    int64_t start_ms, end_ms; /* -1: none; the end is exclusive */
    int limit;                /* events of a call; 0: as many as fit into a megabyte */
};
enum ecs_log_result { ECS_LOG_PAGE, ECS_LOG_NO_STREAM, ECS_LOG_BAD_TOKEN };

/* Makes one GetLogEvents call. *reply is set for ECS_LOG_PAGE. */
typedef int (*co_ecs_log_fetch)(void *arg, const struct ecs_log_request *request, json_t **reply,
                                enum ecs_log_result *result, struct error *err);

/* Answer one query; see driver.h for the meaning of its parts. */
int co_ecs_log_page(co_ecs_log_fetch co_fetch, void *arg, const struct log_query *query,
                    struct log_page *page, struct error *err) MUST_CHECK;
/* co_ecs_log_fetch with arg a struct aws_client. */
int co_ecs_log_fetch_aws(void *arg, const struct ecs_log_request *request, json_t **reply,
                         enum ecs_log_result *result, struct error *err);

#endif
