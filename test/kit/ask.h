/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to the backend of backend_rig.h over its RPC server. Each waits for the answer, which
 * stays until the next one; NULL: refused, and rig.err says why.
 */
#ifndef SOCKERLESS_TEST_KIT_ASK_H
#define SOCKERLESS_TEST_KIT_ASK_H

#include "test/kit/backend_rig.h"

const Sockerless__Reply *ask(Sockerless__Request *request);
/* The request of that operation, which is the message. */
const Sockerless__Reply *ask_with(Sockerless__Request__OpCase op, void *message);
void ask_forget(void);

/* name, config and host may be NULL. */
const Sockerless__Reply *ask_create(const char *name, Sockerless__ContainerConfig *config,
                                    Sockerless__HostOptions *host);
const Sockerless__Reply *ask_start(const char *ref);
const Sockerless__Reply *ask_stop(const char *ref);
const Sockerless__Reply *ask_remove(const char *ref, bool force);
const Sockerless__Reply *ask_inspect(const char *ref);
const Sockerless__Reply *ask_image_inspect(const char *ref);
const Sockerless__Reply *ask_image_tag(const char *ref, const char *repo, const char *tag);
const Sockerless__Reply *ask_image_remove(const char *ref, bool force);
const Sockerless__Reply *ask_image_history(const char *ref);

/* Of a list: key, value, key, value … up to NULL; the same key twice gives it two values. */
enum { ASK_FILTER_WORDS = 8 };
typedef const char *const ask_filters[ASK_FILTER_WORDS];
const Sockerless__Reply *ask_list(bool all, int32_t limit, ask_filters filters);
const Sockerless__Reply *ask_image_list(ask_filters filters);
const Sockerless__Reply *ask_image_prune(ask_filters filters);

/* The last answer was that. */
void ask_expect_error(enum error_code code, const char *message);

#endif
