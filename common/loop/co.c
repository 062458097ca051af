/* SPDX-License-Identifier: Apache-2.0
 *
 * Coroutines on ucontext: stacks with a guard page, pooled; one timer a coroutine for deadlines.
 * The loop's stack resumes a coroutine, the coroutine suspends back to it; coroutines never switch
 * to each other, so a wake-up from inside one is queued and run by the loop.
 */
#include "loop/co.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/co_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <utlist.h>

#if defined(__SANITIZE_ADDRESS__)
#define CO_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CO_ASAN 1
#endif
#endif
#ifdef CO_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif
#ifdef SOCKERLESS_VALGRIND
#include <valgrind/valgrind.h>
#endif

enum { CO_POOL_MAX = 64 };

struct co {
    struct co_scheduler *scheduler;
    struct co *next; /* in the ready queue or in the pool */
    struct co *live_next, *live_prev;
    unsigned char *stack; /* above the guard page */
    ucontext_t context;
    void (*fn)(void *arg);
    void *arg;
    uv_timer_t deadline;
    bool suspended;
    bool woken;  /* a wake that no suspend has taken yet */
    bool queued; /* is in the ready queue */
    bool cancelled;
    bool timed_out;
    bool finished;
#ifdef CO_ASAN
    void *fake_stack;
#endif
#ifdef __SANITIZE_THREAD__
    void *fiber; /* from its first turn to its last */
#endif
#ifdef SOCKERLESS_VALGRIND
    unsigned valgrind_id;
#endif
};

struct co_scheduler {
    struct loop *loop;
    ucontext_t main;
    struct co *running;
    struct co *ready_first, **ready_last;
    struct co *pool;
    unsigned pooled, live;
    struct co *live_first;
    bool cancelling; /* co_cancel_all() was called */
    uv_idle_t kick;  /* active while the ready queue is not empty: keeps the loop from sleeping */
    bool kick_open;
    size_t guard;
#ifdef CO_ASAN
    void *main_fake_stack;
    const void *main_bottom;
    size_t main_size;
#endif
#ifdef __SANITIZE_THREAD__
    void *main_fiber;
#endif
};

static struct co_scheduler *current_scheduler; /* one loop a process runs coroutines at a time */

static void drain_ready(struct co_scheduler *s);

static void on_kick(uv_idle_t *idle)
{
    drain_ready(idle->data);
}

static struct co_scheduler *scheduler_of(struct loop *l)
{
    if (l->co)
        return l->co;
    struct co_scheduler *s = NEW(struct co_scheduler);
    s->loop = l;
    s->ready_last = &s->ready_first;
    s->guard = (size_t)sysconf(_SC_PAGESIZE);
    uv_idle_init(&l->uv, &s->kick);
    s->kick.data = s;
    uv_unref((uv_handle_t *)&s->kick);
    s->kick_open = true;
    l->co = s;
    return s;
}

/* ---- stacks ---- */

