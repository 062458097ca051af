/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted registry with one image, `app/web:1`, that lets in as a cloud's registry does: by a
 * token service at a path of its own, or by Basic. For tests that pull through the registry client
 * with a cloud's credentials.
 */
#ifndef SOCKERLESS_TEST_KIT_CLOUD_REGISTRY_H
#define SOCKERLESS_TEST_KIT_CLOUD_REGISTRY_H

#include "cloud/driver.h"
#include "oci/name/digest.h"
#include "test/kit/cloud_harness.h"

struct cloud_registry {
    const char *host;       /* the name it goes by: "name.azurecr.io" */
    const char *realm_path; /* "/oauth2/token"; NULL: Basic */
    const char *wanted;     /* what a token request (or, with Basic, every request) must hold */

    struct mock *mock;
    pthread_mutex_t lock;
    int token_requests, let_in, turned_away;
    char token_request[8192]; /* the last one: head and body */
    char config_digest[DIGEST_MAX], manifest_digest[DIGEST_MAX];
    char manifest[1024];
};

void cloud_registry_start(struct cloud_registry *r);
void cloud_registry_stop(struct cloud_registry *r);

/* What credentials the driver would give for the registry's real name. */
typedef int (*co_cloud_credentials_fn)(void *arg, const char *host,
                                       struct registry_credentials *out, struct error *err);

struct cloud_login {
    struct cloud_registry *registry;
    co_cloud_credentials_fn co_credentials;
    void *arg;
    int asked;
};

/* 0: HOST/app/web:1 was pulled, with the configuration that the registry has. */
int co_cloud_pull(struct harness *h, struct cloud_login *login, struct error *err);

#endif
