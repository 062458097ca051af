/* SPDX-License-Identifier: Apache-2.0
 * A driver against a scripted cloud; see driver_rig.h. */
#include "test/kit/driver_rig.h"

#include "test/kit/test.h"

struct driver_rig driver_rig;
static struct driver_rig *const d = &driver_rig;

void co_driver_rig_prepare(struct harness *h)
{
    (void)h;
    d->result = d->driver.workload->co_prepare(d->driver.self, d->spec, &d->w, &d->err);
}

void co_driver_rig_run(struct harness *h)
{
    (void)h;
    d->result = d->driver.workload->co_run(d->driver.self, d->spec, &d->w, &d->err);
}

void driver_rig_ok(struct harness *h, void (*co_body)(struct harness *h))
{
    harness_run(h, co_body);
    if (d->result)
        fail_msg("%s", d->err.message);
}

void driver_rig_error(struct harness *h, void (*co_body)(struct harness *h), enum error_code code,
                      const char *text)
{
    harness_run(h, co_body);
    assert_int_equal(d->result, -1);
    if (d->err.code != code || !strstr(d->err.message, text))
        fail_msg("%s: %s", error_code_name(d->err.code), d->err.message);
}
