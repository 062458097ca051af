/* SPDX-License-Identifier: Apache-2.0
 *
 * The control session with an agent: lost and found again, and one run's search does not meddle
 * with the next run's session.
 */
#include "test/kit/log_rig.h"

#include "backend/agent/agent_link.h"
#include "test/kit/test.h"

static void agent_goes(void)
{
    ws_listener_close(STEAL(log_rig.agent_listener));
    if (log_rig.agent)
        channel_abort(log_rig.agent);
}

/* The search has failed at least once, and pauses. */
static void until_search_pauses(const struct container *c)
{
    run_until(!c->link && !log_rig.agent);
    for (int i = 0; i < 3; i++)
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);
    run_until(!c->link);
}

TEST_USING(log_rig, lost_and_found)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    log_rig_connect_agent(c);
    agent_goes();
    until_search_pauses(c);
    assert_false(agent_link_ready(c));
    log_rig_agent_listen();
    run_until(agent_link_ready(c));
    run_until(co_live(&rig.loop) == 0);
    assert_int_equal(log_rig.agent_sessions, 2);
}

TEST_USING(log_rig, search_ends_with_its_run)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    log_rig_connect_agent(c);
    agent_goes();
    until_search_pauses(c);
    container_run_begin(c);
    strcpy(c->address, "127.0.0.1");
    log_rig_agent_listen();
    log_rig_connect_agent(c);
    const struct agent_link *link = c->link;
    run_until(co_live(&rig.loop) == 0);
    assert_ptr_equal(c->link, link);
    assert_true(agent_link_ready(c));
    assert_int_equal(log_rig.agent_sessions, 2);
}