static int stack_map(struct co *c, size_t guard, struct error *err)
{
    unsigned char *base = mmap(NULL, CO_STACK_SIZE + guard, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return error_errno(err, ERROR_UNAVAILABLE, errno, "no stack for another operation");
    if (mprotect(base, guard, PROT_NONE)) {
        int saved = errno;
        munmap(base, CO_STACK_SIZE + guard);
        return error_errno(err, ERROR_UNAVAILABLE, saved, "no guard page for another operation");
    }
    c->stack = base + guard;
#ifdef CO_ASAN
    __lsan_register_root_region(c->stack, CO_STACK_SIZE);
#endif
#ifdef SOCKERLESS_VALGRIND
    c->valgrind_id = VALGRIND_STACK_REGISTER(c->stack, c->stack + CO_STACK_SIZE);
#endif
    return 0;
}

static void co_free(struct co *c)
{
#ifdef CO_ASAN
    __lsan_unregister_root_region(c->stack, CO_STACK_SIZE);
#endif
#ifdef SOCKERLESS_VALGRIND
    VALGRIND_STACK_DEREGISTER(c->valgrind_id);
#endif
    munmap(c->stack - c->scheduler->guard, CO_STACK_SIZE + c->scheduler->guard);
    free(c);
}

/* The timer's close callback is the end of a coroutine object: back to the pool or freed. */
static void on_timer_closed(uv_handle_t *handle)
{
    struct co *c = CONTAINER_OF(handle, struct co, deadline);
    struct co_scheduler *s = c->scheduler;
    if (s->pooled >= CO_POOL_MAX) {
        co_free(c);
        return;
    }
    c->next = s->pool;
    s->pool = c;
    s->pooled++;
}

void co_scheduler_free(struct co_scheduler *s)
{
    if (!s)
        return;
    assert(s->live == 0);
    uv_close((uv_handle_t *)&s->kick, NULL);
    uv_run(&s->loop->uv, UV_RUN_DEFAULT);
    while (s->pool) {
        struct co *next = s->pool->next;
        co_free(s->pool);
        s->pool = next;
    }
    if (current_scheduler == s)
        current_scheduler = NULL;
    free(s);
}

/* ---- switching ---- */

static void switch_in(struct co *c)
{
    struct co_scheduler *s = c->scheduler;
    assert(!s->running);
    s->running = c;
    c->suspended = false;
    current_scheduler = s;
#ifdef CO_ASAN
    __sanitizer_start_switch_fiber(&s->main_fake_stack, c->stack, CO_STACK_SIZE);
#endif
#ifdef __SANITIZE_THREAD__
    s->main_fiber = __tsan_get_current_fiber();
    c->fiber = c->fiber ? c->fiber : __tsan_create_fiber(0);
    __tsan_switch_to_fiber(c->fiber, 0);
#endif
    swapcontext(&s->main, &c->context);
#ifdef CO_ASAN
    __sanitizer_finish_switch_fiber(s->main_fake_stack, NULL, NULL);
#endif
    s->running = NULL;
    if (c->finished) {
#ifdef __SANITIZE_THREAD__
        __tsan_destroy_fiber(c->fiber);
        c->fiber = NULL;
#endif
        s->live--;
        if (c->live_next)
            c->live_next->live_prev = c->live_prev;
        if (c->live_prev)
            c->live_prev->live_next = c->live_next;
        else
            s->live_first = c->live_next;
        uv_close((uv_handle_t *)&c->deadline, on_timer_closed);
    }
}

static void switch_out(struct co *c)
{
    struct co_scheduler *s = c->scheduler;
#ifdef CO_ASAN
    __sanitizer_start_switch_fiber(c->finished ? NULL : &c->fake_stack, s->main_bottom,
                                   s->main_size);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(s->main_fiber, 0);
#endif
    swapcontext(&c->context, &s->main);
#ifdef CO_ASAN
    __sanitizer_finish_switch_fiber(c->fake_stack, &s->main_bottom, &s->main_size);
#endif
}

static void co_entry(void)
{
    struct co *c = current_scheduler->running;
#ifdef CO_ASAN
    __sanitizer_finish_switch_fiber(NULL, &c->scheduler->main_bottom, &c->scheduler->main_size);
#endif
    c->fn(c->arg);
    c->finished = true;
    switch_out(c);
    abort(); /* a finished coroutine is never resumed */
}

static void make_ready(struct co *c)
{
    struct co_scheduler *s = c->scheduler;
    if (c->queued)
        return;
    c->queued = true;
    c->next = NULL;
    *s->ready_last = c;
    s->ready_last = &c->next;
    if (!uv_is_active((uv_handle_t *)&s->kick)) {
        uv_ref((uv_handle_t *)&s->kick);
        uv_idle_start(&s->kick, on_kick);
    }
}

/* One pass over what is ready now; what becomes ready meanwhile waits for the next turn. */
static void drain_ready(struct co_scheduler *s)
{
    struct co *c = s->ready_first;
    s->ready_first = NULL;
    s->ready_last = &s->ready_first;
    while (c) {
        struct co *next = c->next;
        c->queued = false;
        if (c->suspended)
            switch_in(c);
        c = next;
    }
    if (!s->ready_first) {
        uv_idle_stop(&s->kick);
        uv_unref((uv_handle_t *)&s->kick);
    }
}

/* Apart from co_spawn(): getcontext() returns twice for the compiler. */
static __attribute__((noinline)) void context_prepare(struct co *c)
{
    getcontext(&c->context);
    c->context.uc_stack.ss_sp = c->stack;
    c->context.uc_stack.ss_size = CO_STACK_SIZE;
    c->context.uc_link = NULL;
    makecontext(&c->context, co_entry, 0);
}

int co_spawn(struct loop *l, void (*fn)(void *arg), void *arg, struct error *err)
{
    struct co_scheduler *s = scheduler_of(l);
    if (s->live >= CO_MAX_LIVE)
        return error_set(err, ERROR_UNAVAILABLE,
                         "%d operations are under way already; try again later", CO_MAX_LIVE);
    struct co *c = s->pool;
    if (c) {
        s->pool = c->next;
        s->pooled--;
        unsigned char *stack = c->stack;
#ifdef SOCKERLESS_VALGRIND
        unsigned valgrind_id = c->valgrind_id;
        memset(c, 0, sizeof *c);
        c->valgrind_id = valgrind_id;
#else
        memset(c, 0, sizeof *c);
#endif
        c->stack = stack;
#ifdef CO_ASAN
        __asan_unpoison_memory_region(stack, CO_STACK_SIZE);
#endif
    } else {
        c = NEW(struct co);
        if (stack_map(c, s->guard, err)) {
            free(c);
            return -1;
        }
    }
    c->scheduler = s;
    c->fn = fn;
    c->arg = arg;
    uv_timer_init(&l->uv, &c->deadline);
    context_prepare(c);
    c->cancelled = s->cancelling;
    c->live_prev = NULL;
    c->live_next = s->live_first;
    if (c->live_next)
        c->live_next->live_prev = c;
    s->live_first = c;
    s->live++;
    if (s->running) { /* spawned by a coroutine: the loop starts it */
        c->suspended = true;
        make_ready(c);
    } else {
        switch_in(c);
    }
    return 0;
}

struct co *co_current(void)
{
    return current_scheduler ? current_scheduler->running : NULL;
}

unsigned co_live(const struct loop *l)
{
    return l->co ? l->co->live : 0;
}

/* ---- waiting ---- */

static void on_deadline(uv_timer_t *timer)
{
    struct co *c = CONTAINER_OF(timer, struct co, deadline);
    c->timed_out = true;
    make_ready(c);
}

static int arm_deadline(struct co *c, int64_t deadline_ms)
{
    if (deadline_ms == INT64_MAX)
        return 0;
    int64_t left = deadline_ms - time_mono_ms();
    if (left < 0)
        left = 0;
    uv_update_time(&c->scheduler->loop->uv);
    return uv_timer_start(&c->deadline, on_deadline, (uint64_t)left, 0);
}

int co_suspend(int64_t deadline_ms, struct error *err)
{
    struct co *c = co_current();
    assert(c && "co_suspend outside a coroutine");
    if (c->cancelled)
        return error_set(err, ERROR_CANCELLED, "the operation was cancelled");
    if (c->woken) {
        c->woken = false;
        return 0;
    }
    c->timed_out = false;
    if (arm_deadline(c, deadline_ms))
        return error_set(err, ERROR_SYSTEM, "cannot arm a timer");
    c->suspended = true;
    switch_out(c);
    uv_timer_stop(&c->deadline);
    bool woken = c->woken;
    c->woken = false;
    if (c->cancelled)
        return error_set(err, ERROR_CANCELLED, "the operation was cancelled");
    if (!woken && c->timed_out)
        return error_set(err, ERROR_DEADLINE, "timed out");
    return 0;
}

void co_wake(struct co *c)
{
    c->woken = true;
    if (c->suspended)
        make_ready(c);
}

void co_cancel(struct co *c)
{
    c->cancelled = true;
    if (c->suspended)
        make_ready(c);
}

void co_cancel_all(struct loop *l)
{
    struct co_scheduler *s = scheduler_of(l);
    s->cancelling = true;
    for (struct co *c = s->live_first; c; c = c->live_next)
        co_cancel(c);
}

bool co_cancelled(void)
{
    struct co *c = co_current();
    return c && c->cancelled;
}

int co_sleep(int64_t ms, struct error *err)
{
    int64_t deadline = time_mono_ms() + ms;
    do { /* a stray wake does not shorten a sleep */
        if (co_suspend(deadline, err) == 0)
            continue;
        return err->code == ERROR_DEADLINE ? 0 : -1;
    } while (time_mono_ms() < deadline);
    return 0;
}

struct co_waiter {
    struct co_waiter *next;
    struct co *co;
    bool fired;
};

/* Not inlined: gcc takes the list for a pointer that outlives the waiter's frame. It does not: a
 * waiter leaves the list before co_cond_wait() returns. */
static __attribute__((noinline)) void link_waiter(struct co_cond *cond, struct co_waiter *waiter)
{
    LL_PREPEND(cond->first, waiter);
}

int co_cond_wait(struct co_cond *cond, int64_t deadline_ms, struct error *err)
{
    struct co_waiter self = {.co = co_current()};
    link_waiter(cond, &self);
    while (!self.fired) {
        if (co_suspend(deadline_ms, err)) {
            if (!self.fired)
                LL_DELETE(cond->first, &self);
            return self.fired && err->code == ERROR_DEADLINE ? 0 : -1;
        }
    }
    return 0;
}

void co_cond_join(struct co_cond *cond)
{
    struct co *c = co_current();
    struct co_waiter self = {.co = c};
    link_waiter(cond, &self);
    while (!self.fired) {
        c->suspended = true;
        switch_out(c);
    }
    c->woken = false;
}

void co_cond_broadcast(struct co_cond *cond)
{
    struct co_waiter *waiters = cond->first, *waiter, *next;
    cond->first = NULL;
    LL_FOREACH_SAFE(waiters, waiter, next)
    {
        waiter->fired = true;
        co_wake(waiter->co);
    }
}
