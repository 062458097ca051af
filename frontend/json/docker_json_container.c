/* SPDX-License-Identifier: Apache-2.0
 *
 * A container as `inspect` and `ps` show it; see docker_json.h.
 */
#include "frontend/json/docker_json.h"

#include "base/json.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

struct state_shape {
    const char *status;
    bool running, paused, dead;
};

/* Starting shows as created and stopping as running: clients have no other states. */
static const struct state_shape state_shapes[] = {
    [SOCKERLESS__CONTAINER_STATE__CREATED] = {"created", false, false, false},
    [SOCKERLESS__CONTAINER_STATE__STARTING] = {"created", false, false, false},
    [SOCKERLESS__CONTAINER_STATE__RUNNING] = {"running", true, false, false},
    [SOCKERLESS__CONTAINER_STATE__PAUSED] = {"paused", true, true, false},
    [SOCKERLESS__CONTAINER_STATE__STOPPING] = {"running", true, false, false},
    [SOCKERLESS__CONTAINER_STATE__EXITED] = {"exited", false, false, false},
    [SOCKERLESS__CONTAINER_STATE__REMOVING] = {"removing", false, false, false},
    [SOCKERLESS__CONTAINER_STATE__DEAD] = {"dead", false, false, true},
};

static const struct state_shape *state_shape(const Sockerless__Container *c)
{
    size_t count = sizeof(state_shapes) / sizeof(state_shapes[0]);
    return &state_shapes[(size_t)c->state < count ? (size_t)c->state : 0];
}

/* ---- words ---- */

void docker_json_human_duration(int64_t ns, char *out, size_t size)
{
    int64_t seconds = ns / 1000000000, minutes = seconds / 60;
    int64_t hours = (ns / 1000000000 + 1800) / 3600; /* rounded */
    if (seconds < 1)
        snprintf(out, size, "Less than a second");
    else if (seconds == 1)
        snprintf(out, size, "1 second");
    else if (seconds < 60)
        snprintf(out, size, "%lld seconds", (long long)seconds);
    else if (minutes == 1)
        snprintf(out, size, "About a minute");
    else if (minutes < 60)
        snprintf(out, size, "%lld minutes", (long long)minutes);
    else if (hours == 1)
        snprintf(out, size, "About an hour");
    else if (hours < 48)
        snprintf(out, size, "%lld hours", (long long)hours);
    else if (hours < 24 * 7 * 2)
        snprintf(out, size, "%lld days", (long long)(hours / 24));
    else if (hours < 24 * 30 * 2)
        snprintf(out, size, "%lld weeks", (long long)(hours / 24 / 7));
    else if (hours < 24 * 365 * 2)
        snprintf(out, size, "%lld months", (long long)(hours / 24 / 30));
    else
        snprintf(out, size, "%lld years", (long long)(hours / 24 / 365));
}

static const char *health_words(const Sockerless__Container *c)
{
    if (!strcmp(c->health, "starting"))
        return " (health: starting)";
    if (!strcmp(c->health, "healthy"))
        return " (healthy)";
    return !strcmp(c->health, "unhealthy") ? " (unhealthy)" : "";
}

void docker_json_status_text(const Sockerless__Container *c, int64_t now_ns, char *out, size_t size)
{
    char ago[40];
    switch (c->state) {
    case SOCKERLESS__CONTAINER_STATE__RUNNING:
    case SOCKERLESS__CONTAINER_STATE__PAUSED:
    case SOCKERLESS__CONTAINER_STATE__STOPPING:
        docker_json_human_duration(now_ns - c->started_at, ago, sizeof(ago));
        snprintf(out, size, "Up %s%s", ago,
                 c->state == SOCKERLESS__CONTAINER_STATE__PAUSED ? " (Paused)" : health_words(c));
        return;
    case SOCKERLESS__CONTAINER_STATE__EXITED:
        docker_json_human_duration(now_ns - c->finished_at, ago, sizeof(ago));
        snprintf(out, size, "Exited (%d) %s ago", c->exit_code, ago);
        return;
    case SOCKERLESS__CONTAINER_STATE__REMOVING: snprintf(out, size, "Removal In Progress"); return;
    case SOCKERLESS__CONTAINER_STATE__DEAD: snprintf(out, size, "Dead"); return;
    default: snprintf(out, size, "Created");
    }
}

/* ---- parts ---- */

static void put_time(struct json_writer *w, const char *key, int64_t ns)
{
    char text[TIMEFMT_RFC3339_MAX];
    json_member_string(w, key, timefmt_rfc3339nano(ns, text));
}

static void put_string_or_null_array(struct json_writer *w, const char *key, char **items,
                                     size_t count)
{
    json_key(w, key);
    if (count)
        json_string_array(w, items, count);
    else
        json_put_null(w);
}

