/* SPDX-License-Identifier: Apache-2.0
 *
 * Cloud Storage for downloads: GCS_DIR/BUCKET/OBJECT on disk. With the JSON API an access token is
 * needed; /BUCKET/OBJECT is what anybody may read.
 */
#ifndef SOCKERLESS_SIM_GCP_STORAGE_H
#define SOCKERLESS_SIM_GCP_STORAGE_H

#include "test/sim/http/server.h"

/* Route handlers; ctx is the struct gcp. */
void storage_api(void *ctx, const struct http_request *request, struct http_reply *reply);
void storage_public(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
