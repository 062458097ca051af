/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of archive entries and where links lead: never out of the archive.
 */
#include "base/alloc.h"
#include "oci/archive/tar_name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *clean)
{
    if (clean[0] == '/' || strlen(clean) >= TAR_NAME_MAX || tar_name_escapes(clean) ||
        strstr(clean, "//"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name AUTO_FREE = xcalloc(size + 1, 1); /* up to a NUL; behind it the target */
    const char *target = strlen(name) < size ? name + strlen(name) + 1 : "../x";
    char clean[TAR_NAME_MAX], again[TAR_NAME_MAX], quoted[TAR_QUOTED_MAX];
    struct error err;
    if (size)
        memcpy(name, data, size);
    if (strlen(tar_name_quote(name, quoted)) >= TAR_QUOTED_MAX)
        abort();
    if (tar_name_clean(name, clean, &err))
        return 0;
    check(clean);
    if (clean[0] && (tar_name_clean(clean, again, &err) || strcmp(clean, again) != 0))
        abort();
    for (int symbolic = 0; symbolic < 2; symbolic++)
        if (tar_name_resolve(clean, target, symbolic, again, &err) == 0)
            check(again);
    return 0;
}
