/* SPDX-License-Identifier: Apache-2.0
 *
 * Names: of functions, of what a container owns, of runs. Pure.
 *
 *     function   projects/P/locations/L/functions/sockerless-<instance>-<content>
 *     owned      FUNCTION#CONTAINER    one of the containers that use the function
 *     run        FUNCTION/runs/TOKEN   a request; the API has no resource for it
 */
#ifndef SOCKERLESS_GCF_NAMES_H
#define SOCKERLESS_GCF_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum { GCF_ID_MAX = 63, GCF_CONTENT_CHARS = 24, GCF_NAME_MAX = 300, GCF_TOKEN_MAX = 36 };

/* content: what the function is made of, in hex. Two backends never share one. */
void gcf_function_id(const char *instance, const char *content, char out[GCF_ID_MAX + 1]);

/* "projects/P/locations/L/functions/F", and no more: fit for a path. */
bool gcf_name_valid(const char *name);
/* The same of a service of run.v2. */
bool gcf_service_valid(const char *name);

/* The parts, copied; false when it is anything else. */
bool gcf_owned_parse(const char *owned, char function[GCF_NAME_MAX + 1], char container[65]);
bool gcf_run_parse(const char *run, char function[GCF_NAME_MAX + 1], char token[GCF_TOKEN_MAX + 1]);

#endif
