/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite store; see store.h. Rows are an indexed key and a protobuf record; statements are
 * prepared once.
 */
#include "backend/state/store.h"

#include "backend/state/container_salvage.h"
#include "backend/state/store_reserve.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

/* What PRAGMA user_version says; 0 is what was made before there were versions. Every version so
 * far only added tables and fields, so that older databases need nothing but what is missing. */
enum { SCHEMA_VERSION = 2 };

enum { ROW_GROWTH_MAX = 2048 }; /* of a change that a full disk does not prevent */

enum store_table { TABLE_CONTAINER, TABLE_IMAGE, TABLE_META, TABLE_CREDENTIAL, TABLE_COUNT };
static const char *const table_names[TABLE_COUNT] = {"container", "image", "meta", "credential"};

struct store {
    sqlite3 *db;
    int lock_fd;
    struct store_reserve reserve;
    sqlite3_stmt *put[TABLE_COUNT], *del[TABLE_COUNT], *get[TABLE_COUNT];
};

static int db_failed(int code, const char *what, const char *doing, struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "state database: %s: %s%s", doing, what,
                     (code & 0xff) == SQLITE_FULL ? "; free some space on the disk of --state-dir"
                                                  : "");
}

static int db_error(struct store *s, struct error *err, const char *doing)
{
    return db_failed(sqlite3_errcode(s->db), sqlite3_errmsg(s->db), doing, err);
}

static int exec_sql(struct store *s, const char *sql, struct error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(s, err, sql);
}

static int prepare(struct store *s, sqlite3_stmt **out, const char *format, const char *table,
                   struct error *err)
{
    char sql[256];
    snprintf(sql, sizeof sql, format, table);
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
        return db_error(s, err, sql);
    return 0;
}

/* A newer backend may have written what this one would overlook and then overwrite. */
static int check_version(struct store *s, int *version, struct error *err)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) != SQLITE_OK)
        return db_error(s, err, "version");
    *version = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int(st, 0) : -1;
    sqlite3_finalize(st);
    if (*version < 0)
        return db_error(s, err, "version");
    if (*version > SCHEMA_VERSION)
        return error_set(err, ERROR_CONFLICT,
                         "the state database was written by a newer version (schema %d, this one "
                         "supports %d): upgrade this backend or give it another --state-dir",
                         *version, SCHEMA_VERSION);
    return 0;
}

static int open_table(struct store *s, enum store_table t, struct error *err)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "CREATE TABLE IF NOT EXISTS %s (seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, "
             "record BLOB NOT NULL)",
             table_names[t]);
    if (exec_sql(s, sql, err) ||
        prepare(s, &s->put[t],
                "INSERT INTO %s (key, record) VALUES (?1, ?2) "
                "ON CONFLICT(key) DO UPDATE SET record = excluded.record",
                table_names[t], err) ||
        prepare(s, &s->del[t], "DELETE FROM %s WHERE key = ?1", table_names[t], err))
        return -1;
    return prepare(s, &s->get[t], "SELECT record FROM %s WHERE key = ?1", table_names[t], err);
}

/* Tables have one shape; `seq` keeps the order of first insertion. synchronous=NORMAL in WAL mode
 * survives the death of any process; a power cut may cost the last moments, never consistency.
 * Nothing is written when everything is there, and exclusive locking needs no index file: the disk
 * may be full. */
