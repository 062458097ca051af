/* SPDX-License-Identifier: Apache-2.0
 *
 * The control session with an agent: lost and found again, and one run's search does not meddle
 * with the next run's session.
 */
#include "test/kit/backend_log_fake.h"

#include "base/log.h"
#include "test/kit/test.h"

static void agent_goes(void)
{
    channel_listener_close(STEAL(fake.agent_listener));
    if (fake.agent)
        channel_abort(fake.agent);
}

/* The search has failed at least once, and pauses. */
static void until_search_pauses(const struct container *c)
{
    run_until(!c->link && !fake.agent);
    for (int i = 0; i < 3; i++)
        uv_run(&fake.loop.uv, UV_RUN_NOWAIT);
    run_until(!c->link);
}

TEST_USING(fake, lost_and_found)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake_connect_agent(c);
    agent_goes();
    until_search_pauses(c);
    assert_false(agent_link_ready(c));
    agent_listen();
    run_until(agent_link_ready(c));
    run_until(co_live(&fake.loop) == 0);
    assert_int_equal(fake.agent_sessions, 2);
}

TEST_USING(fake, search_ends_with_its_run)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake_connect_agent(c);
    agent_goes();
    until_search_pauses(c);
    container_run_begin(c);
    strcpy(c->address, "127.0.0.1");
    agent_listen();
    fake_connect_agent(c);
    const struct agent_link *link = c->link;
    run_until(co_live(&fake.loop) == 0);
    assert_ptr_equal(c->link, link);
    assert_true(agent_link_ready(c));
    assert_int_equal(fake.agent_sessions, 2);
}
