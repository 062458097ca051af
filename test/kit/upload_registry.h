/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted registry that is written to. The repository's name chooses what goes wrong.
 */
#ifndef SOCKERLESS_TEST_KIT_UPLOAD_REGISTRY_H
#define SOCKERLESS_TEST_KIT_UPLOAD_REGISTRY_H

#include "test/kit/registry_rig.h"

enum { UPLOAD_BIG = 2 * REGISTRY_CHUNK + 12345 };

extern struct upload_registry {
    pthread_mutex_t lock;
    char *stored; /* of the upload under way, and of the blob it became */
    size_t len;
    bool exists;
    int posts, patches, puts, gets, deletes, heads;
    char auth_elsewhere[256], first_range[64], type[64], encoding[64];
    char put_path[1024], manifest[256];
    /* what is pushed */
    char *big;
    char big_digest[DIGEST_MAX], small_digest[DIGEST_MAX];
} upload_registry;

#define UPLOAD_SMALL "{\"a\":\"small blob\"}"

struct rig *upload_registry_open(void);
void upload_registry_close(struct rig *f);
/* What it has seen so far. */
void upload_registry_forget(void);

#endif
