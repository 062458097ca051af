/* SPDX-License-Identifier: Apache-2.0
 * ECS capacity providers: Fargate's two, what a strategy may say, and which one a task gets; see
 * ecs.h. The rules are those of CapacityProviderStrategyItem and RunTask in the API reference. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/ecs.h"

#include <stdio.h>
#include <string.h>

enum { STRATEGY_MAX = 20, WEIGHT_MAX = 1000, BASE_MAX = 100000 };
static const char *const known[] = {"FARGATE", "FARGATE_SPOT"};

static bool is_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (!strcmp(known[i], name))
            return true;
    return false;
}

static bool has_text(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (!strcmp(str_or_empty(json_string_value(item)), text))
            return true;
    }
    return false;
}

static const char *not_found(const char *name, char text[256])
{
    snprintf(text, 256,
             "The specified capacity provider '%.100s' was not found. Specify a valid name or ARN "
             "and try again.",
             name);
    return text;
}

const char *capacity_providers_problem(const json_t *providers, char text[256])
{
    size_t i;
    json_t *item;
    json_array_foreach(providers, i, item)
    {
        const char *name = str_or_empty(json_string_value(item));
        if (!is_known(name))
            return not_found(name, text);
    }
    return NULL;
}

static const char *item_problem(const json_t *item, const json_t *cluster, char text[256])
{
    const char *name = value_string(item, "capacityProvider");
    int64_t weight = value_int(item, "weight", 0), base = value_int(item, "base", 0);
    if (!is_known(name))
        return not_found(name, text);
    if (!has_text(json_object_get(cluster, "capacityProviders"), name))
        return "The specified capacity provider strategy cannot contain a capacity provider that "
               "is not associated with the cluster. Associate the capacity provider with the "
               "cluster and try again.";
    if (weight < 0 || weight > WEIGHT_MAX)
        return "The weight of a capacity provider must be between 0 and 1000.";
    if (base < 0 || base > BASE_MAX)
        return "The base of a capacity provider must be between 0 and 100000.";
    return NULL;
}

const char *capacity_strategy_problem(const json_t *strategy, const json_t *cluster, char text[256])
{
    size_t i, k, bases = 0, count = json_array_size(strategy);
    int64_t weights = 0;
    json_t *item;
    if (count == 0 || count > STRATEGY_MAX)
        return "A capacity provider strategy must have between 1 and 20 items.";
    json_array_foreach(strategy, i, item)
    {
        const char *message = item_problem(item, cluster, text);
        if (message)
            return message;
        for (k = 0; k < i; k++)
            if (!strcmp(value_string(json_array_get(strategy, k), "capacityProvider"),
                        value_string(item, "capacityProvider")))
                return "A capacity provider can be in a capacity provider strategy only once.";
        bases += value_int(item, "base", 0) > 0;
        weights += value_int(item, "weight", 0);
    }
    if (bases > 1)
        return "Only one capacity provider in a capacity provider strategy can have a base.";
    if (count > 1 && weights == 0)
        return "At least one capacity provider in a capacity provider strategy must have a weight "
               "greater than 0.";
    return NULL;
}

/* The base is filled first; of the rest each gets its share by weight, in turns. */
const char *capacity_provider_pick(const json_t *strategy, int64_t number)
{
    size_t i;
    json_t *item;
    int64_t base = 0, weights = 0;
    const char *name = NULL;
    json_array_foreach(strategy, i, item)
    {
        name = name ? name : value_string(item, "capacityProvider");
        weights += value_int(item, "weight", 0);
        base += value_int(item, "base", 0);
        if (number < value_int(item, "base", 0))
            return value_string(item, "capacityProvider");
    }
    int64_t turn = weights ? (number - base) % weights : 0;
    json_array_foreach(strategy, i, item)
    {
        turn -= value_int(item, "weight", 0);
        if (turn < 0)
            return value_string(item, "capacityProvider");
    }
    return name; /* without weights; NULL without a strategy */
}

void ecs_describe_capacity_providers(struct aws *aws, const struct aws_call *call,
                                     struct aws_reply *reply)
{
    json_t *found = json_array(), *failures = json_array();
    const json_t *wanted = json_object_get(call->input, "capacityProviders");
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        AUTO_FREE char *arn = xasprintf("arn:aws:ecs:%s:%s:capacity-provider/%s", aws->region,
                                        aws->account, known[i]);
        if (!json_array_size(wanted) || has_text(wanted, known[i]) || has_text(wanted, arn))
            json_array_append_new(found,
                                  json_pack("{s:s, s:s, s:s, s:[]}", "capacityProviderArn", arn,
                                            "name", known[i], "status", "ACTIVE", "tags"));
    }
    size_t i;
    json_t *item;
    json_array_foreach(wanted, i, item)
    {
        const char *name = str_or_empty(json_string_value(item));
        const char *slash = strrchr(name, '/');
        if (!is_known(slash ? slash + 1 : name))
            json_array_append_new(failures,
                                  json_pack("{s:s, s:s}", "arn", name, "reason", "MISSING"));
    }
    aws_reply_json(reply,
                   json_pack("{s:o, s:o}", "capacityProviders", found, "failures", failures));
}
