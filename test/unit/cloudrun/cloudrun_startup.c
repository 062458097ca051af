/* SPDX-License-Identifier: Apache-2.0
 *
 * The start-up script: the agent gets any argument as it is, the checksum counts, and every failure
 * has an exit code of its own.
 */
#include "base/alloc.h"
#include "test/kit/startup_rig.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct cloudrun_config config_of(const char *sha256)
{
    return (struct cloudrun_config){.agent_url = "http://example.test/a'gent;$(exit 9)",
                                    .agent_sha256 = (char *)sha256};
}

TEST_USING(startup_rig, any_argument_survives)
{
    char *args[] = {"--",        "a b",  "it's",         "$HOME `id` $(id)",
                    "\"\\n\\\\", "\n\t", "*?[x]; & | >", "\xc3\xa9!#",
                    "",          NULL};
    size_t at = 0;
    struct cloudrun_config config = config_of(NULL);
    startup_rig_downloader("curl", "-o");
    assert_int_equal(startup_rig_run(&config, args), 7);
    for (char **a = args; *a; a++) {
        assert_true(at < startup_rig.len);
        assert_string_equal(startup_rig.out + at, *a);
        at += strlen(*a) + 1;
    }
    assert_int_equal(at, startup_rig.len);
    AUTO_FREE char *asked = startup_rig_path("asked");
    AUTO_FREE char *command =
        xasprintf("grep -qxF 'http://example.test/a'\\''gent;$(exit 9)' '%s'", asked);
    assert_int_equal(system(command), 0); /* the URL, too */
}

TEST_USING(startup_rig, wget_serves_as_well)
{
    char *args[] = {"--keep-alive", "--", NULL};
    struct cloudrun_config config = config_of(NULL);
    startup_rig_downloader("wget", "-O");
    assert_int_equal(startup_rig_run(&config, args), 7);
    assert_string_equal(startup_rig.out, "--keep-alive");
}

/* As static builds of busybox do. */
TEST_USING(startup_rig, wget_that_crashes_is_run_without_timeout)
{
    AUTO_FREE char *text =
        xasprintf("#!/bin/sh\nfor a in \"$@\"; do [ \"$a\" != -T ] || kill -SEGV $$; done\n"
                  "while [ \"$1\" != -O ]; do shift; done\ncat %s/agent > \"$2\"\n",
                  startup_rig.directory);
    struct cloudrun_config config = config_of(NULL);
    startup_rig_write("bin/wget", text);
    assert_int_equal(startup_rig_run(&config, NULL), 7);
    startup_rig_write("bin/wget", "#!/bin/sh\necho asked\nexit 4\n");
    assert_int_equal(startup_rig_run(&config, NULL), 122);
    assert_null(strstr(strstr(startup_rig.out, "asked") + 1, "asked"));
}

TEST_USING(startup_rig, the_checksum_counts)
{
    char sum[65] = "";
    AUTO_FREE char *command = xasprintf("sha256sum %s/agent", startup_rig.directory);
    FILE *p = popen(command, "r");
    assert_int_equal(fscanf(p, "%64s", sum), 1);
    pclose(p);
    startup_rig_downloader("curl", "-o");
    struct cloudrun_config config = config_of(sum);
    assert_int_equal(startup_rig_run(&config, NULL), 7);
    sum[0] = sum[0] == 'a' ? 'b' : 'a';
    assert_int_equal(startup_rig_run(&config, NULL), 123);
    assert_non_null(strstr(startup_rig.out, "checksum"));
    AUTO_FREE char *tool = startup_rig_path("bin/sha256sum");
    unlink(tool);
    assert_int_equal(startup_rig_run(&config, NULL), 124);
}

