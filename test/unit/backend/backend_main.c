/* SPDX-License-Identifier: Apache-2.0
 *
 * The main function that the backend daemons share, up to where they serve: one table of settings,
 * exit codes, what is called and what is released.
 */
#include "backend/daemon/backend_main.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/kit/fake_driver.h"
#include "test/kit/free_port.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config {
    char *own;
    int finished, opened, closed, released;
    char seen_own[32], seen_instance[32], opened_as[64];
} config;
static const char *refusal;
static bool opens;   /* the driver */
static char *output; /* of both streams */

static int finish(void *arg, struct backend_config *backend, struct error *err)
{
    struct config *c = arg;
    c->finished++;
    snprintf(c->seen_own, sizeof c->seen_own, "%s", str_or_empty(c->own));
    snprintf(c->seen_instance, sizeof c->seen_instance, "%s", str_or_empty(backend->instance));
    return refusal ? error_set(err, ERROR_INVALID_PARAMETER, "%s", refusal) : 0;
}

static void close_driver(void *driver)
{
    (void)driver;
    config.closed++;
}

/* What serving would need is not here. */
static int open_driver(const void *arg, const struct driver_env *env, struct cloud_driver *out,
                       struct error *err)
{
    const struct config *c = arg;
    (void)out;
    assert_string_equal(c->own, "mine");
    assert_non_null(env->loop);
    assert_non_null(env->http);
    snprintf(config.opened_as, sizeof config.opened_as, "%s", env->instance);
    config.opened++;
    if (opens) {
        *out = *fake_driver_open();
        out->close = close_driver;
        return 0;
    }
    return error_set(err, ERROR_FORBIDDEN, "no credentials anywhere");
}

static void fini(void *arg)
{
    struct config *c = arg;
    c->released++;
}

/* The daemon with these flags; its exit code. */
static int run(int count, char **flags)
{
    const struct config_setting settings[] = {
        CONFIG_ROW_STRING("test-own", "SOCKERLESS_TEST_OWN", "initial", &config.own, "of its own"),
        {0}};
    const struct backend_cloud cloud = {
        .component = "backend-test",
        .settings = settings,
        .config = &config,
        .finish = finish,
        .open = open_driver,
        .fini = fini,
    };
    char *argv[8] = {"backend"};
    memcpy(argv + 1, flags, (size_t)count * sizeof *flags);
    FILE *file = tmpfile();
    int out = dup(1), errors = dup(2);
    size_t size = 0;
    config = (struct config){0};
    fflush(stdout);
    dup2(fileno(file), 1);
    dup2(fileno(file), 2);
    int rc = backend_main(&cloud, count + 1, argv);
    fflush(stdout);
    dup2(out, 1);
    dup2(errors, 2);
    close(out);
    close(errors);
    rewind(file);
    free(output);
    output = NULL;
    if (getdelim(&output, &size, '\0', file) < 0)
        *(output = xrealloc(output, 1)) = '\0';
    fclose(file);
    return rc;
}

TEST(help_lists_all_settings)
{
    char *flags[] = {"--help"};
    assert_int_equal(run(1, flags), 0);
    assert_non_null(strstr(output, "--test-own"));
    assert_non_null(strstr(output, "--callback-url"));
    assert_int_equal(config.finished, 0);
    assert_int_equal(config.released, 1);
}

TEST(settings_that_cannot_be_read)
{
    char *unknown[] = {"--nonsense=1"}, *level[] = {"--log-level=loud"};
    assert_int_equal(run(1, unknown), 2);
    assert_non_null(strstr(output, "\"component\":\"backend-test\""));
    assert_non_null(strstr(output, "nonsense"));
    assert_int_equal(config.released, 1);
    assert_int_equal(run(1, level), 2);
    assert_non_null(strstr(output, "--log-level (SOCKERLESS_LOG_LEVEL): "));
    assert_int_equal(config.finished, 0);
    assert_int_equal(config.released, 1);
}

TEST(settings_that_the_cloud_refuses)
{
    char *flags[] = {"--test-own=mine", "--instance=ours"};
    refusal = "SOCKERLESS_TEST_OWN: no such region";
    assert_int_equal(run(2, flags), 2);
    refusal = NULL;
    assert_int_equal(config.finished, 1);
    assert_string_equal(config.seen_own, "mine");
    assert_string_equal(config.seen_instance, "ours");
    assert_non_null(
        strstr(output, "\"message\":\"SOCKERLESS_TEST_OWN (--test-own): no such region\""));
    assert_int_equal(config.opened, 0);
    assert_int_equal(config.released, 1);
}

/* The driver is opened once the store has said which instance this is: the same in every life. */
TEST(a_driver_that_cannot_be_opened)
{
    char directory[] = "/tmp/sockerless-main-XXXXXX", first[64];
    assert_non_null(mkdtemp(directory));
    AUTO_FREE char *state_dir = xasprintf("--state-dir=%s", directory);
    AUTO_FREE char *listen = xasprintf("--listen=ipc://%s/rpc.sock", directory);
    AUTO_FREE char *remove = xasprintf("rm -rf %s", directory);
    char *flags[] = {"--test-own=mine", state_dir, listen, "--instance=ours"};
    assert_int_equal(run(3, flags), 1);
    assert_int_equal(config.opened, 1);
    assert_non_null(strstr(output, "\"message\":\"no credentials anywhere\""));
    assert_int_equal(config.released, 1);
    strcpy(first, config.opened_as);
    assert_int_equal(strncmp(first, "sockerless-", 11), 0);
    assert_int_equal(run(3, flags), 1);
    assert_string_equal(config.opened_as, first);
    assert_int_equal(run(4, flags), 1);
    assert_string_equal(config.opened_as, "ours");
    assert_int_equal(system(remove), 0);
}

/* What was opened before is closed again: nothing hangs, and the next start finds its places. */
TEST(an_address_that_cannot_be_listened_on)
{
    char directory[] = "/tmp/sockerless-main-XXXXXX";
    assert_non_null(mkdtemp(directory));
    AUTO_FREE char *file = xasprintf("%s/file", directory);
    AUTO_FREE char *state_dir = xasprintf("--state-dir=%s/state", directory);
    AUTO_FREE char *listen = xasprintf("--listen=ipc://%s", file);
    AUTO_FREE char *callback = xasprintf("--callback-listen=ws://127.0.0.1:%d/", free_port());
    AUTO_FREE char *url = xasprintf("--callback-url=%s", callback + strlen("--callback-listen="));
    AUTO_FREE char *remove = xasprintf("rm -rf %s", directory);
    char *flags[] = {"--test-own=mine", state_dir, listen, callback, url};
    FILE *kept = fopen(file, "w");
    fputs("kept", kept);
    fclose(kept);
    opens = true;
    for (int count = 3; count <= 5; count += 2) {
        assert_int_equal(run(count, flags), 1);
        assert_non_null(strstr(output, "--listen (SOCKERLESS_BACKEND_LISTEN): "));
        assert_non_null(strstr(output, "not a socket"));
        assert_int_equal(config.closed, 1);
        assert_int_equal(access(file, F_OK), 0);
    }
    opens = false;
    assert_int_equal(system(remove), 0);
}

static int teardown(void **state)
{
    (void)state;
    free(output);
    return 0;
}

/* No variable of the machine's own is a setting here. */
static int environment_setup(void **state)
{
    (void)state;
    return clearenv();
}

TEST_GROUP(environment_setup, teardown);
