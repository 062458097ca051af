/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Google Cloud from outside: calls with a token, jobs, executions, logs. JSON that is
 * returned as json_t * is a new reference, a char * is on the heap.
 */
#ifndef SOCKERLESS_TEST_KIT_GCPSIM_RIG_H
#define SOCKERLESS_TEST_KIT_GCPSIM_RIG_H

#include "test/kit/sim_rig.h"
#include "test/sim/http/value.h"

#define GCPSIM_PARENT "/v2/projects/sockerless-sim/locations/us-central1"
#define GCPSIM_JOB(containers, more)                                                               \
    "{\"template\":{\"template\":{\"containers\":[" containers "]" more "}}}"

extern char gcpsim_rig_token[128];

/* For TEST_GROUP. */
int gcpsim_rig_setup(void **state);
int gcpsim_rig_teardown(void **state);

/* ---- calls ---- */

/* The answer's status, and the answer when asked for. body NULL: none. */
long gcpsim_rig_call_as(const char *bearer, const char *method, const char *path, const char *body,
                        json_t **out);
void gcpsim_rig_take_token(void);
/* A call that must end with that status; its answer, NULL: none. */
json_t *gcpsim_rig_answer(int line, long status, const char *method, const char *path,
                          const char *body);
void gcpsim_rig_configure(const char *settings);

/* ---- jobs ---- */

/* An operation, which is freed, to its end; its final form. */
json_t *gcpsim_rig_await(json_t *operation);
void gcpsim_rig_create(const char *id, const char *script, const char *task_more);
json_t *gcpsim_rig_start(const char *id); /* the operation */
char *gcpsim_rig_execution_id(const json_t *operation);
/* An execution to its end; its id. */
char *gcpsim_rig_run(const char *job);
void gcpsim_rig_delete(const char *id);
json_t *gcpsim_rig_task(const char *job, const char *execution); /* its only one */

/* ---- functions ---- */

/* An archive of a Go function with that entry point, uploaded; its storageSource. */
json_t *gcpsim_rig_upload(const char *entry_point);
/* The body of functions.create. more: members of serviceConfig, after a comma. */
char *gcpsim_rig_function_body(const char *entry_point, const char *more);
void gcpsim_rig_create_function(const char *id);
/* The service of the function gets an image that listens on PORT and runs the script for each
 * request to gcpsim_rig_invoke(). more: members of the template, after a comma. The operation. */
json_t *gcpsim_rig_patch_service(const char *id, const char *script, const char *more);
void gcpsim_rig_delete_function(const char *id);
/* An ID token for an audience; heap. */
char *gcpsim_rig_id_token(const char *audience);
char *gcpsim_rig_uri(const char *id); /* of the service; heap */

/* A request to the function's script: the answer's status and, in *text (heap), its body. */
long gcpsim_rig_invoke(const char *id, const char *body, char **text);
json_t *gcpsim_rig_resources(void);

/* ---- logs ---- */

json_t *gcpsim_rig_logs(const char *execution, const char *more, const char *paging);
size_t gcpsim_rig_count(const json_t *list);
const json_t *gcpsim_rig_entry(const json_t *list, size_t i);
const char *gcpsim_rig_text(const json_t *list, size_t i);

#endif
