/* SPDX-License-Identifier: Apache-2.0
 *
 * Merging a create request with its image's config. Configs are written as image configurations,
 * so that the parser of those is the only reader needed.
 */
#include "oci/document/container_config_merge.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "oci/document/image_config.h"
#include "test/kit/arena_rig.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>

static struct error err; /* of the last call */

static Sockerless__ContainerConfig *config(const char *json)
{
    char *doc AUTO_FREE = xasprintf("{\"config\":{%s}}", json);
    Sockerless__Image *image;
    if (image_config_parse(doc, strlen(doc), &arena, &image, &err))
        fail_msg("%s: %s", json, err.message);
    return image->config;
}

static struct container_command merged(const char *user, const char *image)
{
    struct container_command out;
    if (container_config_merge(config(user), image ? config(image) : NULL, &arena, &out, &err))
        fail_msg("%s + %s: %s", user, image, err.message);
    return out;
}

static const char *joined(char *const *items, size_t count)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s%s", i ? " " : "", items[i]);
    char *text = arena_strndup(&arena, b.data ? b.data : "", b.len);
    buf_free(&b);
    return text;
}

static const char *argv_of(const struct container_command *c)
{
    return arena_printf(&arena, "%s|%s", c->path, joined(c->args, c->arg_count));
}

