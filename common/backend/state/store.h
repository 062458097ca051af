/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite (WAL) under --state-dir: one file per backend, one process at a time. Write-through: a put
 * has reached the database (survives kill -9) when it returns.
 */
#ifndef SOCKERLESS_BACKEND_STORE_H
#define SOCKERLESS_BACKEND_STORE_H

#include "base/error.h"

#include "proto/state.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct store;

/* Creates directory (0700) and file. ERROR_CONFLICT when another process holds it. */
int store_open(const char *state_dir, struct store **out, struct error *err) MUST_CHECK;
void store_close(struct store *s);

int store_container_put(struct store *s, const Sockerless__ContainerRecord *rec,
                        struct error *err) MUST_CHECK;
int store_container_delete(struct store *s, const char *id, struct error *err) MUST_CHECK;
/* A row as it was found; borrowed for the call. */
struct stored_container {
    const char *key;
    const Sockerless__ContainerRecord *record; /* NULL: it does not even tell an id */
    bool damaged;                              /* record is what container_salvage.h makes of it */
    bool other_id; /* damaged so that it may belong to another container than it seems to */
};
/* each() gets every row, oldest created first. */
int store_container_each(struct store *s,
                         void (*each)(void *arg, const struct stored_container *row), void *arg,
                         struct error *err) MUST_CHECK;

int store_image_put(struct store *s, const char *id, const Sockerless__ImageRecord *rec,
                    struct error *err) MUST_CHECK;
/* Without those that cannot be decoded: they are named in the log, and stay. */
int store_image_each(struct store *s, void (*each)(void *arg, const Sockerless__ImageRecord *rec),
                     void *arg, struct error *err) MUST_CHECK;

int store_image_delete(struct store *s, const char *id, struct error *err) MUST_CHECK;

/* Sealed logins by registry host. get: heap bytes, NULL when absent. */
int store_credential_put(struct store *s, const char *host, const void *sealed, size_t len,
                         struct error *err) MUST_CHECK;
int store_credential_get(struct store *s, const char *host, void **sealed, size_t *len,
                         struct error *err) MUST_CHECK;

/* Small values by name (instance id …). get: heap string, NULL when absent. */
int store_meta_put(struct store *s, const char *key, const char *value,
                   struct error *err) MUST_CHECK;
char *store_meta_get(struct store *s, const char *key);

#endif
