/* SPDX-License-Identifier: Apache-2.0
 * Which entries a filter matches: one entry, or what of a whole log; see logging_filter.h. */
#include "base/alloc.h"
#include "base/timefmt.h"
#include "test/sim/gcp/logging_node.h"
#include "test/sim/http/value.h"

#include <string.h>
#include <strings.h>

/* ---- one entry ---- */

static int severity_rank(const char *name)
{
    static const char *const names[] = {"DEFAULT", "DEBUG",    "INFO",  "NOTICE",   "WARNING",
                                        "ERROR",   "CRITICAL", "ALERT", "EMERGENCY"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcasecmp(names[i], name))
            return (int)i;
    return 0;
}

/* The part of a log's name after /logs/, decoded as far as it is ever encoded. */
static bool log_id_is(const char *log_name, const char *id)
{
    const char *name = strstr(log_name, "/logs/");
    const char *slash = strchr(id, '/');
    if (!name || !slash)
        return name && !strcmp(name + 6, id);
    AUTO_FREE char *encoded = xasprintf("%.*s%%2F%s", (int)(slash - id), id, slash + 1);
    return !strcmp(name + 6, encoded);
}

static int compare_text(const struct node *n, const char *text)
{
    if (n->compare == HAS)
        return strcasestr(text, n->value) ? 0 : 1;
    if (n->compare == EQUAL || n->compare == NOT_EQUAL)
        return strcasecmp(text, n->value);
    return strcmp(text, n->value);
}

/* <0, 0, >0: the entry's value against the filter's. False: the entry has none. */
static bool compare_values(const struct node *n, const json_t *entry, int *order)
{
    const json_t *at = entry;
    int64_t ns;
    for (size_t i = 0; i < n->path.count; i++)
        at = json_object_get(at, n->path.items[i]);
    const char *text = json_string_value(at);
    if (n->path.count == 1 && !strcmp(n->path.items[0], "severity")) {
        *order = severity_rank(str_or_empty(text)) - severity_rank(n->value);
        return true;
    }
    if (json_is_number(at)) {
        double difference = json_number_value(at) - strtod(n->value, NULL);
        *order = difference < 0 ? -1 : difference > 0;
        return true;
    }
    if (!text)
        return false;
    if (node_is_time(n) && timefmt_parse_rfc3339(text, &ns))
        *order = ns < n->time_ns ? -1 : ns > n->time_ns;
    else
        *order = compare_text(n, text);
    return true;
}

static bool order_fits(enum compare compare, int order)
{
    switch (compare) {
    case EQUAL:
    case HAS: return order == 0;
    case NOT_EQUAL: return order != 0;
    case LESS: return order < 0;
    case LESS_EQUAL: return order <= 0;
    case GREATER: return order > 0;
    case GREATER_EQUAL: return order >= 0;
    }
    return false;
}

static bool compare_matches(const struct node *n, const json_t *entry)
{
    int order = 0;
    if (n->field == LOGGING_LOG_ID)
        return log_id_is(value_string(entry, "logName"), n->value);
    if (!compare_values(n, entry, &order))
        return n->compare == NOT_EQUAL;
    return order_fits(n->compare, order);
}

static bool matches(const struct node *n, const json_t *entry)
{
    switch (n->kind) {
    case NODE_COMPARE: return compare_matches(n, entry);
    case NODE_NOT: return !matches(n->children[0], entry);
    case NODE_AND:
        for (size_t i = 0; i < n->count; i++)
            if (!matches(n->children[i], entry))
                return false;
        return true;
    case NODE_OR:
        for (size_t i = 0; i < n->count; i++)
            if (matches(n->children[i], entry))
                return true;
        return false;
    }
    return false;
}

bool logging_filter_matches(const struct logging_filter *f, const json_t *entry)
{
    return !f->root || matches(f->root, entry);
}

/* ---- a whole log ---- */

static const struct logging_span everything = {INT64_MIN, INT64_MAX, true};
static const struct logging_span nothing = {1, 0, true};
static const struct logging_span anything = {INT64_MIN, INT64_MAX, false};

