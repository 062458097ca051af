/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP request to the simulator of sim_rig.h, and its answer.
 */
#ifndef SOCKERLESS_TEST_KIT_SIM_CALL_H
#define SOCKERLESS_TEST_KIT_SIM_CALL_H

#include "base/buf.h"

#include <jansson.h>

struct sim_call {
    const char *bearer;        /* token; NULL or "": none */
    const char *method, *path; /* path: or a whole URL */
    const char *body;          /* NULL: none */
    const char *headers[3];    /* "Name: value"; NULL: none */
};

struct sim_answer {
    long status;              /* 0: no answer */
    json_t *json;             /* NULL when the body is none; owned */
    struct buf headers, body; /* as they came */
};

void sim_call(const struct sim_call *call, struct sim_answer *answer);
/* The value of a header of the answer; heap, NULL when absent. */
char *sim_answer_header(const struct sim_answer *answer, const char *name);
void sim_answer_fini(struct sim_answer *answer);

#endif