TEST_USING(startup_rig, failures_are_clear)
{
    struct cloudrun_config config = config_of(NULL);
    assert_int_equal(startup_rig_run(&config, NULL), 121);
    assert_non_null(strstr(startup_rig.out, "neither curl nor wget"));
    startup_rig_write("bin/curl", "#!/bin/sh\nexit 22\n");
    assert_int_equal(startup_rig_run(&config, NULL), 122);
    assert_non_null(strstr(startup_rig.out, "could not be downloaded"));
    bool layer = false;
    assert_non_null(strstr(cloudrun_startup_reason(121, &layer), "SOCKERLESS_GCR_AGENT_REGISTRY"));
    assert_true(layer);
    assert_non_null(strstr(cloudrun_startup_reason(122, &layer), "AGENT_GCS_BUCKET"));
    assert_false(layer);
    assert_null(cloudrun_startup_reason(0, &layer));
    assert_null(cloudrun_startup_reason(125, &layer));
}

/* The start-up command where the metadata server answers so. */
static void storage_with(const char *answer, bool authorized)
{
    struct cloudrun_config config = {.gcs_bucket = "b-1", .gcs_object = "a"};
    AUTO_FREE char *text =
        xasprintf("#!/bin/sh\nfor a in \"$@\"; do echo \"$a\" >> %s/asked; done\n"
                  "what=$*; while [ \"$1\" != -o ]; do shift; done\ncase $what in\n"
                  "*metadata*) [ -n \"$no_proxy\" ] && printf '%%s' '%s' > \"$2\";;\n"
                  "*) [ -z \"$no_proxy\" ] && cat %s/agent > \"$2\";;\nesac\n",
                  startup_rig.directory, answer, startup_rig.directory);
    startup_rig_write("bin/curl", text);
    AUTO_FREE char *grep =
        xasprintf("touch %s/asked; grep -qxF 'Authorization: Bearer ya29.T-1' "
                  "%s/asked; code=$?; rm %s/asked; exit $code",
                  startup_rig.directory, startup_rig.directory, startup_rig.directory);
    assert_int_equal(startup_rig_run(&config, NULL), 7);
    assert_int_equal(system(grep) == 0, authorized);
}

TEST_USING(startup_rig, answers_of_the_metadata_server)
{
    storage_with("{\"access_token\":\"ya29.T-1\",\"expires_in\":9}", true);
    storage_with("{ \"expires_in\" : 9, \"access_token\" : \"ya29.T-1\" }", true);
    storage_with("{}", false);
    storage_with("", false);
    storage_with("{\n\"access_token\"", false);
}

TEST_USING(startup_rig, the_token_goes_to_storage_only)
{
    AUTO_FREE char *text =
        xasprintf("#!/bin/sh\nfor a in \"$@\"; do echo \"$a\" >> %s/asked; done\ncase \"$*\" in\n"
                  "*metadata*) while [ \"$1\" != -o ]; do shift; done\n"
                  "  printf '{\"access_token\":\"ya29.T-1\",\"expires_in\":9}' > \"$2\";;\n"
                  "*) while [ \"$1\" != -o ]; do shift; done; cat %s/agent > \"$2\";;\nesac\n",
                  startup_rig.directory, startup_rig.directory);
    startup_rig_write("bin/curl", text);
    struct cloudrun_config config = {.gcs_bucket = "b-1", .gcs_object = "dir/agent x"};
    AUTO_FREE char *url = cloudrun_startup_url(&config);
    assert_string_equal(
        url, "https://storage.googleapis.com/storage/v1/b/b-1/o/dir%2Fagent%20x?alt=media");
    assert_int_equal(startup_rig_run(&config, NULL), 7);
    AUTO_FREE char *grep =
        xasprintf("grep -qxF 'Authorization: Bearer ya29.T-1' %s/asked", startup_rig.directory);
    assert_int_equal(system(grep), 0);
    AUTO_FREE char *again = xasprintf("rm %s/asked", startup_rig.directory);
    assert_int_equal(system(again), 0);
    config = config_of(NULL);
    assert_int_equal(startup_rig_run(&config, NULL), 7);
    AUTO_FREE char *none =
        xasprintf("grep -q 'Authorization\\|metadata' %s/asked", startup_rig.directory);
    assert_int_not_equal(system(none), 0);
}
