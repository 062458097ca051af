/* SPDX-License-Identifier: Apache-2.0
 *
 * Long-running operations (google.longrunning.Operation): asked for until they are done, up to a
 * deadline. One that the service does not find yet (gcp_settle.h) is under way.
 */
#ifndef SOCKERLESS_GCP_OPERATION_H
#define SOCKERLESS_GCP_OPERATION_H

#include "cloud/gcp/gcp_resource.h"

/* what: for messages, "create job". *operation is the answer of the call that began it; it is
 * replaced by the last one seen. 0: done without an error. -1: ERROR_DEADLINE when it is still
 * under way, else the operation's own error, which *why holds, too. */
int co_gcp_operation_wait(const struct gcp_service *s, const char *what, int64_t longest_ms,
                          json_t **operation, struct cloud_error *why,
                          struct error *err) MUST_CHECK;

#endif
