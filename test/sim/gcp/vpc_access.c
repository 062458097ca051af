/* SPDX-License-Identifier: Apache-2.0
 * The rules of VpcAccess (Cloud Run Admin API v2; "Direct VPC egress"); see vpc_access.h. */
#include "test/sim/gcp/vpc_access.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/http/members.h"
#include "test/sim/http/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TAGS_MAX = 64, NAME_LEN_MAX = 63 };
#define PATH "template.template.vpc_access"

/* A resource's name: [a-z]([-a-z0-9]*[a-z0-9])?, of len characters. */
static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) && text[i] != '-')
            return false;
    return len && len <= NAME_LEN_MAX && islower((unsigned char)text[0]) && text[len - 1] != '-';
}

/* projects/P/SCOPE/…/COLLECTION/NAME; scope: "global", or "locations" or "regions" with a place. */
static bool is_path(const char *text, const char *scope, bool has_place, const char *collection)
{
    const char *parts[8];
    size_t lengths[8], n = 0;
    for (; n < ARRAY_LEN(parts); n++) {
        parts[n] = text;
        lengths[n] = strcspn(text, "/");
        text += lengths[n];
        if (!*text++)
            break;
    }
    size_t at = has_place ? 4 : 3;
#define IS(i, word) (lengths[i] == strlen(word) && !strncmp(parts[i], word, lengths[i]))
    return n == at + 1 && IS(0, "projects") && lengths[1] && IS(2, scope) &&
           (!has_place || lengths[3]) && IS(at, collection) &&
           is_name(parts[at + 1], lengths[at + 1]);
#undef IS
}

static int check_interface(const json_t *interface, struct error *err)
{
    const char *network = value_string(interface, "network"),
               *subnetwork = value_string(interface, "subnetwork");
    const json_t *tags = json_object_get(interface, "tags");
    size_t i;
    json_t *tag;
    if (!*network && !*subnetwork)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         PATH ".network_interfaces[0]: at least one of network and subnetwork must "
                              "be specified");
    if (*network && !is_name(network, strlen(network)) &&
        !is_path(network, "global", false, "networks"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         PATH ".network_interfaces[0].network: invalid network %s", network);
    if (*subnetwork && !is_name(subnetwork, strlen(subnetwork)) &&
        !is_path(subnetwork, "regions", true, "subnetworks"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         PATH ".network_interfaces[0].subnetwork: invalid subnetwork %s",
                         subnetwork);
    if (json_array_size(tags) > TAGS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         PATH ".network_interfaces[0].tags: at most %d", TAGS_MAX);
    json_array_foreach(tags, i, tag)
    {
        const char *text = str_or_empty(json_string_value(tag));
        if (!is_name(text, strlen(text)))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             PATH ".network_interfaces[0].tags[%zu]: invalid network tag %s", i,
                             text);
    }
    return 0;
}

static int check_egress(json_t *access, struct error *err)
{
    static const char *const names[] = {"VPC_EGRESS_UNSPECIFIED", "ALL_TRAFFIC",
                                        "PRIVATE_RANGES_ONLY"};
    if (members_take_enum(access, "egress", names, ARRAY_LEN(names)))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "Invalid value at '" PATH ".egress'");
}

int vpc_access_check(json_t *access, struct error *err)
{
    const char *connector = value_string(access, "connector");
    const json_t *interfaces = json_object_get(access, "networkInterfaces");
    if (!access)
        return 0;
    if (*connector && json_array_size(interfaces))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         PATH ": connector and network_interfaces are mutually exclusive");
    if (*connector && !is_name(connector, strlen(connector)) &&
        !is_path(connector, "locations", true, "connectors"))
        return error_set(err, ERROR_INVALID_PARAMETER, PATH ".connector: invalid connector %s",
                         connector);
    if (json_array_size(interfaces) > 1)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         PATH ".network_interfaces: only one network interface is supported");
    if (json_array_size(interfaces) && check_interface(json_array_get(interfaces, 0), err))
        return -1;
    return check_egress(access, err);
}
