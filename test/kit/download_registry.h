/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted registry that is read. The repository's name chooses what goes wrong; blobs of
 * "elsewhere" are at another host.
 */
#ifndef SOCKERLESS_TEST_KIT_DOWNLOAD_REGISTRY_H
#define SOCKERLESS_TEST_KIT_DOWNLOAD_REGISTRY_H

#include "test/kit/registry_rig.h"

enum { DOWNLOAD_BLOB = 3 * 1000 * 1000 };
#define DOWNLOAD_MANIFEST "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}"

extern struct download_registry {
    pthread_mutex_t lock;
    int requests, heads, gets;
    char *blob; /* DOWNLOAD_BLOB bytes */
    char digest[DIGEST_MAX], manifest_digest[DIGEST_MAX];
    char auth_at_other[256], method_at_other[16];
} download_registry;

struct rig *download_registry_open(void);
void download_registry_close(struct rig *f);

#endif
