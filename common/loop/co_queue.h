/* SPDX-License-Identifier: Apache-2.0
 *
 * Background work of any amount for a bounded number of coroutines, begun in the order in which it
 * was added. Zero-initialised is ready; it holds nothing while there is nothing to do.
 */
#ifndef SOCKERLESS_LOOP_CO_QUEUE_H
#define SOCKERLESS_LOOP_CO_QUEUE_H

#include "base/error.h"
#include "loop/loop.h"

enum { CO_QUEUE_WORKERS = 256 }; /* at once; CO_MAX_LIVE leaves room for many such */

struct co_queue_work;

struct co_queue {
    struct co_queue_work *first, *last;
    unsigned workers;
};

/* fn(arg) will run in a coroutine, as co_spawn() would start it or later. It runs also when the
 * loop's coroutines are cancelled (co_cancelled() is true then), so that it can release arg. Fails
 * as co_spawn(), and only when no coroutine is at work for this queue. */
int co_queue_add(struct co_queue *q, struct loop *l, void (*fn)(void *arg), void *arg,
                 struct error *err) MUST_CHECK;

#endif
