/* SPDX-License-Identifier: Apache-2.0
 *
 * The managed environment, and the file shares that are linked to it. A share is a directory:
 * FILES-DIR/ACCOUNT/SHARE. Thread-safe.
 */
#ifndef SOCKERLESS_SIM_AZURE_ENVIRONMENT_H
#define SOCKERLESS_SIM_AZURE_ENVIRONMENT_H

#include "test/sim/azure/azure.h"

struct environment;
/* name: borrowed. */
struct environment *environment_new(struct azure *azure, const char *name);
void environment_free(struct environment *e);
const char *environment_name(const struct environment *e);
/* A resource id of this environment, in any case. */
bool environment_is(const struct environment *e, const char *id);
bool environment_has_storage(struct environment *e, const char *storage);
/* The directory of a linked share; heap. NULL: there is no such storage, or it was linked with a
 * key that is not the account's. */
char *environment_share(struct environment *e, const char *storage, bool *read_only,
                        struct error *err) MUST_CHECK;
/* Names of the linked shares; new reference. */
json_t *environment_storages(struct environment *e);

#endif
