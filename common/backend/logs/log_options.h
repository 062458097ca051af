/* SPDX-License-Identifier: Apache-2.0
 *
 * The log driver and log options of a container (LogConfig). Output goes to the cloud's log service
 * whatever driver is asked for; the options choose what `docker logs --details` shows
 * (log_details.h). They are checked as dockerd checks them, in two steps: names and the delivery
 * mode at create, values when the log is opened, at start.
 */
#ifndef SOCKERLESS_BACKEND_LOG_OPTIONS_H
#define SOCKERLESS_BACKEND_LOG_OPTIONS_H

#include "backend/state/container.h"
#include "base/error.h"

#include <stdbool.h>

/* ERROR_INVALID_PARAMETER. */
int log_options_check(const Sockerless__HostOptions *host, struct error *err) MUST_CHECK;
/* ERROR_SYSTEM. */
int log_options_open_check(const Sockerless__HostOptions *host, struct error *err) MUST_CHECK;

/* NULL: not given. */
const char *log_options_find(const Sockerless__HostOptions *host, const char *name);
/* A driver that would deliver to a service of its own, which is not done. */
bool log_options_driver_ignored(const Sockerless__HostOptions *host);

#endif
