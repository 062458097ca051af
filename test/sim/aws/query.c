/* SPDX-License-Identifier: Apache-2.0
 * Query protocols; see query.h. */
#include "test/sim/aws/query.h"

#include "base/alloc.h"
#include "base/percent.h"
#include "base/str.h"
#include "test/sim/aws/aws.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LIST_MAX = 1000, DEPTH_MAX = 8 };

/* EC2: list members that go by another name in a form (Name.1) than in the model. */
static const struct {
    const char *wire, *member;
} form_names[] = {{"SubnetId", "SubnetIds"},
                  {"GroupId", "GroupIds"},
                  {"GroupName", "GroupNames"},
                  {"VpcId", "VpcIds"},
                  {"NetworkInterfaceId", "NetworkInterfaceIds"},
                  {"Filter", "Filters"},
                  {"Value", "Values"},
                  {"TagSpecification", "TagSpecifications"}};

/* EC2: model members whose XML name is not just the member with a small first letter. */
static const struct {
    const char *member, *wire;
} xml_names[] = {{"Subnets", "subnetSet"},
                 {"SecurityGroups", "securityGroupInfo"},
                 {"NetworkInterfaces", "networkInterfaceSet"},
                 {"Groups", "groupSet"},
                 {"Tags", "tagSet"},
                 {"Description.SecurityGroup", "groupDescription"},
                 {"PrivateIpAddresses", "privateIpAddressesSet"}};

static char *decode(const char *text, size_t len)
{
    char *out = xmalloc(len + 1);
    percent_decode(text, len, PERCENT_KEEP_BROKEN | PERCENT_PLUS_IS_BLANK, out);
    return out;
}

static const char *member_name(const char *wire)
{
    for (size_t i = 0; i < ARRAY_LEN(form_names); i++)
        if (!strcmp(form_names[i].wire, wire))
            return form_names[i].member;
    return wire;
}

static bool is_index(const char *text, int64_t *out)
{
    return text && str_to_i64(text, out) && *out >= 1 && *out <= LIST_MAX;
}

/* Lists are objects keyed by number until the form has been read. */
static bool put(json_t *at, char *path, const char *value)
{
    char *save = NULL, *part = strtok_r(path, ".", &save);
    for (int depth = 0; part && depth < DEPTH_MAX; depth++) {
        char *next = strtok_r(NULL, ".", &save);
        int64_t index;
        if (next && !strcmp(next, "member")) /* STS: Name.member.1 */
            next = strtok_r(NULL, ".", &save);
        const char *key = is_index(next, &index) ? member_name(part) : part;
        if (!next)
            return json_object_set_new(at, key, value_text(value)) == 0;
        json_t *child = json_object_get(at, key);
        if (!child) {
            json_object_set_new(at, key, json_object());
            child = json_object_get(at, key);
        }
        if (!json_is_object(child))
            return false;
        at = child;
        part = next;
    }
    return false;
}

/* Objects whose keys are all numbers become arrays, in order. */
static json_t *settle(json_t *node)
{
    if (!json_is_object(node))
        return json_incref(node);
    const char *key;
    json_t *value;
    int64_t index;
    bool list = json_object_size(node) > 0;
    json_object_foreach(node, key, value) list = list && is_index(key, &index);
    json_t *out = list ? json_array() : json_object();
    if (!list) {
        json_object_foreach(node, key, value) json_object_set_new(out, key, settle(value));
        return out;
    }
    for (int64_t i = 1; i <= LIST_MAX; i++) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)i);
        json_t *item = json_object_get(node, number);
        if (item)
            json_array_append_new(out, settle(item));
    }
    return out;
}

json_t *query_parse_flat(const char *form)
{
    json_t *flat = json_object();
    for (const char *p = form; *p;) {
        size_t len = strcspn(p, "&"), name = strcspn(p, "=&");
        AUTO_FREE char *key = decode(p, name);
        AUTO_FREE char *value = name < len ? decode(p + name + 1, len - name - 1) : xstrdup("");
        if (len)
            json_object_set_new(flat, key, value_text(value));
        p += len + (p[len] == '&');
    }
    return flat;
}

