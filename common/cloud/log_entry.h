/* SPDX-License-Identifier: Apache-2.0
 *
 * One entry of a log service, as far as its place in a container's log goes. What its text is, the
 * service's own file knows.
 */
#ifndef SOCKERLESS_CLOUD_LOG_ENTRY_H
#define SOCKERLESS_CLOUD_LOG_ENTRY_H

#include "base/log_label.h"
#include "cloud/log_cursor.h"

#include <stdbool.h>

struct log_entry {
    const char *log; /* which one it belongs to: the service's key of a log_ref; borrowed */
    const char *id;  /* tells entries of one time apart, and orders them; borrowed */
    struct log_mark mark;
    bool is_record; /* an agent wrote it as a structured line … */
    struct log_label label;
};

#endif
