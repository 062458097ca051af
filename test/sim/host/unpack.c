/* SPDX-License-Identifier: Apache-2.0
 * Layer unpacking; see unpack.h. OCI image-spec layer.md says what a whiteout removes: only what
 * lower layers left, hence the set of paths this layer has made. */
#include "test/sim/host/unpack.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/host/files.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { READ_BLOCK = 256 * 1024 };

struct dir_time { /* directories get their time when nothing is written into them any more */
    char *path;
    struct timespec mtime;
};

struct unpacker {
    int root_fd;
    struct archive *archive;
    void *made; /* tsearch tree of paths this layer has made */
    struct dir_time *dirs;
    size_t dir_count, dir_cap;
};

char *unpack_clean_path(const char *path)
{
    struct buf out = BUF_INIT;
    for (const char *p = path; *p;) {
        size_t len = strcspn(p, "/");
        if (len == 2 && p[0] == '.' && p[1] == '.') {
            buf_free(&out);
            return NULL;
        }
        if (len && !(len == 1 && *p == '.')) {
            if (out.len)
                buf_putc(&out, '/');
            buf_append(&out, p, len);
        }
        p += len + (p[len] == '/');
    }
    return buf_steal(&out);
}

enum whiteout unpack_whiteout(const char *base, const char **target)
{
    *target = NULL;
    if (!str_starts(base, ".wh."))
        return WHITEOUT_NONE;
    if (!strcmp(base, ".wh..wh..opq"))
        return WHITEOUT_OPAQUE;
    if (str_starts(base, ".wh..wh.")) /* aufs' own bookkeeping */
        return WHITEOUT_IGNORE;
    const char *name = base + 4;
    if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
        return WHITEOUT_IGNORE;
    *target = name;
    return WHITEOUT_FILE;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void remember(struct unpacker *u, const char *path)
{
    char *copy = xstrdup(path);
    char **node = tsearch(copy, &u->made, compare_paths);
    if (node && *node != copy)
        free(copy);
}

static bool was_made(struct unpacker *u, const char *path)
{
    return tfind(path, &u->made, compare_paths) != NULL;
}

/* Descriptor of a directory, made with its parents where absent. Symlinks on the way are followed
 * inside the root. */
static int open_dir(struct unpacker *u, const char *path)
{
    int fd = files_open_in_root(u->root_fd, *path ? path : ".", O_PATH | O_DIRECTORY);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
    int parent_fd = open_dir(u, parent);
    if (parent_fd < 0)
        return -1;
    int rc = mkdirat(parent_fd, slash ? slash + 1 : path, 0755);
    int saved = errno;
    close(parent_fd);
    if (rc && saved != EEXIST) {
        errno = saved;
        return -1;
    }
    if (rc == 0)
        remember(u, path);
    return files_open_in_root(u->root_fd, path, O_PATH | O_DIRECTORY);
}

/* Remove what is in the directory, sparing what this layer has made when `u` is given. */
static void clear_dir(struct unpacker *u, int dir_fd, const char *path)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        AUTO_FREE char *child = xasprintf("%s%s%s", path, *path ? "/" : "", e->d_name);
        int sub = openat(fd, e->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub >= 0) {
            clear_dir(u, sub, child);
            close(sub);
        }
        if (u && was_made(u, child))
            continue;
        unlinkat(fd, e->d_name, sub >= 0 ? AT_REMOVEDIR : 0);
    }
    closedir(dir);
}

static void remove_name(int parent_fd, const char *name)
{
    int sub = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (sub >= 0) {
        clear_dir(NULL, sub, "");
        close(sub);
    }
    unlinkat(parent_fd, name, sub >= 0 ? AT_REMOVEDIR : 0);
}

static int write_data(struct unpacker *u, int fd, struct error *err)
{
    const void *block;
    size_t len;
    la_int64_t offset;
    int rc;
    while ((rc = archive_read_data_block(u->archive, &block, &len, &offset)) == ARCHIVE_OK) {
        const char *p = block;
        while (len) {
            ssize_t n = pwrite(fd, p, len, offset);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return error_errno(err, ERROR_SYSTEM, errno, "write");
            p += n;
            offset += n;
            len -= (size_t)n;
        }
    }
    if (rc != ARCHIVE_EOF)
        return error_set(err, ERROR_SYSTEM, "read: %s", archive_error_string(u->archive));
    return 0;
}

