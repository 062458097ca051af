/* SPDX-License-Identifier: Apache-2.0
 *
 * Dockerfile changes of an import: what is accepted makes a configuration that parses.
 */
#include "base/alloc.h"
#include "oci/document/image_config.h"
#include "oci/document/image_edit.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *change AUTO_FREE = xstrndup((const char *)data, size);
    struct imported_image what = {.diff_id = "sha256:0",
                                  .source = "-",
                                  .platform = "linux/amd64",
                                  .changes = &change,
                                  .change_count = 1};
    struct arena arena AUTO(arena);
    struct error err;
    Sockerless__Image *image;
    char *out;
    size_t len;
    arena_init(&arena);
    int rc = imported_config_make(&what, &arena, &out, &len, &err);
    if (rc == 0 && image_config_parse(out, len, &arena, &image, &err))
        abort();
    if (rc != dockerfile_changes_check(&change, 1, &err))
        abort();
    return 0;
}
