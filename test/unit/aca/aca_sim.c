/* SPDX-License-Identifier: Apache-2.0
 *
 * The Container Apps driver against the simulator, where executions are containers that really run:
 * runs, their ends, refusals, tokens that expire. Afterwards nothing is left in Azure. Faults:
 * aca_faults_*.c.
 */
#include "test/kit/aca_rig.h"

TEST_GROUP(aca_rig_setup, aca_rig_teardown);

static int co_life(struct error *err)
{
    struct sim_run r;
    bool listed;
    aca_rig_run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_run_whole(&r, err));
    CHECK_OK(co_sim_run_remove(&r, err)); /* gone: as good */
    CHECK(co_sim_run_is_listed(&r, &listed, err) == 0 && !listed);
    aca_rig_run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_run_start(&r, err));
    CHECK_OK(co_sim_run_remove(&r, err)); /* while it starts */
    return co_sim_faults_await_nothing(err);
}
SCENARIO(life)

static int co_exit_code(struct error *err)
{
    struct sim_run r;
    struct workload_status s;
    aca_rig_run_init(&r, "exit 7");
    CHECK_OK(co_sim_run_finish(&r, &s, err));
    CHECK(s.has_exit_code && s.exit_code == 7);
    return co_sim_faults_end(&r, err);
}
SCENARIO(exit_code)

/* Versions of the API that do not tell the code. */
static int co_exit_code_of_an_old_version(struct error *err)
{
    struct sim_run good, bad;
    struct workload_status s;
    aca_rig_config.api_version = (char *)"2024-03-01";
    aca_rig_reopen();
    aca_rig_run_init(&bad, "exit 7");
    CHECK_OK(co_sim_run_finish(&bad, &s, err));
    CHECK(s.has_exit_code && s.exit_code == 1 && strstr(s.reason, "Failed"));
    aca_rig_run_init(&good, "true");
    CHECK_OK(co_sim_run_finish(&good, &s, err));
    CHECK(s.has_exit_code && s.exit_code == 0);
    CHECK_OK(co_sim_run_remove(&bad, err));
    aca_rig_config.api_version = (char *)"2026-07-01";
    aca_rig_reopen();
    return co_sim_faults_end(&good, err);
}
SCENARIO(exit_code_of_an_old_version)

static int co_refusals(struct error *err)
{
    static const struct sim_fault denied = {"access_denied", 0, 0, 1}, bad = {"error", 400, 0, 1};
    struct sim_run r;
    aca_rig_reopen();
    aca_rig_run_init(&r, "true");
    CHECK_OK(co_sim_rig_fault("arm.jobs.put", &denied, err));
    CHECK(co_sim_run_start(&r, err) == -1 && err->code == ERROR_FORBIDDEN);
    CHECK(strstr(err->message, "aca: put job: AuthorizationFailed") && !*r.w.resource);
    CHECK_OK(co_sim_run_remove(&r, err));
    aca_rig_run_init(&r, "true");
    CHECK_OK(co_sim_rig_fault("arm.jobs.start", &bad, err));
    CHECK(co_sim_run_start(&r, err) == -1 && err->code == ERROR_INVALID_PARAMETER);
    CHECK(strstr(err->message, SIM_FAULT_MESSAGE) && !*r.w.resource);
    return co_sim_faults_end(&r, err);
}
SCENARIO(refusals)

/* Every token that was given out so far becomes invalid while a container runs. */
static int co_token_expires(struct error *err)
{
    struct sim_run r;
    struct workload_status s;
    aca_rig_reopen();
    aca_rig_run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_run_start(&r, err));
    CHECK_OK(co_sim_rig_ask("DELETE", "/_sim/tokens", NULL, NULL, err));
    CHECK_OK(co_sim_run_await(&r, WORKLOAD_RUNNING, &s, err));
    return co_sim_faults_end(&r, err);
}
SCENARIO(token_expires)
