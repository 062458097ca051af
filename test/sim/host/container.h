/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers, really run: overlay on an unpacked image, config.json, `runc run --detach`.
 * stdout and stderr are one pipe, as the awslogs driver sees them, or two.
 */
#ifndef SOCKERLESS_SIM_HOST_CONTAINER_H
#define SOCKERLESS_SIM_HOST_CONTAINER_H

#include "base/error.h"
#include "test/sim/host/image.h"
#include "test/sim/host/oci_spec.h"

struct container_runtime;
struct container;

typedef void (*container_emit)(void *ctx, const char *bytes, size_t len);

struct container_spec {
    const char *id; /* unique: names the bundle, the runc container and its cgroup */
    const struct image *image;
    char *const *argv; /* whole command line */
    size_t argc;
    char *const *env; /* NAME=value, already merged over the image's */
    size_t env_count;
    const char *cwd;  /* "" or NULL: the image's, else / */
    const char *user; /* "" or NULL: the image's */
    const char *hostname, *address, *nameserver;
    const char *netns; /* name */
    const struct oci_mount *mounts;
    size_t mount_count;
    bool read_only_rootfs;
    int64_t memory_bytes, cpu_shares;
    bool separate_stderr; /* else stdout and stderr are one pipe */
};

/* Makes this process a subreaper and removes what a killed simulator left in state_dir. */
struct container_runtime *container_runtime_open(const char *state_dir,
                                                 struct error *err) MUST_CHECK;
void container_runtime_close(struct container_runtime *rt);
/* Kill and remove every container found under state_dir. No simulator may be running on it. */
void container_cleanup(const char *state_dir);

/* Returns when the process has been started. The error is the runtime's own message. */
struct container *container_start(struct container_runtime *rt, const struct container_spec *spec,
                                  struct error *err) MUST_CHECK;
/* Feeds output to `emit` until the container has ended and all its output was seen. Returns the
 * exit code, 128+signal when killed. Called once, by one thread. */
int container_follow(struct container *c, container_emit emit, void *ctx);
/* The same with stderr apart (separate_stderr). */
int container_follow_both(struct container *c, container_emit emit_stdout,
                          container_emit emit_stderr, void *ctx);
/* To the container's first process; harmless when it has ended. Thread-safe until container_free.
 */
void container_signal(struct container *c, int signal_number);
/* True when the kernel killed it for memory; valid between container_follow and container_free. */
bool container_out_of_memory(const struct container *c);
/* Removes the bundle, mounts and cgroup. After container_follow has returned. */
void container_free(struct container *c);
int container_pid(const struct container *c);

#endif
