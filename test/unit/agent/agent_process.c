/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes on the loop, without server and sessions: streams, terminal, exit codes, start
 * failures, descriptors, signals, users.
 */
#include "base/alloc.h"
#include "test/kit/process_rig.h"
#include "test/kit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct process_rig *const f = &process_rig;

TEST_RIG(fixture, process_rig_open(), process_rig_close());

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define OPTIONS(...) ((struct process_options){__VA_ARGS__})
#define NO_OPTIONS ((struct process_options){0})

static void run_script(struct process_options options, const char *script)
{
    struct error err;
    if (process_rig_start(options, ARGV("/bin/sh", "-c", script), &err))
        fail_msg("%s", err.message);
    process_rig_wait(&f->ended);
}

TEST_USING(fixture, streams_and_exit_code)
{
    run_script(NO_OPTIONS, "echo out; echo err >&2; cat; exit 9");
    assert_string_equal(f->out.data, "out\n");
    assert_string_equal(f->err.data, "err\n");
    assert_int_equal(f->code, 9);
}

TEST_USING(fixture, killed)
{
    run_script(NO_OPTIONS, "kill -TERM $$");
    assert_int_equal(f->code, 143);
    assert_int_equal(f->signal, SIGTERM);
}

/* Nothing of the parent's leaks in: descriptors, signal mask, ignored signals. */
TEST_USING(fixture, clean_start)
{
    sigset_t set;
    int leaky = open("/dev/null", O_RDONLY); /* without close-on-exec */
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    run_script(NO_OPTIONS, "ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    /* 3 is the directory that ls reads */
    assert_string_equal(f->out.data, "0\n1\n2\n3\nSigBlk:\t0000000000000000\n"
                                     "SigIgn:\t0000000000000000\n");
    close(leaky);
}

TEST_USING(fixture, terminal)
{
    run_script(OPTIONS(.tty = true, .height = 50, .width = 100),
               "stty size; echo err >&2; echo $TERM; exit 3");
    assert_string_equal(f->out.data, "50 100\r\nerr\r\nxterm\r\n");
    assert_int_equal(f->err.len, 0);
    assert_int_equal(f->code, 3);
}

static void check_failure(struct process_options options, const char *const *argv, int code,
                          const char *text)
{
    struct error err;
    process_rig_open();
    assert_int_equal(process_rig_start(options, argv, &err), code);
    assert_string_equal(err.message, text);
    process_rig_close();
}

TEST(start_failures)
{
    check_failure(NO_OPTIONS, ARGV("nope"), 127,
                  "exec: \"nope\": executable file not found in $PATH: unknown");
    check_failure(NO_OPTIONS, ARGV(""), 127,
                  "exec: \"\": executable file not found in $PATH: unknown");
    check_failure(NO_OPTIONS, ARGV("/nope"), 127,
                  "exec: \"/nope\": stat /nope: no such file or directory: unknown");
    check_failure(NO_OPTIONS, ARGV("./n\"o"), 127,
                  "exec: \"./n\\\"o\": stat ./n\"o: no such file or directory: unknown");
    check_failure(NO_OPTIONS, ARGV("/etc"), 126, "exec: \"/etc\": permission denied: unknown");
    check_failure(NO_OPTIONS, ARGV("/etc/passwd"), 126,
                  "exec: \"/etc/passwd\": permission denied: unknown");
    check_failure(OPTIONS(.tty = true), ARGV("nope"), 127,
                  "exec: \"nope\": executable file not found in $PATH: unknown");
    check_failure(OPTIONS(.workdir = "/nodir"), ARGV("pwd"), 127,
                  "chdir to cwd (\"/nodir\") set in config.json failed: no such file or directory: "
                  "unknown");
    check_failure(OPTIONS(.workdir = "/dev/null/x", .make_workdir = true), ARGV("pwd"), 127,
                  "error during container init: mkdir /dev/null/x: not a directory: unknown");
    check_failure(OPTIONS(.user = "no-such-user"), ARGV("id"), 128,
                  "unable to find user no-such-user: no matching entries in passwd file");
}

/* Found, but no program: as with runc the process says so itself. */
TEST_USING(fixture, not_a_program)
{
    struct error err;
    char path[] = "/tmp/agent-process-XXXXXX", text[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "garbage", 7), 7);
    assert_int_equal(fchmod(fd, 0755), 0);
    close(fd);
    assert_int_equal(process_rig_start(NO_OPTIONS, ARGV(path), &err), 0);
    process_rig_wait(&f->ended);
    snprintf(text, sizeof text, "exec %s: exec format error\n", path);
    assert_string_equal(f->err.data, text);
    assert_int_equal(f->code, 1);
    unlink(path);
}

TEST_USING(fixture, workdir_is_made)
{
    char base[] = "/tmp/agent-process-XXXXXX", deep[64], expected[80];
    assert_non_null(mkdtemp(base));
    snprintf(deep, sizeof deep, "%s/a/b", base);
    run_script(OPTIONS(.workdir = deep, .make_workdir = true), "pwd; cd /; rmdir -p $OLDPWD");
    snprintf(expected, sizeof expected, "%s\n", deep);
    assert_string_equal(f->out.data, expected);
}

TEST_USING(fixture, stdin_backpressure)
{
    struct error err;
    enum { TOTAL = 2 * 1024 * 1024 };
    assert_int_equal(process_rig_start(OPTIONS(.open_stdin = true),
                                       ARGV("/bin/sh", "-c", "sleep 0.05; cat; exit 0"), &err),
                     0);
    char *bytes = malloc(TOTAL);
    assert_non_null(bytes);
    for (size_t i = 0; i < TOTAL; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    assert_false(process_stdin(f->process, bytes, TOTAL));
    process_stdin_close(f->process);
    process_stdin(f->process, "dropped", 7);
    process_rig_wait(&f->stdin_ready);
    process_rig_wait(&f->ended);
    assert_int_equal(f->out.len, TOTAL);
    assert_memory_equal(f->out.data, bytes, TOTAL);
    free(bytes);
}

/* Without room nothing is read, and what is in the pipe at the end comes nevertheless. */
TEST_USING(fixture, output_waits_for_room)
{
    f->room = 0;
    run_script(NO_OPTIONS, "echo kept");
    assert_string_equal(f->out.data, "kept\n");
}

/* Also when the program has closed its stdin. */
TEST_USING(fixture, closed_stdin_is_no_error)
{
    struct error err;
    static char bytes[600 * 1024];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(process_rig_start(OPTIONS(.open_stdin = true),
                                       ARGV("/bin/sh", "-c", "exec <&-; echo ok"), &err),
                     0);
    process_stdin(f->process, bytes, sizeof bytes);
    process_rig_wait(&f->ended);
    assert_string_equal(f->out.data, "ok\n");
}

TEST_USING(fixture, user_owns_his_streams)
{
    if (geteuid() != 0)
        return; /* needs the right to become somebody */
    run_script(OPTIONS(.user = "12345:54321", .open_stdin = true),
               "id -u; id -g; id -G; echo $HOME; echo again > /dev/stdout; "
               "echo again > /proc/self/fd/2");
    assert_string_equal(f->out.data, "12345\n54321\n54321\n/\nagain\n");
    assert_string_equal(f->err.data, "again\n");
}
