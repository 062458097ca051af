/* SPDX-License-Identifier: Apache-2.0
 * Attributes of a container's log; see log_details.h. Read by session_logs.c. */
#include "backend/logs/log_details.h"

#include "backend/api/go_regex.h"
#include "backend/logs/log_options.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "loop/http_url.h"

#include <string.h>

enum { SHORT_ID_LEN = 12 };

struct detail {
    const char *key, *value;
};

struct details {
    struct arena arena;
    struct detail *items; /* heap; of different keys */
    size_t count;
    const struct container *container;
};

/* Go's url.QueryEscape. */
static void put_escaped(struct buf *out, const char *text)
{
    char *escaped AUTO_FREE = *text ? http_url_encode(text) : NULL;
    for (const char *at = escaped; at && *at; at++) {
        bool blank = strncmp(at, "%20", 3) == 0;
        buf_putc(out, blank ? '+' : *at);
        at += blank ? 2 : 0;
    }
}

/* value: borrowed, or the arena's. As in moby's map, what comes later takes the place. */
static void add(struct details *d, const char *key, const char *value)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->items[i].key, key) == 0) {
            d->items[i].value = value;
            return;
        }
    d->items = xrealloc(d->items, (d->count + 1) * sizeof *d->items);
    d->items[d->count++] = (struct detail){key, value};
}

/* ---- the options ---- */

/* Labels, or variables. */
struct source {
    struct detail *items; /* the arena's */
    size_t count;
};

static struct source labels_of(struct details *d)
{
    const Sockerless__ContainerConfig *config = d->container->view->config;
    struct source s = {arena_alloc(&d->arena, (config->n_labels + 1) * sizeof *s.items), 0};
    for (size_t i = 0; i < config->n_labels; i++)
        s.items[s.count++] = (struct detail){config->labels[i]->key, config->labels[i]->value};
    return s;
}

/* The last one of a name counts. */
static struct source variables_of(struct details *d)
{
    const Sockerless__StringList *env = d->container->view->config->env;
    size_t count = env ? env->n_items : 0;
    struct source s = {arena_alloc(&d->arena, (count + 1) * sizeof *s.items), 0};
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(env->items[i], '=');
        if (equals)
            s.items[s.count++] = (struct detail){
                arena_strndup(&d->arena, env->items[i], (size_t)(equals - env->items[i])),
                equals + 1};
    }
    return s;
}

static void add_key(struct details *d, const struct source *s, const char *key)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->items[i].key, key) == 0)
            add(d, key, s->items[i].value);
}

static void add_named(struct details *d, const struct source *s, const char *names)
{
    for (const char *at = str_or_empty(names); *at;) {
        size_t len = strcspn(at, ",");
        add_key(d, s, arena_strndup(&d->arena, at, len));
        at += len + (at[len] == ',');
    }
}

/* One that is wrong has kept the container from starting. */
static void add_matching(struct details *d, const struct source *s, const char *expression)
{
    struct error ignored;
    struct go_regex *re = str_empty(expression) ? NULL : go_regex_new(expression, &ignored);
    for (size_t i = 0; re && i < s->count; i++)
        if (go_regex_matches(re, s->items[i].key))
            add(d, s->items[i].key, s->items[i].value);
    if (re)
        go_regex_free(re);
}

static const char *without_algorithm(const char *image_id)
{
    const char *colon = strchr(image_id, ':');
    return colon ? colon + 1 : image_id;
}

/* The fields of a tag's template that have a meaning here. */
static void put_field(struct buf *out, const struct container *c, const char *name, size_t len)
{
    const char *image = without_algorithm(c->view->image_id);
    const struct {
        const char *name, *text;
        size_t max;
    } fields[] = {
        {"ID", c->id, SHORT_ID_LEN},        {"FullID", c->id, SIZE_MAX},
        {"Name", c->name, SIZE_MAX},        {"ImageID", image, SHORT_ID_LEN},
        {"ImageFullID", image, SIZE_MAX},   {"ImageName", c->view->config->image, SIZE_MAX},
        {"DaemonName", "docker", SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
            buf_append(out, fields[i].text, strnlen(fields[i].text, fields[i].max));
}

static void add_tag(struct details *d, const char *template)
{
    AUTO(buf) struct buf text = BUF_INIT;
    for (const char *at = template; *at;) {
        const char *open = strncmp(at, "{{", 2) == 0 ? at + 2 + strspn(at + 2, " ") : NULL;
        const char *close = open && *open == '.' ? strstr(open, "}}") : NULL;
        if (close) {
            put_field(&text, d->container, open + 1, strcspn(open + 1, " }"));
            at = close + 2;
        } else {
            buf_putc(&text, *at++);
        }
    }
    if (text.len)
        add(d, "tag", arena_strdup(&d->arena, text.data));
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct detail *)a)->key, ((const struct detail *)b)->key);
}

/* In moby's order. */
static void add_options(struct details *d, const Sockerless__HostOptions *host)
{
    struct source labels = labels_of(d), variables = variables_of(d);
    add_named(d, &labels, log_options_find(host, "labels"));
    add_matching(d, &labels, log_options_find(host, "labels-regex"));
    add_named(d, &variables, log_options_find(host, "env"));
    add_matching(d, &variables, log_options_find(host, "env-regex"));
    add_tag(d, str_or_empty(log_options_find(host, "tag")));
}

char *log_details_new(const struct container *c)
{
    struct details d = {.container = c};
    AUTO(buf) struct buf all = BUF_INIT;
    arena_init(&d.arena);
    add_options(&d, c->view->host);
    if (d.count)
        qsort(d.items, d.count, sizeof *d.items, by_key);
    for (size_t i = 0; i < d.count; i++) {
        if (i)
            buf_putc(&all, ',');
        put_escaped(&all, d.items[i].key);
        buf_putc(&all, '=');
        put_escaped(&all, d.items[i].value);
    }
    free(d.items);
    arena_fini(&d.arena);
    return xstrdup(all.len ? all.data : "");
}
