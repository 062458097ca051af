/* SPDX-License-Identifier: Apache-2.0
 *
 * One arena for a whole test; see arena_rig.h.
 */
#include "test/kit/arena_rig.h"

struct arena arena;

int arena_setup(void **state __attribute__((unused)))
{
    arena_init(&arena);
    return 0;
}

int arena_teardown(void **state __attribute__((unused)))
{
    arena_fini(&arena);
    return 0;
}
