/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/registry_process.h"

#include "test/kit/free_port.h"
#include "test/kit/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A registry whose log nobody reads stops when the pipe is full. */
static void *registry_drain(void *arg)
{
    struct registry_process *r = arg;
    FILE *log = fdopen(dup(r->log), "r");
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, log) > 0) {
        const char *wanted = r->watch_for; /* tests set it while the registry runs */
        r->seen += wanted && strstr(line, wanted);
    }
    free(line);
    fclose(log);
    return NULL;
}

static void registry_await(struct registry_process *r)
{
    char text[8192] = "";
    size_t have = 0;
    while (!strstr(text, "listening on")) {
        if (have > sizeof text / 2) { /* keep the end: the words may be split */
            memmove(text, text + have - 64, 65);
            have = 64;
        }
        ssize_t n = read(r->log, text + have, sizeof text - have - 1);
        if (n <= 0)
            fail_msg("docker-registry did not start: %s", text);
        have += (size_t)n;
        text[have] = '\0';
    }
}

static void registry_write_config(const struct registry_process *r, const char *path,
                                  const char *data, const char *more)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out,
            "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n"
            "    rootdirectory: %s\nhttp:\n  addr: %s\n%s",
            data, r->host, more);
    fclose(out);
}

void registry_start_with(struct registry_process *r, const char *directory, const char *name,
                         const char *more)
{
    int log[2];
    char config[256], data[256];
    r->port = free_port();
    snprintf(r->host, sizeof r->host, "127.0.0.1:%d", r->port);
    snprintf(config, sizeof config, "%s/%s.yml", directory, name);
    snprintf(data, sizeof data, "%s/%s", directory, name);
    registry_write_config(r, config, data, more);
    assert_int_equal(pipe(log), 0);
    r->pid = fork();
    if (r->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves none behind */
        dup2(log[1], 1);
        dup2(log[1], 2);
        close(log[0]);
        close(log[1]);
        unsetenv("REGISTRY_HTTP_ADDR");
        execlp("docker-registry", "docker-registry", "serve", config, (char *)NULL);
        dprintf(2, "docker-registry is not installed: apt-get install docker-registry\n");
        _exit(127);
    }
    close(log[1]);
    r->log = log[0];
    registry_await(r);
    assert_int_equal(pthread_create(&r->drain, NULL, registry_drain, r), 0);
}

void registry_start(struct registry_process *r, const char *directory, const char *name)
{
    registry_start_with(r, directory, name, "");
}

void registry_stop(struct registry_process *r)
{
    if (!r->pid)
        return;
    kill(r->pid, SIGKILL);
    waitpid(r->pid, NULL, 0);
    pthread_join(r->drain, NULL);
    close(r->log);
    r->pid = 0;
}
