/* SPDX-License-Identifier: Apache-2.0
 *
 * Coroutines on the loop: multi-step operations that read top to bottom.
 *
 * Only functions named co_… may suspend, and only inside a coroutine. Every wait has a deadline.
 * Cancellation (co_cancel) makes the current and every later wait of that coroutine fail with
 * ERROR_CANCELLED; the function then unwinds by itself: a suspended stack is never destroyed.
 * Everything here is for the loop's thread.
 */
#ifndef SOCKERLESS_LOOP_CO_H
#define SOCKERLESS_LOOP_CO_H

#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum { CO_STACK_SIZE = 256 * 1024, CO_MAX_LIVE = 4096 };

struct co;

/* Start fn(arg) at once, on its own stack, until it first suspends. Fails with ERROR_UNAVAILABLE
 * when CO_MAX_LIVE are alive. */
int co_spawn(struct loop *l, void (*fn)(void *arg), void *arg, struct error *err) MUST_CHECK;

/* The running coroutine; NULL on the loop's own stack. */
struct co *co_current(void);
/* How many are alive, for limits and tests. */
unsigned co_live(const struct loop *l);

/* The bare pair under every wait: co_suspend() returns when co_wake() is called for this coroutine,
 * or on cancellation (then -1 and ERROR_CANCELLED), or at the deadline (monotonic ms of
 * time_mono_ms(), -1/ERROR_DEADLINE; INT64_MAX: none). A wake before the suspend is remembered. */
int co_suspend(int64_t deadline_ms, struct error *err) MUST_CHECK;
void co_wake(struct co *c);
void co_cancel(struct co *c);
bool co_cancelled(void);
/* Every coroutine alive, and those started from now on: the end of a daemon. */
void co_cancel_all(struct loop *l);

int co_sleep(int64_t ms, struct error *err) MUST_CHECK;

/* A condition: waiters sleep until it is broadcast. Embed it; zero-initialised is ready. The owner
 * must broadcast before it goes away, and waiters look everything up again after a wait. */
struct co_waiter;
struct co_cond {
    struct co_waiter *first;
};
int co_cond_wait(struct co_cond *cond, int64_t deadline_ms, struct error *err) MUST_CHECK;
void co_cond_broadcast(struct co_cond *cond);
/* The wait of whoever started threads or coroutines that use its own memory: cancellation does not
 * end it. Only for a broadcast that is sure to come soon, because those were told to end. */
void co_cond_join(struct co_cond *cond);

#endif