static int make_regular(struct unpacker *u, int parent, const char *name, struct archive_entry *e,
                        struct error *err)
{
    int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "create");
    int rc = write_data(u, fd, err);
    if (rc == 0 && ftruncate(fd, archive_entry_size(e))) /* a hole at the end has no block */
        rc = error_errno(err, ERROR_SYSTEM, errno, "truncate");
    close(fd);
    return rc;
}

static int make_hardlink(struct unpacker *u, int parent, const char *name, const char *target,
                         struct error *err)
{
    AUTO_FREE char *clean = unpack_clean_path(target);
    if (!clean || !*clean)
        return error_set(err, ERROR_INVALID_PARAMETER, "hard link to %s leads out of the root",
                         target);
    char *slash = strrchr(clean, '/');
    if (slash)
        *slash = '\0';
    int from = files_open_in_root(u->root_fd, slash ? clean : ".", O_PATH | O_DIRECTORY);
    if (from < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "hard link to %s", target);
    int rc = linkat(from, slash ? slash + 1 : clean, parent, name, 0);
    int saved = errno;
    close(from);
    return rc ? error_errno(err, ERROR_SYSTEM, saved, "hard link to %s", target) : 0;
}

static int make_directory(int parent, const char *name, struct error *err)
{
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return 0;
    remove_name(parent, name);
    return mkdirat(parent, name, 0700) ? error_errno(err, ERROR_SYSTEM, errno, "mkdir") : 0;
}

/* The node itself, without its attributes. 1: a hard link, which has them already. */
static int make_node(struct unpacker *u, int parent, const char *name, struct archive_entry *e,
                     struct error *err)
{
    mode_t type = archive_entry_filetype(e);
    const char *hardlink = archive_entry_hardlink(e);
    if (!hardlink && type == AE_IFDIR)
        return make_directory(parent, name, err);
    remove_name(parent, name);
    if (hardlink)
        return make_hardlink(u, parent, name, hardlink, err) ? -1 : 1;
    int rc = 0;
    switch (type) {
    case AE_IFREG: return make_regular(u, parent, name, e, err);
    case AE_IFLNK: rc = symlinkat(str_or_empty(archive_entry_symlink(e)), parent, name); break;
    case AE_IFIFO:
    case AE_IFCHR:
    case AE_IFBLK:
        rc = mknodat(parent, name, type | 0600,
                     makedev(archive_entry_rdevmajor(e), archive_entry_rdevminor(e)));
        break;
    default: return error_set(err, ERROR_INVALID_PARAMETER, "unsupported entry type %o", type);
    }
    return rc ? error_errno(err, ERROR_SYSTEM, errno, "create node") : 0;
}

static void set_xattrs(int parent, const char *name, struct archive_entry *e)
{
    const char *key;
    const void *value;
    size_t len;
    AUTO_FREE char *path = xasprintf("/proc/self/fd/%d/%s", parent, name);
    archive_entry_xattr_reset(e);
    while (archive_entry_xattr_next(e, &key, &value, &len) == ARCHIVE_OK)
        (void)!lsetxattr(path, key, value, len, 0); /* a file system without them is no error */
}

static int set_attributes(struct unpacker *u, int parent, const char *name, const char *path,
                          struct archive_entry *e, struct error *err)
{
    bool link = archive_entry_filetype(e) == AE_IFLNK;
    if (fchownat(parent, name, (uid_t)archive_entry_uid(e), (gid_t)archive_entry_gid(e),
                 AT_SYMLINK_NOFOLLOW))
        return error_errno(err, ERROR_SYSTEM, errno, "chown");
    if (!link && fchmodat(parent, name, archive_entry_perm(e), 0)) /* after chown: it drops suid */
        return error_errno(err, ERROR_SYSTEM, errno, "chmod");
    set_xattrs(parent, name, e);
    struct timespec mtime = {archive_entry_mtime(e), archive_entry_mtime_nsec(e)};
    utimensat(parent, name, (struct timespec[]){mtime, mtime}, AT_SYMLINK_NOFOLLOW);
    if (archive_entry_filetype(e) == AE_IFDIR) {
        if (u->dir_count == u->dir_cap) {
            u->dir_cap = u->dir_cap ? u->dir_cap * 2 : 64;
            u->dirs = xrealloc(u->dirs, u->dir_cap * sizeof *u->dirs);
        }
        u->dirs[u->dir_count++] = (struct dir_time){xstrdup(path), mtime};
    }
    return 0;
}

