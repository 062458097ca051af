/* SPDX-License-Identifier: Apache-2.0
 *
 * The Container Apps driver against the simulator: every fault at every call in turn that starts
 * one. Afterwards nothing is left in Azure.
 */
#include "test/kit/aca_rig.h"

TEST_GROUP(aca_rig_setup, aca_rig_teardown);

TEST(executions_list)
{
    aca_rig_check_faults("arm.executions.list");
}

TEST(jobs_start)
{
    aca_rig_check_faults("arm.jobs.start");
}
