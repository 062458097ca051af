/* SPDX-License-Identifier: Apache-2.0
 *
 * Container filters; see container_filter.h. A table says for each key how its values are checked
 * and compiled, and how a container is compared with one value.
 */
#include "backend/container/container_filter.h"

#include "backend/container/container_ports.h"
#include "backend/api/go_regex.h"
#include "backend/api/label_filter.h"
#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

/* One value of a filter, compiled. */
struct filter_value {
    const char *text;       /* borrowed */
    struct go_regex *regex; /* NULL: Go would not take it, it matches nothing */
    bool off;               /* given as false: equals nothing */
    int64_t number;
    struct container_ports ports;
    const struct container *other; /* before, since; id: NULL when it names none */
    char image_id[128];            /* ancestor; "" unknown image */
};

struct filter_kind {
    const char *key;
    int (*compile)(struct backend *b, const char *key, struct filter_value *v, struct error *err);
    bool (*matches)(const struct filter_value *v, const struct container *c);
    bool all_values; /* ANDed */
    bool implies_all;
    bool is_flag;     /* one value, its number */
    bool needs_value; /* without one nothing is found; else it is as if the key were not there */
};

struct filter_rule {
    const struct filter_kind *kind;
    struct filter_value *values;
    size_t count;
};

struct container_filter {
    struct filter_rule *rules;
    size_t count;
};

/* ---- compiling ---- */

static int invalid_value(const char *key, const char *value, struct error *err)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "Invalid filter '%s=%s'", key, value);
}

/* moby's truncindex: the beginning of one id only, and not an empty one. */
static int compile_id(struct backend *b, const char *key, struct filter_value *v, struct error *err)
{
    (void)key;
    (void)err;
    bool ambiguous;
    v->other = container_find_prefix(&b->containers, v->text, &ambiguous);
    return 0;
}

/* What Go refuses matches nothing: moby asks regexp.MatchString and skips its errors. */
static int compile_name(struct backend *b, const char *key, struct filter_value *v,
                        struct error *err)
{
    (void)b;
    (void)key;
    struct error refused;
    if (strlen(v->text) > GO_REGEX_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Invalid filter 'name': longer than %d bytes", GO_REGEX_MAX);
    v->regex = go_regex_new(v->text, &refused);
    return 0;
}

static int compile_word(const char *const *words, size_t count, const char *key,
                        struct filter_value *v, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], v->text) == 0)
            return 0;
    return invalid_value(key, v->text, err);
}

static int compile_status(struct backend *b, const char *key, struct filter_value *v,
                          struct error *err)
{
    static const char *const words[] = {"created",  "running", "paused", "restarting",
                                        "removing", "exited",  "dead"};
    (void)b;
    return compile_word(words, ARRAY_LEN(words), key, v, err);
}

static int compile_health(struct backend *b, const char *key, struct filter_value *v,
                          struct error *err)
{
    static const char *const words[] = {"none", "starting", "healthy", "unhealthy"};
    (void)b;
    (void)key;
    if (compile_word(words, ARRAY_LEN(words), key, v, err))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Unrecognised filter value for health: %.200s", v->text);
    return 0;
}

static int compile_number(struct backend *b, const char *key, struct filter_value *v,
                          struct error *err)
{
    (void)b;
    (void)key;
    if (str_to_i64(v->text, &v->number))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "strconv.Atoi: parsing \"%.200s\": invalid syntax", v->text);
}

static int compile_ports(struct backend *b, const char *key, struct filter_value *v,
                         struct error *err)
{
    (void)b;
    size_t len = strcspn(v->text, "/");
    if (container_ports_parse(v->text, &v->ports))
        return 0;
    v->ports = (struct container_ports){0};
    if (port_range_parse(v->text, len, &v->ports.range))
        return 0; /* of a protocol that no port has */
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "error while looking up for %s %.100s: not a port or a range of ports", key,
                     v->text);
}

