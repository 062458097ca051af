/* SPDX-License-Identifier: Apache-2.0
 *
 * Something that expires and is renewed: a token, a login. It is renewed ahead of its end, once for
 * however many callers wait; when a renewal fails, the old one serves while it holds. The thing
 * itself is its owner's, who embeds this.
 */
#ifndef SOCKERLESS_LOOP_RENEWAL_H
#define SOCKERLESS_LOOP_RENEWAL_H

#include "base/error.h"
#include "loop/co.h"

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised but for the name: there is nothing yet. */
struct renewal {
    const char *name; /* for logs and messages: "ECR login" */
    bool has_value, rejected, under_way;
    int64_t obtained_ns, expires_ns; /* wall clock; expires_ns 0: never */
    int64_t pause_until_ms;          /* monotonic: no early renewal before */
    unsigned generation;             /* counts the values that there were */
    struct error last_error;         /* of the last renewal; ERROR_NONE: it succeeded */
    struct co_cond ended;
};

/* Get a new one. On success it replaces the owner's, and *expires_ns (0 on entry) is set. */
typedef int (*co_renew_fn)(void *owner, int64_t *expires_ns, struct error *err);

/* 0: the owner's value may be used now. -1: there is none, and getting one failed. The owner must
 * live until every call has returned. */
int co_renewal_ensure(struct renewal *r, co_renew_fn co_renew, void *owner,
                      struct error *err) MUST_CHECK;

/* The value of that generation was refused: the next ensure gets a new one. Of many complaints
 * about one generation only the first has an effect. */
void renewal_reject(struct renewal *r, unsigned generation);

#endif
