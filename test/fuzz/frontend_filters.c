/* SPDX-License-Identifier: Apache-2.0
 *
 * The `filters` parameter.
 */
#include "base/alloc.h"
#include "base/arena.h"
#include "frontend/json/docker_json.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Sockerless__Filter **filters;
    size_t count;
    struct error err;
    struct arena arena;
    char *text = xstrndup((const char *)data, size);
    arena_init(&arena);
    if (docker_json_filters(text, &arena, &filters, &count, &err) == 0)
        for (size_t i = 0; i < count; i++)
            if (!filters[i]->key || filters[i]->n_off > filters[i]->n_values)
                abort();
    arena_fini(&arena);
    free(text);
    return 0;
}
