/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/ask.h"

#include <stdlib.h>

void ask_forget(void)
{
    if (rig.reply)
        sockerless__reply__free_unpacked(rig.reply, NULL);
    rig.reply = NULL;
    rig.answered = false;
    rig.err.code = ERROR_NONE;
    rig.err.message[0] = '\0';
}

static void on_answer(void *arg, const Sockerless__Reply *reply, const struct error *err)
{
    (void)arg;
    rig.answered = true;
    if (err) {
        rig.err = *err;
        return;
    }
    size_t len = sockerless__reply__get_packed_size(reply);
    uint8_t *packed = xmalloc(len + 1);
    sockerless__reply__pack(reply, packed);
    rig.reply = sockerless__reply__unpack(NULL, len, packed);
    free(packed);
}

const Sockerless__Reply *ask(Sockerless__Request *request)
{
    ask_forget();
    rpc_call(rig.client, request, 0, on_answer, NULL);
    run_until(rig.answered);
    return rig.reply;
}

void ask_expect_error(enum error_code code, const char *message)
{
    assert_string_equal(rig.err.message, message);
    assert_int_equal(rig.err.code, code);
}

/* ---- containers ---- */

const Sockerless__Reply *ask_with(Sockerless__Request__OpCase op, void *message)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    request.op_case = op;
    request.info = message; /* a member of the union of pointers */
    return ask(&request);
}

const Sockerless__Reply *ask_create(const char *name, Sockerless__ContainerConfig *config,
                                    Sockerless__HostOptions *host)
{
    Sockerless__ContainerCreateRequest r = SOCKERLESS__CONTAINER_CREATE_REQUEST__INIT;
    if (name)
        r.name = (char *)name;
    r.config = config;
    r.host = host;
    return ask_with(SOCKERLESS__REQUEST__OP_CONTAINER_CREATE, &r);
}

const Sockerless__Reply *ask_start(const char *ref)
{
    Sockerless__ContainerStartRequest r = SOCKERLESS__CONTAINER_START_REQUEST__INIT;
    r.ref = (char *)ref;
    return ask_with(SOCKERLESS__REQUEST__OP_CONTAINER_START, &r);
}

const Sockerless__Reply *ask_stop(const char *ref)
{
    Sockerless__ContainerStopRequest r = SOCKERLESS__CONTAINER_STOP_REQUEST__INIT;
    r.ref = (char *)ref;
    return ask_with(SOCKERLESS__REQUEST__OP_CONTAINER_STOP, &r);
}

const Sockerless__Reply *ask_remove(const char *ref, bool force)
{
    Sockerless__ContainerRemoveRequest r = SOCKERLESS__CONTAINER_REMOVE_REQUEST__INIT;
    r.ref = (char *)ref;
    r.force = force;
    return ask_with(SOCKERLESS__REQUEST__OP_CONTAINER_REMOVE, &r);
}

const Sockerless__Reply *ask_inspect(const char *ref)
{
    Sockerless__ContainerInspectRequest r = SOCKERLESS__CONTAINER_INSPECT_REQUEST__INIT;
    r.ref = (char *)ref;
    return ask_with(SOCKERLESS__REQUEST__OP_CONTAINER_INSPECT, &r);
}

const Sockerless__Reply *ask_image_inspect(const char *ref)
{
    Sockerless__ImageInspectRequest r = SOCKERLESS__IMAGE_INSPECT_REQUEST__INIT;
    r.ref = (char *)ref;
    return ask_with(SOCKERLESS__REQUEST__OP_IMAGE_INSPECT, &r);
}

/* ---- lists ---- */

enum { FILTERS_MAX = ASK_FILTER_WORDS / 2 };

static struct {
    Sockerless__Filter filters[FILTERS_MAX], *list[FILTERS_MAX];
    char *values[FILTERS_MAX][FILTERS_MAX];
    size_t count;
} built;

static void filters_build(ask_filters words)
{
    built.count = 0;
    for (size_t i = 0; i < ASK_FILTER_WORDS && words[i]; i += 2) {
        size_t f = 0;
        while (f < built.count && strcmp(built.filters[f].key, words[i]) != 0)
            f++;
        if (f == built.count) {
            sockerless__filter__init(&built.filters[f]);
            built.filters[f].key = (char *)words[i];
            built.filters[f].values = built.values[f];
            built.list[f] = &built.filters[f];
            built.count++;
        }
        built.values[f][built.filters[f].n_values++] = (char *)words[i + 1];
    }
}

const Sockerless__Reply *ask_list(bool all, int32_t limit, ask_filters filters)
{
    Sockerless__ContainerListRequest r = SOCKERLESS__CONTAINER_LIST_REQUEST__INIT;
    filters_build(filters);
    r.all = all;
    r.limit = limit;
    r.filters = built.list;
    r.n_filters = built.count;
    return ask_with(SOCKERLESS__REQUEST__OP_CONTAINER_LIST, &r);
}

const Sockerless__Reply *ask_image_list(ask_filters filters)
{
    Sockerless__ImageListRequest r = SOCKERLESS__IMAGE_LIST_REQUEST__INIT;
    filters_build(filters);
    r.filters = built.list;
    r.n_filters = built.count;
    return ask_with(SOCKERLESS__REQUEST__OP_IMAGE_LIST, &r);
}

const Sockerless__Reply *ask_image_prune(ask_filters filters)
{
    Sockerless__ImagePruneRequest r = SOCKERLESS__IMAGE_PRUNE_REQUEST__INIT;
    filters_build(filters);
    r.filters = built.list;
    r.n_filters = built.count;
    return ask_with(SOCKERLESS__REQUEST__OP_IMAGE_PRUNE, &r);
}

const Sockerless__Reply *ask_image_tag(const char *ref, const char *repo, const char *tag)
{
    Sockerless__ImageTagRequest r = SOCKERLESS__IMAGE_TAG_REQUEST__INIT;
    r.ref = (char *)ref;
    r.repo = (char *)repo;
    r.tag = (char *)tag;
    return ask_with(SOCKERLESS__REQUEST__OP_IMAGE_TAG, &r);
}

const Sockerless__Reply *ask_image_remove(const char *ref, bool force)
{
    Sockerless__ImageRemoveRequest r = SOCKERLESS__IMAGE_REMOVE_REQUEST__INIT;
    r.ref = (char *)ref;
    r.force = force;
    return ask_with(SOCKERLESS__REQUEST__OP_IMAGE_REMOVE, &r);
}

const Sockerless__Reply *ask_image_history(const char *ref)
{
    Sockerless__ImageHistoryRequest r = SOCKERLESS__IMAGE_HISTORY_REQUEST__INIT;
    r.ref = (char *)ref;
    return ask_with(SOCKERLESS__REQUEST__OP_IMAGE_HISTORY, &r);
}
