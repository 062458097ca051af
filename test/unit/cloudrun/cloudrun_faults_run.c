/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver against the simulator: every fault at every call in turn that starts an
 * execution. Afterwards nothing is left in the cloud.
 */
#include "test/kit/cloudrun_rig.h"

TEST_GROUP(cloudrun_rig_setup, cloudrun_rig_teardown);

TEST(run_jobs_run)
{
    cloudrun_rig_check_faults("run.jobs.run");
}
