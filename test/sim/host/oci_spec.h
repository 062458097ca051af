/* SPDX-License-Identifier: Apache-2.0
 *
 * The OCI runtime configuration (config.json) of a container, with Docker's defaults.
 */
#ifndef SOCKERLESS_SIM_HOST_OCI_SPEC_H
#define SOCKERLESS_SIM_HOST_OCI_SPEC_H

#include "base/buf.h"
#include "test/sim/host/passwd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oci_mount {
    const char *source; /* directory or file on the host */
    const char *target;
    bool read_only;
};

struct oci_spec {
    char *const *argv;
    size_t argc;
    char *const *env;
    size_t env_count;
    const char *cwd, *hostname;
    const char *rootfs;
    const char *netns;        /* path */
    const char *cgroups_path; /* NULL: no limits */
    const struct passwd_user *user;
    const struct oci_mount *mounts;
    size_t mount_count;
    bool read_only_rootfs;
    int64_t memory_bytes; /* 0: no limit */
    int64_t cpu_shares;   /* 0: default */
    int64_t nofile_soft, nofile_hard;
};

void oci_spec_write(const struct oci_spec *spec, struct buf *out);

#endif
