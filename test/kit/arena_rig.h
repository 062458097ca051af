/* SPDX-License-Identifier: Apache-2.0
 *
 * One arena for a whole test: TEST_USING(arena, name), or a TEST_GROUP of the two.
 */
#ifndef SOCKERLESS_TEST_KIT_ARENA_RIG_H
#define SOCKERLESS_TEST_KIT_ARENA_RIG_H

#include "base/arena.h"

extern struct arena arena;

int arena_setup(void **state);
int arena_teardown(void **state);

#endif