static void put_state(struct json_writer *w, const Sockerless__Container *c)
{
    const struct state_shape *shape = state_shape(c);
    json_member_object(w, "State");
    json_member_string(w, "Status", shape->status);
    json_member_bool(w, "Running", shape->running);
    json_member_bool(w, "Paused", shape->paused);
    json_member_bool(w, "Restarting", false);
    json_member_bool(w, "OOMKilled", c->oom_killed);
    json_member_bool(w, "Dead", shape->dead);
    json_member_int(w, "Pid", c->pid);
    json_member_int(w, "ExitCode", c->exit_code);
    json_member_string(w, "Error", c->error);
    put_time(w, "StartedAt", c->started_at);
    put_time(w, "FinishedAt", c->finished_at);
    if (*c->health) {
        json_member_object(w, "Health");
        json_member_string(w, "Status", c->health);
        json_member_int(w, "FailingStreak", 0);
        json_member_array(w, "Log");
        json_array_close(w);
        json_object_close(w);
    }
    json_object_close(w);
}

static const char *network_name(const Sockerless__Container *c)
{
    const char *mode = c->host ? c->host->network_mode : "";
    return !*mode || !strcmp(mode, "default") ? "bridge" : mode;
}

static void put_networks(struct json_writer *w, const Sockerless__Container *c, unsigned api)
{
    const char *name = network_name(c);
    json_member_object(w, "Networks");
    if (!str_starts(name, "container:")) {
        json_member_object(w, name);
        json_key(w, "IPAMConfig");
        json_put_null(w);
        json_key(w, "Links");
        json_put_null(w);
        json_key(w, "Aliases");
        json_put_null(w);
        json_member_string(w, "MacAddress", c->mac_address);
        json_member_string(w, "NetworkID", c->network_id);
        json_member_string(w, "EndpointID", c->endpoint_id);
        json_member_string(w, "Gateway", c->gateway);
        json_member_string(w, "IPAddress", c->ip_address);
        json_member_int(w, "IPPrefixLen", c->ip_prefix_len);
        json_member_string(w, "IPv6Gateway", "");
        json_member_string(w, "GlobalIPv6Address", "");
        json_member_int(w, "GlobalIPv6PrefixLen", 0);
        json_key(w, "DriverOpts");
        json_put_null(w);
        if (api >= 44) {
            json_key(w, "DNSNames");
            json_put_null(w);
        }
        json_object_close(w);
    }
    json_object_close(w);
}

static void put_ports(struct json_writer *w, const Sockerless__Container *c)
{
    json_member_object(w, "Ports");
    if (c->config && state_shape(c)->running) {
        for (size_t i = 0; i < c->config->n_exposed_ports; i++) {
            json_key(w, c->config->exposed_ports[i]);
            json_put_null(w);
        }
    }
    json_object_close(w);
}

static void put_network_settings(struct json_writer *w, const Sockerless__Container *c,
                                 unsigned api)
{
    bool bridge = !strcmp(network_name(c), "bridge");
    json_member_object(w, "NetworkSettings");
    json_member_string(w, "Bridge", "");
    json_member_string(w, "SandboxID", "");
    json_member_string(w, "SandboxKey", "");
    put_ports(w, c);
    json_member_bool(w, "HairpinMode", false);
    json_member_string(w, "LinkLocalIPv6Address", "");
    json_member_int(w, "LinkLocalIPv6PrefixLen", 0);
    json_key(w, "SecondaryIPAddresses");
    json_put_null(w);
    json_key(w, "SecondaryIPv6Addresses");
    json_put_null(w);
    json_member_string(w, "EndpointID", bridge ? c->endpoint_id : "");
    json_member_string(w, "Gateway", bridge ? c->gateway : "");
    json_member_string(w, "GlobalIPv6Address", "");
    json_member_int(w, "GlobalIPv6PrefixLen", 0);
    json_member_string(w, "IPAddress", bridge ? c->ip_address : "");
    json_member_int(w, "IPPrefixLen", bridge ? c->ip_prefix_len : 0);
    json_member_string(w, "IPv6Gateway", "");
    json_member_string(w, "MacAddress", bridge ? c->mac_address : "");
    put_networks(w, c, api);
    json_object_close(w);
}

static void put_name(struct json_writer *w, const Sockerless__Container *c)
{
    char name[512];
    snprintf(name, sizeof(name), "/%s", c->name);
    json_put_string(w, name);
}

static void put_host_config(struct json_writer *w, const Sockerless__Container *c)
{
    json_key(w, "HostConfig");
    if (c->host_config_json.len)
        json_raw(w, (const char *)c->host_config_json.data, c->host_config_json.len);
    else
        JSON_RAW_LITERAL(w, "{}");
}