TEST_USING(arena, command)
{
    static const struct {
        const char *user, *image, *argv;
    } cases[] = {
        {"", "\"Cmd\":[\"sh\"]", "sh|"},
        {"\"Cmd\":[\"ls\",\"-l\"]", "\"Cmd\":[\"sh\"]", "ls|-l"},
        {"", "\"Entrypoint\":[\"e\"],\"Cmd\":[\"a\",\"b\"]", "e|a b"},
        {"\"Cmd\":[\"x\"]", "\"Entrypoint\":[\"e\",\"-q\"],\"Cmd\":[\"a\"]", "e|-q x"},
        {"\"Entrypoint\":[\"u\"]", "\"Entrypoint\":[\"e\"],\"Cmd\":[\"a\"]", "u|"},
        {"\"Entrypoint\":[\"u\"],\"Cmd\":[\"x\"]", "\"Entrypoint\":[\"e\"],\"Cmd\":[\"a\"]", "u|x"},
        {"\"Entrypoint\":[\"\"],\"Cmd\":[\"x\"]", "\"Entrypoint\":[\"e\"],\"Cmd\":[\"a\"]", "x|"},
        {"\"Entrypoint\":[]", "\"Entrypoint\":[\"e\"],\"Cmd\":[\"a\"]", "a|"},
        {"\"Cmd\":[]", "\"Cmd\":[\"a\"]", "a|"},
        {"\"Cmd\":[\"x\"]", NULL, "x|"},
        {"\"Cmd\":[\"\"]", NULL, "|"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct container_command c = merged(cases[i].user, cases[i].image);
        if (strcmp(argv_of(&c), cases[i].argv) != 0)
            fail_msg("%s + %s: %s", cases[i].user, cases[i].image, argv_of(&c));
    }
    struct container_command c = merged("\"Entrypoint\":[\"\"],\"Cmd\":[\"x\"]", "");
    assert_null(c.config->entrypoint);
}

TEST_USING(arena, refused)
{
    static const struct {
        const char *user, *image, *words;
    } cases[] = {
        {"", "", "No command specified"},
        {"\"Entrypoint\":[\"\"]", "\"Cmd\":[\"sh\"]", "No command specified"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct container_command out;
        assert_int_equal(container_config_merge(config(cases[i].user), config(cases[i].image),
                                                &arena, &out, &err),
                         -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        assert_string_equal(err.message, cases[i].words);
    }
}

static const char *env_of(const struct container_command *c)
{
    return c->config->env ? joined(c->config->env->items, c->config->env->n_items) : "(null)";
}

TEST_USING(arena, env)
{
    struct container_command c = merged("\"Cmd\":[\"x\"],\"Env\":[\"BASE=1\",\"A=new=2\",\"GONE\"]",
                                        "\"Env\":[\"PATH=/bin\",\"A=old\",\"GONE=1\",\"B=\"]");
    assert_string_equal(env_of(&c), "BASE=1 A=new=2 GONE PATH=/bin B=");
    c = merged("\"Cmd\":[\"x\"]", "\"Env\":[\"PATH=/bin\"]");
    assert_string_equal(env_of(&c), "PATH=/bin");
    c = merged("\"Cmd\":[\"x\"]", "");
    assert_string_equal(env_of(&c), "(null)");

    struct container_environment env;
    c = merged("\"Cmd\":[\"x\"],\"Tty\":true,\"Env\":[\"TERM\",\"A=1\",\"A=2\",\"HOSTNAME=mine\"]",
               "\"Env\":[\"PATH=/bin\",\"B=x y\"]");
    env = container_environment(c.config, NULL, "abc", &arena);
    assert_string_equal(joined(env.set, env.set_count), "PATH=/bin HOSTNAME=mine A=2 B=x y");
    assert_string_equal(joined(env.unset, env.unset_count), "TERM");
    c = merged("\"Cmd\":[\"x\"]", "");
    env = container_environment(c.config, NULL, "abc", &arena);
    assert_string_equal(joined(env.set, env.set_count),
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
                        ":/sbin:/bin HOSTNAME=abc");
    assert_int_equal(env.unset_count, 0);
    assert_int_equal(container_environment(c.config, NULL, NULL, &arena).set_count, 1);
}

/* As dockerd 20.10 answers: a name alone removes defaults, not what its own list sets. */
TEST_USING(arena, names_without_a_value)
{
    struct container_command c = merged("\"Cmd\":[\"x\"],\"Env\":[\"GONE\",\"HOSTNAME\",\"TERM=x\","
                                        "\"TERM\",\"A\",\"A=1\",\"PATH\"]",
                                        "\"Env\":[\"PATH=/bin\",\"GONE=1\",\"B=2\"]");
    struct container_environment env = container_environment(c.config, NULL, "abc", &arena);
    assert_string_equal(joined(env.set, env.set_count), "TERM=x A=1 B=2");
    assert_string_equal(joined(env.unset, env.unset_count), "PATH HOSTNAME GONE");
    char *names[] = {(char *)(uintptr_t) "B", (char *)(uintptr_t) "GONE=back",
                     (char *)(uintptr_t) "A=3", (char *)(uintptr_t) "A"};
    Sockerless__StringList over = SOCKERLESS__STRING_LIST__INIT;
    over.items = names;
    over.n_items = 4;
    env = container_environment(c.config, &over, "abc", &arena);
    assert_string_equal(joined(env.set, env.set_count), "GONE=back TERM=x");
    assert_string_equal(joined(env.unset, env.unset_count), "PATH HOSTNAME A B");
}

TEST_USING(arena, env_large)
{
    struct buf user AUTO(buf) = BUF_INIT;
    struct buf image AUTO(buf) = BUF_INIT;
    buf_puts(&user, "\"Cmd\":[\"x\"],\"Env\":[\"X=1\"");
    buf_puts(&image, "\"Env\":[\"Y=1\"");
    for (int i = 0; i < 10000; i++) {
        buf_printf(&user, ",\"KEY%d=u\"", i);
        buf_printf(&image, ",\"KEY%d=i\"", i + 5000);
    }
    buf_puts(&user, "]");
    buf_puts(&image, "]");
    struct container_command c = merged(user.data, image.data);
    assert_int_equal(c.config->env->n_items, 10001 + 1 + 5000);
    assert_int_equal(container_environment(c.config, NULL, "h", &arena).set_count, 15002 + 2);
}

TEST_USING(arena, the_rest)
{
    static const char image[] =
        "\"User\":\"app\",\"WorkingDir\":\"/w\",\"StopSignal\":\"SIGINT\",\"Shell\":[\"s\"],"
        "\"OnBuild\":[\"RUN\"],\"StopTimeout\":9,\"ExposedPorts\":{\"80/tcp\":{},\"443/udp\":{}},"
        "\"Volumes\":{\"/data\":{}},\"Labels\":{\"a\":\"image\",\"b\":\"image\"},\"Healthcheck\":"
        "{\"Test\":[\"CMD\",\"t\"],\"Interval\":5,\"Timeout\":6,\"StartPeriod\":7,\"Retries\":8}";
    struct container_command c = merged("\"Cmd\":[\"x\"]", image);
    assert_string_equal(c.config->user, "app");
    assert_string_equal(c.config->working_dir, "/w");
    assert_string_equal(c.config->stop_signal, "SIGINT");
    assert_null(c.config->shell);
    assert_int_equal(c.config->n_on_build, 0);
    assert_false(c.config->has_stop_timeout);
    assert_int_equal(c.config->healthcheck->interval_ns, 5);
    assert_true(container_has_healthcheck(c.config));
    c = merged("\"Cmd\":[\"x\"],\"User\":\"0\",\"ExposedPorts\":{\"80/tcp\":{},\"1/tcp\":{}},"
               "\"Volumes\":{\"/a\":{}},\"Labels\":{\"b\":\"own\",\"0\":\"own\"},"
               "\"Healthcheck\":{\"Test\":[\"NONE\"],\"Timeout\":60}",
               image);
    assert_string_equal(c.config->user, "0");
    assert_string_equal(joined(c.config->exposed_ports, c.config->n_exposed_ports),
                        "1/tcp 443/udp 80/tcp");
    assert_string_equal(joined(c.config->volumes, c.config->n_volumes), "/a /data");
    assert_int_equal(c.config->n_labels, 3);
    assert_string_equal(c.config->labels[1]->value, "image");
    assert_string_equal(c.config->labels[2]->value, "own");
    assert_string_equal(c.config->healthcheck->test[0], "NONE"); /* as recorded from dockerd */
    assert_int_equal(c.config->healthcheck->interval_ns, 5);
    assert_int_equal(c.config->healthcheck->timeout_ns, 60);
    assert_false(container_has_healthcheck(c.config));
}

/* The result survives its inputs. */
TEST_USING(arena, deep_copy)
{
    struct arena own;
    arena_init(&own);
    struct container_command out;
    assert_int_equal(container_config_merge(config("\"Cmd\":[\"x\"],\"Env\":[\"A=1\"]"),
                                            config("\"Labels\":{\"a\":\"b\"}"), &own, &out, &err),
                     0);
    arena_fini(&arena);
    arena_init(&arena);
    assert_string_equal(out.path, "x");
    assert_string_equal(out.config->env->items[0], "A=1");
    assert_string_equal(out.config->labels[0]->value, "b");
    arena_fini(&own);
}
