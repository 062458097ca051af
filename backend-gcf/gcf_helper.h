/* SPDX-License-Identifier: Apache-2.0
 *
 * Helper and cache containers: those that CI runners start for a moment. They stop by themselves,
 * so that one which waits for ever does not hold an instance. By rule:
 *
 *   - GitLab's cache containers: a name with "-cache-" in it, or the label
 *     com.gitlab.gitlab-runner.type=cache
 *   - GitLab's predefined helpers: a name that ends in "-predefined", or has "-predefined-" in it
 *   - those that set a volume's permissions: a name with "-set-permission-" in it
 *
 * never one whose standard input is kept open: that is given its work there. Pure.
 */
#ifndef SOCKERLESS_GCF_HELPER_H
#define SOCKERLESS_GCF_HELPER_H

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>

bool gcf_helper_is(const char *container_name, const Sockerless__ContainerConfig *config);

#endif
