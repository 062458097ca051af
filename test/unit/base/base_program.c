/* SPDX-License-Identifier: Apache-2.0
 *
 * What all programs have in common: command lines, settings and what is said of them, on a terminal
 * and elsewhere. test/e2e/sockerless_settings.bats asks the programs themselves.
 */
#include "base/program.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/suggestion.h"
#include "test/kit/test.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *config, *name, *level, *key;
static int64_t count;
static const struct config_setting settings[] = {
    CONFIG_ROW_STRING("the-name", "SOCKERLESS_TEST_NAME", "initial", &name, "a name"),
    CONFIG_ROW_INT("count", "SOCKERLESS_TEST_COUNT", "3", &count, "a number", 1, 9),
    CONFIG_ROW_TEXT(CONFIG_SECRET, "key", "SOCKERLESS_TEST_KEY", NULL, &key, "a secret"),
    CONFIG_ROW_STRING("log-level", "SOCKERLESS_TEST_LEVEL", "info", &level, "the level"),
    CONFIG_ROW_CONFIG(&config),
    {0}};
static const struct program self = {.component = "test",
                                    .purpose = "A test.",
                                    .settings = settings,
                                    .log_level = &level,
                                    .daemon = true};
static char output[4096];

/* The exit code of program_begin; what it writes to stderr is in output. */
static int begin(int errors, char *flag)
{
    char *argv[] = {"test", flag, NULL};
    int before = dup(2);
    config_unload(settings);
    dup2(errors, 2);
    int code = program_begin(&self, flag ? 2 : 1, argv);
    dup2(before, 2);
    close(before);
    return code;
}

static int begin_in_pipe(char *flag)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int code = begin(ends[1], flag);
    close(ends[1]);
    ssize_t n = read(ends[0], output, sizeof output - 1);
    assert_true(n >= 0);
    output[n] = '\0';
    close(ends[0]);
    return code;
}

TEST(one_line_names_flag_and_variable)
{
    static const struct {
        char *flag;
        const char *says;
    } cases[] = {
        {"--count=10", "--count (SOCKERLESS_TEST_COUNT): \\\"10\\\" is not a number from 1 to 9; "
                       "give a whole number from 1 to 9"},
        {"--count=x", "\\\"x\\\" is not a number; give"},
        {"--the-name=", "--the-name (SOCKERLESS_TEST_NAME): the value is empty; give one"},
        {"--the-name", "--the-name (SOCKERLESS_TEST_NAME): the flag needs a value"},
        {"--teh-name=a", "unknown flag \\\"--teh-name\\\"; --help lists all; did you mean "
                         "--the-name (SOCKERLESS_TEST_NAME)?"},
        {"--nonsense=a", "unknown flag \\\"--nonsense\\\"; --help"},
        {"--log-level=loud", "--log-level (SOCKERLESS_TEST_LEVEL): \\\"loud\\\" is not one of"},
        {"--config=/nonexistent", "--config (SOCKERLESS_CONFIG): \\\"/nonexistent\\\" cannot be"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(begin_in_pipe(cases[i].flag), PROGRAM_REFUSED);
        if (!strstr(output, cases[i].says) || strchr(output, '\n') != strrchr(output, '\n'))
            fail_msg("%s: %s", cases[i].flag, output);
    }
}

TEST(an_empty_variable_is_unset_unless_it_guards)
{
    setenv("SOCKERLESS_TEST_NAME", "", 1);
    assert_int_equal(begin_in_pipe(NULL), PROGRAM_RUNS);
    assert_string_equal(name, "initial");
    unsetenv("SOCKERLESS_TEST_NAME");
    setenv("SOCKERLESS_TEST_KEY", "", 1);
    assert_int_equal(begin_in_pipe(NULL), PROGRAM_REFUSED);
    assert_non_null(strstr(output, "--key (SOCKERLESS_TEST_KEY): the variable is empty"));
    unsetenv("SOCKERLESS_TEST_KEY");
}

TEST(unknown_variables_are_named)
{
    setenv("SOCKERLESS_TEST_NMAE", "a", 1);
    setenv("SOCKERLESS_SOMETHING_ELSE", "a", 1);
    setenv("SOCKERLESS_LISTEN", "another program's", 1);
    assert_int_equal(begin_in_pipe(NULL), PROGRAM_RUNS);
    assert_non_null(strstr(output, "SOCKERLESS_TEST_NMAE is set, but is not a setting; did you "
                                   "mean SOCKERLESS_TEST_NAME?"));
    assert_non_null(strstr(output, "SOCKERLESS_SOMETHING_ELSE is set, but is not a setting\""));
    assert_null(strstr(output, "SOCKERLESS_LISTEN"));
    unsetenv("SOCKERLESS_TEST_NMAE");
    unsetenv("SOCKERLESS_SOMETHING_ELSE");
    unsetenv("SOCKERLESS_LISTEN");
}

TEST(text_on_a_terminal)
{
    int terminal, keyboard;
    assert_int_equal(openpty(&keyboard, &terminal, NULL, NULL, NULL), 0);
    assert_int_equal(begin(terminal, "--count=ten"), PROGRAM_REFUSED);
    ssize_t n = read(keyboard, output, sizeof output - 1);
    assert_true(n > 0);
    output[n] = '\0';
    assert_string_equal(output, "test: error: --count (SOCKERLESS_TEST_COUNT): \"ten\" is not a "
                                "number; give a whole number from 1 to 9\r\n");
    close(terminal);
    close(keyboard);
}

TEST(names_of_settings_are_completed)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"set SOCKERLESS_TEST_NAME to x", "set SOCKERLESS_TEST_NAME (--the-name) to x"},
        {"--the-name: x", "--the-name (SOCKERLESS_TEST_NAME): x"},
        {"--the-name and SOCKERLESS_TEST_NAME", "--the-name and SOCKERLESS_TEST_NAME"},
        {"--the-names, SOCKERLESS_TEST_NAME_2", "--the-names, SOCKERLESS_TEST_NAME_2"},
        {"--key, --count", "--key (SOCKERLESS_TEST_KEY), --count (SOCKERLESS_TEST_COUNT)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err;
        error_set(&err, ERROR_CONFLICT, "%s", cases[i].before);
        config_name_settings(settings, &err);
        assert_string_equal(err.message, cases[i].after);
    }
}

static const char *suggest(const char *word)
{
    static const char *const known[] = {"listen", "backend", "log-level"};
    struct suggestion s = suggestion_of(word);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        suggestion_try(&s, known[i]);
    return str_or_empty(s.word);
}

TEST(suggestions)
{
    assert_string_equal(suggest("lisen"), "listen");
    assert_string_equal(suggest("loglevel"), "log-level");
    assert_string_equal(suggest("beckendd"), "backend");
    assert_string_equal(suggest("x"), "");
    assert_string_equal(suggest("frontend"), "");
}

static int teardown(void **state)
{
    (void)state;
    config_unload(settings);
    return 0;
}

static int environment_setup(void **state)
{
    (void)state;
    return clearenv();
}

TEST_GROUP(environment_setup, teardown);
