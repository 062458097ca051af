/* SPDX-License-Identifier: Apache-2.0
 *
 * Image configurations, and the merge of what parses with itself.
 */
#include "oci/document/container_config_merge.h"
#include "oci/document/image_config.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    Sockerless__Image *image;
    struct container_command command;
    struct error err;
    arena_init(&arena);
    if (image_config_parse(data, size, &arena, &image, &err) == 0 &&
        container_config_merge(image->config, image->config, &arena, &command, &err) == 0) {
        if (!command.path)
            abort();
        (void)container_environment(command.config, command.config->env, "host", &arena);
        container_has_healthcheck(command.config);
    }
    arena_fini(&arena);
    return 0;
}
