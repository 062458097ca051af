/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of AWS's JSON 1.1 services: paced below the quotas, signed, repeated when that is safe.
 * Between the driver's files (ecs_*.c, ecr.c) and aws_exchange.c.
 */
#ifndef SOCKERLESS_AWS_CLIENT_H
#define SOCKERLESS_AWS_CLIENT_H

#include "aws_credentials.h"
#include "aws_error.h"
#include "base/buf.h"
#include "base/error.h"
#include "loop/http_client.h"
#include "loop/loop.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* operation, service, quota it falls under, may be repeated when the answer was lost.
 * RunTask may because every call carries a clientToken; RegisterTaskDefinition may not: each makes
 * a revision. */
#define AWS_APIS(X)                                                                                \
    X(RunTask, ECS, RUN, true)                                                                     \
    X(StopTask, ECS, STOP, true)                                                                   \
    X(DescribeTasks, ECS, READ_TASKS, true)                                                        \
    X(ListTasks, ECS, READ_TASKS, true)                                                            \
    X(RegisterTaskDefinition, ECS, DEFINITIONS, false)                                             \
    X(DeregisterTaskDefinition, ECS, DEFINITIONS, true)                                            \
    X(DeleteTaskDefinitions, ECS, DELETE_DEFINITIONS, true)                                        \
    X(DescribeTaskDefinition, ECS, READ_DEFINITIONS, true)                                         \
    X(ListTaskDefinitions, ECS, READ_DEFINITIONS, true)                                            \
    X(GetLogEvents, LOGS, LOG_EVENTS, true)                                                        \
    X(GetAuthorizationToken, ECR, ECR_TOKEN, true)

#define X(operation, service, quota, repeatable) AWS_API_##operation,
enum aws_api { AWS_APIS(X) AWS_API_COUNT };
#undef X

struct aws_client_options {
    struct loop *loop;
    struct http_client *http;
    const char *region;       /* strings are borrowed for the client's lifetime */
    const char *endpoint_url; /* NULL: the real hosts */
    int64_t rate_percent;     /* share of the vendor's quotas to use; 80 */
    int64_t log_events_per_s; /* GetLogEvents differs by region; 0: 10 */
};

struct aws_client;
struct aws_client *aws_client_new(const struct aws_client_options *options);
void aws_client_free(struct aws_client *c); /* no call may be under way */

struct aws_call {
    enum aws_api api;
    const char *region;     /* NULL: the client's */
    const struct buf *body; /* a JSON object */
};

/* *reply: a JSON object, owned by the caller, set on success only. On failure *why tells the
 * service's own code (http 0: no answer) and *err is complete. */
int co_aws_call(struct aws_client *c, const struct aws_call *call, json_t **reply,
                struct cloud_error *why, struct error *err) MUST_CHECK;
/* This API's quota is at least half unused: background work may go on. */
bool aws_client_has_spare(struct aws_client *c, enum aws_api api);

#endif
