/* SPDX-License-Identifier: Apache-2.0
 *
 * Which members the objects of a request may have: the vendors refuse unknown ones.
 */
#ifndef SOCKERLESS_SIM_HTTP_MEMBERS_H
#define SOCKERLESS_SIM_HTTP_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>

/* A table ends with a NULL name. members: separated by blanks; "name:schema" goes deeper, into each
 * element of an array, too. */
struct member_schema {
    const char *name, *members;
};

struct member_problem {
    char path[256];  /* where: "job.template.containers" */
    char name[128];  /* the unknown member; "": the value is not an object */
    char schema[32]; /* what the object should be */
};

/* False: *out says what is wrong. null counts as absent when null_is_absent. */
bool members_check(const struct member_schema *table, const json_t *object, const char *schema,
                   bool null_is_absent, struct member_problem *out);

/* A member that is one of an enumeration's names: clients may write its number instead, which
 * becomes the name. False: it is something else. An absent one is left out. */
bool members_take_enum(json_t *object, const char *member, const char *const *names, size_t count);

#endif
