/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend that pulls from a scripted registry, which is the mirror of docker.io: library/busybox
 * in two versions and as an index, library/many with tags.
 */
#ifndef SOCKERLESS_TEST_KIT_PULL_RIG_H
#define SOCKERLESS_TEST_KIT_PULL_RIG_H

#include "oci/name/digest.h"
#include "test/kit/rig_client.h"

#define PULL_RIG_DIGEST(c) "sha256:" c c c c c c c c c c c c c c c c

struct pull_rig_version {
    const char *config;
    const char *layers;
    char config_digest[DIGEST_MAX], digest[DIGEST_MAX];
    char *manifest;
};
extern struct pull_rig_version pull_rig_versions[2];
extern const char pull_rig_index[]; /* busybox:multi */

extern struct pull_rig {
    struct mock *mock;
    int port;
    _Atomic int latest;   /* the version of busybox:latest; others: none */
    const char *wanted;   /* Basic credentials in base64; NULL: none */
    const char *tag_list; /* of library/many; NULL: none */
    _Atomic int heads, manifests, configs;
} pull_rig;

int pull_rig_setup(void **state);
int pull_rig_teardown(void **state);

/* Since the last look: how often the registry was asked for what. */
void pull_rig_expect_asked(int heads, int manifests, int configs);

void pull_rig_begin_with(struct rig_client *c, Sockerless__ImagePullOpen *pull);
/* A client names latest itself: a pull without a tag is one of all tags. */
void pull_rig_begin(struct rig_client *c, const char *reference);
/* Waits for a good end; expected: its progress, NULL: any. */
void pull_rig_end(struct rig_client *c, const char *expected);
void pull_rig_expect(const char *reference, const char *expected);
/* A plain error, without progress. */
void pull_rig_expect_error(const char *reference, const char *expected);

#endif
