/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports as EXPOSE takes them (github.com/docker/go-connections/nat: ParsePortSpec). Host parts are
 * checked and forgotten.
 */
#include "oci/dockerfile_change.h"

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

int dockerfile_expose(const char *spec, json_t *set, struct error *err)
{
    char text[PORT_TEXT_MAX], key[PORT_TEXT_MAX];
    if (strlen(spec) >= sizeof text)
        return invalid(err, "Invalid containerPort", spec);
    snprintf(text, sizeof text, "%s", spec);
    char *port = last_part(text), *host = NULL, *address = NULL;
    if (port) {
        host = last_part(text);
        address = host ? text : NULL;
        host = host ? host : text;
    } else {
        port = text;
    }
    const char *protocol = protocol_of(port);
    long from, to, host_from, host_to;
    if (address && !is_address(address))
        return invalid(err, "Invalid ip address", address);
    if (!*port)
        return error_set(err, ERROR_INVALID_PARAMETER, "No port specified: %s<empty>", spec);
    if (!read_range(port, &from, &to))
        return invalid(err, "Invalid containerPort", port);
    if (host && *host) {
        if (!read_range(host, &host_from, &host_to))
            return invalid(err, "Invalid hostPort", host);
        if (host_to - host_from != to - from && to != from)
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "Invalid ranges specified for container and host Ports: %s and %s",
                             port, host);
    }
    if (!protocol)
        return invalid(err, "Invalid proto", strchr(spec, '/') + 1);
    for (long n = from; n <= to; n++) {
        snprintf(key, sizeof key, "%ld/%s", n, protocol);
        json_object_set_new(set, key, json_object());
    }
    return 0;
}
