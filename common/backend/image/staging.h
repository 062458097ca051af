/* SPDX-License-Identifier: Apache-2.0
 *
 * The staging registry: one repository (configuration `staging-registry`, "host[:port]/path") that
 * holds everything that did not come from a registry: loaded and imported images, images with the
 * agent in them. The cloud pulls them from there by digest; a tag each keeps them from a registry's
 * garbage collection.
 */
#ifndef SOCKERLESS_BACKEND_STAGING_H
#define SOCKERLESS_BACKEND_STAGING_H

#include "backend/state/backend_internal.h"
#include "base/arena.h"
#include "oci/name/image_ref.h"
#include "oci/registry/registry_repo.h"

enum { STAGING_TAG_HEX = 40, STAGING_TAG_MAX = 64 };

bool staging_configured(const struct backend *b);
/* ERROR_INVALID_PARAMETER when it is not configured or no repository. */
int staging_ref(const struct backend *b, struct image_ref *out, struct error *err) MUST_CHECK;
/* The same of where images with the agent go. */
bool staging_agent_configured(const struct backend *b);
int staging_agent_ref(const struct backend *b, struct image_ref *out, struct error *err) MUST_CHECK;
/* For writing. mount_from: as in registry_repo_options. */
int staging_open(struct backend *b, const struct image_ref *staging, const char *mount_from,
                 struct registry_repo **out, struct error *err) MUST_CHECK;

/* "sha256-", "agent-" … and the first 40 digits of a digest. Returns out. */
char *staging_tag(const char *prefix, const char *digest, char out[STAGING_TAG_MAX]);
/* "host/path" and "host/path@sha256:…", complete, in the arena. */
char *repository_name(const struct image_ref *ref, struct arena *arena);
char *repository_at_digest(const struct image_ref *ref, const char *digest, struct arena *arena);

#endif
