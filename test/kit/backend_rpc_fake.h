/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend without a cloud behind its real RPC server, with a real store in a directory of its
 * own: for operations that need nothing but state.
 */
#ifndef SOCKERLESS_TEST_BACKEND_RPC_FAKE_H
#define SOCKERLESS_TEST_BACKEND_RPC_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/state/backend_internal.h"
#include "backend/daemon/dispatch.h"
#include "backend/daemon/run_listeners.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "loop/co.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNUSED_HERE __attribute__((unused))

enum { PATIENCE_MS = 20000 };

struct rig {
    struct loop loop;
    struct backend backend;
    struct backend_config config;
    struct cloud_driver driver;
    struct rpc_client *client;
    char directory[64], url[128];
    uv_timer_t guard;
    bool guard_fired;
    /* the last answer */
    bool answered;
    Sockerless__Reply *reply;
    struct error err; /* code ERROR_NONE: it went well */
};

static struct rig rig;

static void guard_fired(uv_timer_t *t)
{
    (void)t;
    rig.guard_fired = true;
}

#define run_until(condition)                                                                       \
    do {                                                                                           \
        rig.guard_fired = false;                                                                   \
        uv_update_time(&rig.loop.uv);                                                              \
        uv_timer_start(&rig.guard, guard_fired, PATIENCE_MS, 0);                                   \
        while (!(condition) && !rig.guard_fired)                                                   \
            uv_run(&rig.loop.uv, UV_RUN_ONCE);                                                     \
        assert_true(condition);                                                                    \
    } while (0)

static void forget_answer(void)
{
    if (rig.reply)
        sockerless__reply__free_unpacked(rig.reply, NULL);
    rig.reply = NULL;
    rig.answered = false;
    rig.err.code = ERROR_NONE;
    rig.err.message[0] = '\0';
}

static void on_answer(void *arg, const Sockerless__Reply *reply, const struct error *err)
{
    (void)arg;
    rig.answered = true;
    if (err) {
        rig.err = *err;
        return;
    }
    size_t len = sockerless__reply__get_packed_size(reply);
    uint8_t *packed = xmalloc(len + 1);
    sockerless__reply__pack(reply, packed);
    rig.reply = sockerless__reply__unpack(NULL, len, packed);
    free(packed);
}

/* The answer stays until the next request. */
UNUSED_HERE static const Sockerless__Reply *ask(Sockerless__Request *request)
{
    forget_answer();
    rpc_call(rig.client, request, 0, on_answer, NULL);
    run_until(rig.answered);
    return rig.reply;
}

static void describe_self(void *self, char *out, size_t size)
{
    (void)self;
    snprintf(out, size, "a cloud of paper");
}

static int rig_setup(void **state)
{
    static const struct rpc_server_events events = {.request = dispatch_request,
                                                    .session = dispatch_session};
    struct error err;
    (void)state;
    memset(&rig, 0, sizeof rig);
    log_open("test", LOG_ERROR);
    assert_int_equal(loop_init(&rig.loop, &err), 0);
    uv_timer_init(&rig.loop.uv, &rig.guard);
    strcpy(rig.directory, "/tmp/sockerless-test-XXXXXX");
    assert_non_null(mkdtemp(rig.directory));
    snprintf(rig.url, sizeof rig.url, "ipc://%s/rpc.sock", rig.directory);
    rig.driver.name = "fake";
    rig.driver.describe_self = describe_self;
    rig.config.platform = (char *)"linux/amd64";
    rig.backend.loop = &rig.loop;
    rig.backend.driver = &rig.driver;
    rig.backend.config = &rig.config;
    rig.backend.run_listeners = run_listeners;
    container_table_init(&rig.backend.containers);
    assert_int_equal(store_open(rig.directory, &rig.backend.store, &err), 0);
    assert_int_equal(image_store_open(rig.backend.store, &rig.backend.images, &err), 0);
    assert_int_equal(rpc_server_listen(&rig.loop, rig.url, NULL, &events, &rig.backend,
                                       &rig.backend.server, &err),
                     0);
    rig.client = rpc_client_new(&rig.loop, rig.url, NULL);
    return 0;
}

/* Forget what is in memory and load the store again. */
UNUSED_HERE static void rig_reload_images(void)
{
    struct error err;
    image_store_close(rig.backend.images);
    store_close(rig.backend.store);
    assert_int_equal(store_open(rig.directory, &rig.backend.store, &err), 0);
    assert_int_equal(image_store_open(rig.backend.store, &rig.backend.images, &err), 0);
}

static int rig_teardown(void **state)
{
    (void)state;
    forget_answer();
    rpc_client_free(rig.client);
    rpc_server_close(rig.backend.server);
    container_table_fini(&rig.backend.containers);
    image_store_close(rig.backend.images);
    store_close(rig.backend.store);
    uv_timer_stop(&rig.guard);
    uv_close((uv_handle_t *)&rig.guard, NULL);
    loop_fini(&rig.loop);
    rpc_server_free(rig.backend.server);
    char *command = xasprintf("rm -rf %s", rig.directory);
    int rc = system(command);
    free(command);
    return rc;
}

#endif
