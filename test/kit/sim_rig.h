/* SPDX-License-Identifier: Apache-2.0
 *
 * A driver against its simulator: the simulator with its administration requests, a loop, and
 * scenarios that are coroutines.
 */
#ifndef SOCKERLESS_TEST_KIT_SIM_RIG_H
#define SOCKERLESS_TEST_KIT_SIM_RIG_H

#include "base/error.h"
#include "cloud/driver.h"
#include "test/kit/sim_kit.h"
#include "test/kit/test.h"

#include <jansson.h>
#include <string.h>

enum { SIM_RIG_PATIENCE_MS = 30000, SIM_RIG_POLL_MS = 25 };

struct sim_rig {
    struct kit_sim sim; /* port 0: this machine has none, and tests are skipped */
    char url[64];
    struct loop loop;
    struct http_client *http;
    struct cloud_driver driver; /* opened by the test's setup */
    char problem[2048];         /* why the scenario has failed */
};
extern struct sim_rig sim_rig;

/* In coroutines nothing may jump out: a failed check notes itself and returns. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            snprintf(sim_rig.problem, sizeof sim_rig.problem, "%s:%d: %s: %.1000s", __FILE__,      \
                     __LINE__, #condition, err->message);                                          \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)
#define CHECK_OK(call) CHECK((call) == 0)

/* Starts NAME ($VARIABLE: its path). -1: it failed; see sim_rig.sim.port. */
int sim_rig_open(const char *variable, const char *name);
int sim_rig_close(void); /* the driver, too */

/* ---- administration ---- */

/* `reply` may be NULL; else a new reference. */
int co_sim_rig_ask(const char *method, const char *path, const char *body, json_t **reply,
                   struct error *err) MUST_CHECK;
int co_sim_rig_set(const char *settings, struct error *err) MUST_CHECK;
/* The same outside of coroutines. */
int sim_rig_set(const char *settings);

struct sim_fault {
    const char *kind;
    int status, latency_ms, count; /* status 0: the kind's own; count 0: once */
};

/* Of a fault with a status. */
#define SIM_FAULT_MESSAGE "the service's own words"

int co_sim_rig_fault(const char *operation, const struct sim_fault *f,
                     struct error *err) MUST_CHECK;
int co_sim_rig_heal(struct error *err) MUST_CHECK; /* no fault is left */

/* ---- scenarios ---- */

void sim_rig_scenario(int (*co_fn)(struct error *err));

/* A test of the coroutine co_NAME. */
#define SCENARIO(name)                                                                             \
    TEST(name)                                                                                     \
    {                                                                                              \
        sim_rig_scenario(co_##name);                                                               \
    }

#endif
