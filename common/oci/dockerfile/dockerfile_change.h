/* SPDX-License-Identifier: Apache-2.0
 *
 * Dockerfile instructions that change a configuration (`docker import --change`): parsed and
 * applied as dockerd does (moby builder/dockerfile: BuildFromConfig; buildkit frontend/dockerfile).
 */
#ifndef SOCKERLESS_OCI_DOCKERFILE_CHANGE_H
#define SOCKERLESS_OCI_DOCKERFILE_CHANGE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "oci/dockerfile/dockerfile_words.h"

#include <jansson.h>

enum { DOCKERFILE_CHANGES_MAX = 256 * 1024, DOCKERFILE_EXPANDED_MAX = 1024 * 1024 };

/* An instruction, split as its kind requires. Strings are in the arena. */
struct dockerfile_instruction {
    const char *name; /* lower case */
    struct strv flags, args;
    bool is_json;
};

/* What instructions have changed so far. */
struct dockerfile_state {
    json_t *config; /* members as in an image configuration's "config" */
    struct dockerfile_scope scope;
};

/* Owned by the caller: json_decref. ERROR_INVALID_PARAMETER in dockerd's words. */
json_t *dockerfile_changes_apply(char *const *changes, size_t count, struct arena *arena,
                                 struct error *err) MUST_CHECK;

/* dockerfile_apply.c: one instruction, by name; NULL: not one that may be used here. */
typedef int (*dockerfile_apply_fn)(struct dockerfile_state *state,
                                   const struct dockerfile_instruction *in, struct error *err);
dockerfile_apply_fn dockerfile_apply_find(const char *name);

/* dockerfile_health.c */
int dockerfile_apply_healthcheck(struct dockerfile_state *state,
                                 const struct dockerfile_instruction *in,
                                 struct error *err) MUST_CHECK;
/* dockerfile_expose.c: "[[ip:]host:]port[-port][/proto]" into a set of "port/proto". */
int dockerfile_expose(const char *spec, json_t *set, struct error *err) MUST_CHECK;

#endif
