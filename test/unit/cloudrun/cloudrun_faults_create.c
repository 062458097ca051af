/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver against the simulator: every fault at every call in turn that makes a job.
 * Afterwards nothing is left in the cloud.
 */
#include "test/kit/cloudrun_rig.h"

TEST_GROUP(cloudrun_rig_setup, cloudrun_rig_teardown);

TEST(run_jobs_create)
{
    cloudrun_rig_check_faults("run.jobs.create");
}

TEST(run_operations_get)
{
    cloudrun_rig_check_faults("run.operations.get");
}

TEST(run_jobs_get)
{
    cloudrun_rig_check_faults("run.jobs.get");
}
