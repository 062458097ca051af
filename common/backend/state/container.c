/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers: the object, its record, its state machine; see container.h. The table of all is in
 * container_table.c.
 */
#include "backend/state/container.h"

#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- state machine ---- */

#define BIT(state) (1u << SOCKERLESS__CONTAINER_STATE__##state)

/* From each state: where it may go. starting → created is an undone first start. What is alive is
 * ended before it is removed. */
static const unsigned transitions[] = {
    [SOCKERLESS__CONTAINER_STATE__CREATED] = BIT(STARTING) | BIT(REMOVING),
    [SOCKERLESS__CONTAINER_STATE__STARTING] =
        BIT(RUNNING) | BIT(CREATED) | BIT(EXITED) | BIT(STOPPING),
    [SOCKERLESS__CONTAINER_STATE__RUNNING] = BIT(PAUSED) | BIT(STOPPING) | BIT(EXITED),
    [SOCKERLESS__CONTAINER_STATE__PAUSED] = BIT(RUNNING) | BIT(STOPPING) | BIT(EXITED),
    [SOCKERLESS__CONTAINER_STATE__STOPPING] = BIT(EXITED) | BIT(RUNNING),
    [SOCKERLESS__CONTAINER_STATE__EXITED] = BIT(STARTING) | BIT(REMOVING),
    /* a removal that the cloud refused is taken back */
    [SOCKERLESS__CONTAINER_STATE__REMOVING] = BIT(EXITED) | BIT(CREATED) | BIT(DEAD),
    [SOCKERLESS__CONTAINER_STATE__DEAD] = BIT(REMOVING),
};

const char *container_state_name(Sockerless__ContainerState s)
{
    static const char *const names[] = {"created",  "starting", "running",  "paused",
                                        "stopping", "exited",   "removing", "dead"};
    return (unsigned)s < ARRAY_LEN(names) ? names[s] : "unknown";
}

bool container_alive(const struct container *c)
{
    return (1u << c->view->state) & (BIT(STARTING) | BIT(RUNNING) | BIT(PAUSED) | BIT(STOPPING));
}

int container_set_state(struct container *c, Sockerless__ContainerState to, struct error *err)
{
    Sockerless__ContainerState from = c->view->state;
    if (from == to)
        return container_save(c, err);
    if (!(transitions[from] & (1u << to)))
        return error_set(err, ERROR_CONFLICT, "container %s is %s and cannot become %s", c->id,
                         container_state_name(from), container_state_name(to));
    c->view->state = to;
    if (container_save(c, err)) {
        c->view->state = from;
        return -1;
    }
    if (!c->removed) {
        c->backend->containers.state_counts[from]--;
        c->backend->containers.state_counts[to]++;
    }
    log_debug("state", LOG_STR("container", c->id), LOG_STR("from", container_state_name(from)),
              LOG_STR("to", container_state_name(to)));
    co_cond_broadcast(&c->changed);
    return 0;
}

int container_save(struct container *c, struct error *err)
{
    if (c->removed)
        return 0;
    if (c->damaged && c->view->state != SOCKERLESS__CONTAINER_STATE__REMOVING)
        return error_set(err, ERROR_CONFLICT, "container %s: %s", c->id, c->error);
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    return store_container_put(c->backend->store, container_record(c, &arena), err);
}

/* ---- object ---- */

/* The view's strings that change live in the object itself. */
static void view_attach(struct container *c)
{
    Sockerless__Container *v = c->view;
    snprintf(c->id, sizeof c->id, "%s", v->id);
    snprintf(c->name, sizeof c->name, "%s", v->name);
    snprintf(c->error, sizeof c->error, "%s", v->error);
    snprintf(c->address, sizeof c->address, "%s", v->ip_address);
    v->id = c->id;
    v->name = c->name;
    v->error = c->error;
    v->ip_address = c->address;
    v->n_exec_ids = 0;
    v->exec_ids = NULL;
}

struct container *container_new(struct backend *b, const Sockerless__Container *from)
{
    struct container *c = NEW(struct container);
    c->refs = 1;
    c->backend = b;
    c->next_poll_ms = INT64_MAX;
    arena_init(&c->arena);
    size_t len = sockerless__container__get_packed_size(from);
    unsigned char *packed AUTO_FREE = xmalloc(len);
    sockerless__container__pack(from, packed);
    c->view = sockerless__container__unpack(&c->arena.protobuf, len, packed);
    assert(c->view);
    view_attach(c);
    return c;
}

struct container *container_ref(struct container *c)
{
    c->refs++;
    return c;
}

void container_unref(struct container *c)
{
    if (!c || --c->refs)
        return;
    assert(!c->attachers && !c->waiters && !c->link && !c->active);
    for (size_t i = 0; i < c->past_count; i++)
        sockerless__workload_record__free_unpacked(c->past[i], NULL);
    for (unsigned i = 0; i < c->exec_count; i++)
        free(c->exec_ids[i]);
    free(c->exec_ids);
    arena_fini(&c->arena);
    free(c);
}

/* ---- record ---- */

