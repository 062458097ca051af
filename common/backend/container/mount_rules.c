/* SPDX-License-Identifier: Apache-2.0
 * moby's rules for mounts; see mount_rules.h. */
#include "backend/container/mount_rules.h"

#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <ctype.h>
#include <string.h>

enum { BIND_PARTS = 4 };

/* ---- paths ---- */

/* As Go's path.Clean, without a slash at the end. Heap. */
static char *path_clean(const char *path)
{
    char *out = xcalloc(strlen(path) + 2, 1);
    size_t len = 0;
    bool absolute = path[0] == '/';
    if (absolute)
        out[len++] = '/';
    for (size_t n; *path; path += n) {
        n = strspn(path, "/");
        if (n)
            continue;
        n = strcspn(path, "/");
        if (n == 1 && path[0] == '.')
            continue;
        if (n == 2 && path[0] == '.' && path[1] == '.' && absolute) {
            while (len > 1 && out[--len] != '/')
                ;
            continue;
        }
        if (len > absolute)
            out[len++] = '/';
        memcpy(out + len, path, n);
        len += n;
    }
    out[len] = '\0';
    return out;
}

static bool is_root(const char *path)
{
    AUTO_FREE char *clean = path_clean(path);
    return strcmp(clean, "/") == 0;
}

/* ---- modes: the part behind a bind's second colon ---- */

enum mode_kind {
    MODE_ACCESS,
    MODE_LABEL,
    MODE_PROPAGATION,
    MODE_COPY,
    MODE_CONSISTENCY,
    MODE_KINDS
};

static const struct {
    const char *word;
    enum mode_kind kind;
} modes[] = {
    {"rw", MODE_ACCESS},
    {"ro", MODE_ACCESS},
    {"z", MODE_LABEL},
    {"Z", MODE_LABEL},
    {"private", MODE_PROPAGATION},
    {"rprivate", MODE_PROPAGATION},
    {"slave", MODE_PROPAGATION},
    {"rslave", MODE_PROPAGATION},
    {"shared", MODE_PROPAGATION},
    {"rshared", MODE_PROPAGATION},
    {"nocopy", MODE_COPY},
    {"consistent", MODE_CONSISTENCY},
    {"cached", MODE_CONSISTENCY},
    {"delegated", MODE_CONSISTENCY},
};

static int mode_find(const char *word, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (strlen(modes[i].word) == len && memcmp(modes[i].word, word, len) == 0)
            return (int)modes[i].kind;
    return -1;
}

/* Of each kind one word at most. has: which kinds there are. */
static bool mode_parse(const char *mode, bool has[MODE_KINDS])
{
    memset(has, 0, MODE_KINDS * sizeof *has);
    if (!*mode)
        return true;
    for (;; mode++) {
        size_t len = strcspn(mode, ",");
        int kind = mode_find(mode, len);
        if (kind < 0 || has[kind])
            return false;
        has[kind] = true;
        mode += len;
        if (!*mode)
            return true;
    }
}

/* ---- one mount ---- */

struct mount_asked {
    const char *type, *source, *target;
    const char *propagation; /* of BindOptions */
    bool has_bind_options, has_volume_options, read_only;
};

static int not_absolute(const char *path, char out[300])
{
    snprintf(out, 300, "invalid mount path: '%.200s' mount path must be absolute", path);
    return -1;
}

static int target_check(const char *target, char why[300])
{
    if (is_root(target)) {
        snprintf(why, 300, "invalid specification: destination can't be '/'");
        return -1;
    }
    return *target == '/' ? 0 : not_absolute(target, why);
}

static const char *bind_check(const struct mount_asked *m, char why[300])
{
    if (!*m->source)
        return "field Source must not be empty";
    if (*m->propagation && mode_find(m->propagation, strlen(m->propagation)) != MODE_PROPAGATION) {
        snprintf(why, 300, "invalid propagation mode: %.200s", m->propagation);
        return why;
    }
    if (m->has_volume_options)
        return "field VolumeOptions must not be specified";
    return *m->source == '/' ? NULL : (not_absolute(m->source, why), why);
}

/* NULL: nothing is wrong with it. why has room for a text that is made. */
static const char *mount_fault(const struct mount_asked *m, char why[300])
{
    if (!*m->target)
        return "field Target must not be empty";
    if (target_check(m->target, why))
        return why;
    if (strcmp(m->type, "bind") == 0)
        return bind_check(m, why);
    if (m->has_bind_options && (!strcmp(m->type, "volume") || !strcmp(m->type, "tmpfs")))
        return "field BindOptions must not be specified";
    if (strcmp(m->type, "volume") == 0)
        return m->read_only && !*m->source
                   ? "must not set ReadOnly mode when using anonymous volumes"
                   : NULL;
    if (strcmp(m->type, "tmpfs") == 0)
        return *m->source ? "field Source must not be specified" : NULL;
    return "mount type unknown";
}

static struct mount_asked mount_of(const json_t *mount)
{
    const json_t *bind = json_object_get(mount, "BindOptions");
    return (struct mount_asked){
        .type = json_doc_text(mount, "Type"),
        .source = json_doc_text(mount, "Source"),
        .target = json_doc_text(mount, "Target"),
        .propagation = json_doc_text(bind, "Propagation"),
        .has_bind_options = json_is_object(bind),
        .has_volume_options = json_is_object(json_object_get(mount, "VolumeOptions")),
        .read_only = json_is_true(json_object_get(mount, "ReadOnly")),
    };
}

