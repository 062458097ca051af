/* SPDX-License-Identifier: Apache-2.0
 * Containers by runc; see container.h. */
#include "test/sim/host/container.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "test/sim/host/child.h"
#include "test/sim/host/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum { ETC_FILE_MAX = 1024 * 1024, NOFILE = 65535 };
#define CGROUP_PARENT "sockerless-sim"

struct container_runtime {
    char *state_dir, *bundles, *runc_root;
};

struct container {
    struct container_runtime *rt;
    char *id, *bundle, *rootfs;
    bool mounted;
    pid_t pid;
    int pidfd, output[2]; /* stdout (or both), stderr or -1 */
    bool out_of_memory;
};

static void runc_delete(const char *runc_root, const char *id)
{
    struct error err;
    struct buf output = BUF_INIT;
    (void)!child_run(
        (char *[]){"runc", "--root", (char *)runc_root, "delete", "--force", (char *)id, NULL},
        NULL, &output, &err);
    buf_free(&output);
}

void container_cleanup(const char *state_dir)
{
    AUTO_FREE char *bundles = xasprintf("%s/containers", state_dir);
    AUTO_FREE char *runc_root = xasprintf("%s/runc", state_dir);
    DIR *dir = opendir(bundles);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            runc_delete(runc_root, e->d_name);
    if (dir)
        closedir(dir);
    files_unmount_below(state_dir);
    struct error err;
    if (files_remove_tree(bundles, &err) || files_remove_tree(runc_root, &err))
        log_warn("left-over containers not removed", LOG_STR("error", err.message));
}

struct container_runtime *container_runtime_open(const char *state_dir, struct error *err)
{
    container_cleanup(state_dir);
    /* runc exits after starting a container; its first process then becomes our child. */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    struct container_runtime *rt = NEW(struct container_runtime);
    rt->state_dir = xstrdup(state_dir);
    rt->bundles = xasprintf("%s/containers", state_dir);
    rt->runc_root = xasprintf("%s/runc", state_dir);
    if (directory_make(rt->bundles, 0711, err) || directory_make(rt->runc_root, 0700, err)) {
        container_runtime_close(rt);
        return NULL;
    }
    return rt;
}

/* runc removes the containers' cgroups, not their parent; there is one in each v1 hierarchy. */
static void remove_cgroup_parents(void)
{
    rmdir("/sys/fs/cgroup/" CGROUP_PARENT);
    DIR *dir = opendir("/sys/fs/cgroup");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[400];
        snprintf(path, sizeof path, "/sys/fs/cgroup/%s/" CGROUP_PARENT, e->d_name);
        if (e->d_name[0] != '.')
            rmdir(path);
    }
    if (dir)
        closedir(dir);
}

void container_runtime_close(struct container_runtime *rt)
{
    if (!rt)
        return;
    rmdir(rt->bundles);
    remove_cgroup_parents();
    free(rt->state_dir);
    free(rt->bundles);
    free(rt->runc_root);
    free(rt);
}

/* Overlay on the image; where the state directory's file system cannot carry one, a copy. */
static int mount_rootfs(struct container *c, const struct image *image, struct error *err)
{
    AUTO_FREE char *upper = xasprintf("%s/upper", c->bundle);
    AUTO_FREE char *work = xasprintf("%s/work", c->bundle);
    struct stat st;
    mode_t mode = stat(image->rootfs, &st) == 0 ? st.st_mode & 07777 : 0755;
    if (mkdir(upper, mode) || mkdir(work, 0700) || mkdir(c->rootfs, 0755) || chmod(upper, mode))
        return error_errno(err, ERROR_SYSTEM, errno, "bundle of %s", c->id);
    AUTO_FREE char *options =
        xasprintf("lowerdir=%s,upperdir=%s,workdir=%s", image->rootfs, upper, work);
    if (mount("overlay", c->rootfs, "overlay", 0, options) == 0) {
        c->mounted = true;
        return 0;
    }
    log_debug("overlay refused, copying the image", LOG_STR("error", strerror(errno)));
    return files_copy_tree(image->rootfs, c->rootfs, err);
}

static int read_in_root(int root_fd, const char *path, struct buf *out)
{
    int fd = files_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return -1;
    ssize_t n;
    while (out->len < ETC_FILE_MAX && (n = read(fd, buf_reserve(out, 16384), 16384)) > 0)
        buf_commit(out, (size_t)n);
    close(fd);
    return 0;
}

