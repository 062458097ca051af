/* SPDX-License-Identifier: Apache-2.0
 *
 * The stub's way into Cloud Storage: a signed URL is asked for, and the archive put there.
 */
#ifndef SOCKERLESS_GCF_UPLOAD_H
#define SOCKERLESS_GCF_UPLOAD_H

#include "gcf_api.h"

/* *source: a StorageSource for buildConfig.source, as it was answered; owned by the caller. */
int co_gcf_upload(struct gcf_api *api, json_t **source, struct error *err) MUST_CHECK;

#endif
