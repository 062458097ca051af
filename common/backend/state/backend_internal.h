/* SPDX-License-Identifier: Apache-2.0
 *
 * The backend's one object: what every operation of common/backend reaches.
 */
#ifndef SOCKERLESS_BACKEND_BACKEND_INTERNAL_H
#define SOCKERLESS_BACKEND_BACKEND_INTERNAL_H

#include "backend/state/backend_config.h"
#include "cloud/driver.h"
#include "loop/http_client.h"
#include "backend/state/container.h"
#include "backend/state/image_store.h"
#include "backend/state/places.h"
#include "backend/state/store.h"
#include "ipc/rpc.h"
#include "loop/co_queue.h"

struct agent_redial;
struct exec;
struct log_hub;
struct watcher;
struct registry_client;
struct run_listener;
struct unsaved_end;
struct credential_store;
struct image_intake_pool;
struct image_injector;
struct staged_images;
struct reverse_agents;

struct backend {
    struct loop *loop;
    struct http_client *http;
    struct cloud_driver *driver;
    const struct backend_config *config;
    char instance[129];
    struct store *store;
    struct container_table containers;
    bool orphans_unclear; /* a damaged row hides which container it belongs to */
    const struct run_listener *run_listeners; /* a table; its last row is empty */
    struct image_store *images;
    struct registry_client *registry;
    struct credential_store *credentials;
    struct image_intake_pool *intakes; /* loads and imports under way */
    struct image_injector *injector;   /* images with the agent in them */
    struct staged_images *staged;      /* images made for the cloud to pull */
    struct places blob_copies;         /* from registry to registry */
    struct exec *execs;                /* uthash by id */
    struct watcher *watcher;
    struct log_hub *log_hub;
    size_t log_live_bytes;            /* that live logs keep */
    struct agent_redial *redial;      /* NULL while no agent is searched for */
    struct unsaved_end *unsaved_ends; /* of runs; list */
    bool saving_ends;                 /* a coroutine is at it */
    struct co_queue cleaning;         /* after runs */
    struct co_queue preparing;        /* behind creates and pulls */
    unsigned images_preparing;        /* … of them, behind pulls */
    struct co_queue resuming;         /* starts and removals that a restart has to finish */
    struct reverse_agents *reverse;   /* NULL: the agents are dialled */
    struct rpc_server *server;
    uv_signal_t sigterm, sigint;
    uv_timer_t patience; /* bounds the orderly end */
    bool stopping;
    struct co *maintenance; /* its coroutine, NULL when not running */
    int64_t maintain_at_ms;
};

#endif
