/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations as text: Go's, which Docker's API and Dockerfiles use, and those of Google's APIs.
 */
#ifndef SOCKERLESS_BASE_DURATION_H
#define SOCKERLESS_BASE_DURATION_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Go's time.ParseDuration: "1h30m", "-1.5h", "300ms", "0". ERROR_INVALID_PARAMETER in Go's words:
 * `time: unknown unit "x" in duration "5x"`. */
int duration_parse(const char *text, int64_t *ns, struct error *err) MUST_CHECK;

/* google.protobuf.Duration in JSON, not negative: "600s", "3.5s". */
bool duration_parse_seconds(const char *text, int64_t *ns);

#endif
