/* SPDX-License-Identifier: Apache-2.0
 *
 * The Config object of a container or an image, in moby's field order and with its omissions.
 */
#include "frontend/json/docker_json.h"

#include "base/json.h"

static void put_keys(struct json_writer *w, char **keys, size_t count)
{
    json_object_open(w);
    for (size_t i = 0; i < count; i++) {
        json_key(w, keys[i]);
        JSON_RAW_LITERAL(w, "{}");
    }
    json_object_close(w);
}

void docker_json_string_list(struct json_writer *w, const Sockerless__StringList *list)
{
    if (list)
        json_string_array(w, list->items, list->n_items);
    else
        json_put_null(w);
}

void docker_json_labels(struct json_writer *w, const Sockerless__ContainerConfig *config,
                        bool null_when_empty)
{
    size_t count = config ? config->n_labels : 0;
    if (!count && null_when_empty) {
        json_put_null(w);
        return;
    }
    json_object_open(w);
    for (size_t i = 0; i < count; i++)
        json_member_string(w, config->labels[i]->key, config->labels[i]->value);
    json_object_close(w);
}

static void put_healthcheck(struct json_writer *w, const Sockerless__Healthcheck *h)
{
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"Interval", h->interval_ns},
                   {"Timeout", h->timeout_ns},
                   {"StartPeriod", h->start_period_ns},
                   {"StartInterval", h->start_interval_ns},
                   {"Retries", h->retries}};
    json_member_object(w, "Healthcheck");
    if (h->n_test) {
        json_key(w, "Test");
        json_string_array(w, h->test, h->n_test);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i].value)
            json_member_int(w, numbers[i].key, numbers[i].value);
    json_object_close(w);
}

/* Fields that moby leaves out when empty. */
static void put_config_tail(struct json_writer *w, const Sockerless__ContainerConfig *c)
{
    if (c->network_disabled)
        json_member_bool(w, "NetworkDisabled", true);
    if (*c->mac_address)
        json_member_string(w, "MacAddress", c->mac_address);
    json_key(w, "OnBuild");
    if (c->n_on_build)
        json_string_array(w, c->on_build, c->n_on_build);
    else
        json_put_null(w);
}

static void put_config_stop(struct json_writer *w, const Sockerless__ContainerConfig *c)
{
    if (*c->stop_signal)
        json_member_string(w, "StopSignal", c->stop_signal);
    if (c->has_stop_timeout)
        json_member_int(w, "StopTimeout", c->stop_timeout_s);
    if (c->shell) {
        json_key(w, "Shell");
        docker_json_string_list(w, c->shell);
    }
}

void docker_json_config(struct json_writer *w, const Sockerless__ContainerConfig *config,
                        enum json_config_use use)
{
    const Sockerless__ContainerConfig none = SOCKERLESS__CONTAINER_CONFIG__INIT;
    const Sockerless__ContainerConfig *c = config ? config : &none;
    json_object_open(w);
    json_member_string(w, "Hostname", c->hostname);
    json_member_string(w, "Domainname", c->domainname);
    json_member_string(w, "User", c->user);
    json_member_bool(w, "AttachStdin", c->attach_stdin);
    json_member_bool(w, "AttachStdout", c->attach_stdout);
    json_member_bool(w, "AttachStderr", c->attach_stderr);
    if (c->n_exposed_ports) {
        json_key(w, "ExposedPorts");
        put_keys(w, c->exposed_ports, c->n_exposed_ports);
    }
    json_member_bool(w, "Tty", c->tty);
    json_member_bool(w, "OpenStdin", c->open_stdin);
    json_member_bool(w, "StdinOnce", c->stdin_once);
    json_key(w, "Env");
    docker_json_string_list(w, c->env);
    json_key(w, "Cmd");
    docker_json_string_list(w, c->cmd);
    if (c->healthcheck)
        put_healthcheck(w, c->healthcheck);
    if (c->args_escaped)
        json_member_bool(w, "ArgsEscaped", true);
    json_member_string(w, "Image", c->image);
    json_key(w, "Volumes");
    if (c->n_volumes)
        put_keys(w, c->volumes, c->n_volumes);
    else
        json_put_null(w);
    json_member_string(w, "WorkingDir", c->working_dir);
    json_key(w, "Entrypoint");
    docker_json_string_list(w, c->entrypoint);
    put_config_tail(w, c);
    json_key(w, "Labels");
    docker_json_labels(w, c, use == CONFIG_OF_IMAGE);
    put_config_stop(w, c);
    json_object_close(w);
}
