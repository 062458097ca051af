/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the kernel's count of OOM kills, as the files of both versions of cgroups have it.
 */
#include "agent/oom_counter.h"
#include "base/alloc.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

TEST(counts)
{
    static const struct {
        const char *file, *text;
        int64_t kills;
    } cases[] = {
        {"memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n", 2},
        {"memory.events", "low 0\noom 1\noom_kill 0\n", 0},
        {"memory.events", "low 0\noom 1\n", -1},
        {"memory.events", "", -1},
        {"memory.events", "oom_kill many\n", -1},
        {"memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", 1},
        {"memory/memory.oom_control", "oom_kill_disable 1\nunder_oom 1\n", -1},
    };
    char dir[] = "/tmp/agent-oom-XXXXXX";
    assert_non_null(mkdtemp(dir));
    AUTO_FREE char *memory = xasprintf("%s/memory", dir);
    assert_int_equal(mkdir(memory, 0700), 0);
    assert_int_equal(oom_counter_read(dir), -1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, cases[i].file);
        write_text(path, cases[i].text);
        assert_int_equal(oom_counter_read(dir), cases[i].kills);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(memory) | rmdir(dir), 0);
}
