/* SPDX-License-Identifier: Apache-2.0
 * The journal; see journal.h. O_APPEND and one write a line: lines never mix. */
#include "test/sim/http/journal.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct journal {
    int fd;
    pthread_mutex_t lock; /* a large line may take several writes */
};

struct journal *journal_open(const char *path, struct error *err)
{
    struct journal *j = NEW(struct journal);
    j->fd = -1;
    pthread_mutex_init(&j->lock, NULL);
    if (!str_empty(path)) {
        j->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (j->fd < 0) {
            error_set(err, ERROR_SYSTEM,
                      "--journal: \"%s\" cannot be written: %s; give the path of a file that can "
                      "be made",
                      path, strerror(errno));
            journal_close(j);
            return NULL;
        }
    }
    return j;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static void write_value(struct json_writer *w, const char *key, const char *json)
{
    json_key(w, key);
    if (str_empty(json))
        json_put_null(w);
    else
        json_raw(w, json, strlen(json));
}

void journal_write(struct journal *j, const char *service, const char *operation,
                   const char *request, int status, const char *response)
{
    if (j->fd < 0)
        return;
    struct buf line = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &line);
    json_object_open(&w);
    json_member_string(&w, "service", service);
    json_member_string(&w, "operation", operation);
    write_value(&w, "request", request);
    json_member_int(&w, "status", status);
    write_value(&w, "response", response);
    json_object_close(&w);
    buf_putc(&line, '\n');
    pthread_mutex_lock(&j->lock);
    for (size_t done = 0; done < line.len;) {
        ssize_t n = write(j->fd, line.data + done, line.len - done);
        if (n <= 0 && errno != EINTR) {
            log_warn("journal not written", LOG_STR("error", strerror(errno)));
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    pthread_mutex_unlock(&j->lock);
    buf_free(&line);
}
