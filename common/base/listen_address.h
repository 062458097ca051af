/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses that a daemon listens on or dials: a unix socket's path, or tcp://host:port; and what
 * is looked at before it listens there.
 */
#ifndef SOCKERLESS_BASE_LISTEN_ADDRESS_H
#define SOCKERLESS_BASE_LISTEN_ADDRESS_H

#include "base/error.h"

#include <stdbool.h>

enum {
    LISTEN_PATH_MAX = 107, /* struct sockaddr_un has no more */
    LISTEN_HOST_MAX = 255,
};

/* Default addresses are in here; it is made when it is missing. */
#define LISTEN_DEFAULT_DIRECTORY "/run/sockerless"

struct listen_address {
    bool is_tcp;
    char path[LISTEN_PATH_MAX + 1]; /* of a unix socket */
    char host[LISTEN_HOST_MAX + 1]; /* of tcp, without brackets; "": all addresses */
    int port;
};

/* unix_scheme: "unix://" or "ipc://", before an absolute path. The host may be a name. */
int listen_address_parse(const char *url, const char *unix_scheme, struct listen_address *out,
                         struct error *err) MUST_CHECK;

/* A tcp address that other machines reach and nothing protects: refused unless allowed, which is
 * then logged as a warning. */
int listen_address_check_exposure(const struct listen_address *a, bool allowed,
                                  struct error *err) MUST_CHECK;

/* Clears the way for a unix socket: its directory exists (the default one is made), and what a dead
 * process left at the path is removed. Anything but a dead socket stays and is an error. */
int listen_address_prepare(const struct listen_address *a, struct error *err) MUST_CHECK;

#endif
