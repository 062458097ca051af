/* SPDX-License-Identifier: Apache-2.0
 * Unit tests of coroutines: order, deadlines, cancellation, conditions, limits, reuse. */
#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "test/kit/test.h"
#include <string.h>

static struct loop loop;
static struct error err; /* of the last call */
static char trace[256];

static void note(const char *text)
{
    strcat(trace, text);
}

static int fixture_setup(void **state __attribute__((unused)))
{
    trace[0] = '\0';
    return loop_init(&loop, &err);
}

static int fixture_teardown(void **state __attribute__((unused)))
{
    loop_fini(&loop);
    return 0;
}

static void spawn(void (*fn)(void *), void *arg)
{
    assert_int_equal(co_spawn(&loop, fn, arg, &err), 0);
}

static void run(void)
{
    uv_run(&loop.uv, UV_RUN_DEFAULT);
}

static void stop_when_idle(void)
{
    if (co_live(&loop) == 1)
        loop_stop(&loop);
}

static void co_sleeper(void *arg)
{
    const char *name = arg;
    note(name);
    assert_int_equal(co_sleep(name[0] == 'a' ? 30 : 5, &err), 0);
    note(name);
    stop_when_idle();
}

TEST_USING(fixture, sleep_order)
{
    spawn(co_sleeper, "a");
    spawn(co_sleeper, "b");
    note("|");
    run();
    assert_string_equal(trace, "ab|ba");
}

static struct co_cond cond;
static int woken;

static void co_waits(void *arg __attribute__((unused)))
{
    assert_int_equal(co_cond_wait(&cond, INT64_MAX, &err), 0);
    woken++;
    stop_when_idle();
}

static void co_broadcasts(void *arg __attribute__((unused)))
{
    assert_int_equal(co_sleep(1, &err), 0);
    co_cond_broadcast(&cond);
    stop_when_idle();
}

TEST_USING(fixture, broadcast_wakes_all)
{
    woken = 0;
    for (int i = 0; i < 100; i++)
        spawn(co_waits, NULL);
    spawn(co_broadcasts, NULL);
    run();
    assert_int_equal(woken, 100);
}

static void co_times_out(void *arg __attribute__((unused)))
{
    int64_t before = time_mono_ms();
    assert_int_equal(co_cond_wait(&cond, before + 20, &err), -1);
    assert_int_equal(err.code, ERROR_DEADLINE);
    assert_true(time_mono_ms() >= before + 20);
    assert_null(cond.first); /* not left on the list */
    loop_stop(&loop);
}

TEST_USING(fixture, deadline)
{
    spawn(co_times_out, NULL);
    run();
}

static struct co *victim;

static void co_is_cancelled(void *arg __attribute__((unused)))
{
    victim = co_current();
    assert_int_equal(co_sleep(60000, &err), -1);
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_int_equal(co_sleep(1, &err), -1); /* and every later wait */
    assert_true(co_cancelled());
    loop_stop(&loop);
}

TEST_USING(fixture, cancel)
{
    spawn(co_is_cancelled, NULL);
    co_cancel(victim);
    run();
}

static void co_joins(void *arg __attribute__((unused)))
{
    victim = co_current();
    note("(");
    co_cond_join(&cond);
    note(")");
    assert_int_equal(co_sleep(1, &err), -1); /* the cancellation is still known */
    stop_when_idle();
}

/* Neither a cancellation nor a stray wake ends a join; its broadcast does. */
TEST_USING(fixture, join)
{
    spawn(co_joins, NULL);
    co_cancel(victim);
    co_wake(victim);
    for (int i = 0; i < 3; i++)
        uv_run(&loop.uv, UV_RUN_NOWAIT);
    assert_string_equal(trace, "(");
    spawn(co_broadcasts, NULL);
    run();
    assert_string_equal(trace, "()");
}

static void co_wakes_itself(void *arg __attribute__((unused)))
{
    co_wake(co_current()); /* before the suspend: remembered */
    assert_int_equal(co_suspend(INT64_MAX, &err), 0);
    loop_stop(&loop);
}

TEST_USING(fixture, early_wake)
{
    spawn(co_wakes_itself, NULL);
    run();
}

TEST_USING(fixture, limit)
{
    for (int i = 0; i < CO_MAX_LIVE; i++)
        spawn(co_waits, NULL);
    assert_int_equal(co_spawn(&loop, co_waits, NULL, &err), -1);
    assert_int_equal(err.code, ERROR_UNAVAILABLE);
    co_cond_broadcast(&cond);
    run();
    assert_int_equal(co_live(&loop), 0);
    spawn(co_wakes_itself, NULL); /* there is room again */
    run();
}

static void co_child(void *arg __attribute__((unused)))
{
    note("c");
    loop_stop(&loop);
}

static void co_parent(void *arg __attribute__((unused)))
{
    spawn(co_child, NULL);
    note("p"); /* a coroutine started by one runs after it */
}

TEST_USING(fixture, nested_spawn)
{
    spawn(co_parent, NULL);
    run();
    assert_string_equal(trace, "pc");
}
