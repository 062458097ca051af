/* SPDX-License-Identifier: Apache-2.0
 *
 * The Container Apps driver against the simulator: every fault at every call in turn that links the
 * file share with the agent; and every call of all refused: the failure has Azure's own words.
 * Afterwards nothing is left in Azure.
 */
#include "test/kit/aca_rig.h"

#include <stdlib.h>
#include <sys/stat.h>

TEST_GROUP(aca_rig_setup, aca_rig_teardown);

#define SHARE "sockerless"

/* A share whose agent starts its arguments. */
static int write_agent(void)
{
    static const char script[] = "#!/bin/sh\nshift\nexec \"$@\"\n";
    AUTO_FREE char *account = xasprintf("%s/files/sockerlesssim", sim_rig.sim.state_dir);
    AUTO_FREE char *share = xasprintf("%s/" SHARE, account);
    AUTO_FREE char *path = xasprintf("%s/sockerless-agent", share);
    (void)mkdir(account, 0755);
    (void)mkdir(share, 0755);
    FILE *f = fopen(path, "w");
    if (!f)
        return -1;
    fputs(script, f);
    fclose(f);
    return chmod(path, 0755);
}

static void use_share(void)
{
    struct error err;
    assert_int_equal(write_agent(), 0);
    aca_rig_config.storage_account = (char *)"sockerlesssim";
    aca_rig_config.agent_injection = (char *)"azure_files";
    assert_int_equal(aca_config_finish(&aca_rig_config, "linux/amd64", &err), 0);
}

static int co_use_share(struct sim_run *r, struct error *err)
{
    r->spec.agent_in_image = false;
    return co_sim_run_whole(r, err);
}

TEST(storage_accounts_list_keys)
{
    if (sim_rig.sim.port)
        use_share();
    aca_rig_check_faults_in(co_use_share, "arm.storageAccounts.listKeys");
}

TEST(storages_put)
{
    if (sim_rig.sim.port)
        use_share();
    aca_rig_check_faults_in(co_use_share, "arm.storages.put");
}

/* ---- refusals ---- */

static int co_read_log(struct sim_run *r, struct error *err)
{
    struct log_page page = {0};
    const struct log_query query = {.workload = &r->w};
    arena_init(&page.arena);
    int rc = sim_rig.driver.logs->co_pages(sim_rig.driver.self, &query, 1, &page, err);
    arena_fini(&page.arena);
    return rc;
}

static int co_use_all(struct sim_run *r, struct error *err)
{
    struct workload_status s;
    r->spec.agent_in_image = false;
    if (co_sim_run_start(r, err) || co_sim_run_await(r, WORKLOAD_RUNNING, &s, err) ||
        co_read_log(r, err))
        return -1;
    return co_sim_run_stop(r, err) || co_sim_run_remove(r, err) ? -1 : 0;
}

static int co_check_refused(const char *operation, const char *words, struct error *err)
{
    static const struct sim_fault refused = {"error", 403, 0, 1000};
    struct sim_run r;
    aca_rig_reopen();
    aca_rig_run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_rig_fault(operation, &refused, err));
    CHECK(co_use_all(&r, err) == -1 && strstr(err->message, SIM_FAULT_MESSAGE));
    CHECK(strstr(err->message, words) && err->code == ERROR_FORBIDDEN);
    CHECK_OK(co_sim_rig_heal(err));
    return co_sim_faults_end(&r, err);
}

static int co_every_call_refused(struct error *err)
{
    static const struct {
        const char *operation, *words;
    } calls[] = {
        {"aad.token", "Azure credentials from environment"},
        {"arm.storageAccounts.listKeys", "storage: list account keys"},
        {"arm.storages.put", "aca: put environment storage"},
        {"arm.jobs.put", "aca: put job"},
        {"arm.operations.status", "aca: put job"},
        {"arm.executions.list", "aca: list executions"},
        {"arm.jobs.start", "aca: start job"},
        {"arm.executions.get", "aca: get execution"},
        {"arm.environments.get", "aca: get environment"},
        {"logs.query", "log analytics: query"},
        {"arm.executions.stop", "aca: stop execution"},
        {"arm.jobs.delete", "aca: delete job"},
    };
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (co_check_refused(calls[i].operation, calls[i].words, err)) {
            print_error("%s\n", calls[i].operation);
            return -1;
        }
    return 0;
}

TEST(every_call_refused)
{
    if (sim_rig.sim.port)
        use_share();
    sim_rig_scenario(co_every_call_refused);
}