static int open_schema(struct store *s, struct error *err)
{
    char sql[64];
    int version = 0;
    if (exec_sql(s, "PRAGMA locking_mode=EXCLUSIVE", err) || check_version(s, &version, err) ||
        exec_sql(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;", err))
        return -1;
    for (int t = 0; t < TABLE_COUNT; t++)
        if (open_table(s, (enum store_table)t, err))
            return -1;
    snprintf(sql, sizeof sql, "PRAGMA user_version=%d", SCHEMA_VERSION);
    return version == SCHEMA_VERSION ? 0 : exec_sql(s, sql, err);
}

int store_open(const char *state_dir, struct store **out, struct error *err)
{
    struct store *s = NEW(struct store);
    s->lock_fd = s->reserve.fd = -1;
    char *path AUTO_FREE = xasprintf("%s/sockerless.db", state_dir);
    char *lock AUTO_FREE = xasprintf("%s/lock", state_dir);
    if (directory_make(state_dir, 0700, err)) {
        error_wrap(err, "--state-dir");
        goto fail;
    }
    s->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) {
        error_errno(err, ERROR_SYSTEM, errno, "%s", lock);
        goto fail;
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
        error_set(err, ERROR_CONFLICT,
                  "--state-dir: %s is in use by another backend; stop it or choose another "
                  "directory",
                  state_dir);
        goto fail;
    }
    if (sqlite3_open(path, &s->db) != SQLITE_OK) {
        db_error(s, err, path);
        goto fail;
    }
    chmod(path, 0600);
    int persist = 1; /* the log keeps its place on the disk, which may be full the next time */
    sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
    if (open_schema(s, err))
        goto fail;
    store_reserve_open(&s->reserve, state_dir);
    *out = s;
    return 0;
fail:
    store_close(s);
    return -1;
}

void store_close(struct store *s)
{
    for (int t = 0; t < TABLE_COUNT; t++) {
        sqlite3_finalize(s->put[t]);
        sqlite3_finalize(s->del[t]);
        sqlite3_finalize(s->get[t]);
    }
    sqlite3_close(s->db);
    store_reserve_close(&s->reserve);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s);
}

/* ---- rows ---- */

/* The row is there, and does not grow by more than a change of state needs. */
static bool keeps_its_size(struct store *s, enum store_table t, const char *key, size_t len)
{
    sqlite3_stmt *st = s->get[t];
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    bool keeps = sqlite3_step(st) == SQLITE_ROW &&
                 len <= (size_t)sqlite3_column_bytes(st, 0) + ROW_GROWTH_MAX;
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return keeps;
}

/* A statement that writes, once more when the disk is full: after the write-ahead log was copied
 * into the database, whose pages are there already, it begins anew in its own place; then, if the
 * statement may, with what the reserve gives up. */
static int step_with_room(struct store *s, sqlite3_stmt *st, bool may_spend)
{
    int rc = sqlite3_step(st);
    if (rc != SQLITE_FULL)
        return rc;
    sqlite3_reset(st);
    sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    rc = sqlite3_step(st);
    if (rc != SQLITE_FULL || !may_spend || !store_reserve_spend(&s->reserve))
        return rc;
    sqlite3_reset(st);
    return sqlite3_step(st);
}

static int row_put(struct store *s, enum store_table t, const char *key, const void *bytes,
                   size_t len, struct error *err)
{
    sqlite3_stmt *st = s->put[t];
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(st, 2, bytes, len, SQLITE_STATIC);
    int rc = step_with_room(s, st, false);
    if (rc == SQLITE_FULL && keeps_its_size(s, t, key, len)) {
        sqlite3_reset(st);
        rc = step_with_room(s, st, true);
    }
    if (rc != SQLITE_DONE)
        db_failed(rc, sqlite3_errstr(rc), "write", err);
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return rc == SQLITE_DONE ? 0 : -1;
}

static int row_put_message(struct store *s, enum store_table t, const char *key,
                           const ProtobufCMessage *message, struct error *err)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    unsigned char *bytes AUTO_FREE = xmalloc(len);
    protobuf_c_message_pack(message, bytes);
    return row_put(s, t, key, bytes, len, err);
}

static int row_delete(struct store *s, enum store_table t, const char *key, struct error *err)
{
    sqlite3_stmt *st = s->del[t];
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    int rc = step_with_room(s, st, true);
    if (rc != SQLITE_DONE)
        db_error(s, err, "delete");
    sqlite3_reset(st);
    if (rc == SQLITE_DONE)
        store_reserve_refill(&s->reserve);
    return rc == SQLITE_DONE ? 0 : -1;
}

