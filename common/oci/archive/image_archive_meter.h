/* SPDX-License-Identifier: Apache-2.0
 *
 * What reading an archive has cost so far, against compression bombs.
 */
#ifndef SOCKERLESS_OCI_IMAGE_ARCHIVE_METER_H
#define SOCKERLESS_OCI_IMAGE_ARCHIVE_METER_H

#include "base/error.h"

#include <stdint.h>

enum { ARCHIVE_RATIO_MAX = 100 };
#define ARCHIVE_RATIO_FREE ((int64_t)4 << 30) /* any ratio is fine up to this size */

struct archive_meter {
    int64_t size_max;
    int64_t received;  /* bytes that came in */
    int64_t container; /* of the archive, unpacked */
    int64_t layers;    /* that compressed layers within it came to, unpacked */
};

/* ERROR_TOO_LARGE when it is too much. */
int archive_meter_check(const struct archive_meter *m, struct error *err) MUST_CHECK;

#endif
