/* SPDX-License-Identifier: Apache-2.0
 *
 * A real docker-registry on a loopback port, open or with TLS under a private CA and the password
 * alice:s3cret; its data in a directory of its own.
 */
#ifndef SOCKERLESS_TEST_KIT_DOCKER_REGISTRY_H
#define SOCKERLESS_TEST_KIT_DOCKER_REGISTRY_H

#include "test/kit/registry_process.h"

#include <stdbool.h>

struct docker_registry {
    struct registry_process process;
    char dir[64];
    int port;
    bool secure; /* then DIR/cert.pem is the CA */
};

void docker_registry_start(struct docker_registry *r, bool secure);
void docker_registry_stop(struct docker_registry *r);

#endif
