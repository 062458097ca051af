/* SPDX-License-Identifier: Apache-2.0
 *
 * The start-up script, run by real shells with stand-ins for curl and wget: the agent gets any
 * argument as it is, the checksum counts, and every failure has an exit code of its own.
 */
#include "backend-cloudrun/cloudrun_startup.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The agent of the tests prints its arguments, a NUL after each. */
#define AGENT "#!/bin/sh\nprintf '%s\\0' \"$@\"\nexit 7\n"

static char directory[64];

static char *path_of(const char *name)
{
    return xasprintf("%s/%s", directory, name);
}

static void write_program(const char *name, const char *text)
{
    AUTO_FREE char *path = path_of(name);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    chmod(path, 0755);
}

static void link_tool(const char *name)
{
    static const char *const places[] = {"/bin", "/usr/bin"};
    AUTO_FREE char *bin = xasprintf("bin/%s", name);
    AUTO_FREE char *at = path_of(bin);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        AUTO_FREE char *from = xasprintf("%s/%s", places[i], name);
        if (access(from, X_OK) == 0 && symlink(from, at) == 0)
            return;
    }
    fail_msg("%s is missing here", name);
}

static int fixture_setup(void **state)
{
    (void)state;
    static const char *const tools[] = {"rm", "chmod", "cat", "sha256sum"};
    strcpy(directory, "/tmp/sockerless-start-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    AUTO_FREE char *bin = path_of("bin");
    mkdir(bin, 0755);
    for (size_t i = 0; i < ARRAY_LEN(tools); i++)
        link_tool(tools[i]);
    write_program("agent", AGENT);
    return 0;
}

static int fixture_teardown(void **state)
{
    (void)state;
    AUTO_FREE char *command = xasprintf("rm -rf '%s'", directory);
    return system(command);
}

/* A downloader that copies the agent to where -o or -O says, and notes what it was asked. */
static void install_downloader(const char *name, const char *option)
{
    AUTO_FREE char *bin = xasprintf("bin/%s", name);
    AUTO_FREE char *text =
        xasprintf("#!/bin/sh\nfor a in \"$@\"; do echo \"$a\" >> %s/asked; done\n"
                  "while [ $# -gt 0 ]; do\n"
                  "  case $1 in %s) cat %s/agent > \"$2\"; exit 0;; esac\n  shift\ndone\nexit 1\n",
                  directory, option, directory);
    write_program(bin, text);
}

/* Run the script with these arguments; what the agent printed is in out. The exit code. */
static int run(const struct cloudrun_config *config, char *const *args, char *out, size_t size,
               size_t *len)
{
    AUTO(buf) struct buf script = BUF_INIT;
    AUTO_FREE char *path = xasprintf("PATH=%s/bin", directory);
    char *argv[16] = {"sh", "-c", NULL, "sockerless"};
    char *env[] = {path, "s=mine", NULL};
    int fds[2], status;
    size_t n = 4;
    cloudrun_startup_script(config, &script);
    argv[2] = script.data;
    for (; args && *args; args++)
        argv[n++] = *args;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        execve("/bin/sh", argv, env);
        _exit(99);
    }
    close(fds[1]);
    *len = 0;
    for (ssize_t got; (got = read(fds[0], out + *len, size - *len - 1)) > 0;)
        *len += (size_t)got;
    out[*len] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    unlink("/tmp/.sockerless-agent-x");
    AUTO_FREE char *leftover = xasprintf("/tmp/.sockerless-agent-%d", (int)pid);
    unlink(leftover);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct cloudrun_config config_of(const char *sha256)
{
    return (struct cloudrun_config){.agent_url = "http://example.test/a'gent;$(exit 9)",
                                    .agent_sha256 = (char *)sha256};
}

TEST_USING(fixture, any_argument_survives)
{
    char *args[] = {"--",        "a b",  "it's",         "$HOME `id` $(id)",
                    "\"\\n\\\\", "\n\t", "*?[x]; & | >", "\xc3\xa9!#",
                    "",          NULL};
    char out[4096];
    size_t len, at = 0;
    struct cloudrun_config config = config_of(NULL);
    install_downloader("curl", "-o");
    assert_int_equal(run(&config, args, out, sizeof out, &len), 7);
    for (char **a = args; *a; a++) {
        assert_true(at < len);
        assert_string_equal(out + at, *a);
        at += strlen(*a) + 1;
    }
    assert_int_equal(at, len);
    AUTO_FREE char *asked = path_of("asked");
    AUTO_FREE char *command =
        xasprintf("grep -qxF 'http://example.test/a'\\''gent;$(exit 9)' '%s'", asked);
    assert_int_equal(system(command), 0); /* the URL, too */
}

TEST_USING(fixture, wget_serves_as_well)
{
    char *args[] = {"--keep-alive", "--", NULL};
    char out[4096];
    size_t len;
    struct cloudrun_config config = config_of(NULL);
    install_downloader("wget", "-O");
    assert_int_equal(run(&config, args, out, sizeof out, &len), 7);
    assert_string_equal(out, "--keep-alive");
}

/* As static builds of busybox do. */
TEST_USING(fixture, wget_that_crashes_is_run_without_timeout)
{
    char out[4096];
    size_t len;
    AUTO_FREE char *text =
        xasprintf("#!/bin/sh\nfor a in \"$@\"; do [ \"$a\" != -T ] || kill -SEGV $$; done\n"
                  "while [ \"$1\" != -O ]; do shift; done\ncat %s/agent > \"$2\"\n",
                  directory);
    struct cloudrun_config config = config_of(NULL);
    write_program("bin/wget", text);
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 7);
    write_program("bin/wget", "#!/bin/sh\necho asked\nexit 4\n");
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 122);
    assert_null(strstr(strstr(out, "asked") + 1, "asked"));
}

