/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Azure from outside: calls with a token, jobs, executions, queries. JSON that is
 * returned as json_t * is a new reference, a char * is on the heap.
 */
#ifndef SOCKERLESS_TEST_KIT_AZURESIM_RIG_H
#define SOCKERLESS_TEST_KIT_AZURESIM_RIG_H

#include "test/kit/sim_call.h"
#include "test/kit/sim_rig.h"
#include "test/sim/http/value.h"

#define AZURESIM_TENANT "11111111-2222-4333-8444-555555555555"
#define AZURESIM_SUBSCRIPTION "/subscriptions/22222222-3333-4444-8555-666666666666"
#define AZURESIM_APP AZURESIM_SUBSCRIPTION "/resourceGroups/sockerless-sim/providers/Microsoft.App"
#define AZURESIM_ENVIRONMENT AZURESIM_APP "/managedEnvironments/sockerless-sim"
#define AZURESIM_CLIENT "44444444-5555-4666-8777-888888888888"
#define AZURESIM_IDENTITY "55555555-6666-4777-8888-999999999999"
#define AZURESIM_WORKSPACE "33333333-4444-4555-8666-777777777777"
#define AZURESIM_VERSION "?api-version=2024-03-01"

/* Bearer tokens of the audiences. */
struct azuresim_tokens {
    char *arm, *logs;
};
extern struct azuresim_tokens azuresim_tokens;

/* For TEST_GROUP. */
int azuresim_rig_setup(void **state);
int azuresim_rig_teardown(void **state);

/* ---- calls ---- */

/* To Azure Resource Manager with its token; path without an API version gets one. The answer must
 * have that status. */
void azuresim_rig_call(int line, long status, const char *method, const char *path,
                       const char *body, struct sim_answer *answer);
/* The answer's JSON only; NULL: none. */
json_t *azuresim_rig_answer(int line, long status, const char *method, const char *path,
                            const char *body);
/* Without a token. */
json_t *azuresim_rig_open(int line, long status, const char *method, const char *path,
                          const char *body);
void azuresim_rig_configure(const char *settings);
void azuresim_rig_take_tokens(void);
/* A value of azure.json, which the simulator has written for clients. */
char *azuresim_rig_credential(const char *name);

/* ---- jobs ---- */

/* A job's body: container is a member list, more goes into properties.configuration, template into
 * properties.template. */
char *azuresim_rig_job(const char *container, const char *configuration, const char *template);
/* PUT and its operation, to the end; the operation's last answer. */
json_t *azuresim_rig_put(const char *name, const char *body);
/* A job that runs a shell script. */
void azuresim_rig_create(const char *name, const char *script);
/* Follows a Location until it answers something else than 202: that answer. */
void azuresim_rig_follow(const char *location, struct sim_answer *answer);
/* Starts it; the execution's name. */
char *azuresim_rig_start(const char *job);
json_t *azuresim_rig_execution(const char *job, const char *execution, const char *version);
/* Until its state is that one, or it is over. */
void azuresim_rig_await(const char *job, const char *execution, const char *state);
char *azuresim_rig_run(const char *job); /* start, to the end */
void azuresim_rig_delete(const char *name);

/* ---- logs ---- */

json_t *azuresim_rig_query(int line, long status, const char *kql);
/* Until the execution has printed that line. */
void azuresim_rig_await_line(const char *execution, const char *text);
/* The rows of the only table. Borrowed. */
const json_t *azuresim_rig_rows(const json_t *answer);
const char *azuresim_rig_cell(const json_t *answer, size_t row, size_t column);

#endif
