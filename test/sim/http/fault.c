/* SPDX-License-Identifier: Apache-2.0
 * Fault injection; see fault.h. */
#include "test/sim/http/fault.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FAULTS_MAX = 1024 };

struct fault_list {
    pthread_mutex_t lock;
    struct fault faults[FAULTS_MAX];
    size_t count;
};

struct fault_list *fault_list_new(void)
{
    struct fault_list *list = NEW(struct fault_list);
    pthread_mutex_init(&list->lock, NULL);
    return list;
}

void fault_list_free(struct fault_list *list)
{
    if (!list)
        return;
    pthread_mutex_destroy(&list->lock);
    free(list);
}

static bool kind_parse(const char *text, enum fault_kind *out)
{
#define X(name, word)                                                                              \
    if (!strcmp(text, word)) {                                                                     \
        *out = name;                                                                               \
        return true;                                                                               \
    }
    FAULT_KINDS(X)
#undef X
    return false;
}

static void copy_member(char *out, size_t size, const json_t *object, const char *key)
{
    snprintf(out, size, "%s", str_or_empty(json_string_value(json_object_get(object, key))));
}

static int parse_one(const json_t *object, struct fault *out, struct error *err)
{
    const char *kind = json_string_value(json_object_get(object, "kind"));
    *out = (struct fault){.count = 1};
    if (!kind || !kind_parse(kind, &out->kind))
        return error_set(err, ERROR_INVALID_PARAMETER, "fault: unknown kind \"%s\"",
                         str_or_empty(kind));
    copy_member(out->operation, sizeof out->operation, object, "operation");
    if (!*out->operation)
        return error_set(err, ERROR_INVALID_PARAMETER, "fault: operation is missing");
    copy_member(out->code, sizeof out->code, object, "code");
    copy_member(out->message, sizeof out->message, object, "message");
    if (json_object_get(object, "count"))
        out->count = (long)json_integer_value(json_object_get(object, "count"));
    out->status = (int)json_integer_value(json_object_get(object, "status"));
    out->latency_ms = (long)json_integer_value(json_object_get(object, "latency_ms"));
    return 0;
}

static int add_locked(struct fault_list *list, const json_t *array, struct error *err)
{
    size_t n = json_array_size(array);
    if (list->count + n > FAULTS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "more than %d faults", FAULTS_MAX);
    for (size_t i = 0; i < n; i++)
        if (parse_one(json_array_get(array, i), &list->faults[list->count + i], err))
            return -1;
    list->count += n;
    return 0;
}

int fault_list_add(struct fault_list *list, const json_t *faults, struct error *err)
{
    json_t *array =
        json_is_array(faults) ? json_incref((json_t *)faults) : json_pack("[O]", (json_t *)faults);
    pthread_mutex_lock(&list->lock);
    int rc = add_locked(list, array, err);
    pthread_mutex_unlock(&list->lock);
    json_decref(array);
    return rc;
}

void fault_list_clear(struct fault_list *list)
{
    pthread_mutex_lock(&list->lock);
    list->count = 0;
    pthread_mutex_unlock(&list->lock);
}

static bool matches(const struct fault *f, const char *service, const char *operation)
{
    const char *dot = strchr(f->operation, '.');
    if (dot && (strlen(service) != (size_t)(dot - f->operation) ||
                strncmp(f->operation, service, (size_t)(dot - f->operation)) != 0))
        return false;
    const char *name = dot ? dot + 1 : f->operation;
    return !strcmp(name, "*") || !strcmp(name, operation);
}

size_t fault_list_count(struct fault_list *list)
{
    pthread_mutex_lock(&list->lock);
    size_t count = list->count;
    pthread_mutex_unlock(&list->lock);
    return count;
}

bool fault_list_take(struct fault_list *list, const char *service, const char *operation,
                     struct fault *out)
{
    bool found = false;
    pthread_mutex_lock(&list->lock);
    for (size_t i = 0; i < list->count && !found; i++) {
        struct fault *f = &list->faults[i];
        if (!matches(f, service, operation))
            continue;
        found = true;
        *out = *f;
        if (--f->count <= 0) {
            memmove(f, f + 1, (list->count - i - 1) * sizeof *f);
            list->count--;
        }
    }
    pthread_mutex_unlock(&list->lock);
    return found;
}

void fault_delay(const atomic_bool *closing, long ms)
{
    int64_t until = time_mono_ms() + ms;
    while (!*closing && time_mono_ms() < until) {
        int64_t left = until - time_mono_ms();
        usleep((useconds_t)(left < 100 ? left : 100) * 1000);
    }
}

const char *fault_text(const char *text, const char *fallback)
{
    return *text ? text : fallback;
}
