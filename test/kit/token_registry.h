/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted registry with a token service; its other server is a forward proxy that answers for
 * every host.
 */
#ifndef SOCKERLESS_TEST_KIT_TOKEN_REGISTRY_H
#define SOCKERLESS_TEST_KIT_TOKEN_REGISTRY_H

#include "test/kit/registry_rig.h"

extern struct token_registry {
    pthread_mutex_t lock;
    int gets, posts, serial; /* at the token service; serial: of the token that is valid now */
    char query[2048], form[2048], auth[512];
    char mode[32];
    int challenges;
    char proxied[512];
} token_registry;

struct rig *token_registry_open(void);
/* What it has seen and given. mode: "", "get-only", "flaky", "basic", "deaf" (no token is enough).
 */
void token_registry_forget(const char *mode);

#endif
