/* SPDX-License-Identifier: Apache-2.0
 * EC2: what a backend asks to check its configuration. Any id that begins rightly exists, except
 * those that go on with "missing". */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/ecs.h"

#include <string.h>

static const char VPC[] = "vpc-0sockerless0000000";

/* Calls make(id) for each id of a parameter, or for one default; false with the reply set. */
static bool each_id(struct aws *aws, const json_t *input, const char *key, const char *prefix,
                    const char *fallback, const char *error_code,
                    json_t *(*make)(struct aws *, const char *), json_t *out,
                    struct aws_reply *reply)
{
    const json_t *ids = json_object_get(input, key);
    if (json_array_size(ids) == 0) {
        json_array_append_new(out, make(aws, fallback));
        return true;
    }
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = str_or_empty(json_string_value(json_array_get(ids, i)));
        if (!str_starts(id, prefix) || str_starts(id + strlen(prefix), "missing")) {
            aws_reply_error(reply, 400, error_code, "The ID '%s' does not exist", id);
            return false;
        }
        json_array_append_new(out, make(aws, id));
    }
    return true;
}

static json_t *subnet_json(struct aws *aws, const char *id)
{
    AUTO_FREE char *zone = xasprintf("%sa", aws->region);
    AUTO_FREE char *arn = xasprintf("arn:aws:ec2:%s:%s:subnet/%s", aws->region, aws->account, id);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:b, s:b, s:[]}", "SubnetId", id,
                     "SubnetArn", arn, "VpcId", VPC, "State", "available", "CidrBlock",
                     network_subnet(aws->network), "AvailableIpAddressCount", 65000,
                     "AvailabilityZone", zone, "OwnerId", aws->account, "MapPublicIpOnLaunch", 0,
                     "DefaultForAz", 0, "Tags");
}

static json_t *group_json(struct aws *aws, const char *id)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[], s:[], s:[]}", "GroupId", id, "GroupName",
                     "sockerless", "Description", "simulated", "VpcId", VPC, "OwnerId",
                     aws->account, "IpPermissions", "IpPermissionsEgress", "Tags");
}

static json_t *vpc_json(struct aws *aws, const char *id)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:[]}", "VpcId", id, "State", "available",
                     "CidrBlock", network_subnet(aws->network), "IsDefault", 1, "OwnerId",
                     aws->account, "Tags");
}

static void describe(struct aws *aws, const struct aws_call *call, struct aws_reply *reply,
                     const char *result, const char *key, const char *prefix, const char *fallback,
                     const char *error_code, json_t *(*make)(struct aws *, const char *))
{
    json_t *list = json_array();
    if (each_id(aws, call->input, key, prefix, fallback, error_code, make, list, reply))
        aws_reply_json(reply, json_pack("{s:O}", result, list));
    json_decref(list);
}

static void describe_subnets(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    describe(aws, call, reply, "Subnets", "SubnetIds", "subnet-", "subnet-0sockerless00000",
             "InvalidSubnetID.NotFound", subnet_json);
}

static void describe_groups(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    describe(aws, call, reply, "SecurityGroups", "GroupIds", "sg-", "sg-0sockerless000000000",
             "InvalidGroup.NotFound", group_json);
}

static void describe_vpcs(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    describe(aws, call, reply, "Vpcs", "VpcIds", "vpc-", VPC, "InvalidVpcID.NotFound", vpc_json);
}

static json_t *interface_json(const struct aws *aws, const struct task *t)
{
    AUTO_FREE char *zone = xasprintf("%sa", aws->region);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[]}", "NetworkInterfaceId",
                     t->eni_id, "SubnetId", t->subnet_id, "VpcId", VPC, "AvailabilityZone", zone,
                     "Description", t->arn, "MacAddress", t->endpoint.mac, "OwnerId", aws->account,
                     "PrivateIpAddress", t->endpoint.address, "Status", "in-use", "Groups");
}

static bool wanted(const json_t *ids, const char *id)
{
    for (size_t i = 0; i < json_array_size(ids); i++)
        if (!strcmp(str_or_empty(json_string_value(json_array_get(ids, i))), id))
            return true;
    return json_array_size(ids) == 0;
}

static void describe_interfaces(struct aws *aws, const struct aws_call *call,
                                struct aws_reply *reply)
{
    const json_t *ids = json_object_get(call->input, "NetworkInterfaceIds");
    json_t *list = json_array();
    pthread_mutex_lock(&aws->ecs->lock);
    for (struct task *t = aws->ecs->tasks; t; t = t->next)
        if (t->attached && t->state < TASK_STOPPED && wanted(ids, t->eni_id))
            json_array_append_new(list, interface_json(aws, t));
    pthread_mutex_unlock(&aws->ecs->lock);
    if (json_array_size(ids) > json_array_size(list))
        aws_reply_error(reply, 400, "InvalidNetworkInterfaceID.NotFound",
                        "The networkInterface ID does not exist");
    else
        aws_reply_json(reply, json_pack("{s:O}", "NetworkInterfaces", list));
    json_decref(list);
}

const struct aws_operation ec2_operations[] = {
    {"ec2", "DescribeSubnets", describe_subnets, false},
    {"ec2", "DescribeSecurityGroups", describe_groups, false},
    {"ec2", "DescribeVpcs", describe_vpcs, false},
    {"ec2", "DescribeNetworkInterfaces", describe_interfaces, false},
    {0}};