/* Where files of a local daemon would be: there are none. */
static void put_local_paths(struct json_writer *w, const Sockerless__Container *c)
{
    json_member_string(w, "ResolvConfPath", "");
    json_member_string(w, "HostnamePath", "");
    json_member_string(w, "HostsPath", "");
    json_member_string(w, "LogPath", "");
    json_key(w, "Name");
    put_name(w, c);
    json_member_int(w, "RestartCount", c->restart_count);
    json_member_string(w, "Driver", "sockerless");
    json_member_string(w, "Platform", "linux");
    json_member_string(w, "MountLabel", "");
    json_member_string(w, "ProcessLabel", "");
    json_member_string(w, "AppArmorProfile", "");
    put_string_or_null_array(w, "ExecIDs", c->exec_ids, c->n_exec_ids);
}

void docker_json_put_container(struct buf *out, const Sockerless__Container *c, unsigned api,
                               bool size)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "Id", c->id);
    put_time(&w, "Created", c->created);
    json_member_string(&w, "Path", c->path);
    json_key(&w, "Args");
    json_string_array(&w, c->args, c->n_args);
    put_state(&w, c);
    json_member_string(&w, "Image", c->image_id);
    put_local_paths(&w, c);
    put_host_config(&w, c);
    json_key(&w, "GraphDriver");
    JSON_RAW_LITERAL(&w, "{\"Data\":{},\"Name\":\"sockerless\"}");
    if (size) {
        json_member_int(&w, "SizeRw", 0);
        json_member_int(&w, "SizeRootFs", 0);
    }
    json_member_array(&w, "Mounts");
    json_array_close(&w);
    json_key(&w, "Config");
    docker_json_config(&w, c->config, CONFIG_OF_CONTAINER);
    put_network_settings(&w, c, api);
    json_object_close(&w);
}

/* ---- list ---- */

/* moby quotes only arguments with a blank, and without escaping. */
static void put_command(struct json_writer *w, const Sockerless__Container *c)
{
    struct buf text = BUF_INIT;
    buf_puts(&text, c->path);
    for (size_t i = 0; i < c->n_args; i++) {
        const char *quote = strchr(c->args[i], ' ') ? "'" : "";
        buf_putc(&text, ' ');
        buf_puts(&text, quote);
        buf_puts(&text, c->args[i]);
        buf_puts(&text, quote);
    }
    json_string_len(w, str_or_empty(text.data), text.len);
    buf_free(&text);
}

static void put_list_ports(struct json_writer *w, const Sockerless__Container *c)
{
    json_member_array(w, "Ports");
    for (size_t i = 0; c->config && state_shape(c)->running && i < c->config->n_exposed_ports;
         i++) {
        const char *port = c->config->exposed_ports[i], *slash = strchr(port, '/');
        char *end;
        unsigned long number = strtoul(port, &end, 10);
        json_object_open(w);
        json_member_int(w, "PrivatePort", (int64_t)number);
        json_member_string(w, "Type", slash ? slash + 1 : "tcp");
        json_object_close(w);
    }
    json_array_close(w);
}

static void put_list_entry(struct json_writer *w, const Sockerless__Container *c, unsigned api,
                           int64_t now_ns)
{
    char status[128];
    json_object_open(w);
    json_member_string(w, "Id", c->id);
    json_member_array(w, "Names");
    put_name(w, c);
    json_array_close(w);
    json_member_string(w, "Image", c->image);
    json_member_string(w, "ImageID", c->image_id);
    json_key(w, "Command");
    put_command(w, c);
    json_member_int(w, "Created", c->created / 1000000000);
    put_list_ports(w, c);
    json_key(w, "Labels");
    docker_json_labels(w, c->config, false);
    json_member_string(w, "State", state_shape(c)->status);
    docker_json_status_text(c, now_ns, status, sizeof(status));
    json_member_string(w, "Status", status);
    json_member_object(w, "HostConfig");
    json_member_string(w, "NetworkMode",
                       c->host && *c->host->network_mode ? c->host->network_mode : "default");
    json_object_close(w);
    json_member_object(w, "NetworkSettings");
    put_networks(w, c, api);
    json_object_close(w);
    json_member_array(w, "Mounts");
    json_array_close(w);
    json_object_close(w);
}

void docker_json_put_container_list(struct buf *out, const Sockerless__ContainerListReply *r,
                                    unsigned api, int64_t now_ns)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_array_open(&w);
    for (size_t i = 0; i < r->n_containers; i++)
        put_list_entry(&w, r->containers[i], api, now_ns);
    json_array_close(&w);
}
