/* SPDX-License-Identifier: Apache-2.0
 * Helper and cache containers; see gcf_helper.h. */
#include "gcf_helper.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

static bool has_cache_label(const Sockerless__ContainerConfig *config)
{
    for (size_t i = 0; i < config->n_labels; i++)
        if (strcmp(config->labels[i]->key, "com.gitlab.gitlab-runner.type") == 0 &&
            strcmp(config->labels[i]->value, "cache") == 0)
            return true;
    return false;
}

static bool has_helper_name(const char *name)
{
    static const char *const parts[] = {"-cache-", "-predefined-", "-set-permission-"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strstr(name, parts[i]))
            return true;
    return str_ends(name, "-predefined");
}

bool gcf_helper_is(const char *container_name, const Sockerless__ContainerConfig *config)
{
    if (!config || config->open_stdin)
        return false;
    return has_helper_name(str_or_empty(container_name)) || has_cache_label(config);
}
