/* SPDX-License-Identifier: Apache-2.0
 *
 * The Container Apps driver against the simulator: every fault at every call in turn that makes a
 * job. Afterwards nothing is left in Azure.
 */
#include "test/kit/aca_rig.h"

TEST_GROUP(aca_rig_setup, aca_rig_teardown);

TEST(jobs_put)
{
    aca_rig_check_faults("arm.jobs.put");
}

TEST(operations_status)
{
    aca_rig_check_faults("arm.operations.status");
}
