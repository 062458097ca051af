/* SPDX-License-Identifier: Apache-2.0
 *
 * The call loop under every cloud's client, with a vendor made up for tests and a scripted server:
 * 429 is throttled, 409 busy, 401 expired, 5xx failed, the rest refused.
 */
#ifndef SOCKERLESS_TEST_KIT_CALL_RIG_H
#define SOCKERLESS_TEST_KIT_CALL_RIG_H

#include "cloud/cloud_call.h"
#include "test/kit/cloud_harness.h"

enum { ATTEMPTS = 4, THROTTLED_ATTEMPTS = 8, BASE_MS = 8, THROTTLED_BASE_MS = 16, CAP_MS = 40 };

extern struct call_rig {
    struct harness *h;
    struct cloud_vendor vendor;
    struct cloud_call call;
    /* of the last call */
    struct cloud_error why;
    struct error err;
    int result;
    int64_t took_ms;
    /* of the vendor's functions */
    int authorised, renewed, taken, refusals;
    unsigned generation;
    bool cancel_at_refusal;
    const char *unusable; /* what co_take says */
    const char *no_credentials;
    char first_url[64]; /* of the first attempt; "": the server's */
    char sent[32][16];  /* what was asked for, in the order of the attempts */
} call_rig;

int call_rig_setup(void **state);
int call_rig_teardown(void **state);

/* What the server answers to the next of them; times 0: for ever. */
void call_rig_rule(int status, const char *body, const char *headers, int times);
void call_rig_run(void);
/* The same; it succeeds, or fails; so many requests were made so far. */
void call_rig_run_ok(int requests);
void call_rig_run_error(enum error_code code, const char *message, int requests);

#endif
