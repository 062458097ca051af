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

struct exec;
struct log_hub;
struct watcher;
struct registry_client;
struct credential_store;
struct image_intake_pool;
struct image_injector;
struct reverse_agents;

struct backend {
    struct loop *loop;
    struct http_client *http;
    struct cloud_driver *driver;
    const struct backend_config *config;
    char instance[129];
    struct store *store;
    struct container_table containers;
    struct image_store *images;
    struct registry_client *registry;
    struct credential_store *credentials;
    struct image_intake_pool *intakes; /* loads and imports under way */
    struct image_injector *injector;   /* images with the agent in them */
    struct places blob_copies;         /* from registry to registry */
    struct exec *execs;                /* uthash by id */
    struct watcher *watcher;
    struct log_hub *log_hub;
    struct reverse_agents *reverse; /* NULL: the agents are dialled */
    struct rpc_server *server;
    uv_signal_t sigterm, sigint;
    uv_timer_t patience; /* bounds the orderly end */
    bool stopping;
    struct co *maintenance; /* its coroutine, NULL when not running */
    int64_t maintain_at_ms;
};

/* ---- one unary operation under way ---- */
struct op {
    struct backend *backend;
    struct rpc_call *call;
    const Sockerless__Request *request;
    struct arena *arena; /* of the call */
};

/* End of an operation: exactly one of these. */
void op_reply(struct op *op, Sockerless__Reply *reply);
void op_reply_empty(struct op *op);
void op_fail(struct op *op, const struct error *err);

/* Operations by file; co_ ones run in a coroutine of their own. */
void op_info(struct op *op);
void op_container_create(struct op *op);
void op_container_inspect(struct op *op);
void op_container_list(struct op *op);
void co_op_container_start(struct op *op);
void co_op_container_stop(struct op *op);
void co_op_container_kill(struct op *op);
void co_op_container_remove(struct op *op);
void op_container_resize(struct op *op);
void op_exec_create(struct op *op);
void op_exec_inspect(struct op *op);
void op_exec_resize(struct op *op);
void op_image_list(struct op *op);
void op_image_inspect(struct op *op);
void op_image_history(struct op *op);
void op_image_tag(struct op *op);
void op_image_remove(struct op *op);
void op_image_prune(struct op *op);
void co_op_distribution(struct op *op);
void co_op_auth(struct op *op);

/* Sessions by file: each owns the channel from here on (channel_start or channel_fail before it
 * returns); open is borrowed for the call. */
void session_attach_open(struct backend *b, struct channel *c, const Sockerless__AttachOpen *open);
void session_exec_open(struct backend *b, struct channel *c, const Sockerless__ExecStartOpen *open);
void session_logs_open(struct backend *b, struct channel *c, const Sockerless__LogsOpen *open);
void session_wait_open(struct backend *b, struct channel *c, const Sockerless__WaitOpen *open);
void session_pull_open(struct backend *b, struct channel *c, const Sockerless__ImagePullOpen *open);
void session_load_open(struct backend *b, struct channel *c, const Sockerless__ImageLoadOpen *open);
void session_import_open(struct backend *b, struct channel *c,
                         const Sockerless__ImageImportOpen *open);
void session_push_open(struct backend *b, struct channel *c, const Sockerless__ImagePushOpen *open);
void session_save_open(struct backend *b, struct channel *c, const Sockerless__ImageSaveOpen *open);

#endif
