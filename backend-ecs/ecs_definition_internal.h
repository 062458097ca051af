/* SPDX-License-Identifier: Apache-2.0
 *
 * What ecs_definition_store.c (finding, registering) and ecs_definition_reaper.c (dropping) share.
 */
#ifndef SOCKERLESS_ECS_DEFINITION_INTERNAL_H
#define SOCKERLESS_ECS_DEFINITION_INTERNAL_H

#include "ecs_definition_store.h"
#include "ecs_names.h"
#include "loop/co.h"

#include <uthash.h>

enum definition_state {
    DEFINITION_ACTIVE,   /* may be handed out */
    DEFINITION_DROPPING, /* being deregistered: runs that come now register a new revision */
    DEFINITION_INACTIVE, /* deregistered, to be deleted */
};

/* Keyed by ARN; one family may have several (an old revision being dropped beside a new one). */
struct definition {
    char *arn;
    char family[ECS_FAMILY_MAX];
    enum definition_state state;
    int64_t used_ms; /* monotonic: last prepared, or last seen in use */
    UT_hash_handle hh;
};

/* One registration under way; other requests for the same family wait for it. */
struct registration {
    char family[ECS_FAMILY_MAX];
    UT_hash_handle hh;
};

/* ARNs with our kind of name that belong to another instance: not asked about again. */
struct foreign {
    char *arn;
    UT_hash_handle hh;
};

struct ecs_definition_store {
    struct aws_client *client;
    const struct ecs_config *config;
    const char *instance;
    struct definition *definitions;
    struct registration *registrations;
    struct foreign *foreigners;
    struct co_cond changed; /* a registration ended, or maintenance did */
    bool maintaining;
    int64_t scanned_ms; /* last complete look at what the cloud lists; 0: never */
};

struct definition *definition_add(struct ecs_definition_store *s, const char *arn,
                                  enum definition_state state);
struct definition *definition_find(struct ecs_definition_store *s, const char *arn);
void definition_remove(struct ecs_definition_store *s, struct definition *d);

/* DescribeTaskDefinition of a family or ARN. *reply is NULL when there is none. */
int co_definition_describe(struct ecs_definition_store *s, const char *name, json_t **reply,
                           struct error *err) MUST_CHECK;
/* A dockerLabel of the described definition's main container; NULL when absent. Borrowed. */
const char *definition_label(const json_t *reply, const char *label);

#endif
