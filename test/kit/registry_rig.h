/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the registry client share: a loop, a client, scripted registries where they are
 * wanted, repositories opened by their name, and whole images pulled.
 */
#ifndef SOCKERLESS_TEST_KIT_REGISTRY_RIG_H
#define SOCKERLESS_TEST_KIT_REGISTRY_RIG_H

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "oci/registry/registry.h"
#include "oci/registry/registry_repo.h"
#include "test/kit/co_task.h"
#include "test/kit/http_mock.h"
#include "test/kit/test.h"

#define REGISTRY_ALICE "{\"username\":\"alice\",\"password\":\"s3cret\"}"
/* A registry's answer for an error. */
#define REGISTRY_ERROR(code, message)                                                              \
    "{\"errors\":[{\"code\":\"" code "\",\"message\":\"" message "\"}]}"

struct rig {
    struct loop loop;
    struct http_client *http;
    struct registry_client *registry;
    struct mock *mock, *other; /* NULL: none */
    struct arena arena;
};

/* The rig is the servers' argument; each may be NULL. */
struct rig *registry_rig_open(const struct registry_options *options, mock_handler serve,
                              mock_handler serve_other);
/* The same against scripted registries, with short waits. */
struct rig *registry_rig_scripted(mock_handler serve, mock_handler serve_other);
void registry_rig_close(struct rig *f);
void registry_rig_run(struct rig *f, void (*run)(struct task *t));

/* A test that is a task: TASK_TEST(rig, name) { EXPECT(…); }, with struct task *t. */
#define TASK_TEST(rig, name)                                                                       \
    static void run_##name(struct task *t);                                                        \
    TEST_USING(rig, name)                                                                          \
    {                                                                                              \
        registry_rig_run(*state, run_##name);                                                      \
    }                                                                                              \
    static void run_##name(struct task *t)

/* Bytes that differ from their neighbours. The caller frees them. */
char *registry_rig_bytes(size_t len, char digest[DIGEST_MAX]);

/* The repository of that name at 127.0.0.1:port; options without its reference and login. */
struct registry_repo *registry_rig_repo(struct task *t, int port, const char *name,
                                        struct registry_repo_options options, const char *auth);

static inline void auto_release_repo(struct registry_repo **r)
{
    registry_repo_close(*r);
}

/* ---- images ---- */

struct pull {
    struct rig *f;
    int port;
    struct image_ref ref;
    struct registry_fetch what;
    struct registry_image image;
    struct error err;
    int rc;
    struct co *self;
};

/* An image named NAME[:TAG] at 127.0.0.1:port, not asked for yet. auth: JSON or NULL. */
struct pull pull_of(struct rig *f, int port, const char *name, const char *auth);
void pull_start(struct pull *p);
void pull_run(struct pull *p);
struct pull pull(struct rig *f, int port, const char *name, const char *auth);
/* The pull failed with this code and these words; %d in them is the port. */
void pull_check_error(const struct pull *p, enum error_code code, const char *words);

#endif
