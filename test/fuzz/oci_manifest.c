/* SPDX-License-Identifier: Apache-2.0
 *
 * Manifests and indexes, and the choice of a platform from whatever parses as one.
 */
#include "oci/name/digest.h"
#include "oci/document/manifest.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct manifest m;
    struct error err;
    struct platform want;
    const struct descriptor *chosen;
    arena_init(&arena);
    if (manifest_parse(data, size, NULL, &arena, &m, &err) == 0) {
        if (!m.is_index && (!digest_valid(m.config.digest) || m.layers_size < 0))
            abort();
        if (m.is_index && platform_parse("linux/arm/v7", &want, &err) == 0 &&
            manifest_select(&m, &want, &chosen, &err) == 0 && !digest_valid(chosen->digest))
            abort();
    }
    arena_fini(&arena);
    return 0;
}
