/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted registry that images are pulled from, with logins and redirects to another host. The
 * repository's name chooses what goes wrong.
 */
#ifndef SOCKERLESS_TEST_KIT_IMAGE_REGISTRY_H
#define SOCKERLESS_TEST_KIT_IMAGE_REGISTRY_H

#include "test/kit/registry_rig.h"

#define IMAGE_REGISTRY_CONFIG                                                                      \
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"sh\"],\"Env\":[\"A=1\"]}" \
    ","                                                                                            \
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:"                                      \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]}}"

extern struct image_registry {
    pthread_mutex_t lock;
    int tokens_given, refresh_used, basic_token_logins, manifests;
    char auth_at_storage[512]; /* the other host */
    char token_query[1024];
    /* one image, and an index that names it */
    char manifest[1024], manifest_digest[DIGEST_MAX], config_digest[DIGEST_MAX];
    char index_text[1024], index_digest[DIGEST_MAX];
} image_registry;

struct rig *image_registry_open(void);

#endif
