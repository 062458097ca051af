/* SPDX-License-Identifier: Apache-2.0
 *
 * User lookup with Docker's rules.
 */
#include "agent/user.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/agent-user-XXXXXX";
static char passwd[64], group[64], fifo[64];

static const char passwd_text[] = "root:x:0:0:root:/root:/bin/sh\n"
                                  "# comment\n"
                                  "\n"
                                  "broken line\n"
                                  "app:x:1000:1001:App:/home/app:/bin/sh\n"
                                  "1002:x:70:71::/numeric:\n"
                                  "nohome:x:1003:1003:::\n"
                                  "other:x:1000:5:second with the uid:/other:\n"
                                  "last:x:1004:1004::/last:/bin/sh"; /* no newline */
static const char group_text[] = "root:x:0:\n"
                                 "staff:x:50:app,nohome\n"
                                 "app:x:1001:\n"
                                 "docker:x:999:x,app\n"
                                 "application:x:998:application\n"
                                 "bad:x:abc:app\n";

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(passwd, sizeof passwd, "%s/passwd", directory);
    snprintf(group, sizeof group, "%s/group", directory);
    snprintf(fifo, sizeof fifo, "%s/fifo", directory);
    write_file(passwd, passwd_text);
    write_file(group, group_text);
    return mkfifo(fifo, 0600);
}

static int teardown(void **state)
{
    (void)state;
    unlink(passwd);
    unlink(group);
    unlink(fifo);
    return rmdir(directory);
}

static void check(const char *spec, uid_t uid, gid_t gid, const char *home, const char *groups)
{
    struct user_identity u;
    struct error err;
    char text[256] = "";
    if (user_resolve(spec, passwd, group, &u, &err))
        fail_msg("%s: %s", spec, err.message);
    for (size_t i = 0; i < u.group_count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%u ", (unsigned)u.groups[i]);
    assert_int_equal(u.uid, uid);
    assert_int_equal(u.gid, gid);
    assert_string_equal(u.home, home);
    assert_string_equal(text, groups);
    user_identity_free(&u);
}

TEST(found)
{
    check("", 0, 0, "/root", "0 ");
    check("root", 0, 0, "/root", "0 ");
    check("app", 1000, 1001, "/home/app", "50 999 1001 ");
    check("1000", 1000, 1001, "/home/app", "50 999 1001 "); /* the first entry with the uid */
    check("app:", 1000, 1001, "/home/app", "50 999 1001 ");
    check("app:docker", 1000, 999, "/home/app", "999 "); /* a given group is the only one */
    check("app:12345", 1000, 12345, "/home/app", "12345 ");
    check("app:0", 1000, 0, "/home/app", "0 ");
    check("app:0:x", 1000, 0, "/home/app", "0 "); /* the rest is ignored */
    check("4321", 4321, 0, "/", "0 ");
    check("4321:50", 4321, 50, "/", "50 ");
    check("4321:staff", 4321, 50, "/", "50 ");
    check("1002", 70, 71, "/numeric", "71 "); /* a name of digits wins */
    check("nohome", 1003, 1003, "/", "50 1003 ");
    check("last", 1004, 1004, "/last", "1004 ");
}

/* Like check(), with further groups, and their errors. */
static void check_added(const char *spec, const char *added, const char *want)
{
    struct user_identity u;
    struct error err;
    char text[256] = "";
    assert_int_equal(user_resolve(spec, passwd, group, &u, &err), 0);
    if (user_add_groups(&u, added, group, &err)) {
        assert_string_equal(err.message, want);
        user_identity_free(&u);
        return;
    }
    for (size_t i = 0; i < u.group_count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%u ", (unsigned)u.groups[i]);
    assert_string_equal(text, want);
    assert_int_equal(u.groups_added, *added != '\0');
    user_identity_free(&u);
}

TEST(added_groups)
{
    check_added("app", "", "50 999 1001 ");
    check_added("", "staff:4242", "0 50 4242 ");
    check_added("4321:50", "docker:50:docker", "50 999 ");
    check_added("", "nope", "Unable to find group nope: no matching entries in group file");
    check_added("", "1::2", "Unable to find group : no matching entries in group file");
    check_added("", "-1", "uids and gids must be in range 0-2147483647");
    check_added("", "2147483648", "uids and gids must be in range 0-2147483647");
}

static void check_error(const char *spec, const char *text)
{
    struct user_identity u;
    struct error err;
    assert_int_equal(user_resolve(spec, passwd, group, &u, &err), -1);
    assert_string_equal(err.message, text);
}

TEST(not_found)
{
    check_error("nope", "unable to find user nope: no matching entries in passwd file");
    check_error("app:nope", "unable to find group nope: no matching entries in group file");
    check_error("-5", "uids and gids must be in range 0-2147483647");
    check_error("99999999999", "uids and gids must be in range 0-2147483647");
    check_error("app:99999999999", "uids and gids must be in range 0-2147483647");
}

TEST(without_files)
{
    struct user_identity u;
    struct error err;
    const char *const nothing[] = {"/nonexistent/passwd", directory, fifo, "/dev/zero"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(user_resolve("", nothing[i], nothing[i], &u, &err), 0);
        assert_int_equal(u.uid, 0);
        assert_string_equal(u.home, "/");
        user_identity_free(&u);
        assert_int_equal(user_resolve("12:34", nothing[i], nothing[i], &u, &err), 0);
        assert_int_equal(u.gid, 34);
        assert_int_equal(u.group_count, 1);
        assert_int_equal(u.groups[0], 34);
        user_identity_free(&u);
        assert_int_equal(user_resolve("root", nothing[i], nothing[i], &u, &err), -1);
    }
}

TEST_GROUP(setup, teardown);
