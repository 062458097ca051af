/* SPDX-License-Identifier: Apache-2.0
 *
 * create is repeated by a frontend whose connection broke: none of them may be run twice, however
 * many were unanswered, and also when the backend was killed in between.
 */
#include "test/kit/ask.h"

#include "backend/daemon/reconcile.h"
#include "test/kit/test.h"

enum { CREATES = 300, REQUEST_ID_LEN = 16, CORRELATION_LEN = 8 };

static struct {
    struct channel *channel;
    unsigned answered, refused;
    char ids[CREATES][ID_HEX_LEN + 1]; /* of the answer with that number */
} frontend;

static void frontend_frame(void *owner, const struct frame *f)
{
    uint64_t number;
    (void)owner;
    assert_int_equal(f->type, FRAME_RPC_REPLY);
    memcpy(&number, f->payload, CORRELATION_LEN);
    assert_true(number < CREATES);
    Sockerless__Reply *reply =
        sockerless__reply__unpack(NULL, f->len - CORRELATION_LEN, f->payload + CORRELATION_LEN);
    assert_non_null(reply);
    if (reply->result_case == SOCKERLESS__REPLY__RESULT_CONTAINER_CREATE)
        snprintf(frontend.ids[number], sizeof frontend.ids[number], "%s",
                 reply->container_create->id);
    else
        frontend.refused++;
    frontend.answered++;
    sockerless__reply__free_unpacked(reply, NULL);
}

static void frontend_closed(void *owner, const struct error *why)
{
    (void)owner;
    (void)why;
    frontend.channel = NULL;
}

static void frontend_dial(void)
{
    static const struct channel_events events = {.frame = frontend_frame,
                                                 .closed = frontend_closed};
    struct error err;
    memset(&frontend, 0, sizeof frontend);
    assert_int_equal(channel_dial(&rig.loop, rig.url, NULL, &events, NULL, &frontend.channel, &err),
                     0);
}

static void frontend_leave(void)
{
    channel_abort(frontend.channel);
    run_until(!frontend.channel);
}

/* The request with that number: the same id each time it is sent. */
static void send_create(uint64_t number)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerCreateRequest create = SOCKERLESS__CONTAINER_CREATE_REQUEST__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    unsigned char id[REQUEST_ID_LEN] = {1};
    memcpy(id + 8, &number, sizeof number);
    config.image = (char *)"app:1";
    create.config = &config;
    request.id = (ProtobufCBinaryData){sizeof id, id};
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_CREATE;
    request.container_create = &create;
    channel_send_message(frontend.channel, FRAME_RPC_REQUEST, &number, CORRELATION_LEN,
                         &request.base);
}

static void send_all(void)
{
    for (uint64_t i = 0; i < CREATES; i++)
        send_create(i);
    run_until(frontend.answered == CREATES);
}

static void add_image(void)
{
    RIG_IMAGE(.id = "sha256:876e60f58c2a6914ec94ee141884264274399d328d030d3fae1fb733d01560a4",
              .tags = {"app:1"});
}

/* What a new process would know. */
static void backend_restarts(void)
{
    struct error err;
    backend_rig_reload_images();
    container_table_fini(&rig.backend.containers);
    container_table_init(&rig.backend.containers);
    assert_int_equal(reconcile_load(&rig.backend, &err), 0);
}

static int fixture_setup(void **state)
{
    memset(&frontend, 0, sizeof frontend);
    return backend_rig_setup(state);
}

static int fixture_teardown(void **state)
{
    if (frontend.channel)
        frontend_leave();
    return backend_rig_teardown(state);
}

TEST_USING(fixture, all_are_repeated)
{
    char(*first)[ID_HEX_LEN + 1] = xmalloc(sizeof frontend.ids);
    add_image();
    frontend_dial();
    send_all();
    assert_int_equal(rig.backend.containers.count, CREATES);
    memcpy(first, frontend.ids, sizeof frontend.ids);
    frontend_leave();
    backend_restarts();
    frontend_dial();
    send_all();
    assert_int_equal(frontend.refused, 0);
    assert_int_equal(rig.backend.containers.count, CREATES);
    assert_memory_equal(first, frontend.ids, sizeof frontend.ids);
    frontend_leave();
    free(first);
}

/* A removed container is not returned: another one is made. */
TEST_USING(fixture, removed_is_not_found_again)
{
    char first[ID_HEX_LEN + 1];
    struct error err;
    add_image();
    frontend_dial();
    send_create(7);
    run_until(frontend.answered == 1);
    strcpy(first, frontend.ids[7]);
    struct container *c = container_find(&rig.backend.containers, first, &err);
    assert_non_null(c);
    container_table_remove(&rig.backend.containers, c);
    container_unref(c);
    send_create(7);
    run_until(frontend.answered == 2);
    assert_int_equal(frontend.refused, 0);
    assert_string_not_equal(first, frontend.ids[7]);
    assert_int_equal(rig.backend.containers.count, 1);
    frontend_leave();
}
