/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the state database that are damaged: the container is kept and shown as far as it is
 * known, its run in the cloud is not ended as one that belongs to nobody, and it can be removed.
 */
#include "test/kit/ask.h"

#include "backend/daemon/reconcile.h"
#include "backend/state/container_salvage.h"
#include "test/kit/test.h"

#include <sqlite3.h>

#define ID "3b5d5c3712955042212316173ccf37be8f5d5c3712955042212316173ccf37b1"
#define OTHER "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct workload_found in_cloud[2];
static unsigned ended, ended_of_ours;

static int co_list(struct workload_found **out, size_t *count, struct error *err)
{
    (void)err;
    *out = in_cloud;
    *count = ARRAY_LEN(in_cloud);
    return 0;
}

static int co_remove_run(const struct workload *w, struct error *err)
{
    (void)err;
    ended++;
    ended_of_ours += strcmp(w->resource, "task-1") == 0;
    return 0;
}

static int fixture_setup(void **state)
{
    (void)state;
    backend_rig_open(RIG_STORE);
    memset(in_cloud, 0, sizeof in_cloud);
    strcpy(in_cloud[0].container_id, ID);
    strcpy(in_cloud[0].workload.definition, "definition-1");
    strcpy(in_cloud[0].workload.resource, "task-1");
    strcpy(in_cloud[1].container_id, OTHER);
    strcpy(in_cloud[1].workload.resource, "task-2");
    ended = ended_of_ours = 0;
    fake_driver.co_list = co_list;
    fake_driver.co_remove_run = co_remove_run;
    return 0;
}

static int fixture_teardown(void **state)
{
    backend_rig_cancel_all();
    return backend_rig_teardown(state);
}

/* The row of a running container, packed. */
static unsigned char *row_of(const char *id, size_t *len)
{
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    Sockerless__Container view = SOCKERLESS__CONTAINER__INIT;
    Sockerless__ContainerRecord rec = SOCKERLESS__CONTAINER_RECORD__INIT;
    Sockerless__WorkloadRecord run = SOCKERLESS__WORKLOAD_RECORD__INIT;
    static char json[] = "{\"NetworkMode\":\"default\"}";
    config.hostname = (char *)"host";
    view.id = (char *)(uintptr_t)id;
    view.name = (char *)"web";
    view.image = (char *)"busybox";
    view.state = SOCKERLESS__CONTAINER_STATE__RUNNING;
    view.config = &config;
    view.host = &host;
    view.host_config_json = (ProtobufCBinaryData){strlen(json), (uint8_t *)json};
    run.definition = (char *)"definition-1";
    run.resource = run.log_ref = (char *)"task-1";
    rec.container = &view;
    rec.current = &run;
    rec.agent_token = (char *)"token";
    *len = sockerless__container_record__get_packed_size(&rec);
    unsigned char *bytes = xmalloc(*len);
    sockerless__container_record__pack(&rec, bytes);
    return bytes;
}

/* The table with this one row, as if the disk had done it. */
static void write_row(const char *key, const void *bytes, size_t len)
{
    AUTO_FREE char *path = xasprintf("%s/sockerless.db", rig.directory);
    sqlite3 *db;
    sqlite3_stmt *st;
    container_table_fini(&rig.backend.containers);
    rig.backend.containers = (struct container_table){0};
    rig.backend.orphans_unclear = false;
    backend_rig_close_store();
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM container", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO container (key, record) VALUES (?1, ?2)",
                                        -1, &st, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(st, 2, bytes ? bytes : "", len, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    sqlite3_close(db);
    backend_rig_open_store();
}

/* A start over this row: what is in the cloud under its key stays. */
static const struct container *start_over(const char *key, const void *bytes, size_t len)
{
    struct error err;
    write_row(key, bytes, len);
    ended = ended_of_ours = 0;
    int listed = fake_driver.listed;
    assert_int_equal(reconcile_load(&rig.backend, &err), 0);
    reconcile_start(&rig.backend);
    run_until(fake_driver.listed > listed || rig.backend.orphans_unclear);
    run_until(co_live(&rig.loop) == 0);
    assert_int_equal(ended_of_ours, 0);
    return container_find(&rig.backend.containers, ID, &err);
}

TEST_USING(fixture, a_sound_row)
{
    size_t len;
    AUTO_FREE unsigned char *row = row_of(ID, &len);
    const struct container *c = start_over(ID, row, len);
    assert_non_null(c);
    assert_false(c->damaged);
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    assert_int_equal(ended, 1); /* that of nobody */
}

TEST_USING(fixture, whatever_is_left_of_a_row)
{
    size_t len;
    AUTO_FREE unsigned char *row = row_of(ID, &len);
    for (size_t kept = 0; kept < len; kept++) {
        const struct container *c = start_over(ID, row, kept);
        assert_non_null(c);
        assert_string_equal(c->id, ID);
        if (!c->damaged) /* cut between two fields: only the agent's token is missing */
            continue;
        assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__DEAD);
        assert_non_null(c->view->host);
        assert_non_null(c->view->config);
        assert_non_null(strstr(c->view->error, "damaged"));
        assert_int_equal(ended, 1);
    }
}

