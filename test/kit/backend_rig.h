/* SPDX-License-Identifier: Apache-2.0
 *
 * The one backend of a unit program, built by hand: with the parts that the test needs, and
 * fake_driver.h instead of a cloud. TEST_USING(backend_rig, …) has RIG_STORE.
 */
#ifndef SOCKERLESS_TEST_KIT_BACKEND_RIG_H
#define SOCKERLESS_TEST_KIT_BACKEND_RIG_H

#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "ipc/ws_listener.h"
#include "loop/co.h"
#include "oci/registry/registry.h"
#include "test/kit/fake_driver.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 };

enum backend_rig_part {
    RIG_STORE = 1,           /* rig.directory with the store, the images, and the real RPC server */
    RIG_CREDENTIALS = 2,     /* logins, in the store */
    RIG_REGISTRY = 4,        /* HTTP and registry clients, with rig.registry */
    RIG_TRANSFER = 8,        /* loads, imports, images with the agent */
    RIG_WATCHER = 16,        /* polls the state of runs */
    RIG_LOGS = 32,           /* the log hub */
    RIG_REVERSE_AGENTS = 64, /* agents dial rig.agents_url */
};

extern struct backend_rig {
    struct loop loop;
    struct backend backend;
    struct backend_config config;
    struct registry_options registry; /* set before backend_rig_add(RIG_REGISTRY) */
    struct rpc_client *client;
    char directory[64], url[128], agents_url[64];
    unsigned parts;
    uv_timer_t guard;
    bool guard_fired, agent_listened;
    /* the last answer; see ask.h */
    bool answered;
    Sockerless__Reply *reply;
    struct error err; /* code ERROR_NONE: it went well */
} rig;

void backend_rig_open(unsigned parts);
void backend_rig_add(unsigned parts); /* to an open one */
/* Waits until nothing is under way; what the backend calls may end after that. */
void backend_rig_settle(void);
void backend_rig_close(void);        /* settles; the directory goes, too */
int backend_rig_setup(void **state); /* RIG_STORE */
int backend_rig_teardown(void **state);

/* Ends everything that is under way, as the end of a daemon does. */
void backend_rig_cancel_all(void);

/* Forget what is in memory and load the store again. */
void backend_rig_reload_images(void);
void backend_rig_close_store(void);
void backend_rig_open_store(void);

/* Turns the loop until the condition holds; fails the test after PATIENCE_MS. */
#define run_until(condition)                                                                       \
    do {                                                                                           \
        backend_rig_guard(PATIENCE_MS);                                                            \
        while (!(condition) && !rig.guard_fired)                                                   \
            uv_run(&rig.loop.uv, UV_RUN_ONCE);                                                     \
        uv_timer_stop(&rig.guard);                                                                 \
        assert_true(condition);                                                                    \
    } while (0)

void backend_rig_guard(int64_t ms); /* sets guard_fired after that time */
void backend_rig_run_for(int64_t ms);

/* Agents listen here, at rig.config.agent_port. With the backend's own listener: nng's, which is
 * the agent's, waits for ever when it is closed during a handshake (the agent never closes it). */
struct ws_listener *backend_rig_agent_listen(void (*on_accept)(void *owner, struct channel *c));

/* ---- what it holds ---- */

struct rig_container {
    const char *name; /* NULL: "web" */
    const char *image_id;
    Sockerless__ContainerState state; /* RUNNING: with address, process and start time */
    bool auto_remove;
    const char *resource, *log_ref; /* of its run; NULL: it has none */
};
struct container *rig_container_add(struct rig_container c);

/* Up to the first NULL. */
struct rig_image {
    const char *id;
    const char *tags[4], *digests[4], *diffs[4];
    const char *label; /* color=… */
    int64_t created;
    const char *config, *manifest, *pull_reference;
    bool no_command; /* else "sh" */
};
void rig_image_put(const struct rig_image *image);
#define RIG_IMAGE(...) rig_image_put(&(struct rig_image){__VA_ARGS__})
/* Fails the test where there is none. */
const Sockerless__ImageRecord *rig_image(const char *reference);
void rig_image_expect(const char *reference, const char *id);

#endif
