/* SPDX-License-Identifier: Apache-2.0
 *
 * The main function of every unit program: runs what registered itself; see test.h. With names as
 * arguments only these run.
 */
#include "test/kit/test.h"

#include "base/alloc.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TESTS_MAX = 200 };

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;
static CMFixtureFunction group_setup, group_teardown;
const char *test_program = "";

void test_register(const char *name, CMUnitTestFunction run, CMFixtureFunction setup,
                   CMFixtureFunction teardown)
{
    if (test_count == TESTS_MAX) {
        fprintf(stderr, "more than %d tests in one program\n", TESTS_MAX);
        abort();
    }
    tests[test_count++] = (struct CMUnitTest){name, run, setup, teardown, NULL};
}

void test_register_group(CMFixtureFunction setup, CMFixtureFunction teardown)
{
    group_setup = setup;
    group_teardown = teardown;
}

int main(int argc, char **argv)
{
    test_program = argc > 0 ? argv[0] : "";
    if (argc > 1)
        cmocka_set_test_filter(argv[1]); /* wildcards * and ? */
    log_open("test", LOG_ERROR);
    const char *slash = strrchr(test_program, '/');
    return _cmocka_run_group_tests(slash ? slash + 1 : test_program, tests, test_count, group_setup,
                                   group_teardown);
}
