/* SPDX-License-Identifier: Apache-2.0
 *
 * The Container Apps driver against the simulator: every fault at every call in turn that watches
 * executions. Afterwards nothing is left in Azure.
 */
#include "test/kit/aca_rig.h"

TEST_GROUP(aca_rig_setup, aca_rig_teardown);

TEST(executions_get)
{
    aca_rig_check_faults("arm.executions.get");
}

TEST(jobs_list)
{
    aca_rig_check_faults("arm.jobs.list");
}
