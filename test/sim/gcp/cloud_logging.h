/* SPDX-License-Identifier: Apache-2.0
 *
 * Cloud Logging: what tasks write, and entries.list. What is kept is bounded, see log_store.h.
 * Thread-safe.
 */
#ifndef SOCKERLESS_SIM_GCP_CLOUD_LOGGING_H
#define SOCKERLESS_SIM_GCP_CLOUD_LOGGING_H

#include "test/sim/gcp/gcp.h"
#include "test/sim/gcp/log_store.h"
#include "test/sim/host/event_log.h"

enum { LOGGING_BYTES_MAX = 256 * 1024 * 1024 };

struct cloud_logging;
struct cloud_logging *cloud_logging_new(struct gcp *gcp);
void cloud_logging_free(struct cloud_logging *logging);
/* Lines of a container's stdout or stderr. Of a line that is a JSON object the special fields
 * become the entry's. As with the service, timestamps have microseconds, and an insertId that a
 * line does not bring says nothing about the order of arrival. */
void cloud_logging_write(struct cloud_logging *logging, const struct log_source *source,
                         const struct log_event *lines, size_t count);
size_t cloud_logging_count(struct cloud_logging *logging);

#endif
