/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's layer; see agent_layer.h. Compressing takes longer than the loop may be held, so it
 * is done in libuv's thread pool.
 */
#include "backend/inject/agent_layer.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "oci/archive/agent_layer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_MAX_HERE = 4096 };

/* Beside this program unless configured. */
static int agent_path(const struct backend *b, char out[PATH_MAX_HERE], struct error *err)
{
    if (!str_empty(b->config->agent_binary)) {
        snprintf(out, PATH_MAX_HERE, "%s", b->config->agent_binary);
        return 0;
    }
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX_HERE - 32);
    char *slash = n > 0 ? memrchr(out, '/', (size_t)n) : NULL;
    if (!slash)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "cannot tell where this program is: set SOCKERLESS_AGENT_BINARY");
    strcpy(slash, "/sockerless-agent");
    return 0;
}

struct making {
    uv_work_t work;
    struct agent_layer *owner;
    const char *path;
    struct archive_layer layer;
    void *bytes;
    size_t len;
    int rc;
    bool over;
    struct error err;
};

static void make_in_pool(uv_work_t *work)
{
    struct making *m = CONTAINER_OF(work, struct making, work);
    m->rc = agent_layer_make(m->path, AGENT_IMAGE_PATH, &m->layer, &m->bytes, &m->len, &m->err);
}

static void on_made(uv_work_t *work, int status)
{
    struct making *m = CONTAINER_OF(work, struct making, work);
    (void)status;
    m->over = true;
    co_cond_broadcast(&m->owner->made);
}

/* The pool works on this function's memory: it waits for it whatever happens. */
static int co_make(struct backend *b, struct agent_layer *a, const char *path,
                   const struct stat *file, struct error *err)
{
    struct making m = {.owner = a, .path = path, .rc = -1};
    int rc = uv_queue_work(&b->loop->uv, &m.work, make_in_pool, on_made);
    if (rc)
        return error_set(err, ERROR_SYSTEM, "thread pool: %s", uv_strerror(rc));
    a->making = true;
    while (!m.over)
        co_cond_join(&a->made);
    a->making = false;
    if (m.rc) {
        *err = m.err;
        return error_wrap(err, "agent layer");
    }
    free(a->bytes);
    a->layer = m.layer;
    a->bytes = m.bytes;
    a->len = m.len;
    a->changed = file->st_mtim;
    a->file_size = file->st_size;
    log_info("agent layer made", LOG_STR("file", path), LOG_STR("digest", a->layer.digest),
             LOG_INT("size", a->layer.size));
    return 0;
}

static bool is_current(const struct agent_layer *a, const struct stat *file)
{
    return a->bytes && a->file_size == file->st_size && a->changed.tv_sec == file->st_mtim.tv_sec &&
           a->changed.tv_nsec == file->st_mtim.tv_nsec;
}

int co_agent_layer_update(struct backend *b, struct agent_layer *a, struct error *err)
{
    char path[PATH_MAX_HERE];
    struct stat file;
    if (agent_path(b, path, err))
        return -1;
    for (;;) {
        while (a->making)
            co_cond_join(&a->made);
        if (stat(path, &file))
            return error_errno(err, ERROR_INVALID_PARAMETER, errno,
                               "the agent for images is not at %s (set SOCKERLESS_AGENT_BINARY)",
                               path);
        if (is_current(a, &file))
            return 0;
        if (!a->making) {
            int rc = co_make(b, a, path, &file, err);
            co_cond_broadcast(&a->made); /* whoever else waits looks again */
            return rc;
        }
    }
}

void agent_layer_fini(struct agent_layer *a)
{
    free(a->bytes);
}
