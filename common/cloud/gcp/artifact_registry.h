/* SPDX-License-Identifier: Apache-2.0
 *
 * Artifact Registry (`REGION-docker.pkg.dev`) and Container Registry's old names (`gcr.io`,
 * `eu.gcr.io` …): the login is the user "oauth2accesstoken" with an access token as password
 * (Artifact Registry documentation, "Configure authentication to Artifact Registry for Docker").
 */
#ifndef SOCKERLESS_GCP_ARTIFACT_REGISTRY_H
#define SOCKERLESS_GCP_ARTIFACT_REGISTRY_H

#include "cloud/driver.h"
#include "base/access_token.h"

#include <stdbool.h>

struct artifact_registry;
/* token_arg: borrowed for the object's lifetime. */
struct artifact_registry *artifact_registry_new(co_access_token_fn co_token, void *token_arg);
void artifact_registry_free(struct artifact_registry *a); /* no call may be under way */

/* See driver.h: registry_ops. Not found, too, when there is no identity at all: public
 * images need none. */
int co_artifact_registry_credentials(struct artifact_registry *a, const char *registry_host,
                                     struct registry_credentials *out,
                                     struct error *err) MUST_CHECK;

bool artifact_registry_has_host(const char *host);

#endif
