/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend that is started again over a store with more containers than there can be coroutines:
 * each one is picked up, a bounded number at a time.
 */
#include "test/kit/ask.h"

#include "backend/daemon/reconcile.h"
#include "test/kit/test.h"

enum { ROWS = 5000, LIVE_MAX = 1024 };

static struct {
    unsigned described, deleted;
    unsigned live_max;
    bool seen[ROWS]; /* by the number in the resource */
} cloud;

static unsigned number_of(const struct workload *w)
{
    unsigned n = (unsigned)atoi(w->resource + strlen("task-"));
    assert_true(n < ROWS);
    return n;
}

static void note(const struct workload *w, unsigned *count)
{
    unsigned n = number_of(w), live = co_live(&rig.loop);
    if (!cloud.seen[n])
        (*count)++;
    cloud.seen[n] = true;
    if (live > cloud.live_max)
        cloud.live_max = live;
}

static void describe(const struct workload *w, struct workload_status *out)
{
    strcpy(out->address, "127.0.0.1");
    note(w, &cloud.described);
}

static int co_remove_run(const struct workload *w, struct error *err)
{
    if (co_sleep(1, err))
        return -1;
    note(w, &cloud.deleted);
    return 0;
}

static void open_rig(void)
{
    backend_rig_open(RIG_STORE);
    memset(&cloud, 0, sizeof cloud);
    fake_driver_has_addresses(60000);
    fake_driver.describe = describe;
    fake_driver.co_remove_run = co_remove_run;
    rig.config.agent_port = 1; /* nothing listens there */
    rig.config.start_timeout_s = 60;
    backend_rig_add(RIG_WATCHER); /* reads how many may be described at once */
}

static void close_rig(void)
{
    backend_rig_cancel_all();
    backend_rig_close();
}

TEST_RIG(fixture, open_rig(), close_rig());

/* A start over the rows that an earlier process has left. */
static void restart_with(Sockerless__ContainerState state, bool auto_remove)
{
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    struct error err;
    host.auto_remove = auto_remove;
    for (unsigned i = 0; i < ROWS; i++) {
        Sockerless__Container view = SOCKERLESS__CONTAINER__INIT;
        Sockerless__ContainerRecord rec = SOCKERLESS__CONTAINER_RECORD__INIT;
        Sockerless__WorkloadRecord run = SOCKERLESS__WORKLOAD_RECORD__INIT;
        char id[ID_HEX_LEN + 1], name[32], resource[32];
        id_new(id);
        snprintf(name, sizeof name, "c%u", i);
        snprintf(resource, sizeof resource, "task-%u", i);
        view.id = id;
        view.name = name;
        view.state = state;
        view.config = &config;
        view.host = &host;
        view.ip_address = (char *)"127.0.0.1";
        view.started_at = 1;
        run.definition = run.resource = run.log_ref = resource;
        rec.container = &view;
        rec.current = &run;
        assert_int_equal(store_container_put(rig.backend.store, &rec, &err), 0);
    }
    assert_int_equal(reconcile_load(&rig.backend, &err), 0);
    assert_int_equal(rig.backend.containers.count, ROWS);
    reconcile_start(&rig.backend);
}

static unsigned in_state(Sockerless__ContainerState state)
{
    return rig.backend.containers.state_counts[state];
}

TEST_USING(fixture, all_running_are_watched)
{
    restart_with(SOCKERLESS__CONTAINER_STATE__RUNNING, false);
    run_until(cloud.described == ROWS);
    for (const struct container *c = rig.backend.containers.newest; c; c = c->older)
        assert_true(c->active);
    assert_in_range(cloud.live_max, 1, LIVE_MAX);
}

TEST_USING(fixture, all_starts_are_finished)
{
    restart_with(SOCKERLESS__CONTAINER_STATE__STARTING, false);
    run_until(in_state(SOCKERLESS__CONTAINER_STATE__RUNNING) == ROWS);
    assert_int_equal(cloud.described, ROWS);
    assert_in_range(cloud.live_max, 1, LIVE_MAX);
}

TEST_USING(fixture, all_ended_are_cleaned)
{
    restart_with(SOCKERLESS__CONTAINER_STATE__EXITED, false);
    run_until(cloud.deleted == ROWS && co_live(&rig.loop) == 1); /* the watcher */
    for (const struct container *c = rig.backend.containers.newest; c; c = c->older)
        assert_true(c->run_deleted);
    assert_in_range(cloud.live_max, 1, LIVE_MAX);
}

TEST_USING(fixture, all_removals_are_finished)
{
    restart_with(SOCKERLESS__CONTAINER_STATE__REMOVING, false);
    run_until(rig.backend.containers.count == 0);
    assert_int_equal(cloud.deleted, ROWS);
    assert_in_range(cloud.live_max, 1, LIVE_MAX);
}

TEST_USING(fixture, all_ended_are_removed)
{
    restart_with(SOCKERLESS__CONTAINER_STATE__EXITED, true);
    run_until(rig.backend.containers.count == 0 && cloud.deleted == ROWS);
    assert_in_range(cloud.live_max, 1, LIVE_MAX);
}