static int resolve_user(const struct container_spec *spec, struct passwd_user *out,
                        struct error *err)
{
    struct buf passwd = BUF_INIT, group = BUF_INIT;
    int root = open(spec->image->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0) {
        (void)!read_in_root(root, "etc/passwd", &passwd);
        (void)!read_in_root(root, "etc/group", &group);
        close(root);
    }
    const char *user = str_empty(spec->user) ? spec->image->user : spec->user;
    int rc = passwd_resolve(user, passwd.data ? passwd.data : "", group.data ? group.data : "", out,
                            err);
    buf_free(&passwd);
    buf_free(&group);
    return rc;
}

/* hostname, hosts and resolv.conf, to be bind-mounted over the image's. */
static int write_etc(struct container *c, const struct container_spec *spec, struct error *err)
{
    struct {
        const char *name;
        char *text;
    } files[] = {
        {"hostname", xasprintf("%s\n", spec->hostname)},
        {"hosts", xasprintf("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
                            "%s\t%s\n",
                            spec->address, spec->hostname)},
        {"resolv.conf",
         xasprintf("nameserver %s\noptions timeout:2 attempts:1\n", spec->nameserver)},
    };
    int rc = 0;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", c->bundle, files[i].name);
        if (rc == 0)
            rc = files_write(path, files[i].text, strlen(files[i].text), err);
        free(files[i].text);
    }
    return rc;
}

static bool has_variable(char *const *env, size_t count, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (!strncmp(env[i], name, len) && env[i][len] == '=')
            return true;
    return false;
}

