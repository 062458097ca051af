/* SPDX-License-Identifier: Apache-2.0
 *
 * Doing the same for many things, a few at a time: coroutines that take items in order. Used for
 * blobs to move between registries, and for questions to a cloud that takes them one by one.
 */
#ifndef SOCKERLESS_LOOP_PARALLEL_H
#define SOCKERLESS_LOOP_PARALLEL_H

#include "base/error.h"
#include "loop/co.h"

#include <stdbool.h>
#include <stddef.h>

enum { PARALLEL_MAX = 4 };

struct parallel {
    struct loop *loop;
    size_t count;
    unsigned width; /* <= PARALLEL_MAX at once */
    int (*co_one)(void *arg, size_t item, struct error *err);
    void *arg;
    /* private */
    size_t next;
    unsigned alive;
    struct co *workers[PARALLEL_MAX];
    struct co_cond ended;
    bool failed;
    struct error failure;
};

/* Returns when nothing of it runs any more, also after a cancellation. The first failure ends the
 * others (they are cancelled) and is the result. */
int co_parallel(struct parallel *p, struct error *err) MUST_CHECK;
/* From outside, e.g. because the client is gone: co_parallel() fails with ERROR_CANCELLED. */
void parallel_cancel(struct parallel *p);

#endif
