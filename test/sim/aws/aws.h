/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulated AWS services share: the account, its parts, and the shape of an operation.
 */
#ifndef SOCKERLESS_SIM_AWS_AWS_H
#define SOCKERLESS_SIM_AWS_AWS_H

#include "base/buf.h"
#include "base/error.h"
#include "test/sim/http/value.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct credential_store;
struct ecs;
struct cloud_logs;
struct ecr_registry;
struct image_store;
struct container_runtime;
struct network;
struct fault_list;
struct journal;
struct call_counts;

/* Settings that POST /_sim/config changes while running. */
struct aws_tuning {
    atomic_long provision_ms, stop_ms, log_delay_ms;
    atomic_long describe_missing;      /* DescribeTasks calls that do not know a new task yet */
    atomic_long credential_ttl_s;      /* lifetime of what the metadata endpoints issue */
    atomic_long ecr_token_ttl_s;       /* lifetime of ECR's authorization tokens */
    atomic_bool throttling;            /* the vendor's request rates */
    atomic_long log_duplicate;         /* events still to deliver twice (FilterLogEvents) */
    atomic_long log_late, log_late_ms; /* events still to hold back, and for how long */
};

/* The account. Everything but `tuning` is set once, at start; the parts lock themselves. */
struct aws {
    char *state_dir, *region, *account;
    struct aws_tuning tuning;
    struct credential_store *credentials;
    struct ecs *ecs;
    struct cloud_logs *logs;
    struct ecr_registry *ecr;
    struct image_store *images;
    struct container_runtime *runtime;
    struct network *network;
    struct fault_list *faults;
    struct journal *journal;
    struct call_counts *counts;
    atomic_bool closing; /* ends injected delays */
};

struct aws_call {
    const char *service, *operation;
    json_t *input;           /* an object, never NULL */
    char principal_arn[256]; /* who signed; "" when unsigned */
    char access_key[129];
};

struct aws_reply {
    int status;
    char request_id[40];
    char error_code[80]; /* "" for success */
    char error_message[1024];
    json_t *error_fields; /* further members of an error; owned, may be NULL */
    json_t *output;       /* success; owned; NULL when `text` is used or nothing is answered */
    struct buf text;      /* success as JSON text, for large answers */
    bool drop;
};

struct aws_operation {
    const char *service, *name;
    void (*run)(struct aws *aws, const struct aws_call *call, struct aws_reply *reply);
    bool unsigned_allowed;
};

/* Tables, each ended by a NULL name. */
extern const struct aws_operation ecs_operations[], logs_operations[], sts_operations[],
    ecr_operations[], ec2_operations[];

/* Answers. */
void aws_reply_json(struct aws_reply *reply, json_t *output); /* transferred */
void aws_reply_error(struct aws_reply *reply, int status, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* A time in ms since the epoch as the JSON protocol writes it: seconds with a fraction. */
void aws_set_time(json_t *object, const char *key, int64_t ms); /* nothing when 0 */

#endif
