/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may call: one constant access key and the temporary ones that were issued.
 */
#ifndef SOCKERLESS_SIM_AWS_CREDENTIALS_H
#define SOCKERLESS_SIM_AWS_CREDENTIALS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct credential {
    char access_key[32], secret_key[64];
    char session_token[200]; /* "" for the constant key */
    char arn[256], user_id[128];
    int64_t expires_ms; /* 0: never */
};

struct credential_store;
struct credential_store *credential_store_new(const char *access_key, const char *secret_key,
                                              const char *account);
void credential_store_free(struct credential_store *s);
/* A temporary credential for an assumed role. */
void credential_store_issue(struct credential_store *s, const char *role_arn,
                            const char *session_name, int64_t ttl_s, struct credential *out);
bool credential_store_find(struct credential_store *s, const char *access_key,
                           struct credential *out);

#endif
