/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests that move images: backend_rig.h with a real docker-registry for staging, and what a
 * registry is asked afterwards.
 */
#ifndef SOCKERLESS_TEST_KIT_TRANSFER_RIG_H
#define SOCKERLESS_TEST_KIT_TRANSFER_RIG_H

#include "base/arena.h"
#include "oci/document/manifest.h"
#include "oci/registry/registry_repo.h"
#include "test/kit/registry_process.h"
#include "test/kit/rig_client.h"
#include "test/kit/test_image.h"

extern struct registry_process staging_registry, other_registry; /* the other one: not started */
extern char staging_name[64];                                    /* "HOST/sockerless" */

int transfer_rig_setup(void **state);
int transfer_rig_teardown(void **state);

/* `docker load`; the client holds what was said. */
void load_bytes(struct rig_client *c, const struct buf *tar, bool quiet);
void load_archive(struct rig_client *c, struct test_image *i, const char *tags, bool quiet);
/* The image as given, through load; fails the test when that does. */
void load_image(struct test_image *i, const char *tags);
/* A small image with that marker; the same. */
void load_small(struct test_image *i, const char *marker, const char *tags);

/* A file in the rig's directory as the agent's binary. */
void agent_binary_write(const char *text);

struct registry_question {
    const char *repository, *reference;
    struct arena arena;
    struct registry_manifest manifest;
    struct manifest parsed;
    void *config;
    size_t config_len;
    int rc;
    bool over;
    struct error err;
};

/* Manifest, configuration and every layer, all verified by the client; registry_question_free. */
void registry_ask(struct registry_question *q, const char *repository, const char *reference);
/* The image with that id, in the staging registry; fails the test when it is not there. */
void registry_ask_staging(struct registry_question *q, const char *id);
void registry_question_free(struct registry_question *q);

#endif
