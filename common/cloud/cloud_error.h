/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a cloud's API refused a call: the vendor's own words and request id, whether another attempt
 * helps, and which of our error codes it is. Each vendor fills it from its own kind of answer
 * (aws_error.c, gcp_error.c …); cloud_call.c acts on the verdict.
 */
#ifndef SOCKERLESS_CLOUD_CLOUD_ERROR_H
#define SOCKERLESS_CLOUD_CLOUD_ERROR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum cloud_verdict {
    CLOUD_REFUSED,   /* another attempt gets the same answer */
    CLOUD_THROTTLED, /* not carried out: too many calls */
    CLOUD_BUSY,      /* not carried out: the object is locked by another operation */
    CLOUD_FAILED,    /* the service failed: the call may have been carried out */
    CLOUD_EXPIRED,   /* not carried out: the credentials are not valid, or no longer */
};

struct cloud_error {
    long http;     /* status; 0: no answer arrived, or the error of an operation */
    char code[96]; /* the vendor's: "ClientException", "NOT_FOUND"; "" unknown */
    char message[640];
    char request_id[96];
    enum cloud_verdict verdict;
    enum error_code error;
    const char *hint; /* what to do about it, static text; NULL: nothing to add */
    bool ambiguous;   /* this attempt, or an earlier one of the call, may have been carried out */
};

/* The vendor's code is this one. */
bool cloud_error_is(const struct cloud_error *e, const char *code);
/* Copy a text into one of the fields above; control characters become blanks. NULL is "". */
void cloud_error_copy(char *to, size_t size, const char *text);
/* "run: create job: PERMISSION_DENIED: text; hint (request id …)". The HTTP status stands in for a
 * code that is unknown. service: NULL is left out. Returns -1. */
int cloud_error_fill(const struct cloud_error *e, const char *service, const char *what,
                     struct error *err);

#endif
