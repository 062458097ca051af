/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks that every cloud's settings need once they are read (ecs_config.c, cloudrun_config.c …).
 * Messages name the variable.
 */
#ifndef SOCKERLESS_CLOUD_CLOUD_SETTING_H
#define SOCKERLESS_CLOUD_CLOUD_SETTING_H

#include "base/error.h"

#include <stddef.h>

/* A text that becomes part of host names, paths and filters: letters, digits and what is in `also`,
 * nothing else. */
struct cloud_setting_word {
    const char *variable; /* "AWS_REGION" */
    const char *noun;     /* "a region name" */
    const char *example;
    const char *also;
    size_t max; /* characters */
};
int cloud_setting_check_word(const struct cloud_setting_word *word, const char *text,
                             struct error *err) MUST_CHECK;

/* An http or https URL without blanks and control characters; empty is allowed. */
int cloud_setting_check_url(const char *variable, const char *text, struct error *err) MUST_CHECK;

/* The place of the text among the names; -1: it is none of them. */
int cloud_setting_choose(const char *variable, const char *text, const char *const *names,
                         size_t count, struct error *err) MUST_CHECK;

/* Copy the value into an empty setting (owned, as config_load leaves it); NULL and "" are no
 * values. */
void cloud_setting_fall_back(char **setting, const char *value);

#endif
