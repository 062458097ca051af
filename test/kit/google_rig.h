/* SPDX-License-Identifier: Apache-2.0
 *
 * Google's credentials for tests: a folder with the file that GOOGLE_APPLICATION_CREDENTIALS names,
 * a service account's key, and what was made of them.
 */
#ifndef SOCKERLESS_TEST_KIT_GOOGLE_RIG_H
#define SOCKERLESS_TEST_KIT_GOOGLE_RIG_H

#include "cloud/gcp/gcp_credentials.h"
#include "test/kit/cloud_harness.h"

#include <jansson.h>

#define GOOGLE_TOKEN(name)                                                                         \
    "{\"access_token\":\"" name "\",\"expires_in\":3600,\"token_type\":\"Bearer\"}"

extern struct google_rig {
    struct gcp_credential_chain *chain;
    char directory[64];
    char *file_path; /* the credential file */
    /* the last answer */
    struct access_token got;
    struct error err;
    unsigned generation;
    int result;
} google_rig;

/* The harness is *state. */
int google_rig_setup(void **state);
int google_rig_teardown(void **state);
/* The service account's key; for TEST_GROUP. */
int google_rig_key_setup(void **state);
int google_rig_key_teardown(void **state);

/* ---- files ---- */

/* `'` stands for `"`, `@` for the mock's URL. */
void google_rig_use_file(struct harness *h, const char *text);
void google_rig_use_service_account(struct harness *h);
/* A file of the kind external_account with a token at POST /token; for other rigs. Its path,
 * on the heap, to be removed and freed. */
char *google_rig_federate(struct harness *h);
/* The same, and acting for a service account at POST /sa:generateAccessToken and :generateIdToken.
 */
char *google_rig_federate_account(struct harness *h);

/* ---- tokens ---- */

void google_rig_get(struct harness *h);
void google_rig_get_token(struct harness *h, const char *token);
void google_rig_get_error(struct harness *h, const char *text);
/* Again and again; each is answered. */
void google_rig_get_until(struct harness *h, bool (*enough)(struct harness *h));
void google_rig_expect(const char *token);
void google_rig_expect_error(const char *text); /* the message contains it */
/* At once; how many failed. */
int google_rig_get_many(struct harness *h, int count);

/* ---- JWTs ---- */

json_t *google_rig_jwt_part(const char *text); /* up to the next "."; a new reference */
/* RS256 over the first two parts, with the service account's key. */
void google_rig_check_signature(const char *jwt);

#endif
