/* SPDX-License-Identifier: Apache-2.0
 *
 * Which registries Cloud Run pulls from ("Deploying container images": supported container
 * registries): Artifact Registry, Container Registry's old names, Docker Hub.
 */
#ifndef SOCKERLESS_SIM_GCP_IMAGE_HOST_H
#define SOCKERLESS_SIM_GCP_IMAGE_HOST_H

#include "base/error.h"
#include "test/sim/gcp/gcp.h"

/* Every container's image of a template, which messages call `where`. The address of
 * --artifact-registry is Artifact Registry, too. */
int image_host_check(const struct gcp *gcp, const json_t *template, const char *where,
                     struct error *err) MUST_CHECK;

#endif
