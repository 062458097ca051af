/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit program is made of. A test is
 *
 *     TEST(what_it_shows) { … }                 or, with RIG_setup() before it and RIG_teardown()
 * after it, TEST_USING(rig, what_it_shows) { … }      with the rig as *state
 *
 *     TEST_WITH(rig, struct rig *f, what_it_shows) { … }  ditto, with the rig as f
 *
 * and registers itself: tests run in the order in which the file defines them. The program's main
 * function is in test/kit/test.c.
 */
#ifndef SOCKERLESS_TEST_KIT_TEST_H
#define SOCKERLESS_TEST_KIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST(name) TEST_CASE(name, NULL, NULL)
#define TEST_USING(rig, name) TEST_CASE(name, rig##_setup, rig##_teardown)
#define TEST_WITH(rig, parameter, name)                                                            \
    static void test_##name##_with(parameter);                                                     \
    TEST_USING(rig, name)                                                                          \
    {                                                                                              \
        test_##name##_with(*state);                                                                \
    }                                                                                              \
    static void test_##name##_with(parameter)
#define TEST_CASE(name, setup, teardown)                                                           \
    static void test_##name(void **state);                                                         \
    __attribute__((constructor)) static void test_##name##_register(void)                          \
    {                                                                                              \
        test_register(#name, test_##name, setup, teardown);                                        \
    }                                                                                              \
    static void test_##name(void **state __attribute__((unused)))

/* Once a file: what runs before the first test and after the last one; NULL: nothing. */
#define TEST_GROUP(setup, teardown)                                                                \
    __attribute__((constructor)) static void test_group_register(void)                             \
    {                                                                                              \
        test_register_group(setup, teardown);                                                      \
    }                                                                                              \
    struct test_group_end /* takes the semicolon */

/* RIG_setup() and RIG_teardown() of one statement each, in which *state is the rig. */
#define TEST_RIG(rig, open, close)                                                                 \
    static int rig##_setup(void **state __attribute__((unused)))                                   \
    {                                                                                              \
        open;                                                                                      \
        return 0;                                                                                  \
    }                                                                                              \
    static int rig##_teardown(void **state __attribute__((unused)))                                \
    {                                                                                              \
        close;                                                                                     \
        return 0;                                                                                  \
    }                                                                                              \
    struct test_rig_end /* takes the semicolon */

void test_register(const char *name, CMUnitTestFunction run, CMFixtureFunction setup,
                   CMFixtureFunction teardown);
void test_register_group(CMFixtureFunction setup, CMFixtureFunction teardown);

/* argv[0], for programs that look for others beside themselves. */
extern const char *test_program;

#endif
