/* SPDX-License-Identifier: Apache-2.0
 *
 * Image references: whatever parses must print to something that parses to the same.
 */
#include "base/alloc.h"
#include "oci/name/image_ref.h"
#include "oci/name/platform.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text AUTO_FREE = xstrndup((const char *)data, size);
    struct image_ref ref, again;
    struct platform platform;
    struct error err;
    char out[IMAGE_REF_TEXT_MAX];
    if (image_ref_parse_any(text, &ref, &err) == 0) {
        image_ref_familiar(&ref, out, sizeof out);
        if (image_ref_parse_any(out, &again, &err) || memcmp(&ref, &again, sizeof ref) != 0)
            abort();
        image_ref_full(&ref, out, sizeof out);
        if (image_ref_parse_any(out, &again, &err) || memcmp(&ref, &again, sizeof ref) != 0)
            abort();
    }
    if (platform_parse(text, &platform, &err) == 0 && !platform_rank(&platform, &platform))
        abort();
    return 0;
}