static int compile_container(struct backend *b, const char *key, struct filter_value *v,
                             struct error *err)
{
    (void)key;
    v->other = container_find(&b->containers, v->text, err);
    return v->other ? 0 : error_set(err, ERROR_SYSTEM, "no such container %s", v->text);
}

static int compile_image(struct backend *b, const char *key, struct filter_value *v,
                         struct error *err)
{
    (void)key;
    struct error unknown; /* no image, no container of it */
    (void)err;
    const Sockerless__ImageRecord *image = image_store_find(b->images, v->text, &unknown);
    if (image && strlen(image->image->id) < sizeof v->image_id)
        strcpy(v->image_id, image->image->id);
    return 0;
}

/* ---- matching ---- */

static bool match_id(const struct filter_value *v, const struct container *c)
{
    return v->other == c;
}

/* Users anchor with and without the slash: "^/web$", "^web$". */
static bool match_name(const struct filter_value *v, const struct container *c)
{
    char slashed[CONTAINER_NAME_MAX + 2];
    slashed[0] = '/';
    strcpy(slashed + 1, c->name);
    return v->regex &&
           (go_regex_matches(v->regex, slashed) || go_regex_matches(v->regex, slashed + 1));
}

static bool match_label(const struct filter_value *v, const struct container *c)
{
    const Sockerless__ContainerConfig *config = c->view->config;
    return config && label_filter_matches(v->text, config->labels, config->n_labels);
}

/* Docker has no word for two of our states. */
static const char *docker_status(const struct container *c)
{
    switch (c->view->state) {
    case SOCKERLESS__CONTAINER_STATE__STARTING: return "created";
    case SOCKERLESS__CONTAINER_STATE__STOPPING: return "running";
    default: return container_state_name(c->view->state);
    }
}

static bool match_status(const struct filter_value *v, const struct container *c)
{
    return strcmp(v->text, docker_status(c)) == 0;
}

static bool match_exited(const struct filter_value *v, const struct container *c)
{
    return !container_alive(c) && c->view->started_at && c->view->exit_code == v->number;
}

static bool match_ancestor(const struct filter_value *v, const struct container *c)
{
    if (*v->image_id)
        return strcmp(v->image_id, c->view->image_id) == 0;
    return strcmp(v->text, c->view->image) == 0; /* the image is gone, its container is not */
}

static bool match_before(const struct filter_value *v, const struct container *c)
{
    return c->view->created < v->other->view->created;
}

static bool match_since(const struct filter_value *v, const struct container *c)
{
    return c->view->created > v->other->view->created;
}

static bool match_health(const struct filter_value *v, const struct container *c)
{
    return !v->off && strcmp(v->text, str_empty(c->view->health) ? "none" : c->view->health) == 0;
}

static bool match_is_task(const struct filter_value *v, const struct container *c)
{
    (void)c; /* there is no swarm here */
    return !v->number;
}

static bool match_always(const struct filter_value *v, const struct container *c)
{
    (void)v;
    (void)c;
    return true;
}

/* A bind is "source:destination[:options]", or only a destination. */
static bool bind_matches(const char *bind, const char *text)
{
    size_t len = strlen(text);
    const char *colon = strchr(bind, ':');
    if (strncmp(bind, text, len) == 0 && (bind[len] == ':' || bind[len] == '\0'))
        return true;
    return colon && strncmp(colon + 1, text, len) == 0 &&
           (colon[1 + len] == ':' || colon[1 + len] == '\0');
}

static bool match_volume(const struct filter_value *v, const struct container *c)
{
    const Sockerless__HostOptions *host = c->view->host;
    const Sockerless__ContainerConfig *config = c->view->config;
    for (size_t i = 0; host && i < host->n_binds; i++)
        if (bind_matches(host->binds[i], v->text))
            return true;
    for (size_t i = 0; config && i < config->n_volumes; i++)
        if (strcmp(config->volumes[i], v->text) == 0)
            return true;
    return false;
}

static bool match_network(const struct filter_value *v, const struct container *c)
{
    const char *mode = c->view->host ? str_or_empty(c->view->host->network_mode) : "";
    if (*mode == '\0' || strcmp(mode, "default") == 0)
        mode = "bridge";
    return strcmp(mode, v->text) == 0 || str_starts(str_or_empty(c->view->network_id), v->text);
}

