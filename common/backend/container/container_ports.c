/* SPDX-License-Identifier: Apache-2.0
 * Ports; see container_ports.h. */
#include "backend/container/container_ports.h"

#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

bool container_ports_parse(const char *text, struct container_ports *out)
{
    size_t len = strcspn(text, "/");
    const char *protocol = text[len] ? text + len + 1 : "tcp";
    out->protocol = port_range_protocol(protocol);
    return port_range_parse(text, len, &out->range) && out->protocol &&
           strcmp(out->protocol, protocol) == 0;
}

static bool overlaps(const struct container_ports *a, const struct container_ports *b)
{
    return a->protocol == b->protocol && a->range.first <= b->range.last &&
           b->range.first <= a->range.last;
}

static bool text_overlaps(const char *text, const struct container_ports *wanted)
{
    struct container_ports have;
    return container_ports_parse(text, &have) && overlaps(&have, wanted);
}

/* One entry of PortBindings: does it (its host ports, or its own port) match? */
static bool binding_matches(const char *port, const json_t *hosts, bool host_side,
                            const struct container_ports *wanted)
{
    if (!host_side)
        return text_overlaps(port, wanted);
    const char *slash = strchr(port, '/');
    size_t i;
    const json_t *host;
    json_array_foreach(hosts, i, host)
    {
        const char *number = json_doc_string(host, "HostPort");
        char text[64];
        if (number &&
            snprintf(text, sizeof text, "%s%s", number, slash ? slash : "") < (int)sizeof text &&
            text_overlaps(text, wanted))
            return true;
    }
    return false;
}

static bool bindings_match(const Sockerless__Container *c, bool host_side,
                           const struct container_ports *wanted)
{
    if (!c->host_config_json.len)
        return false;
    struct error err;
    json_t *host_config =
        json_doc_load_with_nul(c->host_config_json.data, c->host_config_json.len, &err);
    const char *port;
    json_t *hosts;
    bool found = false;
    json_object_foreach(json_object_get(host_config, "PortBindings"), port, hosts) found =
        found || binding_matches(port, hosts, host_side, wanted);
    json_decref(host_config);
    return found;
}

bool container_exposes(const Sockerless__Container *c, const struct container_ports *wanted)
{
    for (size_t i = 0; c->config && i < c->config->n_exposed_ports; i++)
        if (text_overlaps(c->config->exposed_ports[i], wanted))
            return true;
    return bindings_match(c, false, wanted);
}

bool container_publishes(const Sockerless__Container *c, const struct container_ports *wanted)
{
    return bindings_match(c, true, wanted);
}
