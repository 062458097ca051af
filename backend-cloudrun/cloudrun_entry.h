/* SPDX-License-Identifier: Apache-2.0
 *
 * One entry of Cloud Logging as a line of a container's log. Pure; used by cloudrun_logs.c.
 */
#ifndef SOCKERLESS_CLOUDRUN_ENTRY_H
#define SOCKERLESS_CLOUDRUN_ENTRY_H

#include "base/log_label.h"
#include "cloud/driver.h"
#include "cloudrun_cursor.h"

#include <jansson.h>

struct cloudrun_entry {
    const char *job, *execution, *insert_id; /* borrowed from the entry */
    struct cloudrun_mark mark;
    bool is_record; /* an agent wrote it as a structured line … */
    struct log_label label;
};

/* False: not an entry of a container. */
bool cloudrun_entry_read(const json_t *json, struct cloudrun_entry *out);
/* The record. What no agent wrote is a line: textPayload, or jsonPayload as one line of JSON;
 * marked as stderr when it is. */
void cloudrun_entry_event(const json_t *json, const struct cloudrun_entry *entry,
                          struct arena *arena, struct log_event *out);

#endif