json_t *query_parse(const char *form)
{
    json_t *flat = query_parse_flat(form), *root = json_object(), *value;
    const char *key;
    bool ok = true;
    json_object_foreach(flat, key, value)
    {
        AUTO_FREE char *path = xstrdup(key);
        ok = ok && put(root, path, json_string_value(value));
    }
    json_t *out = ok ? settle(root) : NULL;
    json_decref(root);
    json_decref(flat);
    return out;
}

static void put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<': buf_puts(out, "&lt;"); break;
        case '>': buf_puts(out, "&gt;"); break;
        case '&': buf_puts(out, "&amp;"); break;
        case '"': buf_puts(out, "&quot;"); break;
        default: buf_putc(out, *text); break;
        }
    }
}

static void xml_name(const char *member, const char *parent, bool ec2, char out[128])
{
    char qualified[128];
    snprintf(out, 128, "%s", member);
    if (!ec2)
        return;
    snprintf(qualified, sizeof qualified, "%s.%s", member, parent);
    for (size_t i = 0; i < ARRAY_LEN(xml_names); i++)
        if (!strcmp(xml_names[i].member, member) || !strcmp(xml_names[i].member, qualified)) {
            snprintf(out, 128, "%s", xml_names[i].wire);
            return;
        }
    out[0] = (char)tolower((unsigned char)out[0]);
}

static void put_time(struct buf *out, double seconds)
{
    char text[32];
    struct tm tm;
    time_t whole = (time_t)seconds;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&whole, &tm));
    buf_puts(out, text);
}

static void put_value(struct buf *out, const json_t *value, const char *name, bool ec2);

static void put_members(struct buf *out, const json_t *object, const char *parent, bool ec2)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        char name[128];
        xml_name(key, parent, ec2, name);
        buf_printf(out, "<%s>", name);
        put_value(out, value, key, ec2);
        buf_printf(out, "</%s>", name);
    }
}

static void put_value(struct buf *out, const json_t *value, const char *name, bool ec2)
{
    size_t i;
    json_t *item;
    const char *tag = ec2 ? "item" : "member";
    switch (json_typeof(value)) {
    case JSON_OBJECT: put_members(out, value, name, ec2); break;
    case JSON_ARRAY: {
        char single[128]; /* "SecurityGroups" -> "SecurityGroup", the parent of its members */
        snprintf(single, sizeof single, "%.*s", (int)(strlen(name) ? strlen(name) - 1 : 0), name);
        json_array_foreach(value, i, item)
        {
            buf_printf(out, "<%s>", tag);
            put_value(out, item, single, ec2);
            buf_printf(out, "</%s>", tag);
        }
        break;
    }
    case JSON_STRING: put_escaped(out, json_string_value(value)); break;
    case JSON_INTEGER: buf_printf(out, "%lld", (long long)json_integer_value(value)); break;
    case JSON_REAL: put_time(out, json_real_value(value)); break;
    case JSON_TRUE: buf_puts(out, "true"); break;
    case JSON_FALSE: buf_puts(out, "false"); break;
    case JSON_NULL: break;
    }
}

void query_write_result(struct buf *out, const char *service, const char *operation,
                        const json_t *output, const char *request_id)
{
    if (!strcmp(service, "ec2")) {
        buf_printf(out,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%sResponse "
                   "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>%s</requestId>",
                   operation, request_id);
        if (output)
            put_members(out, output, "", true);
        buf_printf(out, "</%sResponse>\n", operation);
        return;
    }
    buf_printf(out, "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>",
               operation, operation);
    if (output)
        put_members(out, output, "", false);
    buf_printf(out,
               "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>"
               "</%sResponse>\n",
               operation, request_id, operation);
}

void query_write_error(struct buf *out, const char *service, const char *code, const char *message,
                       const char *request_id)
{
    bool ec2 = !strcmp(service, "ec2");
    buf_puts(out, ec2 ? "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>"
                      : "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
                        "<Type>Sender</Type>");
    buf_puts(out, "<Code>");
    put_escaped(out, code);
    buf_puts(out, "</Code><Message>");
    put_escaped(out, message);
    buf_puts(out, "</Message></Error>");
    buf_printf(out,
               ec2 ? "</Errors><RequestID>%s</RequestID></Response>\n"
                   : "<RequestId>%s</RequestId></ErrorResponse>\n",
               request_id);
}
