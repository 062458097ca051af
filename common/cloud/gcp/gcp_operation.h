/* SPDX-License-Identifier: Apache-2.0
 *
 * Long-running operations (google.longrunning.Operation): asked for until they are done, up to a
 * deadline. One that the service does not find yet (gcp_settle.h) is under way.
 */
#ifndef SOCKERLESS_GCP_OPERATION_H
#define SOCKERLESS_GCP_OPERATION_H

#include "cloud/gcp/gcp_client.h"

struct gcp_operation_wait {
    const char *service, *version; /* "run", "v2" */
    const char *what;              /* for messages: "create job" */
    struct token_bucket *bucket;
    int64_t deadline_ms; /* monotonic */
};

/* *operation is the answer of the call that began it; it is replaced by the last one seen. 0: done
 * without an error. -1: ERROR_DEADLINE when it is still under way, else the operation's own error,
 * which *why holds, too. */
int co_gcp_operation_wait(struct gcp_client *c, const struct gcp_operation_wait *wait,
                          json_t **operation, struct cloud_error *why,
                          struct error *err) MUST_CHECK;

#endif
