/* SPDX-License-Identifier: Apache-2.0
 * Unknown members; see members.h. */
#include "test/sim/http/members.h"

#include "test/sim/http/value.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

struct check {
    const struct member_schema *table;
    bool null_is_absent;
    struct member_problem *out;
};

static const char *members_of(const struct member_schema *table, const char *schema)
{
    for (; table->name; table++)
        if (!strcmp(table->name, schema))
            return table->members;
    return "";
}

/* Finds a member's name among a schema's; deeper: the schema of its value or "". */
static bool find_member(const char *members, const char *name, char deeper[32])
{
    size_t len = strlen(name);
    for (const char *p = members; *p;) {
        size_t word = strcspn(p, " "), own = strcspn(p, " :");
        if (own == len && !strncmp(p, name, len)) {
            snprintf(deeper, 32, "%.*s", (int)(word > own ? word - own - 1 : 0), p + own + 1);
            return true;
        }
        p += word + (p[word] == ' ');
    }
    return false;
}

static bool problem(const struct check *c, const char *path, const char *name, const char *schema)
{
    snprintf(c->out->path, sizeof c->out->path, "%s", path);
    snprintf(c->out->name, sizeof c->out->name, "%s", name);
    snprintf(c->out->schema, sizeof c->out->schema, "%s", schema);
    return false;
}

static bool check(const struct check *c, const json_t *object, const char *schema, const char *path)
{
    const char *name;
    json_t *value, *item;
    size_t i;
    char deeper[32];
    if (!json_is_object(object))
        return problem(c, path, "", schema);
    json_object_foreach((json_t *)object, name, value)
    {
        AUTO_FREE char *below = xasprintf("%s.%s", path, name);
        if (!find_member(members_of(c->table, schema), name, deeper))
            return problem(c, path, name, schema);
        if (!*deeper || (c->null_is_absent && json_is_null(value)))
            continue;
        if (!json_is_array(value) && !check(c, value, deeper, below))
            return false;
        json_array_foreach(value, i, item) if (!check(c, item, deeper, below)) return false;
    }
    return true;
}

bool members_check(const struct member_schema *table, const json_t *object, const char *schema,
                   bool null_is_absent, struct member_problem *out)
{
    const struct check c = {table, null_is_absent, out};
    return check(&c, object, schema, schema);
}

bool members_take_enum(json_t *object, const char *member, const char *const *names, size_t count)
{
    const json_t *value = json_object_get(object, member);
    json_int_t number = json_integer_value(value);
    if (!value)
        return true;
    for (size_t i = 0; i < count; i++)
        if (json_is_integer(value) ? number == (json_int_t)i
                                   : !strcmp(value_string(object, member), names[i])) {
            value_set_text(object, member, names[i]);
            return true;
        }
    return false;
}
