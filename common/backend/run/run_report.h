/* SPDX-License-Identifier: Apache-2.0
 *
 * What a report about a run means: the agent's exit, the loss of its control session, the cloud's
 * status. The links and the watcher only deliver these.
 */
#ifndef SOCKERLESS_BACKEND_RUN_REPORT_H
#define SOCKERLESS_BACKEND_RUN_REPORT_H

#include "backend/agent/agent_link.h"
#include "backend/state/container.h"

/* For co_agent_link_open() and agent_redial_start(). */
extern const struct agent_link_events run_report_link_events;

/* The agent has told how the process ended (agent_link_exit()): the run is over. */
void run_report_exit(struct container *c);
/* The cloud's answer about the current run, for watcher_open(). */
void run_report_status(struct container *c, const struct workload_status *status);
/* Meet the agent of a live container again, after its session or the backend was lost. */
void run_report_redial(struct container *c);

#endif