TEST_USING(fixture, whatever_bit_is_wrong)
{
    size_t len;
    AUTO_FREE unsigned char *row = row_of(ID, &len);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        AUTO(arena) struct arena arena;
        bool other_id;
        arena_init(&arena);
        row[bit / 8] ^= (unsigned char)(1u << bit % 8);
        Sockerless__ContainerRecord *rec =
            sockerless__container_record__unpack(&arena.protobuf, len, row);
        if (!container_salvage_is_sound(ID, rec)) {
            rec = container_salvage(ID, row, len, &arena, &other_id);
            assert_non_null(rec);
            assert_string_equal(rec->container->id, ID);
            rec->container->state = SOCKERLESS__CONTAINER_STATE__EXITED;
            assert_true(container_salvage_is_sound(ID, rec));
        }
        row[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

TEST_USING(fixture, what_is_readable_is_shown)
{
    size_t len;
    AUTO_FREE unsigned char *row = row_of(ID, &len);
    const struct container *c = start_over(ID, row, len - 3);
    assert_true(c->damaged);
    assert_string_equal(c->view->name, "web");
    assert_string_equal(c->view->image, "busybox");
    c = start_over(ID, row, 0);
    assert_string_equal(c->view->name, "damaged-3b5d5c371295");
}

/* The damage may be in the key: then nothing at all is ended. */
TEST_USING(fixture, a_row_of_another_container)
{
    size_t len;
    AUTO_FREE unsigned char *row = row_of(ID, &len);
    assert_null(start_over("not an id", "\xff", 1));
    assert_true(rig.backend.orphans_unclear);
    assert_int_equal(ended, 0);
    assert_non_null(start_over("not an id", row, len));
    assert_int_equal(ended, 0);
    strcpy(in_cloud[1].container_id, ID);
    assert_null(start_over(OTHER, row, len));
    assert_int_equal(ended, 0);
    strcpy(in_cloud[1].container_id, OTHER);
}

TEST_USING(fixture, the_log_names_the_row)
{
    char text[4096] = "";
    FILE *file = tmpfile();
    int errors = dup(2);
    dup2(fileno(file), 2);
    start_over(ID, "\xff", 1);
    dup2(errors, 2);
    close(errors);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "\"row\":\"" ID "\""));
}

TEST_USING(fixture, a_damaged_container_is_only_removed)
{
    struct container *c;
    struct error err;
    start_over(ID, "\xff", 1);
    c = container_find(&rig.backend.containers, ID, &err);
    assert_int_equal(container_save(c, &err), -1); /* the row stays as it is */
    ask_start(ID);
    assert_int_equal(rig.err.code, ERROR_CONFLICT);
    assert_non_null(strstr(rig.err.message, "damaged"));
    ask_remove(ID, false);
    assert_int_equal(rig.err.code, ERROR_NONE);
    assert_int_equal(ended_of_ours, 1);
    assert_null(container_find(&rig.backend.containers, ID, &err));
}

TEST_GROUP(NULL, NULL);