int mount_rules_mounts(const json_t *host, struct error *err)
{
    size_t i;
    json_t *mount;
    char room[300];
    json_array_foreach(json_object_get(host, "Mounts"), i, mount)
    {
        struct mount_asked m = mount_of(mount);
        const char *why = mount_fault(&m, room);
        if (why)
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "invalid mount config for type \"%.100s\": %s", m.type, why);
    }
    return 0;
}

int mount_rules_tmpfs(const json_t *host, struct error *err)
{
    const char *target;
    json_t *options;
    char why[300];
    json_object_foreach(json_object_get(host, "Tmpfs"), target, options)
    {
        if (target_check(target, why))
            return error_set(err, ERROR_INVALID_PARAMETER, "%s", why);
    }
    return 0;
}

/* ---- volumes from other containers ---- */

/* "CONTAINER" or "CONTAINER:MODE". */
static int check_volumes_from(const char *spec, const struct container_table *containers,
                              struct error *err)
{
    bool has[MODE_KINDS];
    size_t len = strcspn(spec, ":");
    const char *mode = spec[len] ? spec + len + 1 : "";
    if (!*spec)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "volumes-from specification cannot be an empty string");
    if (!mode_parse(mode, has) || has[MODE_PROPAGATION] || has[MODE_COPY])
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid mode: %.200s", mode);
    AUTO_FREE char *name = xstrndup(spec, len);
    if (container_find(containers, name, err))
        return 0;
    err->code = ERROR_INVALID_PARAMETER;
    return -1;
}

/* ---- binds ---- */

static int volume_name_check(const char *name, struct error *err)
{
    size_t len = strlen(name);
    if (len == 1)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "create %s: volume name is too short, names should be at least two "
                         "alphanumeric characters",
                         name);
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && (i == 0 || !strchr("_.-", name[i])))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "create %.200s: \"%.200s\" includes invalid characters for a local "
                             "volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you "
                             "intended to pass a host directory, use absolute path",
                             name, name);
    return 0;
}

static int spec_invalid(const char *spec, struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "invalid volume specification: '%.200s'", spec);
}

/* The words between the colons; their number, BIND_PARTS for that many and more. */
static size_t bind_split(char *copy, char *parts[BIND_PARTS])
{
    size_t n = 0;
    while (copy && n < BIND_PARTS)
        parts[n++] = strsep(&copy, ":");
    return n;
}

/* *target: within copy. */
static int bind_parse(const char *spec, char *copy, const char **target, struct error *err)
{
    bool has[MODE_KINDS];
    char room[300], *part[BIND_PARTS] = {NULL};
    size_t n = bind_split(copy, part);
    struct mount_asked m = {.source = "", .propagation = ""};
    if (!*part[0] || n == BIND_PARTS || (n == 2 && mode_parse(part[1], has)))
        return spec_invalid(spec, err);
    m.target = part[n > 1];
    if (n > 1)
        m.source = part[0];
    if (!mode_parse(n > 2 ? part[2] : "", has))
        return error_set(err, ERROR_SYSTEM, "invalid mode: %.200s", part[2]);
    m.type = *m.source == '/' ? "bind" : "volume";
    m.has_volume_options = has[MODE_COPY];
    m.has_bind_options = has[MODE_PROPAGATION];
    const char *why = mount_fault(&m, room);
    if (why)
        return error_set(err, ERROR_SYSTEM,
                         "invalid volume specification: '%.200s': invalid mount config for type "
                         "\"%s\": %s",
                         spec, m.type, why);
    *target = m.target;
    return *m.source == '/' ? 0 : volume_name_check(m.source, err);
}

bool mount_rules_is_host_path(const char *bind)
{
    return bind[0] == '/' && strchr(bind, ':');
}

/* ---- destinations ---- */

/* seen: a set of those before; tmpfs: HostConfig's, which moby compares with binds only. */
static int destination_add(json_t *seen, const json_t *tmpfs, const char *target, struct error *err)
{
    AUTO_FREE char *clean = path_clean(target);
    if (json_object_get(seen, clean) || json_object_get(tmpfs, clean))
        return error_set(err, ERROR_INVALID_PARAMETER, "Duplicate mount point: %.200s", clean);
    json_object_set_new_nocheck(seen, clean, json_true());
    return 0;
}

static int add_binds(const json_t *host, json_t *seen, struct error *err)
{
    const json_t *tmpfs = json_object_get(host, "Tmpfs");
    size_t i;
    json_t *bind;
    json_array_foreach(json_object_get(host, "Binds"), i, bind)
    {
        const char *spec = str_or_empty(json_string_value(bind)), *target;
        AUTO_FREE char *copy = xstrdup(spec);
        if (bind_parse(spec, copy, &target, err) || destination_add(seen, tmpfs, target, err))
            return -1;
    }
    return 0;
}

static int add_mounts(const json_t *host, json_t *seen, struct error *err)
{
    size_t i;
    json_t *mount;
    json_array_foreach(json_object_get(host, "Mounts"), i, mount)
    {
        struct mount_asked m = mount_of(mount);
        if (destination_add(seen, NULL, m.target, err) ||
            (strcmp(m.type, "volume") == 0 && volume_name_check(m.source, err)))
            return -1;
    }
    return 0;
}

int mount_rules_points(const json_t *host, const struct container_table *containers,
                       struct error *err)
{
    size_t i;
    json_t *from;
    json_array_foreach(json_object_get(host, "VolumesFrom"), i, from)
    {
        if (check_volumes_from(str_or_empty(json_string_value(from)), containers, err))
            return -1;
    }
    json_t *seen = json_object();
    int rc = add_binds(host, seen, err) || add_mounts(host, seen, err) ? -1 : 0;
    json_decref(seen);
    return rc;
}
