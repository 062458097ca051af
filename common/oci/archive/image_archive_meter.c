/* SPDX-License-Identifier: Apache-2.0
 * The cost of reading an archive; see image_archive_meter.h. */
#include "oci/archive/image_archive_meter.h"

#include <inttypes.h>

int archive_meter_check(const struct archive_meter *m, struct error *err)
{
    int64_t total;
    if (__builtin_add_overflow(m->container, m->layers, &total) || total > m->size_max)
        return error_set(err, ERROR_TOO_LARGE,
                         "archive too large: over %" PRId64 " bytes uncompressed", m->size_max);
    if (total > ARCHIVE_RATIO_FREE && total / ARCHIVE_RATIO_MAX > m->received)
        return error_set(err, ERROR_TOO_LARGE,
                         "archive refused as a compression bomb: %" PRId64
                         " bytes grew to %" PRId64,
                         m->received, total);
    return 0;
}