static bool match_expose(const struct filter_value *v, const struct container *c)
{
    return container_exposes(c->view, &v->ports);
}

static bool match_publish(const struct filter_value *v, const struct container *c)
{
    return container_publishes(c->view, &v->ports);
}

static const struct filter_kind kinds[] = {
    {.key = "id", .compile = compile_id, .matches = match_id},
    {.key = "name", .compile = compile_name, .matches = match_name},
    {.key = "label", .matches = match_label, .all_values = true},
    {.key = "status", .compile = compile_status, .matches = match_status, .implies_all = true},
    {.key = "exited", .compile = compile_number, .matches = match_exited, .implies_all = true},
    {.key = "ancestor", .compile = compile_image, .matches = match_ancestor, .needs_value = true},
    {.key = "before", .compile = compile_container, .matches = match_before},
    {.key = "since", .compile = compile_container, .matches = match_since},
    {.key = "health", .compile = compile_health, .matches = match_health},
    {.key = "volume", .matches = match_volume, .needs_value = true},
    {.key = "network", .matches = match_network, .needs_value = true},
    {.key = "publish", .compile = compile_ports, .matches = match_publish},
    {.key = "expose", .compile = compile_ports, .matches = match_expose},
    {.key = "is-task", .matches = match_is_task, .is_flag = true, .needs_value = true},
    {.key = "isolation", .matches = match_always}, /* Windows only */
};

/* ---- the filter ---- */

static int rule_init(struct backend *b, struct filter_rule *rule, const Sockerless__Filter *filter,
                     struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !rule->kind; i++)
        if (strcmp(kinds[i].key, filter->key) == 0)
            rule->kind = &kinds[i];
    if (!rule->kind)
        return error_set(err, ERROR_INVALID_PARAMETER, "Invalid filter '%s'", filter->key);
    rule->values = xcalloc(filter->n_values + 1, sizeof *rule->values);
    bool flag;
    if (rule->kind->is_flag && filter_flag(filter, false, &flag, err))
        return -1;
    for (size_t i = 0; i < filter->n_values; i++) {
        struct filter_value *v = &rule->values[rule->count++];
        v->text = filter->values[i];
        v->off = filter_is_off(filter, v->text);
        if (rule->kind->is_flag)
            v->number = flag;
        if (rule->kind->compile && rule->kind->compile(b, filter->key, v, err))
            return -1;
    }
    return 0;
}

int container_filter_new(struct backend *b, Sockerless__Filter *const *filters, size_t count,
                         struct container_filter **out, struct error *err)
{
    struct container_filter *f = NEW(struct container_filter);
    f->rules = xcalloc(count + 1, sizeof *f->rules);
    for (size_t i = 0; i < count; i++)
        if (rule_init(b, &f->rules[f->count++], filters[i], err)) {
            container_filter_free(f);
            return -1;
        }
    *out = f;
    return 0;
}

void container_filter_free(struct container_filter *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->count; i++) {
        for (size_t v = 0; v < f->rules[i].count; v++)
            go_regex_free(f->rules[i].values[v].regex);
        free(f->rules[i].values);
    }
    free(f->rules);
    free(f);
}

static bool rule_matches(const struct filter_rule *rule, const struct container *c)
{
    if (rule->count == 0)
        return !rule->kind->needs_value;
    for (size_t i = 0; i < rule->count; i++)
        if (rule->kind->matches(&rule->values[i], c) != rule->kind->all_values)
            return !rule->kind->all_values;
    return rule->kind->all_values;
}

bool container_filter_matches(const struct container_filter *f, const struct container *c)
{
    for (size_t i = 0; i < f->count; i++)
        if (!rule_matches(&f->rules[i], c))
            return false;
    return true;
}

bool container_filter_implies_all(const struct container_filter *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->rules[i].kind->implies_all && f->rules[i].count)
            return true;
    return false;
}
