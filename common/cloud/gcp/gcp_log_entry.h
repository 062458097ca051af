/* SPDX-License-Identifier: Apache-2.0
 *
 * One entry of Cloud Logging as a line of a container's log. Pure; used by gcp_logs.c.
 */
#ifndef SOCKERLESS_GCP_LOG_ENTRY_H
#define SOCKERLESS_GCP_LOG_ENTRY_H

#include "cloud/driver.h"
#include "cloud/log_entry.h"

#include <jansson.h>

/* run_label: the label that says which run it belongs to. False: not an entry of a container. */
bool gcp_log_entry_read(const json_t *json, const char *run_label, struct log_entry *out);
/* The record. What no agent wrote is a line: textPayload, or jsonPayload as one line of JSON;
 * marked as stderr when it is. */
void gcp_log_entry_event(const json_t *json, const struct log_entry *entry, struct arena *arena,
                         struct log_event *out);

#endif
