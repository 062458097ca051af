/* SPDX-License-Identifier: Apache-2.0
 *
 * A driver against a scripted cloud (cloud_harness.h): one workload, and what its calls came to.
 */
#ifndef SOCKERLESS_TEST_KIT_DRIVER_RIG_H
#define SOCKERLESS_TEST_KIT_DRIVER_RIG_H

#include "cloud/driver.h"
#include "test/kit/cloud_harness.h"

extern struct driver_rig {
    struct cloud_driver driver;       /* opened by the test's setup */
    const struct workload_spec *spec; /* ditto */
    struct workload w;
    struct error err;
    int result; /* of the last call */
} driver_rig;

/* For harness_run and those below. */
void co_driver_rig_prepare(struct harness *h);
void co_driver_rig_run(struct harness *h);

/* Runs it; it succeeds, or fails with that code and a message that contains the text. */
void driver_rig_ok(struct harness *h, void (*co_body)(struct harness *h));
void driver_rig_error(struct harness *h, void (*co_body)(struct harness *h), enum error_code code,
                      const char *text);

#endif