static int apply_whiteout(struct unpacker *u, int parent, const char *parent_path,
                          enum whiteout kind, const char *target)
{
    if (kind == WHITEOUT_OPAQUE)
        clear_dir(u, parent, parent_path);
    if (kind == WHITEOUT_FILE) {
        AUTO_FREE char *path = xasprintf("%s%s%s", parent_path, *parent_path ? "/" : "", target);
        if (!was_made(u, path))
            remove_name(parent, target);
    }
    return 0;
}

static int apply_entry(struct unpacker *u, struct archive_entry *e, struct error *err)
{
    const char *name = archive_entry_pathname(e);
    AUTO_FREE char *path = name ? unpack_clean_path(name) : NULL;
    if (!path)
        return error_set(err, ERROR_INVALID_PARAMETER, "path leads out of the root");
    if (!*path) { /* the root's own attributes */
        if (fchown(u->root_fd, (uid_t)archive_entry_uid(e), (gid_t)archive_entry_gid(e)) ||
            fchmod(u->root_fd, archive_entry_perm(e)))
            return error_errno(err, ERROR_SYSTEM, errno, "attributes of the root");
        return 0;
    }
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path, *target;
    AUTO_FREE char *parent_path = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
    int parent = open_dir(u, parent_path);
    if (parent < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "parent directory");
    enum whiteout kind = unpack_whiteout(base, &target);
    int rc;
    if (kind != WHITEOUT_NONE) {
        rc = apply_whiteout(u, parent, parent_path, kind, target);
    } else {
        rc = make_node(u, parent, base, e, err);
        if (rc == 0)
            rc = set_attributes(u, parent, base, path, e, err);
        if (rc >= 0)
            remember(u, path);
    }
    close(parent);
    return rc < 0 ? -1 : 0;
}

static void set_dir_times(struct unpacker *u)
{
    for (size_t i = u->dir_count; i > 0; i--) {
        struct dir_time *d = &u->dirs[i - 1];
        int fd = files_open_in_root(u->root_fd, d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd >= 0) {
            futimens(fd, (struct timespec[]){d->mtime, d->mtime});
            close(fd);
        }
        free(d->path);
    }
    free(u->dirs);
}

static int apply_all(struct unpacker *u, struct error *err)
{
    struct archive_entry *e;
    int rc;
    while ((rc = archive_read_next_header(u->archive, &e)) == ARCHIVE_OK || rc == ARCHIVE_WARN)
        if (apply_entry(u, e, err))
            return error_wrap(err, "entry %s", str_or_empty(archive_entry_pathname(e)));
    if (rc != ARCHIVE_EOF)
        return error_set(err, ERROR_INVALID_PARAMETER, "read: %s",
                         str_or_empty(archive_error_string(u->archive)));
    return 0;
}

int unpack_layer(const char *layer_path, const char *root, struct error *err)
{
    struct unpacker u = {.root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (u.root_fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "open %s", root);
    u.archive = archive_read_new();
    archive_read_support_format_tar(u.archive);
    archive_read_support_format_empty(u.archive);
    archive_read_support_filter_gzip(u.archive);
    archive_read_support_filter_zstd(u.archive);
    int rc;
    if (archive_read_open_filename(u.archive, layer_path, READ_BLOCK) != ARCHIVE_OK)
        rc = error_set(err, ERROR_INVALID_PARAMETER, "open: %s", archive_error_string(u.archive));
    else
        rc = apply_all(&u, err);
    set_dir_times(&u);
    tdestroy(u.made, free);
    archive_read_free(u.archive);
    close(u.root_fd);
    return rc;
}