TEST_USING(fixture, the_checksum_counts)
{
    char out[4096], sum[65] = "";
    size_t len;
    AUTO_FREE char *command = xasprintf("sha256sum %s/agent", directory);
    FILE *p = popen(command, "r");
    assert_int_equal(fscanf(p, "%64s", sum), 1);
    pclose(p);
    install_downloader("curl", "-o");
    struct cloudrun_config config = config_of(sum);
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 7);
    sum[0] = sum[0] == 'a' ? 'b' : 'a';
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 123);
    assert_non_null(strstr(out, "checksum"));
    AUTO_FREE char *tool = path_of("bin/sha256sum");
    unlink(tool);
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 124);
}

TEST_USING(fixture, failures_are_clear)
{
    char out[4096];
    size_t len;
    struct cloudrun_config config = config_of(NULL);
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 121);
    assert_non_null(strstr(out, "neither curl nor wget"));
    write_program("bin/curl", "#!/bin/sh\nexit 22\n");
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 122);
    assert_non_null(strstr(out, "could not be downloaded"));
    bool layer = false;
    assert_non_null(strstr(cloudrun_startup_reason(121, &layer), "SOCKERLESS_GCR_AGENT_REGISTRY"));
    assert_true(layer);
    assert_non_null(strstr(cloudrun_startup_reason(122, &layer), "AGENT_GCS_BUCKET"));
    assert_false(layer);
    assert_null(cloudrun_startup_reason(0, &layer));
    assert_null(cloudrun_startup_reason(125, &layer));
}

/* The account's token goes to Cloud Storage, and nowhere else. */
/* The start-up command where the metadata server answers so. */
static void storage_with(const char *answer, bool authorized)
{
    char out[4096];
    size_t len;
    struct cloudrun_config config = {.gcs_bucket = "b-1", .gcs_object = "a"};
    AUTO_FREE char *text =
        xasprintf("#!/bin/sh\nfor a in \"$@\"; do echo \"$a\" >> %s/asked; done\n"
                  "what=$*; while [ \"$1\" != -o ]; do shift; done\ncase $what in\n"
                  "*metadata*) [ -n \"$no_proxy\" ] && printf '%%s' '%s' > \"$2\";;\n"
                  "*) [ -z \"$no_proxy\" ] && cat %s/agent > \"$2\";;\nesac\n",
                  directory, answer, directory);
    write_program("bin/curl", text);
    AUTO_FREE char *grep = xasprintf("touch %s/asked; grep -qxF 'Authorization: Bearer ya29.T-1' "
                                     "%s/asked; code=$?; rm %s/asked; exit $code",
                                     directory, directory, directory);
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 7);
    assert_int_equal(system(grep) == 0, authorized);
}

TEST_USING(fixture, answers_of_the_metadata_server)
{
    storage_with("{\"access_token\":\"ya29.T-1\",\"expires_in\":9}", true);
    storage_with("{ \"expires_in\" : 9, \"access_token\" : \"ya29.T-1\" }", true);
    storage_with("{}", false);
    storage_with("", false);
    storage_with("{\n\"access_token\"", false);
}

TEST_USING(fixture, the_token_goes_to_storage_only)
{
    char out[4096];
    size_t len;
    AUTO_FREE char *text =
        xasprintf("#!/bin/sh\nfor a in \"$@\"; do echo \"$a\" >> %s/asked; done\ncase \"$*\" in\n"
                  "*metadata*) while [ \"$1\" != -o ]; do shift; done\n"
                  "  printf '{\"access_token\":\"ya29.T-1\",\"expires_in\":9}' > \"$2\";;\n"
                  "*) while [ \"$1\" != -o ]; do shift; done; cat %s/agent > \"$2\";;\nesac\n",
                  directory, directory);
    write_program("bin/curl", text);
    struct cloudrun_config config = {.gcs_bucket = "b-1", .gcs_object = "dir/agent x"};
    AUTO_FREE char *url = cloudrun_startup_url(&config);
    assert_string_equal(
        url, "https://storage.googleapis.com/storage/v1/b/b-1/o/dir%2Fagent%20x?alt=media");
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 7);
    AUTO_FREE char *grep =
        xasprintf("grep -qxF 'Authorization: Bearer ya29.T-1' %s/asked", directory);
    assert_int_equal(system(grep), 0);
    AUTO_FREE char *again = xasprintf("rm %s/asked", directory);
    assert_int_equal(system(again), 0);
    config = config_of(NULL);
    assert_int_equal(run(&config, NULL, out, sizeof out, &len), 7);
    AUTO_FREE char *none = xasprintf("grep -q 'Authorization\\|metadata' %s/asked", directory);
    assert_int_not_equal(system(none), 0);
}