static void fill_env(struct strv *env, const struct container_spec *spec,
                     const struct passwd_user *user)
{
    for (size_t i = 0; i < spec->env_count; i++)
        strv_push(env, spec->env[i]);
    if (!has_variable(spec->env, spec->env_count, "PATH"))
        strv_push(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if (!has_variable(spec->env, spec->env_count, "HOSTNAME"))
        strv_push_owned(env, xasprintf("HOSTNAME=%s", spec->hostname));
    if (!has_variable(spec->env, spec->env_count, "HOME"))
        strv_push_owned(env, xasprintf("HOME=%s", user->home));
}

/* Fargate's default, or less where we may not raise our own limit (no CAP_SYS_RESOURCE). */
static int nofile_limit(void)
{
    struct rlimit own;
    if (getrlimit(RLIMIT_NOFILE, &own) || own.rlim_max > NOFILE)
        return NOFILE;
    return (int)own.rlim_max;
}

static int write_config(struct container *c, const struct container_spec *spec, bool limits,
                        struct error *err)
{
    struct passwd_user user;
    if (resolve_user(spec, &user, err))
        return -1;
    struct strv env = STRV_INIT;
    fill_env(&env, spec, &user);
    AUTO_FREE char *hostname = xasprintf("%s/hostname", c->bundle);
    AUTO_FREE char *hosts = xasprintf("%s/hosts", c->bundle);
    AUTO_FREE char *resolv = xasprintf("%s/resolv.conf", c->bundle);
    AUTO_FREE char *netns = xasprintf("/run/netns/%s", spec->netns);
    AUTO_FREE char *cgroup = xasprintf("/%s/%s", CGROUP_PARENT, c->id);
    AUTO_FREE char *config = xasprintf("%s/config.json", c->bundle);
    size_t count = 3 + spec->mount_count;
    AUTO_FREE struct oci_mount *mounts = xcalloc(count, sizeof *mounts);
    mounts[0] = (struct oci_mount){hostname, "/etc/hostname", false};
    mounts[1] = (struct oci_mount){hosts, "/etc/hosts", false};
    mounts[2] = (struct oci_mount){resolv, "/etc/resolv.conf", false};
    for (size_t i = 0; i < spec->mount_count; i++)
        mounts[3 + i] = spec->mounts[i];
    const char *cwd = str_empty(spec->cwd) ? spec->image->workdir : spec->cwd;
    const int nofile = nofile_limit();
    struct oci_spec oci = {.argv = spec->argv,
                           .argc = spec->argc,
                           .env = env.items,
                           .env_count = env.count,
                           .cwd = str_empty(cwd) ? "/" : cwd,
                           .hostname = spec->hostname,
                           .rootfs = c->rootfs,
                           .netns = netns,
                           .cgroups_path = limits ? cgroup : NULL,
                           .user = &user,
                           .mounts = mounts,
                           .mount_count = count,
                           .read_only_rootfs = spec->read_only_rootfs,
                           .memory_bytes = spec->memory_bytes,
                           .cpu_shares = spec->cpu_shares,
                           .nofile_soft = nofile,
                           .nofile_hard = nofile};
    struct buf text = BUF_INIT;
    oci_spec_write(&oci, &text);
    int rc = files_write(config, text.data, text.len, err);
    buf_free(&text);
    strv_free(&env);
    return rc;
}

/* The last error in runc's JSON log. */
static void runc_message(const char *log_path, struct error *err)
{
    struct buf text = BUF_INIT;
    struct error ignored;
    (void)!files_read(log_path, ETC_FILE_MAX, &text, &ignored);
    error_set(err, ERROR_SYSTEM, "runc failed without a message");
    char *save = NULL;
    for (char *line = text.data ? strtok_r(text.data, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        json_t *entry = json_loads(line, 0, NULL);
        const char *level = json_string_value(json_object_get(entry, "level"));
        const char *message = json_string_value(json_object_get(entry, "msg"));
        if (level && message && !strcmp(level, "error"))
            error_set(err, ERROR_SYSTEM, "%s", message);
        json_decref(entry);
    }
    buf_free(&text);
}

static int read_pid(struct container *c, const char *pid_file, struct error *err)
{
    struct buf text = BUF_INIT;
    int64_t pid = 0;
    int rc = files_read(pid_file, 64, &text, err);
    if (rc == 0 && !str_to_i64(text.data, &pid))
        rc = error_set(err, ERROR_SYSTEM, "runc wrote no pid");
    buf_free(&text);
    if (rc)
        return -1;
    c->pid = (pid_t)pid;
    /* Even if it has ended: it stays a zombie of ours until container_follow reaps it. */
    c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    return c->pidfd < 0 ? error_errno(err, ERROR_SYSTEM, errno, "pidfd of %d", (int)c->pid) : 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Spawns runc and waits for it. out, err_fd: what the container writes to. */
static int spawn_runc(struct container *c, bool limits, int out, int err_fd, struct error *err)
{
    AUTO_FREE char *log_path = xasprintf("%s/runc.log", c->bundle);
    AUTO_FREE char *pid_file = xasprintf("%s/pid", c->bundle);
    char *argv[] = {"runc",
                    "--root",
                    c->rt->runc_root,
                    "--log",
                    log_path,
                    "--log-format",
                    "json",
                    limits ? "--rootless=auto" : "--rootless=true",
                    "run",
                    "--detach",
                    "--pid-file",
                    pid_file,
                    "--bundle",
                    c->bundle,
                    c->id,
                    NULL};
    pid_t runc;
    if (child_spawn(argv, -1, out, err_fd, &runc, err))
        return -1;
    if (child_wait(runc) != 0) {
        runc_message(log_path, err);
        return -1;
    }
    return read_pid(c, pid_file, err);
}

static int run(struct container *c, bool limits, bool separate, struct error *err)
{
    int out[2], errors[2] = {-1, -1};
    if (pipe2(out, O_CLOEXEC) || (separate && pipe2(errors, O_CLOEXEC)))
        return error_errno(err, ERROR_SYSTEM, errno, "pipe");
    int rc = spawn_runc(c, limits, out[1], separate ? errors[1] : out[1], err);
    close(out[1]);
    close_fd(&errors[1]);
    c->output[0] = out[0];
    c->output[1] = errors[0];
    if (rc) { /* the pipe holds runc's complaint, which is no output of the container */
        close_fd(&c->output[0]);
        close_fd(&c->output[1]);
        runc_delete(c->rt->runc_root, c->id);
    }
    return rc;
}

struct container *container_start(struct container_runtime *rt, const struct container_spec *spec,
                                  struct error *err)
{
    struct container *c = NEW(struct container);
    c->rt = rt;
    c->id = xstrdup(spec->id);
    c->bundle = xasprintf("%s/%s", rt->bundles, spec->id);
    c->rootfs = xasprintf("%s/rootfs", c->bundle);
    c->pidfd = c->output[0] = c->output[1] = -1;
    int rc = directory_make(c->bundle, 0711, err);
    if (rc == 0)
        rc = mount_rootfs(c, spec->image, err);
    if (rc == 0)
        rc = write_etc(c, spec, err);
    if (rc == 0)
        rc = write_config(c, spec, true, err);
    if (rc == 0)
        rc = run(c, true, spec->separate_stderr, err);
    if (rc && strstr(err->message, "cgroup")) { /* a host or chroot without writable cgroups */
        log_debug("running without limits", LOG_STR("error", err->message));
        rc = write_config(c, spec, false, err);
        if (rc == 0)
            rc = run(c, false, spec->separate_stderr, err);
    }
    if (rc) {
        container_free(c);
        return NULL;
    }
    return c;
}

/* One read; the descriptor is closed when there is nothing more. */
static bool forward(int *fd, container_emit emit, void *ctx)
{
    char chunk[65536];
    ssize_t n = *fd < 0 ? 0 : read(*fd, chunk, sizeof chunk);
    if (n > 0)
        emit(ctx, chunk, (size_t)n);
    else if (*fd >= 0 && (n == 0 || errno != EINTR))
        close_fd(fd);
    return *fd >= 0;
}

static void read_oom(struct container *c)
{
    static const char *const paths[] = {"/sys/fs/cgroup/memory/" CGROUP_PARENT
                                        "/%s/memory.oom_control",
                                        "/sys/fs/cgroup/" CGROUP_PARENT "/%s/memory.events"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char path[256], line[128];
        snprintf(path, sizeof path, i ? paths[1] : paths[0], c->id);
        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof line, f)) {
            int kills = 0;
            if (sscanf(line, "oom_kill %d", &kills) == 1 && kills > 0)
                c->out_of_memory = true;
        }
        if (f)
            fclose(f);
    }
}

int container_follow_both(struct container *c, container_emit emit_stdout,
                          container_emit emit_stderr, void *ctx)
{
    container_emit emit[2] = {emit_stdout, emit_stderr};
    for (;;) {
        struct pollfd fds[3] = {{.fd = c->pidfd, .events = POLLIN},
                                {.fd = c->output[0], .events = POLLIN},
                                {.fd = c->output[1], .events = POLLIN}};
        if (poll(fds, 3, -1) < 0)
            continue;
        for (size_t i = 0; i < 2; i++)
            if (fds[1 + i].revents)
                forward(&c->output[i], emit[i], ctx);
        if (fds[0].revents && !fds[1].revents && !fds[2].revents)
            break;
    }
    /* The pid namespace dies with its first process: no writer is left, so this ends. */
    for (size_t i = 0; i < 2; i++) {
        if (c->output[i] >= 0)
            fcntl(c->output[i], F_SETFL, O_NONBLOCK);
        while (forward(&c->output[i], emit[i], ctx))
            ;
    }
    read_oom(c);
    siginfo_t info = {0};
    while (waitid((idtype_t)P_PIDFD, (id_t)c->pidfd, &info, WEXITED) && errno == EINTR)
        ;
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int container_follow(struct container *c, container_emit emit, void *ctx)
{
    return container_follow_both(c, emit, emit, ctx);
}

void container_signal(struct container *c, int signal_number)
{
    syscall(SYS_pidfd_send_signal, c->pidfd, signal_number, NULL, 0);
}

bool container_out_of_memory(const struct container *c)
{
    return c->out_of_memory;
}

int container_pid(const struct container *c)
{
    return (int)c->pid;
}

void container_free(struct container *c)
{
    if (c->pidfd >= 0) {
        runc_delete(c->rt->runc_root, c->id);
        close(c->pidfd);
    }
    close_fd(&c->output[0]);
    close_fd(&c->output[1]);
    if (c->mounted && umount2(c->rootfs, MNT_DETACH))
        log_warn("unmount failed", LOG_STR("path", c->rootfs), LOG_STR("error", strerror(errno)));
    struct error err;
    if (files_remove_tree(c->bundle, &err))
        log_warn("bundle not removed", LOG_STR("error", err.message));
    free(c->id);
    free(c->bundle);
    free(c->rootfs);
    free(c);
}
