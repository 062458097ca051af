/* SPDX-License-Identifier: Apache-2.0
 *
 * Which variables of the agent's own environment the user's process gets.
 */
#include "agent/environment.h"
#include "test/kit/test.h"

#include <stdlib.h>

static void expect(const struct strv *env, size_t at, const char *entry)
{
    assert_true(at < env->count);
    assert_string_equal(env->items[at], entry);
}

TEST(carried_variables_are_unpacked)
{
    char *from[] = {"PWD=/shell",
                    "PATH=/image",
                    "SOCKERLESS_AGENT_TOKEN=x",
                    "SOCKERLESS_AGENT_ENV_0=a-b=c=d\n",
                    "SOCKERLESS_AGENT_ENV_1=PATH=/user",
                    "SOCKERLESS_AGENT_ENV_2=broken",
                    "SOCKERLESS_AGENT_ENV_3",
                    NULL};
    struct strv env = STRV_INIT;
    unsetenv("SOCKERLESS_AGENT_SHELL");
    environment_receive(&env, from);
    assert_int_equal(env.count, 3);
    expect(&env, 0, "PWD=/shell");
    expect(&env, 1, "PATH=/user");
    expect(&env, 2, "a-b=c=d\n");
    strv_free(&env);
}

TEST(what_a_shell_adds_is_left_out)
{
    char *from[] = {"_=/bin/agent",
                    "PWD=/",
                    "OLDPWD=/tmp",
                    "SHLVL=0",
                    "SHLVLS=1",
                    "SOCKERLESS_AGENT_ENV_0=PWD=/mine",
                    NULL};
    struct strv env = STRV_INIT;
    setenv("SOCKERLESS_AGENT_SHELL", "1", 1);
    environment_receive(&env, from);
    unsetenv("SOCKERLESS_AGENT_SHELL");
    assert_int_equal(env.count, 2);
    expect(&env, 0, "SHLVLS=1");
    expect(&env, 1, "PWD=/mine");
    strv_free(&env);
}

TEST(unset_variables_get_no_default)
{
    char *from[] = {"GONE=image", "KEPT=1", "PATH=/image", NULL};
    struct strv env = STRV_INIT;
    setenv("SOCKERLESS_AGENT_UNSET", "GONE=HOSTNAME=TERM=PATH=HOME", 1);
    environment_receive(&env, from);
    unsetenv("SOCKERLESS_AGENT_UNSET");
    environment_complete(&env, "/root", true);
    assert_int_equal(env.count, 2);
    expect(&env, 0, "KEPT=1");
    expect(&env, 1, "HOME=/root"); /* the OCI runtime sets it whatever was asked */
    assert_null(env.items[2]);
    strv_free(&env);
}

TEST(an_unset_variable_of_an_exec_is_a_name_alone)
{
    struct strv env = STRV_INIT;
    strv_push(&env, "HOSTNAME");
    strv_push(&env, "PATH=/bin");
    strv_push(&env, "HOME=/h");
    environment_complete(&env, "/root", false);
    assert_int_equal(env.count, 2);
    expect(&env, 0, "PATH=/bin");
    expect(&env, 1, "HOME=/h");
    strv_free(&env);
}