static struct logging_span time_span(const struct node *n)
{
    switch (n->compare) {
    case EQUAL:
    case HAS: return (struct logging_span){n->time_ns, n->time_ns, true};
    case LESS: return (struct logging_span){INT64_MIN, n->time_ns - 1, true};
    case LESS_EQUAL: return (struct logging_span){INT64_MIN, n->time_ns, true};
    case GREATER: return (struct logging_span){n->time_ns + 1, INT64_MAX, true};
    case GREATER_EQUAL: return (struct logging_span){n->time_ns, INT64_MAX, true};
    case NOT_EQUAL: break;
    }
    return anything;
}

static struct logging_span compare_span(const struct node *n, const struct logging_source *source)
{
    if (n->field == LOGGING_TIMESTAMP)
        return time_span(n);
    if (n->field == LOGGING_LOG_ID)
        return log_id_is(source->text[LOGGING_LOG_NAME], n->value) ? everything : nothing;
    if (n->field >= LOGGING_ALIKE)
        return anything;
    const char *text = source->text[n->field];
    bool fits = text ? order_fits(n->compare, compare_text(n, text)) : n->compare == NOT_EQUAL;
    return fits ? everything : nothing;
}

static bool is_nothing(struct logging_span s)
{
    return s.from_ns > s.to_ns;
}

static struct logging_span both(struct logging_span a, struct logging_span b)
{
    struct logging_span out = {a.from_ns > b.from_ns ? a.from_ns : b.from_ns,
                               a.to_ns < b.to_ns ? a.to_ns : b.to_ns, a.exact && b.exact};
    return is_nothing(out) ? nothing : out;
}

static bool reaches(struct logging_span a, struct logging_span b)
{
    return a.to_ns == INT64_MAX || a.to_ns + 1 >= b.from_ns;
}

static struct logging_span either(struct logging_span a, struct logging_span b)
{
    if (is_nothing(a) || is_nothing(b))
        return is_nothing(a) ? b : a;
    return (struct logging_span){a.from_ns < b.from_ns ? a.from_ns : b.from_ns,
                                 a.to_ns > b.to_ns ? a.to_ns : b.to_ns,
                                 a.exact && b.exact && reaches(a, b) && reaches(b, a)};
}

static struct logging_span opposite(struct logging_span s)
{
    if (is_nothing(s))
        return everything;
    return s.exact && s.from_ns == INT64_MIN && s.to_ns == INT64_MAX ? nothing : anything;
}

static struct logging_span span(const struct node *n, const struct logging_source *source)
{
    struct logging_span out = n->kind == NODE_OR ? nothing : everything;
    if (n->kind == NODE_COMPARE)
        return compare_span(n, source);
    if (n->kind == NODE_NOT)
        return opposite(span(n->children[0], source));
    for (size_t i = 0; i < n->count; i++) {
        struct logging_span part = span(n->children[i], source);
        out = n->kind == NODE_OR ? either(out, part) : both(out, part);
        if (n->kind == NODE_AND && is_nothing(out))
            break;
    }
    return out;
}

struct logging_span logging_filter_span(const struct logging_filter *f,
                                        const struct logging_source *source)
{
    return f->root ? span(f->root, source) : everything;
}

/* ---- all logs ---- */

/* Of an AND the latest bound of its parts, of an OR the earliest. */
static int64_t since(const struct node *n)
{
    int64_t out = n->kind == NODE_OR ? INT64_MAX : INT64_MIN;
    if (n->kind == NODE_COMPARE)
        return n->field == LOGGING_TIMESTAMP &&
                       (n->compare == GREATER || n->compare == GREATER_EQUAL || n->compare == EQUAL)
                   ? n->time_ns
                   : INT64_MIN;
    if (n->kind == NODE_NOT)
        return INT64_MIN;
    for (size_t i = 0; i < n->count; i++) {
        int64_t part = since(n->children[i]);
        if (n->kind == NODE_OR ? part < out : part > out)
            out = part;
    }
    return out;
}

int64_t logging_filter_since(const struct logging_filter *f)
{
    return f->root ? since(f->root) : INT64_MIN;
}
