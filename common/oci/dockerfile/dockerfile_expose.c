/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports as EXPOSE takes them (github.com/docker/go-connections/nat: ParsePortSpec). Host parts are
 * checked and forgotten.
 */
#include "oci/dockerfile/dockerfile_change.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PORT_TEXT_MAX = 64, PORT_MAX = 65535 };

static int invalid(struct error *err, const char *what, const char *value)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "%s: %.100s", what, value);
}

static bool read_port(const char *text, size_t len, long *out)
{
    long n = 0;
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || (n = 10 * n + (text[i] - '0')) > PORT_MAX)
            return false;
    }
    *out = n;
    return true;
}

static bool read_range(const char *text, long *from, long *to)
{
    const char *dash = strchr(text, '-');
    if (!dash) {
        bool good = read_port(text, strlen(text), from);
        *to = *from;
        return good;
    }
    return read_port(text, (size_t)(dash - text), from) &&
           read_port(dash + 1, strlen(dash + 1), to) && *from <= *to;
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

static const char *protocol_of(char *port)
{
    static const char *const known[] = {"tcp", "udp", "sctp"};
    char *slash = strchr(port, '/');
    if (!slash)
        return known[0];
    *slash = '\0';
    if (slash[1] == '\0')
        return known[0];
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcasecmp(known[i], slash + 1) == 0)
            return known[i];
    return NULL;
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

static int check_host(const struct port_spec *p, long ports, struct error *err)
{
    long from, to;
    if (!p->host || !*p->host)
        return 0;
    if (!read_range(p->host, &from, &to))
        return invalid(err, "Invalid hostPort", p->host);
    if (to - from + 1 != ports && ports != 1)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Invalid ranges specified for container and host Ports: %s and %s",
                         p->port, p->host);
    return 0;
}

int dockerfile_expose(const char *spec, json_t *set, struct error *err)
{
    struct port_spec p;
    char key[PORT_TEXT_MAX];
    long from, to;
    if (strlen(spec) >= sizeof p.text)
        return invalid(err, "Invalid containerPort", spec);
    port_spec_split(spec, &p);
    if (p.address && !is_address(p.address))
        return invalid(err, "Invalid ip address", p.address);
    if (!*p.port)
        return error_set(err, ERROR_INVALID_PARAMETER, "No port specified: %s<empty>", spec);
    if (!read_range(p.port, &from, &to))
        return invalid(err, "Invalid containerPort", p.port);
    if (check_host(&p, to - from + 1, err))
        return -1;
    if (!p.protocol)
        return invalid(err, "Invalid proto", strchr(spec, '/') + 1);
    for (long n = from; n <= to; n++) {
        snprintf(key, sizeof key, "%ld/%s", n, p.protocol);
        json_object_set_new(set, key, json_object());
    }
    return 0;
}
