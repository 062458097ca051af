/* SPDX-License-Identifier: Apache-2.0
 * What a cloud does not have; see driver_group.h. */
#include "backend/state/driver_group.h"

#include "cloud/driver.h"

int driver_group_check(const struct cloud_driver *driver, bool there, const char *need,
                       struct error *err)
{
    if (there)
        return 0;
    return error_set(err, ERROR_NOT_IMPLEMENTED, "%s, which the backend %s does not have", need,
                     driver->name);
}
