/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of the request that begins a run: message Invocation. Pure.
 */
#ifndef SOCKERLESS_GCF_BODY_H
#define SOCKERLESS_GCF_BODY_H

#include "base/buf.h"
#include "cloud/driver.h"
#include "gcf_config.h"

/* Appends; it holds the agent's token. ERROR_INVALID_PARAMETER when it is too large to be sent. */
int gcf_body_write(const struct gcf_config *config, const struct workload_spec *spec,
                   struct buf *out, struct error *err) MUST_CHECK;
/* Of a request that joins a run which has begun. */
void gcf_body_write_join(const char *token, struct buf *out);

#endif
