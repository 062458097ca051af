/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver against the simulator: every fault at every call in turn that ends and
 * removes a run, or renews the token. Afterwards nothing is left in the cloud.
 */
#include "test/kit/cloudrun_rig.h"

TEST_GROUP(cloudrun_rig_setup, cloudrun_rig_teardown);

TEST(run_executions_cancel)
{
    cloudrun_rig_check_faults("run.executions.cancel");
}

TEST(run_jobs_delete)
{
    cloudrun_rig_check_faults("run.jobs.delete");
}

TEST(oauth_token)
{
    cloudrun_rig_check_faults("oauth.token");
}
