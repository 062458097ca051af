/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses to listen on: what is an address, which ones other machines reach, and what may be in
 * the way of a unix socket. /run is a tmpfs of the test's own.
 */
#include "base/listen_address.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PLACE LISTEN_DEFAULT_DIRECTORY "/socket"

static struct error err;

static int run_setup(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("run", "/run", "tmpfs", 0, "size=1m"))
        fail_msg("this test needs to mount: %s", strerror(errno));
    return 0;
}

static int run_teardown(void **state)
{
    (void)state;
    return umount2("/run", MNT_DETACH);
}

static bool parses(const char *url, struct listen_address *a)
{
    return listen_address_parse(url, "unix://", a, &err) == 0;
}

TEST(addresses)
{
    struct listen_address a;
    char longest[] =
        "unix:///xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    assert_true(parses("unix:///run/a b", &a));
    assert_string_equal(a.path, "/run/a b");
    assert_false(a.is_tcp);
    longest[strlen("unix://") + LISTEN_PATH_MAX] = '\0';
    assert_true(parses(longest, &a));
    assert_true(parses("tcp://[::1]:2375", &a));
    assert_string_equal(a.host, "::1");
    assert_int_equal(a.port, 2375);
    assert_true(parses("tcp://localhost:0", &a));
    assert_true(parses("tcp://:1", &a));
    assert_string_equal(a.host, "");
    static const char *const wrong[] = {
        "",           "/run/a",      "unix://",    "unix://a",      "unix:///",   "ipc:///run/a",
        "tcp://host", "tcp://host:", "tcp://h:-1", "tcp://h:65536", "tcp://h:1x", "http://h:1",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (parses(wrong[i], &a))
            fail_msg("\"%s\" is accepted", wrong[i]);
    memset(longest + strlen(longest), 'x', 1);
    assert_false(parses(longest, &a));
    assert_non_null(strstr(err.message, "107"));
}

TEST(what_other_machines_reach_is_refused)
{
    static const char *const inside[] = {"tcp://127.0.0.1:1", "tcp://127.9.9.9:1", "tcp://[::1]:1",
                                         "tcp://localhost:1", "unix:///run/a"};
    static const char *const outside[] = {"tcp://0.0.0.0:1", "tcp://:1", "tcp://[::]:1",
                                          "tcp://192.0.2.1:1", "tcp://127.example:1"};
    struct listen_address a;
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        assert_true(parses(inside[i], &a));
        assert_int_equal(listen_address_check_exposure(&a, false, &err), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        assert_true(parses(outside[i], &a));
        assert_int_equal(listen_address_check_exposure(&a, false, &err), -1);
        assert_non_null(strstr(err.message, "--insecure-tcp"));
        assert_int_equal(listen_address_check_exposure(&a, true, &err), 0);
    }
}

static int prepare(const char *path)
{
    struct listen_address a = {0};
    strcpy(a.path, path);
    return listen_address_prepare(&a, &err);
}

/* Bound to PLACE, and listening or dead. */
static int make_socket(bool dead)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = PLACE};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    if (!dead)
        return fd;
    close(fd);
    return -1;
}

TEST_USING(run, the_default_directory_is_made)
{
    struct stat st;
    assert_int_equal(prepare(PLACE), 0);
    assert_int_equal(stat(LISTEN_DEFAULT_DIRECTORY, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(prepare(PLACE), 0);
    assert_int_equal(prepare("/run/elsewhere/socket"), -1);
    assert_non_null(strstr(err.message, "no such directory: /run/elsewhere"));
}

TEST_USING(run, only_a_dead_socket_is_removed)
{
    struct stat st;
    assert_int_equal(prepare(PLACE), 0);
    int fd = make_socket(false);
    assert_int_equal(prepare(PLACE), -1);
    assert_int_equal(err.code, ERROR_CONFLICT);
    assert_int_equal(lstat(PLACE, &st), 0);
    close(fd);
    assert_int_equal(prepare(PLACE), 0);
    assert_int_equal(lstat(PLACE, &st), -1);
    make_socket(true);
    assert_int_equal(prepare(PLACE), 0);
}

TEST_USING(run, other_files_stay)
{
    struct stat st;
    assert_int_equal(prepare(PLACE), 0);
    close(open(PLACE, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(prepare(PLACE), -1);
    assert_int_equal(lstat(PLACE, &st), 0);
    assert_int_equal(prepare(PLACE "/below"), -1);
    assert_non_null(strstr(err.message, "not a directory"));
    unlink(PLACE);
    assert_int_equal(symlink("/nonexistent", PLACE), 0);
    assert_int_equal(prepare(PLACE), -1);
    assert_int_equal(lstat(PLACE, &st), 0);
    unlink(PLACE);
    assert_int_equal(mkdir(PLACE, 0700), 0);
    assert_int_equal(prepare(PLACE), -1);
}

TEST_GROUP(NULL, NULL);
