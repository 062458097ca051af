/* SPDX-License-Identifier: Apache-2.0
 * Ports; see container_ports.h. */
#include "backend/container/container_ports.h"

#include "json/json_doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *parse_port(const char *text, int *out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return NULL;
    long port = strtol(text, &end, 10);
    if (port < 0 || port > 65535)
        return NULL;
    *out = (int)port;
    return end;
}

bool port_range_parse(const char *text, struct port_range *out)
{
    const char *rest = parse_port(text, &out->first);
    out->last = out->first;
    if (rest && *rest == '-')
        rest = parse_port(rest + 1, &out->last);
    if (!rest || out->last < out->first)
        return false;
    strcpy(out->protocol, "tcp");
    if (*rest == '\0')
        return true;
    static const char *const protocols[] = {"tcp", "udp", "sctp"};
    for (size_t i = 0; *rest == '/' && i < sizeof protocols / sizeof *protocols; i++)
        if (strcmp(rest + 1, protocols[i]) == 0) {
            strcpy(out->protocol, protocols[i]);
            return true;
        }
    return false;
}

static bool overlaps(const struct port_range *a, const struct port_range *b)
{
    return strcmp(a->protocol, b->protocol) == 0 && a->first <= b->last && b->first <= a->last;
}

static bool text_overlaps(const char *text, const struct port_range *wanted)
{
    struct port_range have;
    return port_range_parse(text, &have) && overlaps(&have, wanted);
}

/* One entry of PortBindings: does it (its host ports, or its own port) match? */
static bool binding_matches(const char *port, const json_t *hosts, bool host_side,
                            const struct port_range *wanted)
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
                           const struct port_range *wanted)
{
    if (!c->host_config_json.len)
        return false;
    struct error err;
    json_t *host_config = json_doc_load(c->host_config_json.data, c->host_config_json.len, &err);
    const char *port;
    json_t *hosts;
    bool found = false;
    json_object_foreach(json_object_get(host_config, "PortBindings"), port, hosts) found =
        found || binding_matches(port, hosts, host_side, wanted);
    json_decref(host_config);
    return found;
}

bool container_exposes(const Sockerless__Container *c, const struct port_range *wanted)
{
    for (size_t i = 0; c->config && i < c->config->n_exposed_ports; i++)
        if (text_overlaps(c->config->exposed_ports[i], wanted))
            return true;
    return bindings_match(c, false, wanted);
}

bool container_publishes(const Sockerless__Container *c, const struct port_range *wanted)
{
    return bindings_match(c, true, wanted);
}