/* *bytes stays NULL when there is no such row; else heap bytes with a NUL after them. */
static int row_get(struct store *s, enum store_table t, const char *key, void **bytes, size_t *len,
                   struct error *err)
{
    sqlite3_stmt *st = s->get[t];
    *bytes = NULL;
    *len = 0;
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        const char *blob = sqlite3_column_blob(st, 0); /* NULL when empty */
        *len = (size_t)sqlite3_column_bytes(st, 0);
        char *copy = xcalloc(1, *len + 1);
        memcpy(copy, blob ? blob : "", *len);
        *bytes = copy;
    } else if (rc != SQLITE_DONE) {
        db_error(s, err, "read");
    }
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

static int rows_each(struct store *s, enum store_table t,
                     void (*row)(const char *key, const void *bytes, size_t len, void *context),
                     void *context, struct error *err)
{
    char sql[64];
    sqlite3_stmt *st;
    snprintf(sql, sizeof sql, "SELECT record, key FROM %s ORDER BY seq", table_names[t]);
    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
        return db_error(s, err, sql);
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        row((const char *)sqlite3_column_text(st, 1), sqlite3_column_blob(st, 0),
            (size_t)sqlite3_column_bytes(st, 0), context);
    if (rc != SQLITE_DONE)
        db_error(s, err, "read");
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? 0 : -1;
}

int store_container_put(struct store *s, const Sockerless__ContainerRecord *rec, struct error *err)
{
    return row_put_message(s, TABLE_CONTAINER, rec->container->id, &rec->base, err);
}

int store_container_delete(struct store *s, const char *id, struct error *err)
{
    return row_delete(s, TABLE_CONTAINER, id, err);
}

struct each_container {
    void (*each)(void *arg, const struct stored_container *row);
    void *arg;
};

static void each_container_row(const char *key, const void *bytes, size_t len, void *context)
{
    struct each_container *each = context;
    struct stored_container row = {.key = str_or_empty(key)};
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    row.record = sockerless__container_record__unpack(&arena.protobuf, len, bytes);
    row.damaged = !container_salvage_is_sound(row.key, row.record);
    if (row.damaged)
        row.record = container_salvage(row.key, bytes, len, &arena, &row.other_id);
    each->each(each->arg, &row);
}

int store_container_each(struct store *s,
                         void (*each)(void *arg, const struct stored_container *row), void *arg,
                         struct error *err)
{
    struct each_container context = {each, arg};
    return rows_each(s, TABLE_CONTAINER, each_container_row, &context, err);
}

int store_image_put(struct store *s, const char *id, const Sockerless__ImageRecord *rec,
                    struct error *err)
{
    return row_put_message(s, TABLE_IMAGE, id, &rec->base, err);
}

struct each_image {
    void (*each)(void *arg, const Sockerless__ImageRecord *rec);
    void *arg;
};

static void each_image_row(const char *key, const void *bytes, size_t len, void *context)
{
    struct each_image *each = context;
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    Sockerless__ImageRecord *rec = sockerless__image_record__unpack(&arena.protobuf, len, bytes);
    if (rec && rec->image)
        each->each(each->arg, rec);
    else
        log_error("the row of an image in the state database is damaged; pull or load it again",
                  LOG_STR("image", key));
}

int store_image_each(struct store *s, void (*each)(void *arg, const Sockerless__ImageRecord *rec),
                     void *arg, struct error *err)
{
    struct each_image context = {each, arg};
    return rows_each(s, TABLE_IMAGE, each_image_row, &context, err);
}

int store_image_delete(struct store *s, const char *id, struct error *err)
{
    return row_delete(s, TABLE_IMAGE, id, err);
}

int store_credential_put(struct store *s, const char *host, const void *sealed, size_t len,
                         struct error *err)
{
    return row_put(s, TABLE_CREDENTIAL, host, sealed, len, err);
}

int store_credential_get(struct store *s, const char *host, void **sealed, size_t *len,
                         struct error *err)
{
    return row_get(s, TABLE_CREDENTIAL, host, sealed, len, err);
}

int store_meta_put(struct store *s, const char *key, const char *value, struct error *err)
{
    return row_put(s, TABLE_META, key, value, strlen(value), err);
}

char *store_meta_get(struct store *s, const char *key)
{
    void *value;
    size_t len;
    struct error ignored;
    return row_get(s, TABLE_META, key, &value, &len, &ignored) ? NULL : value;
}
