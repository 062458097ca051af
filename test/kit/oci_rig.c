/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/oci_rig.h"

#include "test/kit/test.h"

#include <stddef.h>
#include <stdint.h>

void task_body(void *arg)
{
    struct task *t = arg;
    t->self = co_current();
    t->run(t);
    loop_stop(&t->f->loop);
}

void task_run(struct rig *f, void (*run)(struct task *t))
{
    struct task t = {.f = f, .run = run};
    struct error err;
    assert_int_equal(co_spawn(&f->loop, task_body, &t, &err), 0);
    loop_run(&f->loop);
    if (t.failed)
        fail_msg("line %d: %s", t.failed, t.why);
}

struct registry_repo *repo_open(struct task *t, const char *name,
                                struct registry_repo_options options, const char *auth)
{
    struct image_ref ref;
    struct registry_repo *r = NULL;
    char text[300];
    snprintf(text, sizeof text, "127.0.0.1:%d/%s", t->f->mock->port, name);
    EXPECT(image_ref_parse(text, &ref, &t->err) == 0);
    options.ref = &ref;
    options.auth_json = auth;
    options.auth_json_len = auth ? strlen(auth) : 0;
    EXPECT(registry_repo_open(t->f->registry, &options, &r, &t->err) == 0);
    return r;
}

struct rig *rig_open(mock_handler serve, mock_handler serve_other)
{
    struct rig *f = NEW(struct rig);
    struct error err;
    struct registry_options options = {.timeout_ms = 2000, .backoff_ms = 1};
    assert_int_equal(loop_init(&f->loop, &err), 0);
    assert_int_equal(http_client_open(&f->loop, NULL, &f->http, &err), 0);
    assert_int_equal(registry_client_open(f->http, &options, &f->registry, &err), 0);
    arena_init(&f->arena);
    f->other = mock_start(serve_other, f);
    f->mock = mock_start(serve, f);
    return f;
}

void rig_close(struct rig *f)
{
    registry_client_close(f->registry);
    http_client_close(f->http);
    loop_fini(&f->loop);
    mock_stop(f->mock);
    mock_stop(f->other);
    arena_fini(&f->arena);
    free(f);
}
