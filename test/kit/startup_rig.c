/* SPDX-License-Identifier: Apache-2.0
 * The start-up script, run by real shells; see startup_rig.h. */
#include "test/kit/startup_rig.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The agent of the tests prints its arguments, a NUL after each. */
#define AGENT "#!/bin/sh\nprintf '%s\\0' \"$@\"\nexit 7\n"

struct startup_rig startup_rig;

char *startup_rig_path(const char *name)
{
    return xasprintf("%s/%s", startup_rig.directory, name);
}

void startup_rig_write(const char *name, const char *text)
{
    AUTO_FREE char *path = startup_rig_path(name);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    chmod(path, 0755);
}

static void link_tool(const char *name)
{
    static const char *const places[] = {"/bin", "/usr/bin"};
    AUTO_FREE char *bin = xasprintf("bin/%s", name);
    AUTO_FREE char *at = startup_rig_path(bin);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        AUTO_FREE char *from = xasprintf("%s/%s", places[i], name);
        if (access(from, X_OK) == 0 && symlink(from, at) == 0)
            return;
    }
    fail_msg("%s is missing here", name);
}

int startup_rig_setup(void **state)
{
    (void)state;
    static const char *const tools[] = {"rm", "chmod", "cat", "sha256sum"};
    strcpy(startup_rig.directory, "/tmp/sockerless-start-XXXXXX");
    if (!mkdtemp(startup_rig.directory))
        return -1;
    AUTO_FREE char *bin = startup_rig_path("bin");
    mkdir(bin, 0755);
    for (size_t i = 0; i < ARRAY_LEN(tools); i++)
        link_tool(tools[i]);
    startup_rig_write("agent", AGENT);
    return 0;
}

int startup_rig_teardown(void **state)
{
    (void)state;
    AUTO_FREE char *command = xasprintf("rm -rf '%s'", startup_rig.directory);
    return system(command);
}

void startup_rig_downloader(const char *name, const char *option)
{
    AUTO_FREE char *bin = xasprintf("bin/%s", name);
    AUTO_FREE char *text =
        xasprintf("#!/bin/sh\nfor a in \"$@\"; do echo \"$a\" >> %s/asked; done\n"
                  "while [ $# -gt 0 ]; do\n"
                  "  case $1 in %s) cat %s/agent > \"$2\"; exit 0;; esac\n  shift\ndone\nexit 1\n",
                  startup_rig.directory, option, startup_rig.directory);
    startup_rig_write(bin, text);
}

int startup_rig_run(const struct cloudrun_config *config, char *const *args)
{
    AUTO(buf) struct buf script = BUF_INIT;
    AUTO_FREE char *path = xasprintf("PATH=%s/bin", startup_rig.directory);
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
    startup_rig.len = 0;
    for (ssize_t got; (got = read(fds[0], startup_rig.out + startup_rig.len,
                                  sizeof startup_rig.out - startup_rig.len - 1)) > 0;)
        startup_rig.len += (size_t)got;
    startup_rig.out[startup_rig.len] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    unlink("/tmp/.sockerless-agent-x");
    AUTO_FREE char *leftover = xasprintf("/tmp/.sockerless-agent-%d", (int)pid);
    unlink(leftover);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
