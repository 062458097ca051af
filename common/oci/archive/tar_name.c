/* SPDX-License-Identifier: Apache-2.0
 * Names of archive entries; see tar_name.h. */
#include "oci/archive/tar_name.h"

#include <stdio.h>
#include <string.h>

char *tar_name_quote(const char *name, char out[TAR_QUOTED_MAX])
{
    static const char more[] = "...";
    size_t len = 0;
    out[len++] = '"';
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (len + sizeof "\\xNN" + sizeof more > TAR_QUOTED_MAX) {
            memcpy(out + len, more, sizeof more - 1);
            len += sizeof more - 1;
            break;
        }
        if (*p == '"' || *p == '\\')
            len += (size_t)sprintf(out + len, "\\%c", *p);
        else if (*p >= ' ' && *p < 0x7F)
            out[len++] = (char)*p;
        else
            len += (size_t)sprintf(out + len, "\\x%02x", *p);
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}

static int refuse(const char *name, const char *what, struct error *err)
{
    char quoted[TAR_QUOTED_MAX];
    return error_set(err, ERROR_INVALID_PARAMETER, "invalid archive: entry %s %s",
                     tar_name_quote(name, quoted), what);
}

/* Adds the parts of `path` to out[0..*len), a clean name; going up is a matter of up_max parts. */
static int append_parts(const char *path, bool may_go_up, char out[TAR_NAME_MAX], size_t *len)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            if (!may_go_up || *len == 0)
                return -1;
            while (*len && out[*len - 1] != '/')
                --*len;
            if (*len)
                --*len;
        } else if (n && !(n == 1 && path[0] == '.')) {
            if (*len + 1 + n >= TAR_NAME_MAX)
                return -1;
            if (*len)
                out[(*len)++] = '/';
            memcpy(out + *len, path, n);
            *len += n;
        }
        path += n;
        while (*path == '/')
            path++;
    }
    out[*len] = '\0';
    return 0;
}

int tar_name_clean(const char *name, char out[TAR_NAME_MAX], struct error *err)
{
    size_t len = 0;
    if (name[0] == '\0')
        return refuse(name, "has no name", err);
    if (name[0] == '/')
        return refuse(name, "has an absolute name", err);
    if (strlen(name) >= TAR_NAME_MAX)
        return refuse(name, "has an overlong name", err);
    if (append_parts(name, false, out, &len))
        return refuse(name, "is outside of the archive", err);
    return 0;
}

int tar_name_resolve(const char *name, const char *target, bool symbolic, char out[TAR_NAME_MAX],
                     struct error *err)
{
    if (!symbolic)
        return tar_name_clean(target, out, err);
    const char *slash = strrchr(name, '/');
    size_t len = slash ? (size_t)(slash - name) : 0;
    if (len >= TAR_NAME_MAX)
        return refuse(name, "has an overlong name", err);
    memcpy(out, name, len);
    if (target[0] == '/' || strlen(target) >= TAR_NAME_MAX || append_parts(target, true, out, &len))
        return refuse(name, "is a link that leads outside of the archive", err);
    return 0;
}

bool tar_name_escapes(const char *name)
{
    size_t depth = 0;
    while (*name) {
        size_t n = strcspn(name, "/");
        if (n == 2 && name[0] == '.' && name[1] == '.') {
            if (depth-- == 0)
                return true;
        } else if (n && !(n == 1 && name[0] == '.')) {
            depth++;
        }
        name += n;
        name += *name == '/';
    }
    return false;
}
