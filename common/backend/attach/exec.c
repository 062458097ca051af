/* SPDX-License-Identifier: Apache-2.0
 * The table of execs; see exec.h. Its operations are op_exec.c, the byte stream session_exec.c. */
#include "backend/attach/exec.h"

#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <string.h>

enum { ENDED_KEEP_MS = 5 * 60 * 1000 };

struct exec *exec_find(struct backend *b, const char *id, struct error *err)
{
    struct exec *e = NULL;
    HASH_FIND_STR(b->execs, id, e);
    if (e && (!e->container->removed || container_is_recent(e->container)))
        return e;
    error_set(err, ERROR_NOT_FOUND, "No such exec instance: %s", id);
    return NULL;
}

/* ---- ExecIDs of inspect: those that were created and have not ended ---- */

static void ids_add(struct container *c, const char *id)
{
    c->exec_ids = xrealloc(c->exec_ids, (c->exec_count + 1) * sizeof *c->exec_ids);
    c->exec_ids[c->exec_count++] = xstrdup(id);
    c->view->exec_ids = c->exec_ids;
    c->view->n_exec_ids = c->exec_count;
}

static void ids_remove(struct container *c, const char *id)
{
    for (unsigned i = 0; i < c->exec_count; i++) {
        if (strcmp(c->exec_ids[i], id) != 0)
            continue;
        free(c->exec_ids[i]);
        c->exec_ids[i] = c->exec_ids[--c->exec_count];
        c->view->n_exec_ids = c->exec_count;
        return;
    }
}

void exec_set_running(struct exec *e, int64_t pid)
{
    if (e->running) /* told twice by an agent that is not ours */
        return;
    e->running = true;
    e->pid = pid;
}

void exec_set_ended(struct exec *e, int32_t code)
{
    if (e->ended_ms)
        return;
    ids_remove(e->container, e->id);
    e->running = false;
    e->has_exit_code = true;
    e->exit_code = code;
    e->ended_ms = time_mono_ms();
}

static Sockerless__ExecCreateRequest *config_copy(struct arena *arena,
                                                  const Sockerless__ExecCreateRequest *from)
{
    size_t len = sockerless__exec_create_request__get_packed_size(from);
    unsigned char *packed = arena_alloc(arena, len);
    sockerless__exec_create_request__pack(from, packed);
    return sockerless__exec_create_request__unpack(&arena->protobuf, len, packed);
}

struct exec *exec_new(struct container *c, const Sockerless__ExecCreateRequest *request,
                      struct error *err)
{
    struct backend *b = c->backend;
    if (HASH_COUNT(b->execs) >= EXECS_MAX) {
        error_set(err, ERROR_TOO_MANY_REQUESTS, "%d execs exist already", EXECS_MAX);
        return NULL;
    }
    struct detach_keys keys = {0};
    if (!str_empty(request->detach_keys) && detach_keys_parse(request->detach_keys, &keys, err)) {
        error_set(err, ERROR_SYSTEM, "Invalid escape keys (%.100s) provided", request->detach_keys);
        return NULL;
    }
    struct exec *e = NEW(struct exec);
    e->keys = keys;
    id_new(e->id);
    arena_init(&e->arena);
    e->config = config_copy(&e->arena, request);
    e->container = container_ref(c);
    HASH_ADD_STR(b->execs, id, e);
    ids_add(c, e->id);
    return e;
}

static void exec_free(struct exec *e)
{
    struct backend *b = e->container->backend;
    HASH_DEL(b->execs, e);
    ids_remove(e->container, e->id);
    container_unref(e->container);
    arena_fini(&e->arena);
    free(e);
}

void exec_run_over(struct container *c, const struct run_end *end)
{
    (void)end;
    struct exec *e, *next;
    if (!c->exec_count)
        return;
    HASH_ITER(hh, c->backend->execs, e, next)
    {
        if (e->container != c || e->ended_ms)
            continue;
        if (e->running)
            exec_set_ended(e, 137);
        else if (!e->started) /* as with dockerd, it cannot be started in the next run */
            exec_free(e);
    }
}

static bool is_out_of_date(const struct exec *e, int64_t limit_ms)
{
    const struct container *c = e->container;
    return (e->ended_ms && e->ended_ms < limit_ms) || (c->removed && !container_is_recent(c));
}

void execs_purge(struct backend *b)
{
    int64_t limit = time_mono_ms() - ENDED_KEEP_MS;
    struct exec *e, *next;
    HASH_ITER(hh, b->execs, e, next)
    if (!e->session && is_out_of_date(e, limit)) /* a session must not lose its object */
        exec_free(e);
}

void execs_close(struct backend *b)
{
    struct exec *e, *next;
    HASH_ITER(hh, b->execs, e, next)
    exec_free(e);
}
