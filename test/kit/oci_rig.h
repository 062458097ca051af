/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of registry_repo.h share: a loop, a client, a scripted registry with a second host
 * beside it, and coroutines that can fail.
 */
#ifndef SOCKERLESS_TEST_KIT_OCI_RIG_H
#define SOCKERLESS_TEST_KIT_OCI_RIG_H

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "oci/registry/registry_repo.h"
#include "test/kit/http_mock.h"

struct rig {
    struct loop loop;
    struct http_client *http;
    struct registry_client *registry;
    struct mock *mock, *other;
    struct arena arena;
};

struct task {
    struct rig *f;
    void (*run)(struct task *t);
    int failed;
    char why[1400];
    struct error err;
    struct co *self;
};

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition) && !t->failed) {                                                          \
            t->failed = __LINE__;                                                                  \
            snprintf(t->why, sizeof t->why, "%s: %s", #condition, t->err.message);                 \
        }                                                                                          \
    } while (0)

#define EXPECT_ERROR(call, expected_code, words)                                                   \
    do {                                                                                           \
        t->err = (struct error){0};                                                                \
        EXPECT((call) == -1 && t->err.code == (expected_code) && strstr(t->err.message, words));   \
    } while (0)
void task_body(void *arg);
void task_run(struct rig *f, void (*run)(struct task *t));

/* name: of the repository at the mock. */
struct registry_repo *repo_open(struct task *t, const char *name,
                                struct registry_repo_options options, const char *auth);
struct rig *rig_open(mock_handler serve, mock_handler serve_other);
void rig_close(struct rig *f);

#endif
