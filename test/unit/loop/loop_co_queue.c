/* SPDX-License-Identifier: Apache-2.0
 * Unit tests of the queue for background work: order, the bound, cancellation. */
#include "base/alloc.h"
#include "loop/co.h"
#include "loop/co_queue.h"
#include "test/kit/test.h"

#include <string.h>

enum { WORKS = 2000 };

static struct loop loop;
static struct error err; /* of the last call */
static struct co_queue queue;
static unsigned begun, ended, cancelled, live_max;
static unsigned order[WORKS]; /* number of the work that began as the n-th */

static int fixture_setup(void **state __attribute__((unused)))
{
    memset(&queue, 0, sizeof queue);
    begun = ended = cancelled = live_max = 0;
    return loop_init(&loop, &err);
}

static int fixture_teardown(void **state __attribute__((unused)))
{
    loop_fini(&loop);
    return 0;
}

static void run(void)
{
    while (co_live(&loop))
        uv_run(&loop.uv, UV_RUN_ONCE);
}

static void co_one(void *arg)
{
    unsigned *number = arg;
    order[begun++] = *number;
    free(number);
    if (co_live(&loop) > live_max)
        live_max = co_live(&loop);
    if (co_sleep(1, &err))
        cancelled++;
    ended++;
}

static void add_all(void)
{
    for (unsigned i = 0; i < WORKS; i++) {
        unsigned *number = NEW(unsigned);
        *number = i;
        assert_int_equal(co_queue_add(&queue, &loop, co_one, number, &err), 0);
    }
}

TEST_USING(fixture, in_order_and_bounded)
{
    add_all();
    run();
    assert_int_equal(ended, WORKS);
    for (unsigned i = 0; i < WORKS; i++)
        assert_int_equal(order[i], i);
    assert_int_equal(live_max, CO_QUEUE_WORKERS);
    assert_int_equal(co_live(&loop), 0);
    assert_int_equal(queue.workers, 0);
}

TEST_USING(fixture, works_again_after_a_pause)
{
    add_all();
    run();
    begun = ended = 0;
    add_all();
    run();
    assert_int_equal(ended, WORKS);
}

/* Whatever was added is begun, so that nothing leaks. */
TEST_USING(fixture, cancelled_work_is_begun)
{
    add_all();
    assert_int_equal(begun, CO_QUEUE_WORKERS);
    co_cancel_all(&loop);
    run();
    assert_int_equal(ended, WORKS);
    assert_int_equal(cancelled, WORKS);
}

static void co_forever(void *arg __attribute__((unused)))
{
    while (co_sleep(60000, &err) == 0)
        ;
}

TEST_USING(fixture, refused_when_nobody_can_work)
{
    unsigned *number = NEW(unsigned);
    for (unsigned i = 0; i < CO_MAX_LIVE; i++)
        assert_int_equal(co_spawn(&loop, co_forever, NULL, &err), 0);
    assert_int_equal(co_queue_add(&queue, &loop, co_one, number, &err), -1);
    assert_int_equal(err.code, ERROR_UNAVAILABLE);
    assert_null(queue.first);
    free(number);
    co_cancel_all(&loop);
    run();
    assert_int_equal(begun, 0);
}
