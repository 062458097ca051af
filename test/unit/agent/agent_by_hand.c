/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent as people start it in a shell: nobody takes its exit code, so it ends after its process
 * and says itself what failed.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/kit/agent_rig.h"
#include "test/kit/free_port.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static struct {
    struct buf text; /* stdout and stderr */
    int code;
} result;

/* The shell command with $agent: a copy of the program in a folder for everybody. */
static void by_hand(const char *script)
{
    AUTO_FREE char *command = xasprintf(
        "exec 2>&1; dir=$(mktemp -d) && chmod 755 \"$dir\" && '%s' --install \"$dir\" || exit 99\n"
        "agent=$dir/sockerless-agent\nexport SOCKERLESS_AGENT_TOKEN=t SOCKERLESS_AGENT_PORT=%d "
        "SOCKERLESS_AGENT_ADDRESS=127.0.0.1\n%s\ncode=$?\nrm -r \"$dir\"\nexit $code\n",
        agent_binary(), free_port(), script);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    buf_free(&result.text);
    size_t n;
    while ((n = fread(buf_reserve(&result.text, 4096), 1, 4096, f)) > 0)
        buf_commit(&result.text, n);
    buf_append(&result.text, "", 1);
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    result.code = WEXITSTATUS(status);
}

static void assert_said(const char *part)
{
    if (!strstr(result.text.data, part))
        fail_msg("no \"%s\" in: %s", part, result.text.data);
}

/* Ten seconds are less than the fifteen for which an agent keeps the code for a backend. */
TEST(ends_after_its_process)
{
    by_hand("timeout 10 $agent -- sh -c 'echo out; exit 3'");
    assert_int_equal(result.code, 3);
    assert_said("out\n");
}

TEST(a_slow_reader_gets_all)
{
    /* But for the records of the log's own: of the exit code, and those that number the lines. */
    by_hand("$agent -- seq 400000 | { sleep 0.2; grep -vc '^\001'; }");
    assert_said("400000\n");
}

TEST(failures_are_said)
{
    static const struct {
        const char *script, *said;
        int code;
    } cases[] = {
        {"$agent -- no-such-program", "no-such-program\\\": executable file not found in $PATH",
         127},
        {"$agent -- /etc/passwd", "/etc/passwd\\\": permission denied", 126},
        {"SOCKERLESS_AGENT_USER=nosuch $agent -- true", "unable to find user nosuch", 128},
        {"SOCKERLESS_AGENT_WORKDIR=/etc/passwd $agent -- true",
         "mkdir /etc/passwd: not a directory", 127},
        {"SOCKERLESS_AGENT_USER=0 setpriv --reuid 4321 --regid 4322 --clear-groups $agent -- true",
         "setting user 0 and group 0: operation not permitted", 128},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        by_hand(cases[i].script);
        assert_said(cases[i].said);
        if (cases[i].code != result.code)
            fail_msg("%s: code %d: %s", cases[i].script, result.code, result.text.data);
    }
}

TEST(somebody_else_than_root)
{
    by_hand("setpriv --reuid 4321 --regid 4322 --clear-groups $agent -- sh -c 'id -u; id -g'");
    assert_said("4321\n4322\n");
    assert_int_equal(result.code, 0);
}

TEST(without_dev_null)
{
    by_hand("export agent; unshare -m sh -c 'mount -t tmpfs none /dev && exec $agent -- sh -c "
            "\"cat; echo read\"'");
    assert_said("read\n");
    assert_int_equal(result.code, 0);
}
