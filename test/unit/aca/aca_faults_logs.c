/* SPDX-License-Identifier: Apache-2.0
 *
 * The Container Apps driver against the simulator: every fault at every call in turn that reads a
 * log, and at the one that every call needs, the login. Each time the log comes whole.
 */
#include "test/kit/aca_rig.h"

#include "base/timefmt.h"
#include "loop/co.h"

TEST_GROUP(aca_rig_setup, aca_rig_teardown);

static int co_read_line(struct sim_run *r, bool *found, struct error *err)
{
    struct log_page page = {0};
    const struct log_query query = {.workload = &r->w};
    arena_init(&page.arena);
    int rc = sim_rig.driver.logs->co_pages(sim_rig.driver.self, &query, 1, &page, err);
    for (size_t i = 0; rc == 0 && i < page.count; i++)
        *found |= strstr(page.events[i].text, "a line") != NULL;
    arena_fini(&page.arena);
    return rc;
}

static int co_use_log(struct sim_run *r, struct error *err)
{
    struct workload_status s;
    int64_t deadline_ms = time_mono_ms() + SIM_RIG_PATIENCE_MS;
    bool found = false;
    r->argv[3] = (char *)"echo a line";
    if (co_sim_run_finish(r, &s, err))
        return -1;
    while (!found) {
        if (co_read_line(r, &found, err))
            return -1;
        if (!found && (time_mono_ms() > deadline_ms || co_sleep(SIM_RIG_POLL_MS, err)))
            return error_set(err, ERROR_DEADLINE, "the line is not in the log");
    }
    return co_sim_run_remove(r, err);
}

TEST(logs_query)
{
    aca_rig_check_faults_in(co_use_log, "logs.query");
}

TEST(environments_get)
{
    aca_rig_check_faults_in(co_use_log, "arm.environments.get");
}

TEST(login)
{
    aca_rig_check_faults_in(co_use_log, "aad.token");
}
