/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the JSON bodies of create and exec, and the answers that are built from them.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "frontend/json/docker_json.h"
#include "json/json_input.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const Sockerless__ContainerCreateRequest *r)
{
    Sockerless__Container c = SOCKERLESS__CONTAINER__INIT;
    struct buf out = BUF_INIT;
    c.config = r->config;
    c.host = r->host;
    c.host_config_json = r->host_config_json;
    docker_json_put_container(&out, &c, 44, true);
    struct error err;
    json_t *again = json_input_load(out.data, out.len, JSON_INPUT_WHOLE, &err);
    if (!again)
        abort(); /* what we print must be JSON */
    json_decref(again);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Sockerless__ContainerCreateRequest create = SOCKERLESS__CONTAINER_CREATE_REQUEST__INIT;
    Sockerless__ExecCreateRequest exec = SOCKERLESS__EXEC_CREATE_REQUEST__INIT;
    Sockerless__ExecStartOpen start = SOCKERLESS__EXEC_START_OPEN__INIT;
    struct error err;
    struct arena arena;
    json_t *root = docker_json_load((const char *)data, size, &err);
    if (!root)
        return 0;
    arena_init(&arena);
    if (docker_json_create(root, &arena, &create, &err) == 0)
        show(&create);
    if (docker_json_exec_create(root, &arena, &exec, &err) == 0 &&
        docker_json_exec_start(root, &start, &err) == 0)
        (void)start;
    json_decref(root);
    arena_fini(&arena);
    return 0;
}
