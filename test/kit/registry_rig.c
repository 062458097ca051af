/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the registry client share; see registry_rig.h.
 */
#include "test/kit/registry_rig.h"

#include "test/kit/test.h"

struct rig *registry_rig_open(const struct registry_options *options, mock_handler serve,
                              mock_handler serve_other)
{
    struct rig *f = NEW(struct rig);
    struct error err;
    assert_int_equal(loop_init(&f->loop, &err), 0);
    assert_int_equal(http_client_open(&f->loop, NULL, &f->http, &err), 0);
    assert_int_equal(registry_client_open(f->http, options, &f->registry, &err), 0);
    arena_init(&f->arena);
    f->other = serve_other ? mock_start(serve_other, f) : NULL;
    f->mock = serve ? mock_start(serve, f) : NULL;
    return f;
}

struct rig *registry_rig_scripted(mock_handler serve, mock_handler serve_other)
{
    const struct registry_options options = {.timeout_ms = 2000, .backoff_ms = 1};
    return registry_rig_open(&options, serve, serve_other);
}

void registry_rig_close(struct rig *f)
{
    registry_client_close(f->registry);
    http_client_close(f->http);
    loop_fini(&f->loop);
    if (f->mock)
        mock_stop(f->mock);
    if (f->other)
        mock_stop(f->other);
    arena_fini(&f->arena);
    free(f);
}

void registry_rig_run(struct rig *f, void (*run)(struct task *t))
{
    task_run(&f->loop, f, run);
}

char *registry_rig_bytes(size_t len, char digest[DIGEST_MAX])
{
    char *bytes = xmalloc(len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 + (i >> 11));
    digest_sha256(bytes, len, digest);
    return bytes;
}

struct registry_repo *registry_rig_repo(struct task *t, int port, const char *name,
                                        struct registry_repo_options options, const char *auth)
{
    struct image_ref ref;
    struct registry_repo *r = NULL;
    char text[300];
    snprintf(text, sizeof text, "127.0.0.1:%d/%s", port, name);
    EXPECT(image_ref_parse(text, &ref, &t->err) == 0);
    options.ref = &ref;
    options.auth_json = auth;
    options.auth_json_len = auth ? strlen(auth) : 0;
    EXPECT(registry_repo_open(t->f->registry, &options, &r, &t->err) == 0);
    return r;
}

/* ---- images ---- */

struct pull pull_of(struct rig *f, int port, const char *name, const char *auth)
{
    struct pull p = {.f = f, .port = port};
    char text[512];
    snprintf(text, sizeof text, "127.0.0.1:%d/%s", port, name);
    assert_int_equal(image_ref_parse(text, &p.ref, &p.err), 0);
    image_ref_default_tag(&p.ref);
    p.what.auth_json = auth;
    p.what.auth_json_len = auth ? strlen(auth) : 0;
    return p;
}

static void pull_body(void *arg)
{
    struct pull *p = arg;
    p->self = co_current();
    p->rc = co_registry_fetch_image(p->f->registry, &p->what, &p->f->arena, &p->image, &p->err);
    loop_stop(&p->f->loop);
}

void pull_start(struct pull *p)
{
    struct error err;
    p->what.ref = &p->ref;
    assert_int_equal(co_spawn(&p->f->loop, pull_body, p, &err), 0);
}

void pull_run(struct pull *p)
{
    pull_start(p);
    loop_run(&p->f->loop);
}

struct pull pull(struct rig *f, int port, const char *name, const char *auth)
{
    struct pull p = pull_of(f, port, name, auth);
    pull_run(&p);
    return p;
}

void pull_check_error(const struct pull *p, enum error_code code, const char *words)
{
    char expected[512], port[16];
    const char *from = words;
    size_t len = 0;
    snprintf(port, sizeof port, "%d", p->port);
    for (const char *at; (at = strstr(from, "%d")); from = at + 2)
        len += (size_t)snprintf(expected + len, sizeof expected - len, "%.*s%s", (int)(at - from),
                                from, port);
    snprintf(expected + len, sizeof expected - len, "%s", from);
    assert_int_equal(p->rc, -1);
    if (p->err.code != code || !strstr(p->err.message, expected))
        fail_msg("%s: %s: %s\nexpected: %s", p->ref.path, error_code_name(p->err.code),
                 p->err.message, expected);
}
