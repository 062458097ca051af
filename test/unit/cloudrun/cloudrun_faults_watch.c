/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver against the simulator: every fault at every call in turn that watches
 * executions. Afterwards nothing is left in the cloud.
 */
#include "test/kit/cloudrun_rig.h"

TEST_GROUP(cloudrun_rig_setup, cloudrun_rig_teardown);

TEST(run_executions_get)
{
    cloudrun_rig_check_faults("run.executions.get");
}

TEST(run_tasks_list)
{
    cloudrun_rig_check_faults("run.tasks.list");
}

TEST(run_jobs_list)
{
    cloudrun_rig_check_faults("run.jobs.list");
}
