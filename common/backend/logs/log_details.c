/* SPDX-License-Identifier: Apache-2.0
 * Attributes of a container's log; see log_details.h. Read by session_logs.c. */
#include "backend/logs/log_details.h"

#include "base/alloc.h"
#include "base/buf.h"
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

/* value: borrowed, or the arena's. */
static void add(struct details *d, const char *key, const char *value)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->items[i].key, key) == 0)
            return; /* named twice */
    d->items = xrealloc(d->items, (d->count + 1) * sizeof *d->items);
    d->items[d->count++] = (struct detail){key, value};
}

/* ---- the options ---- */

typedef const char *(*lookup)(const struct container *c, const char *key);

static const char *label_of(const struct container *c, const char *key)
{
    const Sockerless__ContainerConfig *config = c->view->config;
    for (size_t i = 0; i < config->n_labels; i++)
        if (strcmp(config->labels[i]->key, key) == 0)
            return config->labels[i]->value;
    return NULL;
}

/* The last one of a name counts. */
static const char *env_of(const struct container *c, const char *key)
{
    const Sockerless__StringList *env = c->view->config->env;
    size_t len = strlen(key);
    for (size_t i = env ? env->n_items : 0; i-- > 0;)
        if (strncmp(env->items[i], key, len) == 0 && env->items[i][len] == '=')
            return env->items[i] + len + 1;
    return NULL;
}

static void add_named(struct details *d, const char *names, lookup find)
{
    for (const char *at = names; *at;) {
        size_t len = strcspn(at, ",");
        const char *key = arena_strndup(&d->arena, at, len);
        const char *value = find(d->container, key);
        if (value)
            add(d, key, value);
        at += len + (at[len] == ',');
    }
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

static void add_options(struct details *d, const Sockerless__HostOptions *host)
{
    for (size_t i = 0; i < host->n_log_options; i++) {
        const char *key = host->log_options[i]->key, *value = host->log_options[i]->value;
        if (strcmp(key, "labels") == 0)
            add_named(d, value, label_of);
        else if (strcmp(key, "env") == 0)
            add_named(d, value, env_of);
        else if (strcmp(key, "tag") == 0)
            add_tag(d, value);
    }
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
