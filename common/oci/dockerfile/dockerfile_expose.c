/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports as EXPOSE takes them (github.com/docker/go-connections/nat: ParsePortSpec). Host parts are
 * checked and dropped.
 */
#include "oci/dockerfile/dockerfile_change.h"

#include "base/port_range.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { PORT_TEXT_MAX = 64 };

static int invalid(struct error *err, const char *what, const char *value)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "%s: %.100s", what, value);
}

static bool read_range(const char *text, struct port_range *out)
{
    return port_range_parse(text, strlen(text), out);
}

static bool is_address(char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    size_t len = strlen(text);
    if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
        text[len - 1] = '\0';
        text++;
    }
    return !*text || inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* Cuts it off; NULL when it is not known. */
static const char *protocol_of(char *port)
{
    char *slash = strchr(port, '/');
    if (slash)
        *slash = '\0';
    return port_range_protocol(slash && slash[1] ? slash + 1 : "tcp");
}

/* Takes the last part after a ':' off. */
static char *last_part(char *text)
{
    char *colon = strrchr(text, ':');
    if (!colon)
        return NULL;
    *colon = '\0';
    return colon + 1;
}

struct port_spec { /* parts of a text of its own */
    char text[PORT_TEXT_MAX];
    char *address, *host, *port; /* the first two may be NULL */
    const char *protocol;        /* NULL: none that is known */
};

static void port_spec_split(const char *spec, struct port_spec *out)
{
    snprintf(out->text, sizeof out->text, "%s", spec);
    out->address = out->host = NULL;
    out->port = last_part(out->text);
    if (out->port) {
        out->host = last_part(out->text);
        out->address = out->host ? out->text : NULL;
        out->host = out->host ? out->host : out->text;
    } else {
        out->port = out->text;
    }
    out->protocol = protocol_of(out->port);
}

static int check_host(const struct port_spec *p, int ports, struct error *err)
{
    struct port_range host;
    if (!p->host || !*p->host)
        return 0;
    if (!read_range(p->host, &host))
        return invalid(err, "Invalid hostPort", p->host);
    if (host.last - host.first + 1 != ports && ports != 1)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Invalid ranges specified for container and host Ports: %s and %s",
                         p->port, p->host);
    return 0;
}

int dockerfile_expose(const char *spec, json_t *set, struct error *err)
{
    struct port_spec p;
    char key[PORT_TEXT_MAX];
    struct port_range ports;
    if (strlen(spec) >= sizeof p.text)
        return invalid(err, "Invalid containerPort", spec);
    port_spec_split(spec, &p);
    if (p.address && !is_address(p.address))
        return invalid(err, "Invalid ip address", p.address);
    if (!*p.port)
        return error_set(err, ERROR_INVALID_PARAMETER, "No port specified: %s<empty>", spec);
    if (!read_range(p.port, &ports))
        return invalid(err, "Invalid containerPort", p.port);
    if (check_host(&p, ports.last - ports.first + 1, err))
        return -1;
    if (!p.protocol)
        return invalid(err, "Invalid proto", strchr(spec, '/') + 1);
    for (int n = ports.first; n <= ports.last; n++) {
        snprintf(key, sizeof key, "%d/%s", n, p.protocol);
        json_object_set_new(set, key, json_object());
    }
    return 0;
}