static void workload_read(struct container *c, const Sockerless__WorkloadRecord *w)
{
    snprintf(c->current.definition, sizeof c->current.definition, "%s", w->definition);
    snprintf(c->current.resource, sizeof c->current.resource, "%s", w->resource);
    snprintf(c->current.log_ref, sizeof c->current.log_ref, "%s", w->log_ref);
    snprintf(c->run_token, sizeof c->run_token, "%s", w->run_token);
    c->run_started_at = w->started_at;
    c->run_finished_at = w->finished_at;
    c->run_deleted = w->deleted;
    c->has_run = true;
}

static Sockerless__WorkloadRecord *workload_copy(const Sockerless__WorkloadRecord *w)
{
    size_t len = sockerless__workload_record__get_packed_size(w);
    unsigned char *packed AUTO_FREE = xmalloc(len);
    sockerless__workload_record__pack(w, packed);
    return sockerless__workload_record__unpack(NULL, len, packed);
}

static void workload_write(struct container *c, Sockerless__WorkloadRecord *w)
{
    sockerless__workload_record__init(w);
    w->definition = c->current.definition;
    w->resource = c->current.resource;
    w->log_ref = c->current.log_ref;
    w->run_token = c->run_token;
    w->started_at = c->run_started_at;
    w->finished_at = c->run_finished_at;
    w->deleted = c->run_deleted;
}

static void past_add(struct container *c)
{
    Sockerless__WorkloadRecord w;
    workload_write(c, &w);
    if (c->past_count == CONTAINER_PAST_RUNS_MAX) {
        sockerless__workload_record__free_unpacked(c->past[0], NULL);
        memmove(c->past, c->past + 1, (c->past_count - 1) * sizeof c->past[0]);
        c->past_count--;
    }
    c->past[c->past_count++] = workload_copy(&w);
}

static void run_reset(struct container *c)
{
    c->current.definition[0] = c->current.resource[0] = c->current.log_ref[0] = '\0';
    c->has_run = true;
    c->run_deleted = c->stop_requested = false;
    c->start_error = ERROR_NONE;
    c->view->oom_killed = false;
    c->run_started_at = c->run_finished_at = 0;
    c->exit_reported = false;
    c->last_status = (struct workload_status){0};
    c->missing_answers = 0;
    c->last_alive_ns = 0;
    c->address[0] = c->error[0] = c->agent_instance[0] = '\0';
    c->run_number++;
    unsigned char raw[18];
    random_bytes(raw, sizeof raw);
    hex_encode(raw, sizeof raw, c->run_token);
    const char *fixed = c->backend->config->agent_token;
    unsigned char token[32];
    random_bytes(token, sizeof token);
    if (str_empty(fixed))
        hex_encode(token, sizeof token, c->agent_token);
    else
        snprintf(c->agent_token, sizeof c->agent_token, "%s", fixed);
}

void container_run_begin(struct container *c)
{
    if (c->has_run && c->current.log_ref[0])
        past_add(c);
    run_reset(c);
}

int container_run_again(struct container *c, struct error *err)
{
    run_reset(c);
    return container_save(c, err);
}

struct container *container_from_record(struct backend *b, const Sockerless__ContainerRecord *rec)
{
    struct container *c = container_new(b, rec->container);
    if (rec->current)
        workload_read(c, rec->current);
    snprintf(c->current.owned, sizeof c->current.owned, "%s", rec->cloud_owned);
    for (size_t i = 0; i < rec->n_past && i < CONTAINER_PAST_RUNS_MAX; i++)
        c->past[c->past_count++] = workload_copy(rec->past[i]);
    snprintf(c->agent_token, sizeof c->agent_token, "%s", rec->agent_token);
    snprintf(c->agent_instance, sizeof c->agent_instance, "%s", rec->agent_instance);
    if (rec->request_id.len == sizeof c->request_id)
        memcpy(c->request_id, rec->request_id.data, sizeof c->request_id);
    if (rec->start_request_id.len == sizeof c->start_request_id)
        memcpy(c->start_request_id, rec->start_request_id.data, sizeof c->start_request_id);
    c->start_error = rec->start_error;
    c->image_reference = arena_strdup(&c->arena, rec->image_reference);
    return c;
}

Sockerless__ContainerRecord *container_record(struct container *c, struct arena *arena)
{
    Sockerless__ContainerRecord *rec = arena_alloc(arena, sizeof *rec);
    sockerless__container_record__init(rec);
    rec->container = c->view;
    rec->agent_token = c->agent_token;
    rec->agent_instance = c->agent_instance;
    rec->request_id = (ProtobufCBinaryData){sizeof c->request_id, c->request_id};
    rec->start_request_id = (ProtobufCBinaryData){sizeof c->start_request_id, c->start_request_id};
    rec->start_error = c->start_error;
    rec->image_reference = c->image_reference ? c->image_reference : (char *)"";
    rec->cloud_owned = c->current.owned;
    rec->past = c->past;
    rec->n_past = c->past_count;
    if (c->has_run) {
        rec->current = arena_alloc(arena, sizeof *rec->current);
        workload_write(c, rec->current);
    }
    return rec;
}
