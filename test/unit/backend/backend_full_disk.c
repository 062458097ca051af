/* SPDX-License-Identifier: Apache-2.0
 *
 * A state directory whose disk is full: the store opens, what is in it can be changed and removed,
 * and what would be new is refused with the reason. The disk is a small tmpfs in a mount namespace
 * of the test's own.
 */
#include "backend/state/store.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { ROWS = 300, TEXT = 1500 };

static char directory[64];
static struct store *store;

static int disk_setup(void **state)
{
    (void)state;
    struct error err;
    strcpy(directory, "/tmp/sockerless-full-XXXXXX");
    if (!mkdtemp(directory) || unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("disk", directory, "tmpfs", 0, "size=6m"))
        fail_msg("this test needs to mount: %s", strerror(errno));
    assert_int_equal(store_open(directory, &store, &err), 0);
    return 0;
}

static int disk_teardown(void **state)
{
    (void)state;
    store_close(store);
    if (umount(directory) || rmdir(directory))
        fail_msg("%s: %s", directory, strerror(errno));
    return 0;
}

static void disk_fill(void)
{
    static const char zeros[4096];
    AUTO_FREE char *path = xasprintf("%s/filler", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof zeros) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void disk_free(void)
{
    AUTO_FREE char *path = xasprintf("%s/filler", directory);
    assert_int_equal(unlink(path), 0);
}

static int put(unsigned number, Sockerless__ContainerState state, struct error *err)
{
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    Sockerless__Container view = SOCKERLESS__CONTAINER__INIT;
    Sockerless__ContainerRecord rec = SOCKERLESS__CONTAINER_RECORD__INIT;
    char id[65], text[TEXT + 1];
    snprintf(id, sizeof id, "%064x", number);
    memset(text, 'x', TEXT);
    text[TEXT] = '\0';
    view.id = id;
    view.name = (char *)"web";
    view.config = &config;
    view.host = &host;
    view.state = state;
    config.hostname = text;
    rec.container = &view;
    return store_container_put(store, &rec, err);
}

static int delete (unsigned number, struct error *err)
{
    char id[65];
    snprintf(id, sizeof id, "%064x", number);
    return store_container_delete(store, id, err);
}

static unsigned found;

static void count_row(void *arg, const struct stored_container *row)
{
    Sockerless__ContainerState *state = arg;
    assert_false(row->damaged);
    assert_int_equal(row->record->container->state, *state);
    found++;
}

/* All are in that state. */
static unsigned rows(Sockerless__ContainerState state)
{
    struct error err;
    found = 0;
    assert_int_equal(store_container_each(store, count_row, &state, &err), 0);
    return found;
}

static void fill_with_rows(void)
{
    struct error err;
    for (unsigned i = 0; i < ROWS; i++)
        assert_int_equal(put(i, SOCKERLESS__CONTAINER_STATE__CREATED, &err), 0);
}

static void reopen(void)
{
    struct error err;
    store_close(store);
    disk_fill(); /* with what the closing has freed */
    if (store_open(directory, &store, &err))
        fail_msg("%s", err.message);
}

TEST_USING(disk, a_store_opens_on_a_full_disk)
{
    fill_with_rows();
    reopen();
    assert_int_equal(rows(SOCKERLESS__CONTAINER_STATE__CREATED), ROWS);
}

TEST_USING(disk, everything_can_be_removed)
{
    struct error err;
    fill_with_rows();
    disk_fill();
    for (int again = 0; again < 2; again++, reopen()) {
        unsigned half = ROWS / 2;
        for (unsigned i = again * half; i < (again + 1) * half; i++)
            if (put(i, SOCKERLESS__CONTAINER_STATE__REMOVING, &err) || delete (i, &err))
                fail_msg("row %u: %s", i, err.message);
        assert_int_equal(rows(SOCKERLESS__CONTAINER_STATE__CREATED), ROWS - (again + 1) * half);
    }
}

TEST_USING(disk, everything_can_change)
{
    struct error err;
    fill_with_rows();
    disk_fill();
    for (unsigned i = 0; i < ROWS; i++)
        if (put(i, SOCKERLESS__CONTAINER_STATE__EXITED, &err))
            fail_msg("row %u: %s", i, err.message);
    assert_int_equal(rows(SOCKERLESS__CONTAINER_STATE__EXITED), ROWS);
}

TEST_USING(disk, what_is_new_is_refused_until_there_is_room)
{
    struct error err;
    unsigned n = 0;
    disk_fill();
    while (n < 10 * ROWS && put(n, SOCKERLESS__CONTAINER_STATE__CREATED, &err) == 0)
        n++;
    assert_true(n < 10 * ROWS);
    if (!strstr(err.message, "full; free some space"))
        fail_msg("%s", err.message);
    disk_free();
    assert_int_equal(put(n, SOCKERLESS__CONTAINER_STATE__CREATED, &err), 0);
    assert_int_equal(rows(SOCKERLESS__CONTAINER_STATE__CREATED), n + 1);
}

TEST_GROUP(NULL, NULL);
