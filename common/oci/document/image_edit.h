/* SPDX-License-Identifier: Apache-2.0
 *
 * Image documents made from others: the agent appended to an image (image_layer injection), a
 * configuration for `docker import`. Unknown fields of the original survive. Results are in the
 * arena.
 */
#ifndef SOCKERLESS_OCI_IMAGE_EDIT_H
#define SOCKERLESS_OCI_IMAGE_EDIT_H

#include "base/arena.h"
#include "base/error.h"
#include "oci/document/manifest.h"

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/* config with one more layer (diff id, history) and the Entrypoint [path, "--", old Entrypoint…,
 * and, if there was no Entrypoint, nothing more]; Cmd is kept, so that Entrypoint + Cmd is what it
 * was with the agent before it. */
struct image_agent {
    const char *path, *diff_id;
    bool as_root; /* User is set to root: the agent changes to the requested user by itself */
};
int image_config_append_agent(const void *config, size_t config_len,
                              const struct image_agent *agent, struct arena *arena, char **out,
                              size_t *out_len, struct error *err) MUST_CHECK;
/* manifest (OCI or Docker schema 2, type kept) with that config and one more layer. layer: its
 * media type is OCI's. */
int image_manifest_append_layer(const void *manifest, size_t manifest_len,
                                const char *config_digest, size_t config_len,
                                const struct descriptor *layer, struct arena *arena, char **out,
                                size_t *out_len, struct error *err) MUST_CHECK;

/* The configuration of an imported image: one layer, dockerd's history comment "Imported from …".
 * changes: Dockerfile instructions (CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL
 * USER VOLUME WORKDIR); errors are dockerd's 400s. created_ns: now. */
struct imported_image {
    const char *diff_id;
    const char *source;   /* "-" or a URL, for the comment */
    const char *message;  /* "": the default comment */
    const char *platform; /* normalised os/arch[/variant] */
    char *const *changes;
    size_t change_count;
    int64_t created_ns;
};
int imported_config_make(const struct imported_image *what, struct arena *arena, char **out,
                         size_t *out_len, struct error *err) MUST_CHECK;
/* Only the check of `changes`, for an error before anything is read. */
int dockerfile_changes_check(char *const *changes, size_t count, struct error *err) MUST_CHECK;

/* One line per history entry of a configuration, oldest first. */
struct image_history_item {
    const char *created_by, *comment;
    int64_t created_ns;
    bool empty_layer;
};
int image_config_history(const void *config, size_t len, struct arena *arena,
                         struct image_history_item **out, size_t *count,
                         struct error *err) MUST_CHECK;

#endif
