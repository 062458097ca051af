/* SPDX-License-Identifier: Apache-2.0
 *
 * One entry of Cloud Logging as a line of a container's log. Pure; used by cloudrun_logs.c.
 */
#ifndef SOCKERLESS_CLOUDRUN_ENTRY_H
#define SOCKERLESS_CLOUDRUN_ENTRY_H

#include "cloud/driver.h"
#include "cloudrun_cursor.h"

#include <jansson.h>

struct cloudrun_entry {
    const char *job, *execution, *insert_id; /* borrowed from the entry */
    struct cloudrun_mark mark;
};

/* False: not an entry of a container. */
bool cloudrun_entry_read(const json_t *entry, struct cloudrun_entry *out);
/* The line: textPayload, or jsonPayload as one line of JSON; marked as stderr when it is. */
void cloudrun_entry_event(const json_t *entry, const struct cloudrun_mark *mark,
                          struct arena *arena, struct log_event *out);

#endif
