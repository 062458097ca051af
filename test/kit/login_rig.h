/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the clouds' registry logins share: asking for a host's login once, from many
 * coroutines at once and until it is renewed, and a pull with it.
 */
#ifndef SOCKERLESS_TEST_KIT_LOGIN_RIG_H
#define SOCKERLESS_TEST_KIT_LOGIN_RIG_H

#include "test/kit/cloud_registry.h"

extern struct login_rig {
    co_cloud_credentials_fn co_credentials; /* what is asked */
    void *service;
    const char *host;
    struct registry_credentials got; /* the last answer */
    struct error err;
    int result;
    struct cloud_registry registry; /* of the last pull */
    struct cloud_login login;
} login_rig;

void login_rig_open(co_cloud_credentials_fn co_credentials, void *service);
void login_rig_close(void);

void login_rig_get(struct harness *h, const char *host);
/* The same, and: there is a login; there is none; it fails, with a message that contains the text.
 */
void login_rig_get_found(struct harness *h, const char *host);
void login_rig_get_none(struct harness *h, const char *host);
void login_rig_get_error(struct harness *h, const char *host, enum error_code code,
                         const char *text);
/* Again and again; each is answered. */
void login_rig_get_until(struct harness *h, const char *host, bool (*enough)(struct harness *h));
/* At once; how many failed. */
int login_rig_get_many(struct harness *h, const char *host, int count);

/* A pull from a registry made of `as`: done; refused, without a word of that secret. */
void login_rig_pull(struct harness *h, struct cloud_registry as);
void login_rig_pull_refused(struct harness *h, struct cloud_registry as, const char *secret);

#endif
