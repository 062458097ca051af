/* SPDX-License-Identifier: Apache-2.0
 *
 * Names for containers whose creator gave none: an adjective and a surname.
 */
#ifndef SOCKERLESS_BACKEND_NAME_GENERATOR_H
#define SOCKERLESS_BACKEND_NAME_GENERATOR_H

#include "backend/state/container.h"

/* A name that no container of the table has. */
void name_generate(const struct container_table *t, char out[CONTAINER_NAME_MAX + 1]);

#endif
